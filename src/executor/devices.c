/* /dev is nodev, so a node the step makes cannot be opened: no device cgroup and no eBPF
 * needed. The six that it has are nodes of that same tmpfs, each with a mount of its own
 * that is not nodev: what their mode, owner and times are is the step's own business, and
 * the host's nodes never come into reach. A user namespace may make no nodes; there they
 * are the host's, read-only, which devices can be written through all the same. Those are
 * opened before anything foreign is in sight and must be the devices their names say. */
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

int cb_device_is_everybodys(const struct cb_device_rule *rule)
{
    for (size_t i = 0; i < CB_DEVICES; i++) {
        if (rule->type == 'c' && rule->major == devices[i].major &&
            rule->minor == devices[i].minor)
            return 1;
    }
    return 0;
}

static int open_device(struct cb_mount_api *api, size_t index, int *out,
                       struct cb_error **err)
{
    char path[32];
    struct stat node;
    cb_autofd int fd = -1;

    snprintf(path, sizeof(path), "/dev/%s", devices[index].name);
    fd = api ? cb_tree_clone(api, AT_FDCWD, path, 0,
                             CB_DEVICE_ATTRIBUTES | MOUNT_ATTR_RDONLY, 0)
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

/* -1 with errno. */
static int own_node(struct cb_sandbox *sandbox, size_t index, const char *name)
{
    dev_t device = makedev(devices[index].major, devices[index].minor);

    if (mknodat(sandbox->dev_fd, name, S_IFCHR | 0666, device) < 0 ||
        fchmodat(sandbox->dev_fd, name, 0666, 0) < 0)
        return -1;
    return cb_tree_clone(&sandbox->api, sandbox->dev_fd, name, 0, CB_DEVICE_ATTRIBUTES,
                         MOUNT_ATTR_NODEV);
}

static int host_node(struct cb_sandbox *sandbox, const char *name)
{
    char source[32];

    if (mknodat(sandbox->dev_fd, name, S_IFREG | 0666, 0) < 0)
        return -1;
    snprintf(source, sizeof(source), "/%s", name);
    return cb_tree_clone(&sandbox->api, AT_FDCWD, source, 0, 0, 0);
}

int cb_step_device(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                   struct cb_error **err)
{
    const char *name = cb_sandbox_text(sandbox, step->target);
    cb_autofd int tree = sandbox->stage->in_userns ? host_node(sandbox, name)
                                                   : own_node(sandbox, step->value, name);

    if (tree < 0 || cb_tree_attach(&sandbox->api, tree, sandbox->dev_fd, name) < 0)
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
