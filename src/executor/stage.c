/* The stage: what the launcher sets up once, before its first child.
 *
 * It moves to a mount namespace of its own whose only content is a tmpfs with the device
 * nodes, an empty directory and a place for a root. Every child starts from a copy of
 * that: cloning it costs the same on a machine with three mounts or with three hundred,
 * and no path in a child's mount namespace leads to the host at any time, not even
 * before it has entered its root. What is needed of the host's /proc and cgroups is held
 * by descriptor. */
#include "executor/sandbox-priv.h"

#include "base/user-namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#define CB_KERNEL_TREES 2

static int open_proc(int *out, struct cb_error **err)
{
    cb_autofd int fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct statfs fs;

    if (fd < 0 || fstatfs(fd, &fs) < 0)
        return cb_error_errno(err, errno, "open `/proc`");
    if (fs.f_type != PROC_SUPER_MAGIC)
        return cb_error_set(err, CB_ERR_SYSTEM, "`/proc` is not a proc filesystem");
    *out = cb_steal_fd(&fd);
    return 0;
}

int cb_stage_fill(int root_fd, struct cb_error **err)
{
    if (mkdirat(root_fd, &CB_STAGE_ROOTFS[1], 0755) < 0 ||
        mkdirat(root_fd, &CB_STAGE_FILES[1], 0755) < 0 ||
        mkdirat(root_fd, &CB_STAGE_EMPTY[1], 0755) < 0 || cb_early_fill(root_fd) < 0)
        return cb_error_errno(err, errno, "fill the launcher's root");
    return 0;
}

static int new_root(int *out, struct cb_error **err)
{
    cb_autofd int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);

    if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "mode", "755", 0) < 0 ||
        fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return cb_error_errno(err, errno, "new tmpfs for the launcher");
    *out = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    if (*out < 0)
        return cb_error_errno(err, errno, "new tmpfs for the launcher");
    return cb_stage_fill(*out, err);
}

static int enter_root(int root, struct cb_error **err)
{
    if (move_mount(root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
        fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
        umount2(".", MNT_DETACH) < 0) {
        int denied = errno == EPERM;

        cb_error_errno(err, errno, "enter the launcher's root");
        return denied
                   ? cb_error_hint(err, "in a container: its system call filter has to "
                                        "permit pivot_root")
                   : -1;
    }
    return 0;
}

/* Its own read-only mount, so that a mask made of it cannot be written. */
static int seal_empty(struct cb_error **err)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV};
    cb_autofd int tree =
        open_tree(AT_FDCWD, CB_STAGE_EMPTY, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0 ||
        move_mount(tree, "", AT_FDCWD, CB_STAGE_EMPTY, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return cb_error_errno(err, errno, "seal the empty directory");
    return 0;
}

static int place_devices(const int devices[CB_DEVICES], struct cb_error **err)
{
    for (size_t i = 0; i < CB_DEVICES; i++) {
        const char *name = cb_device_name(i);
        char path[32];

        snprintf(path, sizeof(path), "/%s", name);
        if (mknod(path, S_IFREG | 0666, 0) < 0 ||
            move_mount(devices[i], "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
            return cb_error_errno(err, errno, "place the device %s", name);
    }
    return 0;
}

/* A new procfs or sysfs may show no more than one that is in sight already, says the
 * kernel to user namespaces; and where that one is covered in part, it is itself what a
 * step gets. With all that is mounted on them, since nothing may be uncovered. */
static const char *const kernel_trees[CB_KERNEL_TREES] = {CB_STAGE_PROC, CB_STAGE_SYS};

static int open_kernel_trees(int trees[CB_KERNEL_TREES], struct cb_error **err)
{
    for (size_t i = 0; i < CB_KERNEL_TREES; i++) {
        trees[i] = open_tree(AT_FDCWD, kernel_trees[i],
                             OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
        if (trees[i] < 0)
            return cb_error_errno(err, errno, "clone `%s`", kernel_trees[i]);
    }
    return 0;
}

static int place_kernel_trees(const int trees[CB_KERNEL_TREES], struct cb_error **err)
{
    for (size_t i = 0; i < CB_KERNEL_TREES; i++) {
        if (mkdir(kernel_trees[i], 0755) < 0 ||
            move_mount(trees[i], "", AT_FDCWD, kernel_trees[i], MOVE_MOUNT_F_EMPTY_PATH) <
                0)
            return cb_error_errno(err, errno, "place `%s`", kernel_trees[i]);
    }
    return 0;
}

static int build_root(int in_userns, struct cb_error **err)
{
    int devices[CB_DEVICES] = {-1, -1, -1, -1, -1, -1};
    int trees[CB_KERNEL_TREES] = {-1, -1};
    struct cb_mount_api api = {0};
    cb_autofd int root = -1;
    int failed;

    failed = cb_devices_open(&api, devices, err) < 0 ||
             (in_userns && open_kernel_trees(trees, err) < 0) ||
             new_root(&root, err) < 0 || enter_root(root, err) < 0 ||
             seal_empty(err) < 0 || place_devices(devices, err) < 0 ||
             (in_userns && place_kernel_trees(trees, err) < 0);
    for (size_t i = 0; i < CB_DEVICES; i++)
        cb_close(&devices[i]);
    for (size_t i = 0; i < CB_KERNEL_TREES; i++)
        cb_close(&trees[i]);
    return failed ? -1 : 0;
}

static int enter_stage(struct cb_stage *stage, struct cb_error **err)
{
    if (unshare(CLONE_NEWNS) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        int chrooted = errno == EINVAL;

        cb_error_errno(err, errno, "new mount namespace");
        return cb_error_hint(
            err, chrooted ? "the root directory is no mount point: before `chroot DIR`, "
                            "`mount --bind DIR DIR` makes it one"
                          : "running steps needs root (CAP_SYS_ADMIN)");
    }
    return build_root(stage->in_userns, err);
}

int cb_stage_prepare(struct cb_stage *stage, struct cb_error **err)
{
    stage->in_userns = cb_in_user_namespace();
    if (open_proc(&stage->proc_fd, err) < 0)
        return -1;
    stage->self_pidfd = syscall(SYS_pidfd_open, getpid(), 0);
    if (stage->self_pidfd < 0)
        return cb_error_errno(err, errno, "pidfd_open");
    fcntl(stage->self_pidfd, F_SETFD, FD_CLOEXEC);
    cb_cgroups_find(&stage->cgroups);
    stage->cgroups.of_user = stage->in_userns;
    stage->legacy = cb_mount_api_is_missing();
    if (!stage->legacy && enter_stage(stage, err) < 0)
        return -1;
    stage->seccomp_caps = CB_CAPS_DEFAULT;
    return cb_seccomp_compile(stage->seccomp_caps, &stage->seccomp, err);
}
