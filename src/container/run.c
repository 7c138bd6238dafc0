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

/* 64 hex digits; the first 12 are docker's default host name. */
static void random_id(char out[65])
{
    unsigned char bytes[32];

    if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
        memset(bytes, 0, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static int read_ports(struct cb_ports *ports, const struct cb_run_request *request,
                      struct cb_error **err)
{
    for (size_t i = 0; i < request->publish.count; i++)
        if (cb_ports_parse(ports, request->publish.items[i], err) < 0)
            return -1;
    for (size_t i = 0; request->publish_all && i < request->config->exposed_ports.count;
         i++)
        if (cb_ports_expose(ports, request->config->exposed_ports.items[i], err) < 0)
            return -1;
    return 0;
}

static int check_dns(const struct cb_run_request *request, struct cb_error **err)
{
    const struct cb_dns_options dns = {&request->dns, &request->dns_search,
                                       &request->dns_options};

    return cb_dns_check(&dns, err);
}

static int open_network(struct cb_network **out, struct cb_store *store,
                        const struct cb_run_request *request, const char *id,
                        struct cb_error **err)
{
    cb_autofree char *state = xasprintf("%s/networks", cb_store_root(store));
    cb_autofree char *name = xstrndup(id, 12);
    cb_auto_value(cb_ports) ports = {0};
    struct cb_network_options options = {.mode = request->network,
                                         .state_dir = state,
                                         .id = id,
                                         .name = name,
                                         .aliases = &request->network_aliases,
                                         .dns = &request->dns,
                                         .ports = &ports,
                                         .ip = request->ip,
                                         .ip6 = request->ip6,
                                         .mac = request->mac};

    if (read_ports(&ports, request, err) < 0 || check_dns(request, err) < 0)
        return -1;
    return cb_network_new(out, &options, err);
}

/* Nothing else tells which port the kernel picked. */
static void tell_ports(const struct cb_ports *opened)
{
    for (size_t i = 0; i < opened->count; i++) {
        const struct cb_port *port = &opened->items[i];

        if (!port->is_picked)
            continue;
        fprintf(stderr, "cbuild: %s:%u is port %u/%s of the container\n",
                *port->host_ip ? port->host_ip : "0.0.0.0", port->host, port->container,
                port->protocol);
    }
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
    char hostname[65], id[65];

    if (cb_stopping_parse(&stopping, request->stop_signal, request->stop_timeout, err) <
        0)
        return -1;
    if (request->tty && request->interactive && !isatty(STDIN_FILENO))
        return cb_error_set(err, CB_ERR_USAGE, "the input device is not a TTY");
    random_id(id);
    if (open_network(&network, store, request, id, err) < 0)
        return -1;
    if (request->hostname)
        snprintf(hostname, sizeof(hostname), "%s", request->hostname);
    else if (cb_network_is_host(network) || (request->uts && *request->uts))
        gethostname(hostname, sizeof(hostname));
    else
        snprintf(hostname, sizeof(hostname), "%.12s", id);
    hostname[sizeof(hostname) - 1] = '\0';
    if (cb_run_spec_make(&spec, request, hostname, network, cancel, err) < 0)
        return -1;
    tell_ports(cb_network_ports(network));
    if (cb_snapshot_prepare(store, request->rootfs, &snapshot, err) < 0 ||
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
