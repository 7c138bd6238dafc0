/* How a stack of layer directories becomes one tree. A driver is a row of functions; the
 * rest of the store knows nothing of overlays. */
#ifndef CB_STORE_DRIVER_H
#define CB_STORE_DRIVER_H

#include "base/error.h"

/* Directory descriptors, topmost layer first. */
struct cb_stack {
    const int *layers;
    size_t count;
    int upper_fd, work_fd; /* -1: read-only */
    int user_xattrs;       /* overlay's marks are user.overlay.*: in a user namespace */
    int empty_fd;          /* an empty directory, to go below a lonely layer */
    const char
        *mount_point; /* absolute, free: a place for kernels that cannot do without */
    int place_fd;     /* the directory of the topmost of LAYERS's snapshot, for more */
    const char *boot_id;
};

struct cb_snapshot_driver {
    const char *name;
    /* The most layers, without the upper one. */
    unsigned max_layers;
    /* Is a file of this name in a layer a mark of the driver's own? NULL: never. */
    int (*is_mark)(const char *name);
    /* The merged tree, as a descriptor that is attached to no mount namespace. Where the
     * kernel has no such mounts it is attached at mount_point, which then is there, and
     * for the caller to unmount and remove. */
    int (*open_root)(const struct cb_stack *stack, int *fd, struct cb_error **err);
    /* Brings the layer of an active snapshot (a directory, as is its parent's) up to date
     * with what was done in its tree. NULL: it always is. */
    int (*settle)(int snapshot_fd, int parent_fd, const char *boot_id,
                  struct cb_error **err);
    /* Makes a used work directory usable again. */
    int (*reset_work)(int snapshot_fd, struct cb_error **err);
    /* Removes what a mount leaves in it, as far as that is the usual. */
    void (*clear_work)(int snapshot_fd);
    /* Such a directory is as good as a new one, and there is nothing else of a mount. */
    int has_plain_work;
};

/* A second of each kind is the first inside a user namespace, where the kernel keeps its
 * marks in attributes that a user may write. What the one has marked the other does not
 * see. */
extern const struct cb_snapshot_driver cb_driver_overlay, cb_driver_overlay_user,
    cb_driver_fuse, cb_driver_fuse_user, cb_driver_copy, cb_driver_copy_user;

/* The ways to hand layers to the kernel, best first; tests name one. */
enum cb_overlay_way {
    CB_OVERLAY_BY_FD,     /* fsconfig(FSCONFIG_SET_FD, "lowerdir+"), Linux 6.13 */
    CB_OVERLAY_BY_PATH,   /* fsconfig(FSCONFIG_SET_STRING, "lowerdir+",
                             "/proc/self/fd/N"), 6.7 */
    CB_OVERLAY_BY_OPTIONS /* one option string of at most 4000 bytes */
};
/* Ends a mount that could not be detached, and removes its place. */
void cb_mount_point_release(const char *mount_point);
int cb_overlay_mount(const struct cb_stack *stack, enum cb_overlay_way way, int *fd,
                     struct cb_error **err);

#endif
