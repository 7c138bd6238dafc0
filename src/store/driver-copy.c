/* Copies, for file systems that neither overlay nor fuse-overlayfs can write to, and
 * kernels without both. Layers are kept in overlay's format all the same, so that the
 * rest of the store need not know.
 *
 * The tree of a committed snapshot, its *view*, is made when it is first wanted, of
 * further names of the layers' files, and kept beside the layer for this run of the
 * machine. A tree to write to is a full copy of its parent's view (with the file system's
 * own copies where it has them); copy-record.h notes what it was like, and when somebody
 * wants to see the layer, copy-settle.h finds what has changed since.
 *
 *   snapshots/<id>/fs             the layer
 *   snapshots/<id>/view-<boot>    what it shows, if it was asked for
 *   snapshots/<id>/work/tree      of an active one, once it was opened
 *   snapshots/<id>/work/record    the tree before anybody wrote to it */
#include "store/driver.h"

#include "base/fs.h"
#include "store/copy-record.h"
#include "store/copy-settle.h"
#include "store/copy-tree.h"
#include "store/squash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_LAYERS 500
#define VIEW       "view-"
#define DIRECTORY  (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static int open_directory(int dir_fd, const char *name, int *fd, struct cb_error **err)
{
    *fd = openat(dir_fd, name, DIRECTORY);
    return *fd < 0 ? cb_error_errno(err, errno, "open `%s`", name) : 0;
}

static int make_directory(int dir_fd, const char *name, int *fd, struct cb_error **err)
{
    if (mkdirat(dir_fd, name, 0700) < 0)
        return cb_error_errno(err, errno, "mkdir `%s`", name);
    return open_directory(dir_fd, name, fd, err);
}

/* Whoever makes or settles the tree of a snapshot is alone, in all processes; the lock
 * goes with the descriptor. */
static int lock_directory(int dir_fd, int *lock, struct cb_error **err)
{
    if (open_directory(dir_fd, ".", lock, err) < 0)
        return -1;
    while (flock(*lock, LOCK_EX) < 0) {
        if (errno != EINTR)
            return cb_error_errno(err, errno, "lock a snapshot");
    }
    return 0;
}

/* ── Views ── */

/* Of earlier runs of the machine, whose end may have torn them. */
static int drop_old_views(int place_fd, const char *own, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};

    if (cb_fs_list(place_fd, &names, err) < 0)
        return -1;
    cb_vec_foreach (name, &names) {
        if (strncmp(*name, VIEW, strlen(VIEW)) == 0 && strcmp(*name, own) != 0 &&
            cb_fs_remove_tree(place_fd, *name, err) < 0)
            return -1;
    }
    return 0;
}

static int make_view(const struct cb_stack *stack, int place_fd, const char *name,
                     int *fd, struct cb_error **err)
{
    cb_autofree char *half = xasprintf(VIEW "half-%s", name + strlen(VIEW));
    cb_autofd int new = -1;

    if (drop_old_views(place_fd, name, err) < 0 ||
        make_directory(place_fd, half, &new, err) < 0 ||
        cb_layers_lay(stack->layers, stack->count, new, err) < 0)
        return -1;
    if (renameat(place_fd, half, place_fd, name) < 0)
        return cb_error_errno(err, errno, "rename `%s`", half);
    *fd = cb_steal_fd(&new);
    return 0;
}

static int open_view(const struct cb_stack *stack, int *fd, struct cb_error **err)
{
    cb_autofree char *name = xasprintf(VIEW "%.16s", stack->boot_id);
    cb_autofd int lock = -1;

    *fd = openat(stack->place_fd, name, DIRECTORY);
    if (*fd >= 0)
        return 0;
    if (lock_directory(stack->place_fd, &lock, err) < 0)
        return -1;
    *fd = openat(lock, name, DIRECTORY);
    return *fd >= 0 ? 0 : make_view(stack, lock, name, fd, err);
}

/* A detached mount, as other drivers have it, which keeps steps from opening devices.
 * Where the kernel has none the directory itself has to do. */
static int as_mount(int directory, uint64_t attributes, int *fd, struct cb_error **err)
{
    struct mount_attr attr = {.attr_set = attributes | MOUNT_ATTR_NODEV};
    cb_autofd int tree =
        (int)syscall(SYS_open_tree, directory, "",
                     AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (tree >= 0 &&
        syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == 0) {
        *fd = cb_steal_fd(&tree);
        return 0;
    }
    if (errno != ENOSYS)
        return cb_error_errno(err, errno, "copy: open a tree");
    *fd = openat(directory, ".", DIRECTORY);
    return *fd < 0 ? cb_error_errno(err, errno, "copy: open a tree") : 0;
}

/* ── Trees to write to ── */

/* What was put into the layer before its tree was asked for. */
static int add_upper(const struct cb_stack *stack, int tree, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int upper = -1;

    if (open_directory(stack->upper_fd, ".", &upper, err) < 0 ||
        cb_fs_list(upper, &names, err) < 0)
        return -1;
    return names.count ? cb_layers_lay(&upper, 1, tree, err)
                       : cb_copy_looks(upper, tree, err);
}

static int make_tree(const struct cb_stack *stack, int work, int *fd,
                     struct cb_error **err)
{
    cb_autofd int view = -1, new = -1;

    if (cb_fs_remove_tree(work, "half", err) < 0 || open_view(stack, &view, err) < 0 ||
        make_directory(work, "half", &new, err) < 0 ||
        cb_copy_tree_whole(view, new, NULL, err) < 0 ||
        cb_copy_records_write(new, work, "record", err) < 0 ||
        add_upper(stack, new, err) < 0)
        return -1;
    if (renameat(work, "half", work, "tree") < 0)
        return cb_error_errno(err, errno, "rename `half`");
    *fd = cb_steal_fd(&new);
    return 0;
}

static int open_tree_to_write(const struct cb_stack *stack, int *fd,
                              struct cb_error **err)
{
    cb_autofd int lock = -1;

    if (lock_directory(stack->work_fd, &lock, err) < 0)
        return -1;
    *fd = openat(lock, "tree", DIRECTORY);
    return *fd >= 0 ? 0 : make_tree(stack, lock, fd, err);
}

static int copy_open_root(const struct cb_stack *stack, int *fd, struct cb_error **err)
{
    int writable = stack->upper_fd >= 0;
    cb_autofd int tree = -1;

    if ((writable ? open_tree_to_write(stack, &tree, err)
                  : open_view(stack, &tree, err)) < 0)
        return -1;
    /* A view's files are the layers': nobody may write to them. */
    return as_mount(tree, writable ? 0 : MOUNT_ATTR_RDONLY, fd, err);
}

/* ── The layer ── */

/* The new layer takes the place of the old one, which is emptied. */
static int exchange(int snapshot_fd, int work, struct cb_error **err)
{
    if (renameat2(work, "new", snapshot_fd, "fs", RENAME_EXCHANGE) < 0) {
        if (errno != EINVAL && errno != ENOSYS)
            return cb_error_errno(err, errno, "exchange `fs`");
        if (renameat(snapshot_fd, "fs", work, "old") < 0 ||
            renameat(work, "new", snapshot_fd, "fs") < 0)
            return cb_error_errno(err, errno, "rename `fs`");
    }
    return cb_fs_remove_tree(work, "new", err) < 0 ||
                   cb_fs_remove_tree(work, "old", err) < 0
               ? -1
               : 0;
}

static int copy_settle(int snapshot_fd, int parent_fd, const char *boot_id,
                       struct cb_error **err)
{
    cb_autofree char *view = xasprintf(VIEW "%.16s", boot_id);
    cb_autofd int work = openat(snapshot_fd, "work", DIRECTORY);
    cb_autofd int lock = -1, tree = -1, below = -1, new = -1;
    cb_auto(cb_map) records = NULL;

    if (work < 0 || faccessat(work, "tree", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return 0; /* nobody has opened it */
    below = openat(parent_fd, view, DIRECTORY);
    if (lock_directory(work, &lock, err) < 0 ||
        open_directory(work, "tree", &tree, err) < 0 ||
        cb_copy_records_read(work, "record", &records, err) < 0 ||
        cb_fs_remove_tree(work, "new", err) < 0 ||
        make_directory(work, "new", &new, err) < 0 ||
        cb_copy_settle(tree, records, below, new, err) < 0)
        return -1;
    return exchange(snapshot_fd, work, err);
}

static int copy_reset_work(int snapshot_fd, struct cb_error **err)
{
    return 0;
}

static void copy_clear_work(int snapshot_fd) {}

#define COMMON                                                                    \
    .max_layers = MAX_LAYERS, .open_root = copy_open_root, .settle = copy_settle, \
    .reset_work = copy_reset_work, .clear_work = copy_clear_work

const struct cb_snapshot_driver cb_driver_copy = {.name = "copy", COMMON};
const struct cb_snapshot_driver cb_driver_copy_user = {.name = "copy-userxattr", COMMON};
