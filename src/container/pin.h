/* The filesystem that a container writes to, and what keeps it in the store. */
#ifndef CB_CONTAINER_PIN_H
#define CB_CONTAINER_PIN_H

#include "container/record.h"

/* SNAPSHOT is kept for as long as the container is there. */
int cb_container_pin(const struct cb_container *container, struct cb_snapshot *snapshot,
                     struct cb_error **err);
/* It is kept no more, and goes. */
void cb_container_unpin(struct cb_store *store, const struct cb_container *container);
/* Nothing keeps that of the container ID any more. */
int cb_container_unpin_id(struct cb_store *store, const char *id, struct cb_error **err);
/* The filesystem it writes to. NOT_FOUND when it is lost. */
int cb_container_snapshot(struct cb_store *store, const struct cb_container *container,
                          struct cb_snapshot **out, struct cb_error **err);

#endif
