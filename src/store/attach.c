/* A tree of several layers is a detached mount already, and is moved to its place; that
 * of one layer is the layer's own directory, of which a read-only clone is. */
#include "store/attach.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static int move_to(int fd, const char *path)
{
    return (int)syscall(SYS_move_mount, fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
}

static int clone_tree(int fd)
{
    return (int)syscall(SYS_open_tree, fd, "",
                        AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

static int harden(int fd)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV |
                                          MOUNT_ATTR_NOSUID};

    return (int)syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr));
}

/* For kernels without these calls, whose trees are mounted somewhere (driver-overlay.c).
 */
static int bind_to(int root, const char *path)
{
    const unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NODEV | MS_NOSUID;
    int saved;

    if (mount(cb_fd_path(root).text, path, NULL, MS_BIND, NULL) < 0)
        return -1;
    if (mount(NULL, path, NULL, flags, NULL) == 0)
        return 0;
    saved = errno;
    umount2(path, MNT_DETACH);
    errno = saved;
    return -1;
}

/* Only the root of a mount can be moved or changed: EINVAL says that FD is none. */
static int attach(int root, const char *path)
{
    cb_autofd int clone = -1;

    if (harden(root) == 0)
        return move_to(root, path);
    if (errno == ENOSYS)
        return bind_to(root, path);
    if (errno != EINVAL)
        return -1;
    clone = clone_tree(root);
    return clone < 0 || harden(clone) < 0 ? -1 : move_to(clone, path);
}

int cb_snapshot_attach(struct cb_snapshot *committed, const char *path,
                       struct cb_error **err)
{
    cb_autofd int root = -1;

    if (cb_snapshot_open_root(committed, &root, err) < 0)
        return -1;
    return attach(root, path) < 0 ? cb_error_errno(err, errno, "mount on `%s`", path) : 0;
}

int cb_snapshot_unattach(const char *path, int lazy, struct cb_error **err)
{
    if (umount2(path, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0)
        return 0;
    return cb_error_errno(err, errno, "unmount `%s`", path);
}

int cb_path_is_mounted(const char *path)
{
    struct statx info;

    return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &info) == 0 &&
           (info.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}
