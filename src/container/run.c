/* A container in the foreground: filesystem, network, process, stdio, exit status.
 * Nothing of it is left afterwards. */
#include "container/container.h"

#include "base/digest.h"
#include "base/fs.h"
#include "container/attach.h"
#include "container/signals.h"
#include "container/spec.h"
#include "network/network.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* docker's default host name: the first 12 digits of the container's id. */
static void random_hostname(char out[13])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[12];

    if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
        memset(bytes, 0, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        out[i] = digits[bytes[i] & 15];
    out[12] = '\0';
}

static int open_network(struct cb_network **out, struct cb_store *store, const char *mode,
                        struct cb_error **err)
{
    cb_autofree char *state = xasprintf("%s/network", cb_store_root(store));

    return cb_network_new(out, mode ? mode : "bridge", state, err);
}

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
    cb_auto(cb_network) network = NULL;
    cb_auto(cb_snapshot) snapshot = NULL;
    cb_auto_value(cb_run_spec) spec = {0};
    cb_autofd int root = -1;
    struct cb_exit result = {0};
    struct cb_stopping stopping;
    char hostname[65];

    if (cb_stopping_parse(&stopping, request->stop_signal, request->stop_timeout, err) <
        0)
        return -1;
    if (request->tty && request->interactive && !isatty(STDIN_FILENO))
        return cb_error_set(err, CB_ERR_USAGE, "the input device is not a TTY");
    if (open_network(&network, store, request->network, err) < 0)
        return -1;
    if (request->hostname)
        snprintf(hostname, sizeof(hostname), "%s", request->hostname);
    else if (cb_network_is_host(network) || (request->uts && *request->uts))
        gethostname(hostname, sizeof(hostname));
    else
        random_hostname(hostname);
    hostname[sizeof(hostname) - 1] = '\0';
    if (cb_run_spec_make(&spec, request, hostname, cb_network_is_host(network), err) < 0)
        return -1;
    if (cb_network_netns(network, cancel, &spec.process.netns_fd, err) < 0 ||
        cb_snapshot_prepare(store, request->rootfs, &snapshot, err) < 0 ||
        cb_snapshot_open_root(snapshot, &root, err) < 0 ||
        make_volumes(request->config, root, err) < 0)
        return -1;
    spec.process.rootfs_fd = root;
    if (cb_attach(launcher, &spec.process, request->interactive, &stopping, cancel,
                  &result, err) < 0)
        return -1;
    *exit_code = result.code;
    return 0;
}
