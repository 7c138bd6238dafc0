/* A container's process is started: network, root, specification. */
#include "container/monitor-priv.h"

#include "container/journal.h"
#include "container/marks.h"
#include "container/mount-open.h"
#include "container/pin.h"
#include "container/volume.h"
#include "network/address.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

struct parts {
    struct cb_store *store;
    struct cb_snapshot *snapshot;
};

/* The store is let go of when the process has started: the snapshot is pinned. */
static void parts_clear(struct parts *parts)
{
    cb_snapshot_unref(parts->snapshot);
    cb_store_close(parts->store);
}
CB_AUTO_VALUE_DEFINE(parts, parts_clear)

/* What is opened in one namespace cannot be mounted in another: the store is opened once
 * more. Who attaches mounts is in one of its own already. */
static int open_store(struct monitor *monitor, struct cb_store **out,
                      struct cb_error **err)
{
    const int attaches = cb_launcher_attaches(monitor->launcher);
    const struct cb_store_options options = {.root = monitor->store_root,
                                             .attach = attaches};

    if (cb_store_open(out, &options, err) < 0)
        return -1;
    if (attaches || monitor->has_own_mounts ||
        !cb_volumes_need_namespace(*out, monitor->container))
        return 0;
    cb_store_close(cb_steal(out));
    monitor->has_own_mounts = 1;
    return cb_volumes_enter_namespace(err) < 0 ? -1 : cb_store_open(out, &options, err);
}

static int open_parts(struct monitor *monitor, struct parts *parts, struct cb_error **err)
{
    const struct cb_container *container = monitor->container;
    const struct cb_setup_options how = {.request = &container->options.request,
                                         .id = container->id,
                                         .name = container->name,
                                         .cancel = monitor->cancel};

    if (open_store(monitor, &parts->store, err) < 0 ||
        cb_setup_make(monitor->setup, parts->store, &how, err) < 0 ||
        cb_container_snapshot(parts->store, container, &parts->snapshot, err) < 0 ||
        cb_run_spec_add_mounts(&monitor->setup->spec, parts->store, container,
                               monitor->cancel, err) < 0)
        return -1;
    return cb_snapshot_open_root(parts->snapshot, &monitor->root, err);
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
    state->network = cb_nets_settings_json(&monitor->setup->nets);
}

static int start(struct monitor *monitor, const struct cb_wire_message *wish,
                 struct cb_error **err)
{
    struct cb_container *container = monitor->container;
    const struct cb_run_request *request = &container->options.request;
    struct cb_process_spec *spec = &monitor->setup->spec.process;
    cb_auto_value(parts) parts = {0};
    cb_auto_value(cb_monitor_restoring) restoring = {0};
    cb_auto_json *attributes = NULL;
    struct cb_log *log = NULL;
    int status;

    if (open_parts(monitor, &parts, err) < 0)
        return -1;
    cb_container_mark(monitor->root);
    if (cb_run_spec_own_mounts(&monitor->setup->spec, monitor->root, err) < 0)
        return -1;
    spec->rootfs_fd = monitor->root;
    spec->cgroup_name = container->id;
    spec->limits.all_controllers = 1;
    spec->tty = request->tty;
    spec->rows = wish ? (unsigned short)wish->b : 0;
    spec->columns = wish ? (unsigned short)wish->c : 0;
    if (cb_log_attributes(container, &attributes, err) < 0 ||
        cb_log_open(&log, container->dir_fd, &container->options, err) < 0)
        return -1;
    cb_log_set_attributes(log, attributes);
    monitor->is_set_up = monitor->images_fd < 0;
    status = cb_monitor_begin_restore(monitor, &restoring, err);
    if (status == 0)
        status = cb_session_start(monitor->launcher, spec, request->interactive, log,
                                  &monitor->main, err);
    if (cb_monitor_end_restore(monitor, status, err) < 0) {
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
    monitor->is_set_up = 0;
    if (start(monitor, wish, err) < 0) {
        cb_monitor_clear_container(monitor);
        return -1;
    }
    cb_hub_hold(monitor->hub);
    monitor->started_ms = cb_clock_ms();
    monitor->kill_at_ms = -1;
    monitor->is_killed = 0;
    set_running(monitor);
    if (cb_health_watch_start(monitor, err) < 0 ||
        cb_container_save_state(monitor->container, err) < 0) {
        cb_monitor_undo_start(monitor);
        return -1;
    }
    cb_container_tell_at(monitor->store_root, monitor->container, "start", NULL, NULL);
    return 0;
}

void cb_monitor_clear_container(struct monitor *monitor)
{
    if (monitor->setup)
        cb_setup_clear(monitor->setup);
    free(monitor->setup);
    monitor->setup = NULL;
    cb_close(&monitor->root);
    if (monitor->has_own_mounts)
        cb_volumes_unmount(monitor->store_root, monitor->container);
    cb_container_free(cb_steal(&monitor->former));
}
