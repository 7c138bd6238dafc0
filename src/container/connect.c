/* network connect, network disconnect and --network container:X, from outside: the
 * monitor of a container that runs does it, the record of one that does not is
 * changed. */
#include "container/client.h"

#include "container/ask-priv.h"
#include "container/nets.h"
#include "container/remove.h"
#include "container/wire.h"

#include <errno.h>
#include <string.h>

void cb_container_net_free(struct cb_container_net *net)
{
    if (!net)
        return;
    cb_close(&net->fd);
    free(net->hosts);
    free(net->resolv_conf);
    free(net->hostname);
    free(net);
}

int cb_container_get_net(struct cb_container *container, struct cb_container_net **out,
                         struct cb_error **err)
{
    struct cb_wire_message message = {.type = CB_WIRE_NET};
    struct cb_container_net *net = NULL;
    cb_auto_json *document = NULL;
    struct cb_json root;
    int fd = -1, status;

    if (!cb_container_is_running(container))
        return cb_error_set(err, CB_ERR_USAGE,
                            "cannot join network of a non running container: %s",
                            container->id);
    if (cb_monitor_ask(container, &message, NULL, &fd, err) < 0)
        return -1;
    net = xcalloc(1, sizeof(*net));
    net->fd = fd;
    status =
        cb_json_parse(&document, "network", message.text, message.len, message.len, err);
    root = cb_json_root(document, "network");
    if (fd < 0 || status < 0 ||
        cb_json_required_text(&root, "Hosts", &net->hosts, err) < 0 ||
        cb_json_required_text(&root, "ResolvConf", &net->resolv_conf, err) < 0 ||
        cb_json_required_text(&root, "Hostname", &net->hostname, err) < 0) {
        cb_container_net_free(net);
        return -1;
    }
    *out = net;
    return 0;
}

/* ── Connecting ── */

static int ask_text(struct cb_container *container, enum cb_wire_type type,
                    const char *text, struct cb_cancel *cancel, struct cb_error **err)
{
    struct cb_wire_message message = {.type = type, .len = (uint32_t)strlen(text)};

    if (message.len >= sizeof(message.text))
        return cb_error_set(err, CB_ERR_USAGE, "too many aliases");
    memcpy(message.text, text, message.len);
    return cb_monitor_ask(container, &message, cancel, NULL, err);
}

static int check_mode(const struct cb_container *container, struct cb_error **err)
{
    const char *mode = container->options.request.network;

    if (!mode)
        return 0;
    if (strcmp(mode, "host") == 0 || strncmp(mode, "container:", 10) == 0)
        return cb_error_set(err, CB_ERR_USAGE,
                            "container sharing network namespace with another container "
                            "or host cannot be connected to any other network");
    if (cb_joins_has(&container->options.request, "none"))
        return cb_error_set(err, CB_ERR_USAGE,
                            "container cannot be connected to multiple networks with one "
                            "of the networks in private (none) mode");
    return 0;
}

static int save(struct cb_container *container, struct cb_error **err)
{
    if (cb_container_save_config(container, err) < 0)
        return cb_container_went(container, err);
    return 0;
}

/* 0: its monitor has done what TYPE and TEXT say. 1: it does not run, and *LOCK keeps it
 * from being started; also if it ended just when its monitor was asked. */
static int ask_or_hold(struct cb_container *container, enum cb_wire_type type,
                       const char *text, struct cb_cancel *cancel, struct cb_lock **lock,
                       struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;
    int held = 0;

    if (cb_container_is_running(container) &&
        ask_text(container, type, text, cancel, &error) == 0)
        return 0;
    if (error && (cb_container_refresh(container, NULL) < 0 ||
                  cb_container_is_running(container))) {
        cb_error_move(err, &error);
        return cb_container_went(container, err);
    }
    held = cb_container_hold_ended(container, cancel, lock, err);
    if (held == 0 && ask_text(container, type, text, cancel, err) < 0)
        held = -1;
    return held < 0 ? cb_container_went(container, err) : held;
}

int cb_container_connect(struct cb_store *store, struct cb_container *container,
                         const char *text, struct cb_cancel *cancel,
                         struct cb_error **err)
{
    struct cb_run_request *request = &container->options.request;
    struct cb_nets_owner owner = {
        .store_root = cb_store_root(store), .request = request, .id = container->id};
    cb_auto_value(cb_join) join = {0};
    cb_auto(cb_lock) changing = NULL;
    cb_auto(cb_lock) lock = NULL;
    int held;

    if (cb_container_begin_change(store, container, cancel, &changing, err) < 0 ||
        check_mode(container, err) < 0 || cb_join_parse(&join, text, err) < 0)
        return -1;
    if (cb_container_is_running(container) && cb_joins_has(request, join.network))
        return cb_error_set(err, CB_ERR_EXISTS,
                            "endpoint with name %s already exists in network %s",
                            container->name, join.network);
    owner.name = container->name;
    held = ask_or_hold(container, CB_WIRE_CONNECT, text, cancel, &lock, err);
    if (held <= 0)
        return held;
    if (cb_nets_check(&owner, &join, err) < 0)
        return -1;
    cb_joins_add(request, text);
    return save(container, err);
}

int cb_container_disconnect(struct cb_store *store, struct cb_container *container,
                            const char *network, struct cb_cancel *cancel,
                            struct cb_error **err)
{
    struct cb_run_request *request = &container->options.request;
    cb_auto(cb_lock) changing = NULL;
    cb_auto(cb_lock) lock = NULL;
    int held;

    if (cb_container_begin_change(store, container, cancel, &changing, err) < 0)
        return -1;
    if (strcmp(network, "host") == 0 && request->network &&
        strcmp(request->network, "host") == 0)
        return cb_error_set(err, CB_ERR_USAGE,
                            "container cannot be disconnected from host network or "
                            "connected to host network");
    if (!cb_joins_has(request, network))
        return cb_error_set(
            err, CB_ERR_NOT_FOUND, "container %s is not connected to %snetwork %s",
            container->id, cb_container_is_running(container) ? "" : "the ", network);
    held = ask_or_hold(container, CB_WIRE_DISCONNECT, network, cancel, &lock, err);
    if (held <= 0)
        return held;
    cb_joins_remove(request, network);
    return save(container, err);
}
