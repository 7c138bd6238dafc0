/* A container in the foreground: filesystem, network, process, stdio, exit status.
 * Nothing of it is left afterwards. */
#include "container/container.h"

#include "base/fs.h"
#include "container/attach.h"
#include "container/mount-open.h"
#include "container/setup.h"

#include <unistd.h>

/* Volumes are directories of the container for now; those the image lacks are made, as
 * docker's anonymous volumes would be. */
static int make_volumes(const struct cb_image_config *config, int root,
                        struct cb_error **err)
{
    cb_vec_foreach (path, &config->volumes) {
        cb_autofd int fd = -1;

        if (cb_fs_mkdirs_in_root(root, *path, 0755, 0, 0, &fd, err) < 0)
            return cb_error_wrap(err, "volume `%s`", *path);
    }
    return 0;
}

int cb_container_run(struct cb_store *store, struct cb_launcher *launcher,
                     const struct cb_run_request *request, struct cb_cancel *cancel,
                     int *exit_code, struct cb_error **err)
{
    cb_auto_value(cb_setup) setup = {0};
    cb_auto(cb_snapshot) snapshot = NULL;
    cb_autofd int root = -1;
    struct cb_exit result = {0};
    char id[65];

    if (request->tty && request->interactive && !isatty(STDIN_FILENO))
        return cb_error_set(err, CB_ERR_USAGE, "the input device is not a TTY");
    cb_container_new_id(id);
    if (cb_setup_make(&setup, store, request, id, NULL, cancel, err) < 0)
        return -1;
    cb_setup_tell_ports(&setup);
    if (cb_snapshot_prepare(store, request->rootfs, &snapshot, err) < 0 ||
        cb_snapshot_open_root(snapshot, &root, err) < 0 ||
        make_volumes(request->config, root, err) < 0)
        return -1;
    setup.spec.process.rootfs_fd = root;
    if (cb_run_spec_add_binds(&setup.spec, &request->volumes, err) < 0)
        return -1;
    if (cb_attach(launcher, &setup.spec.process, request->interactive, &setup.stopping,
                  cancel, &result, err) < 0)
        return -1;
    *exit_code = result.code;
    return 0;
}
