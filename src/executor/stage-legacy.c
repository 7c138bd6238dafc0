/* The stage where mounts cannot be held by descriptor (see mount-api-priv.h): then the
 * launcher stays among the host's mounts, as does its caller, whose overlays it has to
 * see, and every child sets the stage for itself in its copy of them. What the plan
 * brought are descriptors of the caller's files, opened again here by the path they have
 * and known to be the same by device and inode; each becomes a mount that waits in the
 * stage. Then everything else is let go. */
#include "executor/sandbox-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STAGE_AT "/dev" /* any directory that is there: what is needed of it is open */
#define SLOTS    "slots"

/* The file of FD, in our own mount namespace. */
static int open_again(const struct cb_stage *stage, int fd)
{
    char link[40], path[PATH_MAX];
    struct stat wanted, found;
    cb_autofd int again = -1;
    ssize_t len;

    snprintf(link, sizeof(link), "self/fd/%d", fd);
    len = readlinkat(stage->proc_fd, link, path, sizeof(path) - 1);
    if (len <= 0 || fstat(fd, &wanted) < 0)
        return -1;
    path[len] = '\0';
    again = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (again < 0 || fstat(again, &found) < 0)
        return -1;
    if (found.st_dev != wanted.st_dev || found.st_ino != wanted.st_ino) {
        errno = ESTALE;
        return -1;
    }
    return cb_steal_fd(&again);
}

static int is_source(const struct cb_plan_step *step)
{
    return step->kind == CB_PLAN_ROOTFS || step->kind == CB_PLAN_BIND;
}

static int open_sources(struct cb_sandbox *sandbox, struct cb_error **err)
{
    for (size_t i = 0; i < sandbox->plan.count; i++) {
        const struct cb_plan_step *step = &sandbox->plan.steps[i];
        int again;

        if (!is_source(step))
            continue;
        again = open_again(sandbox->stage, sandbox->fds[step->fd]);
        if (again < 0)
            return cb_error_errno(err, errno, "open a mount's source again");
        sandbox->fds[step->fd] = again;
    }
    return 0;
}

static int mount_sources(struct cb_sandbox *sandbox, struct cb_error **err)
{
    for (size_t i = 0; i < sandbox->plan.count; i++) {
        const struct cb_plan_step *step = &sandbox->plan.steps[i];
        int tree;

        if (!is_source(step))
            continue;
        tree = cb_tree_clone(&sandbox->api, sandbox->fds[step->fd], "",
                             step->flags & CB_PLAN_RECURSIVE, step->value, step->value2);
        if (tree < 0)
            return cb_error_errno(err, errno, "mount a source");
        sandbox->fds[step->fd] = tree;
    }
    return 0;
}

/* Opened before the stage covers them, placed on it afterwards. */
static int place_devices(struct cb_sandbox *sandbox, int root,
                         const int devices[CB_DEVICES], struct cb_error **err)
{
    for (size_t i = 0; i < CB_DEVICES; i++) {
        const char *name = cb_device_name(i);
        cb_autofd int tree = cb_tree_clone(&sandbox->api, devices[i], "", 0,
                                           CB_DEVICE_ATTRIBUTES | MOUNT_ATTR_RDONLY, 0);

        if (tree < 0 || mknodat(root, name, S_IFREG | 0666, 0) < 0 ||
            cb_tree_attach(&sandbox->api, tree, root, name) < 0)
            return cb_error_errno(err, errno, "place the device %s", name);
    }
    return 0;
}

static int new_stage(struct cb_sandbox *sandbox, int *root, struct cb_error **err)
{
    if (mount("tmpfs", STAGE_AT, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755") < 0)
        return cb_error_errno(err, errno, "new tmpfs for the stage");
    *root = open(STAGE_AT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*root < 0 || mkdirat(*root, SLOTS, 0700) < 0)
        return cb_error_errno(err, errno, "open the stage");
    sandbox->api.slots_fd = openat(*root, SLOTS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (sandbox->api.slots_fd < 0)
        return cb_error_errno(err, errno, "open the stage");
    return cb_stage_fill(*root, err);
}

static int seal_empty(struct cb_sandbox *sandbox, int root, struct cb_error **err)
{
    cb_autofd int tree = cb_tree_clone(&sandbox->api, root, &CB_STAGE_EMPTY[1], 0,
                                       MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, 0);

    if (tree < 0 || cb_tree_attach(&sandbox->api, tree, root, &CB_STAGE_EMPTY[1]) < 0)
        return cb_error_errno(err, errno, "seal the empty directory");
    return 0;
}

/* As stage.c has them, for a user namespace. */
static int place_kernel_trees(struct cb_sandbox *sandbox, int root, struct cb_error **err)
{
    static const char *const trees[] = {CB_STAGE_PROC, CB_STAGE_SYS};

    for (size_t i = 0; sandbox->stage->in_userns && i < CB_ARRAY_SIZE(trees); i++) {
        cb_autofd int tree = cb_tree_clone(&sandbox->api, AT_FDCWD, trees[i], 1, 0, 0);

        if (tree < 0 || mkdirat(root, &trees[i][1], 0755) < 0 ||
            cb_tree_attach(&sandbox->api, tree, root, &trees[i][1]) < 0)
            return cb_error_errno(err, errno, "place the outer `%s`", trees[i]);
    }
    return 0;
}

int cb_stage_make_own(struct cb_sandbox *sandbox, struct cb_error **err)
{
    int devices[CB_DEVICES] = {-1, -1, -1, -1, -1, -1};
    cb_autofd int root = -1;
    int failed;

    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return cb_error_errno(err, errno, "new mount namespace");
    failed = open_sources(sandbox, err) < 0 || cb_devices_open(NULL, devices, err) < 0 ||
             new_stage(sandbox, &root, err) < 0 ||
             place_devices(sandbox, root, devices, err) < 0 ||
             place_kernel_trees(sandbox, root, err) < 0 ||
             mount_sources(sandbox, err) < 0 || seal_empty(sandbox, root, err) < 0;
    for (size_t i = 0; i < CB_DEVICES; i++)
        cb_close(&devices[i]);
    if (failed)
        return -1;
    if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
        umount2(".", MNT_DETACH) < 0)
        return cb_error_errno(err, errno, "enter the stage");
    return 0;
}
