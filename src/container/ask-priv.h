/* One question to a container's monitor, one answer. Private to this directory. */
#ifndef CB_CONTAINER_ASK_PRIV_H
#define CB_CONTAINER_ASK_PRIV_H

#include "container/record.h"
#include "container/wire.h"

/* MESSAGE becomes the answer. FD (may be NULL) gets the descriptor that comes with it. */
int cb_monitor_ask(const struct cb_container *container, struct cb_wire_message *message,
                   struct cb_cancel *cancel, int *fd, struct cb_error **err);
/* 1: there was no answer within TIMEOUT_MS. */
int cb_monitor_ask_within(const struct cb_container *container,
                          struct cb_wire_message *message, int timeout_ms, int *fd,
                          struct cb_error **err);

#endif
