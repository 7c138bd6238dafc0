/* Mounts by descriptor: with the calls that Linux has had since 5.12, or, where these are
 * missing (an older kernel, a filter of an outer container), with mount(2) on
 * /proc/self/fd. There a mount cannot be detached: it waits in a directory of the
 * sandbox's own until it is attached. */
#ifndef CB_EXECUTOR_MOUNT_API_PRIV_H
#define CB_EXECUTOR_MOUNT_API_PRIV_H

#include "base/error.h"

#include <stdint.h>

struct cb_mount_api {
    int legacy;
    int proc_fd;   /* legacy: a procfs, to name descriptors by */
    int slots_fd;  /* legacy: where mounts wait */
    unsigned used; /* slots */
};

/* Does the kernel lack one of the calls? */
int cb_mount_api_is_missing(void);
/* Can something be mounted of a mount that is attached nowhere? Since Linux 6.15. Asked
 * for where the calls are there. */
int cb_mount_api_clones_detached(void);

/* All return a descriptor or 0, and -1 with errno. */

/* A mount of what PATH in DIR_FD is (no link is followed), or with "" of DIR_FD itself,
 * private, with the attributes SET and without CLEAR. */
int cb_tree_clone(struct cb_mount_api *api, int dir_fd, const char *path, int recursive,
                  uint64_t set, uint64_t clear);
/* Attributes of the mount whose root FD is. */
int cb_tree_set(struct cb_mount_api *api, int fd, uint64_t set, uint64_t clear);
/* Attaches it on NAME in DIR_FD, or with "" on DIR_FD itself. */
int cb_tree_attach(struct cb_mount_api *api, int fd, int dir_fd, const char *name);
/* A new filesystem. OPTIONS: "a=b,c". */
int cb_tree_new(struct cb_mount_api *api, const char *type, const char *options,
                uint64_t attributes);

#endif
