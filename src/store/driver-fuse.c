/* fuse-overlayfs: for file systems the kernel's overlay cannot write to (NFS, another
 * overlay) when it may not be asked for more. A program beside us serves each tree; it
 * ends with the last mount of it, so nothing has to be taken down here either. Its format
 * is overlay's, but for two things: an opaque directory is marked by an attribute of its
 * own, and by files in it as well. */
#include "store/driver.h"

#include "base/fs.h"
#include "base/subprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#define MAX_LOWERS     500
#define MOUNT_TIMEOUT  30000
#define HELPER         "fuse-overlayfs"
#define HELPER_MISSING "install the package fuse-overlayfs"

/* Its own name for our descriptor; it opens all before it is done with starting. */
static void add_layer(struct cb_strbuf *options, const char *before, int fd)
{
    cb_strbuf_addf(options, "%s/proc/%d/fd/%d", before, getpid(), fd);
}

/* Without `writeback=0` a file could still be on its way when its layer is read. */
static void fill_options(const struct cb_stack *stack, struct cb_strbuf *options)
{
    cb_strbuf_adds(options, "writeback=0,volatile,lowerdir=");
    for (size_t i = 0; i < stack->count; i++)
        add_layer(options, i ? ":" : "", stack->layers[i]);
    if (stack->upper_fd >= 0) {
        add_layer(options, ",upperdir=", stack->upper_fd);
        add_layer(options, ",workdir=", stack->work_fd);
    }
}

static int start(const char *at, const char *options, struct cb_error **err)
{
    cb_autofree char *program = cb_subprocess_find(HELPER);
    const char *const argv[] = {program, "-o", options, at, NULL};
    struct cb_subprocess_options run = {
        .argv = argv, .cwd_fd = -1, .inherit_fd = -1, .timeout_ms = MOUNT_TIMEOUT};
    cb_auto_value(cb_strbuf) errors = {0};
    int status;

    if (!program) {
        cb_error_set(err, CB_ERR_NOT_FOUND, HELPER " is not installed");
        return cb_error_hint(err, HELPER_MISSING);
    }
    if (cb_subprocess_run(&run, NULL, &errors, &status, err) < 0)
        return -1;
    if (status)
        return cb_error_set(err, CB_ERR_SYSTEM, HELPER ": %s", cb_strbuf_text(&errors));
    return 0;
}

/* Without the calls for it the mount stays where it is, see driver.h. */
static int keep_attached(const char *at, int writable, int *fd, struct cb_error **err)
{
    struct statvfs now;
    unsigned long kept = statvfs(at, &now) < 0 ? 0 : now.f_flag & (MS_NOSUID | MS_NOEXEC);
    unsigned long flags =
        MS_REMOUNT | MS_BIND | MS_NODEV | kept | (writable ? 0 : MS_RDONLY);

    if (mount(NULL, at, NULL, flags, NULL) < 0)
        return cb_error_errno(err, errno, HELPER ": set flags of its mount");
    *fd = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *fd < 0 ? cb_error_errno(err, errno, HELPER ": open its mount") : 0;
}

static int detach(const char *at, int writable, int *fd, struct cb_error **err)
{
    struct mount_attr attr = {.attr_set =
                                  MOUNT_ATTR_NODEV | (writable ? 0 : MOUNT_ATTR_RDONLY)};
    cb_autofd int tree =
        (int)syscall(SYS_open_tree, AT_FDCWD, at, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (tree < 0 ||
        syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
        return cb_error_errno(err, errno, HELPER ": open its mount");
    *fd = cb_steal_fd(&tree);
    return 0;
}

static int fuse_open_root(const struct cb_stack *stack, int *fd, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) options = {0};
    int result, attached = 0;

    fill_options(stack, &options);
    if (mkdir(stack->mount_point, 0700) < 0)
        return cb_error_errno(err, errno, "mkdir `%s`", stack->mount_point);
    result = start(stack->mount_point, options.text, err);
    if (result == 0) {
        cb_auto(cb_error) error = NULL;

        result = detach(stack->mount_point, stack->upper_fd >= 0, fd, &error);
        attached = result < 0 && cb_error_errnum(error) == ENOSYS;
        if (attached)
            result = keep_attached(stack->mount_point, stack->upper_fd >= 0, fd, err);
        else if (result < 0)
            cb_error_move(err, &error);
        if (result < 0 || !attached)
            umount2(stack->mount_point, MNT_DETACH);
    }
    rmdir(stack->mount_point);
    return result;
}

/* The second is how it deletes the first in a layer below. */
static int fuse_is_mark(const char *name)
{
    return strcmp(name, ".wh..wh..opq") == 0 || strcmp(name, ".wh..opq") == 0;
}

static int fuse_reset_work(int snapshot_fd, struct cb_error **err)
{
    return 0;
}

static void fuse_clear_work(int snapshot_fd)
{
    unlinkat(snapshot_fd, "work/work", AT_REMOVEDIR);
}

#define COMMON                                                                      \
    .max_layers = MAX_LOWERS, .is_mark = fuse_is_mark, .open_root = fuse_open_root, \
    .reset_work = fuse_reset_work, .clear_work = fuse_clear_work

const struct cb_snapshot_driver cb_driver_fuse = {.name = "fuse-overlayfs", COMMON};
const struct cb_snapshot_driver cb_driver_fuse_user = {.name = "fuse-overlayfs-userxattr",
                                                       COMMON};
