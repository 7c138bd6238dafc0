/* A directory tree in a fixed order: depth first, names sorted bytewise, a directory
 * before what is in it. Links are not followed. The order is part of every digest made of
 * it. */
#ifndef CB_STORE_WALK_H
#define CB_STORE_WALK_H

#include "base/cancel.h"
#include "base/error.h"

#include <sys/stat.h>

struct cb_walk_entry {
    const char *path; /* below the top, without leading slash */
    const char *name; /* its last component, in DIR_FD */
    int dir_fd;
    struct stat st;
};

/* The top itself is not visited. VISIT returns 1 to leave a directory's content out. */
int cb_walk(int top_fd,
            int (*visit)(void *arg, const struct cb_walk_entry *entry,
                         struct cb_error **err),
            void *arg, struct cb_cancel *cancel, struct cb_error **err);
/* The same of a tree that others change meanwhile: what vanishes is left out, and so is
 * the content of the kernel's filesystems, which may be mounted in it. */
int cb_walk_changing(int top_fd,
                     int (*visit)(void *arg, const struct cb_walk_entry *entry,
                                  struct cb_error **err),
                     void *arg, struct cb_cancel *cancel, struct cb_error **err);

#endif
