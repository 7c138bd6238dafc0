/* Devices of a step: those of --device, and for RUN --device what the specifications of
 * the devices' kinds say, as mounts and variables of the step. */
#include "ops/exec-priv.h"

#include "executor/cdi.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static int missing(const struct cb_cdi *cdi, const struct cb_exec_device *device,
                   struct cb_error **err)
{
    const char *why = cb_cdi_passed_over(cdi);

    if (!device->required)
        return 0;
    cb_error_set(err, CB_ERR_NOT_FOUND, "required device `%s` is not known",
                 device->name);
    return cb_error_hint(err, "%s",
                         *why ? why
                              : "CDI specifications are read from /etc/cdi and "
                                "/var/run/cdi");
}

static int open_host(const char *path, struct cb_exec_mounts *mounts, int *fd,
                     struct stat *st, struct cb_error **err)
{
    *fd = open(path, O_PATH | O_CLOEXEC);
    if (*fd < 0)
        return cb_error_errno(err, errno, "open `%s`", path);
    cb_vec_push(&mounts->fds, *fd);
    if (fstat(*fd, st) < 0)
        return cb_error_errno(err, errno, "stat `%s`", path);
    return 0;
}

static int add_node(const struct cb_cdi_path *node, struct cb_exec_mounts *mounts,
                    struct cb_error **err)
{
    struct cb_mount *mount;
    struct stat st;
    int fd;

    if (open_host(node->host, mounts, &fd, &st, err) < 0)
        return -1;
    if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
        return cb_error_set(err, CB_ERR_INTEGRITY, "`%s` is no device", node->host);
    mount = cb_exec_mount_add(mounts, CB_MOUNT_BIND, node->path);
    mount->source_fd = fd;
    mount->device = 1;
    return 0;
}

/* --device, for every step. */
static int add_nodes(const struct cb_device_nodes *nodes, struct cb_exec_mounts *mounts,
                     struct cb_error **err)
{
    for (size_t i = 0; nodes && i < nodes->count; i++) {
        struct cb_cdi_path node = {.host = nodes->items[i].host,
                                   .path = nodes->items[i].path};

        if (add_node(&node, mounts, err) < 0)
            return cb_error_wrap(err, "--device");
    }
    return 0;
}

static int add_mount(const struct cb_cdi_path *from, struct cb_exec_mounts *mounts,
                     struct cb_error **err)
{
    struct cb_mount *mount;
    struct stat st;
    int fd;

    if (open_host(from->host, mounts, &fd, &st, err) < 0)
        return -1;
    mount = cb_exec_mount_add(mounts, CB_MOUNT_BIND, from->path);
    mount->source_fd = fd;
    mount->read_only = from->read_only;
    mount->recursive = from->recursive;
    return 0;
}

static int apply(const struct cb_cdi_edits *edits, struct cb_exec_mounts *mounts,
                 struct cb_error **err)
{
    cb_vec_foreach (node, &edits->nodes) {
        if (add_node(node, mounts, err) < 0)
            return -1;
    }
    cb_vec_foreach (mount, &edits->mounts) {
        if (add_mount(mount, mounts, err) < 0)
            return -1;
    }
    cb_vec_foreach (variable, &edits->env)
        cb_strings_add(&mounts->variables, *variable);
    cb_strings_copy(&mounts->groups, &edits->groups);
    return 0;
}

static int inject(const struct cb_cdi *cdi, const struct cb_exec_device *device,
                  struct cb_cdi_edits *edits, struct cb_error **err)
{
    int found = cb_cdi_inject(cdi, device->name, edits, err);

    if (found < 0)
        return -1;
    return found ? 0 : missing(cdi, device, err);
}

int cb_exec_devices(struct cb_exec_mounts *mounts, struct cb_error **err)
{
    const struct cb_exec_step *step = mounts->step;
    const struct cb_strings *always = step->env->cdi_devices;
    cb_auto(cb_cdi) cdi = NULL;
    cb_auto_value(cb_cdi_edits) edits = {0};

    if (add_nodes(step->env->nodes, mounts, err) < 0)
        return -1;
    if (!step->device_count && !(always && always->count))
        return 0;
    if (cb_cdi_load(&cdi, step->env->cdi_dirs, err) < 0)
        return -1;
    for (size_t i = 0; always && i < always->count; i++) {
        const struct cb_exec_device device = {.name = always->items[i], .required = 1};

        if (inject(cdi, &device, &edits, err) < 0)
            return cb_error_wrap(err, "--device");
    }
    for (size_t i = 0; i < step->device_count; i++) {
        if (inject(cdi, &step->devices[i], &edits, err) < 0)
            return -1;
    }
    if (apply(&edits, mounts, err) < 0)
        return cb_error_wrap(err, "RUN --device");
    return 0;
}
