/* Device nodes are the host's, one bind mount each, in a /dev that is nodev itself: no
 * device cgroup and no eBPF needed, and a node the step makes cannot be opened. The
 * sources are opened before anything foreign is in sight and must be the devices their
 * names say. */
#include "executor/devices-priv.h"

#include "executor/sandbox-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static const struct {
    const char *name;
    unsigned major, minor;
} devices[CB_DEVICES] = {
    {"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
    {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0},
};

const char *cb_device_name(size_t index)
{
    return devices[index].name;
}

static int open_device(struct cb_mount_api *api, size_t index, int *out,
                       struct cb_error **err)
{
    char path[32];
    struct stat node;
    cb_autofd int fd = -1;

    snprintf(path, sizeof(path), "/dev/%s", devices[index].name);
    fd = api ? cb_tree_clone(api, AT_FDCWD, path, 0,
                             MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0)
             : open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &node) < 0)
        return cb_error_errno(err, errno, "open `%s`", path);
    if (!S_ISCHR(node.st_mode) ||
        node.st_rdev != makedev(devices[index].major, devices[index].minor))
        return cb_error_set(err, CB_ERR_SYSTEM, "`%s` is not the device %u:%u", path,
                            devices[index].major, devices[index].minor);
    *out = cb_steal_fd(&fd);
    return 0;
}

int cb_devices_open(struct cb_mount_api *api, int fds[CB_DEVICES], struct cb_error **err)
{
    for (size_t i = 0; i < CB_DEVICES; i++) {
        if (open_device(api, i, &fds[i], err) < 0)
            return -1;
    }
    return 0;
}

int cb_step_device(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                   struct cb_error **err)
{
    const char *name = cb_sandbox_text(sandbox, step->target);
    char source[32];
    cb_autofd int tree = -1;

    snprintf(source, sizeof(source), "/%s", name);
    tree = cb_tree_clone(&sandbox->api, AT_FDCWD, source, 0, 0, 0);
    if (tree < 0 || mknodat(sandbox->dev_fd, name, S_IFREG | 0666, 0) < 0 ||
        cb_tree_attach(&sandbox->api, tree, sandbox->dev_fd, name) < 0)
        return cb_error_errno(err, errno, "device `/dev/%s`", name);
    return 0;
}

/* NAME's directories in our /dev are made. */
static int make_parents(int dev_fd, const char *name)
{
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        cb_autofree char *dir = xstrndup(name, (size_t)(slash - name));

        if (mkdirat(dev_fd, dir, 0755) < 0 && errno != EEXIST)
            return -1;
    }
    return 0;
}

int cb_step_node(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                 struct cb_error **err)
{
    const char *name = cb_sandbox_text(sandbox, step->target);

    if (make_parents(sandbox->dev_fd, name) < 0 ||
        mknodat(sandbox->dev_fd, name, step->mode & (S_IFMT | 0777), step->value) < 0 ||
        fchownat(sandbox->dev_fd, name, step->uid, step->gid, AT_SYMLINK_NOFOLLOW) < 0 ||
        fchmodat(sandbox->dev_fd, name, step->mode & 07777, 0) < 0)
        return cb_error_errno(err, errno, "device `/dev/%s`", name);
    return 0;
}

int cb_step_link(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                 struct cb_error **err)
{
    const char *name = cb_sandbox_text(sandbox, step->target);

    if (symlinkat(cb_sandbox_text(sandbox, step->text), sandbox->dev_fd, name) < 0)
        return cb_error_errno(err, errno, "link `/dev/%s`", name);
    return 0;
}
