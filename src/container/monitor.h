/* The process that stays with a container: it owns the container's streams or terminal,
 * log, exit status, limits of time and restarts, and answers on a socket. It is this
 * program, executed once more in a session of its own, so it survives who started it;
 * its container does not survive it. */
#ifndef CB_CONTAINER_MONITOR_H
#define CB_CONTAINER_MONITOR_H

#include "container/record.h"
#include "network/hub.h"

/* argv[0] of such a process; its arguments are the store's root and the container's id,
 * and descriptor 3 leads to who started it. */
#define CB_MONITOR_NAME "cbuild-monitor"
#define CB_MONITOR_FD   3

/* The monitor's life. HUB may be NULL. A failure that who started it was told of is none
 * here. */
int cb_monitor_run(struct cb_launcher *launcher, struct cb_hub *hub,
                   const char *store_root, const char *id, struct cb_cancel *cancel,
                   struct cb_error **err);

#endif
