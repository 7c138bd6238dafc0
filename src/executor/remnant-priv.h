/* What a child that shares others' processes leaves behind, where no control group holds
 * it together. */
#ifndef CB_EXECUTOR_REMNANT_PRIV_H
#define CB_EXECUTOR_REMNANT_PRIV_H

#include "base/error.h"

#include <sys/types.h>

struct cb_remnant {
    int is_watched;
    int mounts_fd; /* the mount namespace that all of them are in */
    int alive_fd;  /* its other end tells the keeper that we are done, or gone */
    pid_t keeper;
};
/* Remembers what CHILD, just cloned with a mount namespace of its own, and all that comes
 * of it can be known by. PROC_FD: a procfs that shows it. */
int cb_remnant_watch(struct cb_remnant *remnant, int proc_fd, pid_t child,
                     struct cb_error **err);
/* Kills all of it and waits for its end. Of one that is not watched: nothing. */
void cb_remnant_end(struct cb_remnant *remnant, int proc_fd);

#endif
