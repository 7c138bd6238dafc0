/* The kernel's overlay, as a detached mount.
 *
 * Layers go in one by one as descriptors: mount(2) cuts its option string at 4095 bytes
 * without an error, so that a long stack loses its upper directory or gains the host's
 * root as a layer. Where the kernel cannot take descriptors they are named through
 * /proc/self/fd, which has no colons, commas or backslashes to escape, whatever the store
 * is called; and where it knows no "lowerdir+" the string is refused before it could be
 * cut.
 *
 * Writable mounts are `volatile`: a step that dies is run again, and what it leaves is
 * synced once, when an image comes to rely on it. The kernel marks a volatile work
 * directory as spoilt; the mark is removed before it is used again. */
#include "store/driver.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#define MAX_LOWERS        500
#define MAX_OPTION_STRING 4000

static int fs_open(const char *name)
{
    return (int)syscall(SYS_fsopen, name, FSOPEN_CLOEXEC);
}

static int fs_config(int fs, unsigned command, const char *key, const void *value,
                     int aux)
{
    return (int)syscall(SYS_fsconfig, fs, command, key, value, aux);
}

/* The kernel says what it minded in the context's log, if it says it at all. */
static int refuse(int fs, const char *what, struct cb_error **err)
{
    int saved = errno;
    char message[512];
    ssize_t len = read(fs, message, sizeof(message) - 1);

    if (len <= 2)
        return cb_error_errno(err, saved, "overlay: %s", what);
    message[len] = '\0';
    message[strcspn(message, "\n")] = '\0';
    return cb_error_errno(err, saved, "overlay: %s (%s)", what, message + 2);
}

static int give_layer(int fs, enum cb_overlay_way way, const char *key, int fd,
                      struct cb_error **err)
{
    if (way == CB_OVERLAY_BY_FD) {
        if (fs_config(fs, FSCONFIG_SET_FD, key, NULL, fd) < 0)
            return refuse(fs, key, err);
        return 0;
    }
    if (fs_config(fs, FSCONFIG_SET_STRING, key, cb_fd_path(fd).text, 0) < 0)
        return refuse(fs, key, err);
    return 0;
}

static int give_option(int fs, const char *key, const char *value, struct cb_error **err)
{
    if (fs_config(fs, FSCONFIG_SET_STRING, key, value, 0) < 0)
        return refuse(fs, key, err);
    return 0;
}

/* Options that would make layers depend on each other's history are off, whatever the
 * module's defaults are. */
static int give_options(int fs, const struct cb_stack *stack, struct cb_error **err)
{
    if (give_option(fs, "source", "cbuild", err) < 0 ||
        give_option(fs, "metacopy", "off", err) < 0 ||
        give_option(fs, "redirect_dir", "nofollow", err) < 0 ||
        give_option(fs, "index", "off", err) < 0)
        return -1;
    if (stack->user_xattrs && fs_config(fs, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) < 0)
        return refuse(fs, "userxattr", err);
    if (stack->upper_fd >= 0 && fs_config(fs, FSCONFIG_SET_FLAG, "volatile", NULL, 0) < 0)
        return refuse(fs, "volatile", err);
    return 0;
}

static int give_stack(int fs, const struct cb_stack *stack, enum cb_overlay_way way,
                      struct cb_error **err)
{
    size_t i;

    for (i = 0; i < stack->count; i++) {
        if (give_layer(fs, way, "lowerdir+", stack->layers[i], err) < 0)
            return -1;
    }
    if (stack->upper_fd < 0)
        return stack->count < 2 ? give_layer(fs, way, "lowerdir+", stack->empty_fd, err)
                                : 0;
    if (give_layer(fs, way, "upperdir", stack->upper_fd, err) < 0)
        return cb_error_hint(err, "the store must be on a file system that overlay can "
                                  "write to (ext4, xfs, btrfs, tmpfs): see --root; "
                                  "or install the package fuse-overlayfs before it is "
                                  "made");
    return give_layer(fs, way, "workdir", stack->work_fd, err);
}

static int mount_context(int fs, int writable, int *fd, struct cb_error **err)
{
    unsigned attributes = MOUNT_ATTR_NODEV | (writable ? 0 : MOUNT_ATTR_RDONLY);
    int mount;

    if (fs_config(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return refuse(fs, "mount", err);
    mount = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes);
    if (mount < 0)
        return refuse(fs, "fsmount", err);
    *fd = mount;
    return 0;
}

static int mount_by_layers(const struct cb_stack *stack, enum cb_overlay_way way, int *fd,
                           struct cb_error **err)
{
    cb_autofd int fs = fs_open("overlay");
    int writable = stack->upper_fd >= 0;

    if (fs < 0)
        return cb_error_errno(err, errno, "open overlay file system");
    if (give_options(fs, stack, err) < 0 || give_stack(fs, stack, way, err) < 0)
        return -1;
    return mount_context(fs, writable, fd, err);
}

static int option_string(const struct cb_stack *stack, struct cb_strbuf *out,
                         struct cb_error **err)
{
    size_t i;

    cb_strbuf_adds(out, "metacopy=off,redirect_dir=nofollow,index=off,");
    if (stack->user_xattrs)
        cb_strbuf_adds(out, "userxattr,");
    cb_strbuf_adds(out, "lowerdir=");
    for (i = 0; i < stack->count; i++)
        cb_strbuf_addf(out, "%s/proc/self/fd/%d", i ? ":" : "", stack->layers[i]);
    if (stack->upper_fd >= 0)
        cb_strbuf_addf(out,
                       ",volatile,upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d",
                       stack->upper_fd, stack->work_fd);
    else if (stack->count < 2)
        cb_strbuf_addf(out, ":/proc/self/fd/%d", stack->empty_fd);
    if (out->len > MAX_OPTION_STRING)
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "overlay: %zu layers are more than this kernel takes",
                            stack->count);
    return 0;
}

/* Attached for a moment only, and never seen by a name that exists before or after;
 * unless the kernel cannot detach it: then it stays there, see driver.h. */
static int mount_and_detach(const char *at, const char *options, unsigned long flags,
                            int *fd, struct cb_error **err)
{
    int tree;

    if (syscall(SYS_mount, "cbuild", at, "overlay", flags, options) < 0)
        return cb_error_errno(err, errno, "overlay: mount on `%s`", at);
    tree = (int)syscall(SYS_open_tree, AT_FDCWD, at, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0 && errno == ENOSYS) {
        *fd = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return *fd < 0 ? cb_error_errno(err, errno, "overlay: open `%s`", at) : 0;
    }
    if (tree < 0)
        cb_error_errno(err, errno, "overlay: open_tree");
    else
        *fd = tree;
    umount2(at, MNT_DETACH);
    return tree < 0 ? -1 : 0;
}

void cb_mount_point_release(const char *mount_point)
{
    umount2(mount_point, MNT_DETACH | UMOUNT_NOFOLLOW);
    rmdir(mount_point);
}

/* fsconfig takes strings of 255 bytes, so without "lowerdir+" there is only the old way.
 */
static int mount_by_options(const struct cb_stack *stack, int *fd, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) options = {0};
    unsigned long flags = MS_NODEV | (stack->upper_fd >= 0 ? 0 : MS_RDONLY);
    int result;

    if (option_string(stack, &options, err) < 0)
        return -1;
    if (mkdir(stack->mount_point, 0700) < 0)
        return cb_error_errno(err, errno, "mkdir `%s`", stack->mount_point);
    result = mount_and_detach(stack->mount_point, options.text, flags, fd, err);
    rmdir(stack->mount_point);
    return result;
}

/* A kernel that cannot make its own directory in the work directory mounts all of it for
 * reading, without an error. */
static int check_writable(const struct cb_stack *stack, int *fd, struct cb_error **err)
{
    struct statvfs fs;

    if (stack->upper_fd < 0 || fstatvfs(*fd, &fs) < 0 || !(fs.f_flag & ST_RDONLY))
        return 0;
    cb_close(fd);
    cb_error_set(err, CB_ERR_SYSTEM, "overlay: no directory can be made for its work");
    return cb_error_hint(err, "is the disk of the store full (`df`, `df -i`)?");
}

int cb_overlay_mount(const struct cb_stack *stack, enum cb_overlay_way way, int *fd,
                     struct cb_error **err)
{
    int failed;

    if (stack->count > MAX_LOWERS) {
        cb_error_set(err, CB_ERR_UNSUPPORTED, "stack of %zu layers: overlay takes %d",
                     stack->count, MAX_LOWERS);
        return cb_error_hint(err, "join RUN and COPY steps, or start from a base image "
                                  "with fewer layers");
    }
    failed = way == CB_OVERLAY_BY_OPTIONS ? mount_by_options(stack, fd, err)
                                          : mount_by_layers(stack, way, fd, err);
    return failed < 0 ? -1 : check_writable(stack, fd, err);
}

/* EINVAL is what a kernel says to a parameter or a form of it that it does not know. */
static int overlay_open_root(const struct cb_stack *stack, int *fd, struct cb_error **err)
{
    static const enum cb_overlay_way ways[] = {CB_OVERLAY_BY_FD, CB_OVERLAY_BY_PATH,
                                               CB_OVERLAY_BY_OPTIONS};
    cb_auto(cb_error) first = NULL;
    size_t i;

    for (i = 0; i < CB_ARRAY_SIZE(ways); i++) {
        cb_auto(cb_error) error = NULL;

        if (cb_overlay_mount(stack, ways[i], fd, &error) == 0)
            return 0;
        cb_debug("%s", cb_error_message(error));
        if (!first)
            first = cb_steal(&error);
        if (cb_error_errnum(first) != EINVAL && cb_error_errnum(first) != ENOSYS)
            break;
    }
    return cb_error_move(err, &first);
}

/* The mark's usual form; anything else stays. */
static int remove_mark(int snapshot_fd)
{
    unlinkat(snapshot_fd, "work/work/incompat/volatile/dirty", 0);
    unlinkat(snapshot_fd, "work/work/incompat/volatile", AT_REMOVEDIR);
    return unlinkat(snapshot_fd, "work/work/incompat", AT_REMOVEDIR);
}

static int overlay_reset_work(int snapshot_fd, struct cb_error **err)
{
    if (remove_mark(snapshot_fd) == 0 || errno == ENOENT)
        return 0;
    return cb_fs_remove_tree(snapshot_fd, "work/work/incompat", err);
}

static void overlay_clear_work(int snapshot_fd)
{
    remove_mark(snapshot_fd);
    unlinkat(snapshot_fd, "work/work", AT_REMOVEDIR);
}

static int overlay_user_open_root(const struct cb_stack *stack, int *fd,
                                  struct cb_error **err)
{
    struct cb_stack marked = *stack;

    marked.user_xattrs = 1;
    return overlay_open_root(&marked, fd, err);
}

const struct cb_snapshot_driver cb_driver_overlay = {
    .name = "overlay",
    .max_layers = MAX_LOWERS,
    .open_root = overlay_open_root,
    .reset_work = overlay_reset_work,
    .clear_work = overlay_clear_work,
    .has_plain_work = 1,
};

const struct cb_snapshot_driver cb_driver_overlay_user = {
    .name = "overlay-userxattr",
    .max_layers = MAX_LOWERS,
    .open_root = overlay_user_open_root,
    .reset_work = overlay_reset_work,
    .clear_work = overlay_clear_work,
    .has_plain_work = 1,
};
