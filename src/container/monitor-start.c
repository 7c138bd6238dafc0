/* A container's process is started: network, root, specification. */
#include "container/monitor-priv.h"

#include "container/create.h"
#include "container/mount-open.h"
#include "network/address.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* The store is let go of at once: the snapshot is pinned. */
static int open_root(struct monitor *monitor, struct cb_error **err)
{
    const struct cb_store_options options = {.root = monitor->store_root};
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_snapshot) snapshot = NULL;

    if (cb_store_open(&store, &options, err) < 0 ||
        cb_container_snapshot(store, monitor->container, &snapshot, err) < 0 ||
        cb_run_spec_add_mounts(&monitor->setup->spec, store, monitor->container, err) < 0)
        return -1;
    return cb_snapshot_open_root(snapshot, &monitor->root, err);
}

static json_t *network_json(const struct cb_setup *setup)
{
    json_t *object = json_object(), *ports = json_object();
    const struct cb_ports *opened = cb_network_ports(setup->network);
    char ip[CB_IP_MAX_TEXT] = "", gateway[CB_IP_MAX_TEXT] = "";

    cb_network_addresses(setup->network, ip, gateway);
    cb_vec_foreach (port, opened) {
        cb_autofree char *key = xasprintf("%u/%s", port->container, port->protocol);
        cb_autofree char *host = xasprintf("%u", port->host);
        json_t *list = json_object_get(ports, key), *binding = json_object();

        if (!list) {
            list = json_array();
            json_object_set_new(ports, key, list);
        }
        json_object_set_new(binding, "HostIp",
                            json_string(*port->host_ip ? port->host_ip : "0.0.0.0"));
        json_object_set_new(binding, "HostPort", json_string(host));
        json_array_append_new(list, binding);
    }
    json_object_set_new(object, "Ports", ports);
    json_object_set_new(object, "IPAddress", json_string(ip));
    json_object_set_new(object, "Gateway", json_string(gateway));
    return object;
}

static void set_running(struct monitor *monitor)
{
    struct cb_container_state *state = &monitor->container->state;

    state->status = CB_CONTAINER_RUNNING;
    state->pid = cb_process_pid(monitor->main->process);
    state->exit_code = 0;
    state->oom_killed = 0;
    free(state->error);
    state->error = NULL;
    cb_timestamp_format(cb_timestamp_now(), state->started);
    json_decref(state->network);
    state->network = network_json(monitor->setup);
}

static int start(struct monitor *monitor, const struct cb_wire_message *wish,
                 struct cb_error **err)
{
    struct cb_container *container = monitor->container;
    const struct cb_run_request *request = &container->options.request;
    struct cb_process_spec *spec = &monitor->setup->spec.process;
    struct cb_log *log = NULL;

    if (cb_setup_make(monitor->setup, monitor->store_root, request, container->id,
                      container->name, monitor->cancel, err) < 0 ||
        open_root(monitor, err) < 0)
        return -1;
    spec->rootfs_fd = monitor->root;
    spec->cgroup_name = container->id;
    spec->tty = request->tty;
    spec->rows = wish ? (unsigned short)wish->b : 0;
    spec->columns = wish ? (unsigned short)wish->c : 0;
    if (cb_log_open(&log, container->dir_fd, &container->options, err) < 0)
        return -1;
    if (cb_session_start(monitor->launcher, spec, request->interactive, log,
                         &monitor->main, err) < 0) {
        cb_log_close(log);
        return -1;
    }
    cb_vec_push(&monitor->sessions, monitor->main);
    return 0;
}

int cb_monitor_start_container(struct monitor *monitor,
                               const struct cb_wire_message *wish, struct cb_error **err)
{
    monitor->setup = xcalloc(1, sizeof(*monitor->setup));
    if (start(monitor, wish, err) < 0) {
        cb_monitor_clear_container(monitor);
        return -1;
    }
    monitor->started_ms = cb_monitor_now_ms();
    monitor->kill_at_ms = -1;
    set_running(monitor);
    return cb_container_save_state(monitor->container, err);
}

void cb_monitor_clear_container(struct monitor *monitor)
{
    if (monitor->setup)
        cb_setup_clear(monitor->setup);
    free(monitor->setup);
    monitor->setup = NULL;
    cb_close(&monitor->root);
}
