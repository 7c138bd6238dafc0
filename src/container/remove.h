/* Containers that go. One is gone once its config.json is; what is left then is swept by
 * the next who makes, removes or prunes one. */
#ifndef CB_CONTAINER_REMOVE_H
#define CB_CONTAINER_REMOVE_H

#include "container/record.h"

/* Removes it, which does not run, and with VOLUMES its anonymous volumes. */
int cb_container_remove(struct cb_store *store, struct cb_container *container,
                        int volumes, struct cb_error **err);
/* The same for one that may be started just now: EXISTS if it runs. Waits for the monitor
 * of one that has ended. */
int cb_container_remove_ended(struct cb_store *store, struct cb_container *container,
                              int volumes, struct cb_cancel *cancel,
                              struct cb_error **err);
/* 1: *LOCK is that of its monitor, so nobody starts or removes it; 0: it runs. */
int cb_container_hold_ended(struct cb_container *container, struct cb_cancel *cancel,
                            struct cb_lock **lock, struct cb_error **err);
/* Removes what is left of one whose record cannot be read and whose id begins with
 * PREFIX, if there is just one: returns 1. Else nothing is done: 0. EXISTS if its
 * monitor lives. */
int cb_container_discard(struct cb_store *store, const char *prefix,
                         struct cb_error **err);
/* Its record is gone. */
void cb_container_delist(struct cb_store *store, const struct cb_container *container);

/* ── For who makes or prunes them; the lock of all is held, DIR is where they are ── */
/* What was begun and not ended, and what a foreground that was killed has left. */
void cb_containers_sweep(struct cb_store *store, int dir);
/* All that is left of ID. */
void cb_container_clear_away(struct cb_store *store, int dir, const char *id);

#endif
