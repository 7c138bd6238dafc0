/* A container as `docker container inspect` shows it. */
#include "commands/inspect.h"

#include "container/commit.h"
#include "container/files.h"
#include "container/pin.h"

#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define NEVER "0001-01-01T00:00:00Z"

static void set(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
}

static json_t *text(const char *value)
{
    return json_string_nocheck(value ? value : "");
}

/* ── State ── */

static json_t *state_json(const struct cb_container *container)
{
    const struct cb_container_state *state = &container->state;
    json_t *object = json_object();

    set(object, "Status", text(cb_container_status_name(state->status)));
    set(object, "Running", json_boolean(cb_container_is_running(container)));
    set(object, "Paused", json_boolean(state->status == CB_CONTAINER_PAUSED));
    set(object, "Restarting", json_boolean(state->status == CB_CONTAINER_RESTARTING));
    set(object, "OOMKilled", json_boolean(state->oom_killed));
    set(object, "Dead", json_false());
    set(object, "Pid", json_integer(state->pid));
    set(object, "ExitCode", json_integer(state->exit_code));
    set(object, "Error", text(state->error));
    set(object, "StartedAt", text(*state->started ? state->started : NEVER));
    set(object, "FinishedAt", text(*state->finished ? state->finished : NEVER));
    if (state->health)
        json_object_set(object, "Health", state->health);
    return object;
}

/* ── Config ── */

/* What -a says; without one USUAL holds of those who wait for it. */
static int attaches(const struct cb_container_options *options, const char *stream,
                    int usual)
{
    cb_vec_foreach (text, &options->attach) {
        if (strcasecmp(*text, stream) == 0)
            return 1;
    }
    return !options->attach.count && usual && !options->detached;
}

static json_t *config_json(const struct cb_container *container,
                           const struct cb_image_config *effective)
{
    const struct cb_run_request *request = &container->options.request;
    cb_autofree char *short_id = xstrndup(container->id, 12);
    int stdin_attached = attaches(&container->options, "stdin", request->interactive);
    json_t *object = cb_inspect_config(effective);

    set(object, "Hostname", text(request->hostname ? request->hostname : short_id));
    set(object, "Domainname", text(request->domainname));
    set(object, "AttachStdin", json_boolean(stdin_attached));
    set(object, "AttachStdout", json_boolean(attaches(&container->options, "stdout", 1)));
    set(object, "AttachStderr", json_boolean(attaches(&container->options, "stderr", 1)));
    set(object, "Tty", json_boolean(request->tty));
    set(object, "OpenStdin", json_boolean(request->interactive));
    set(object, "StdinOnce", json_boolean(request->interactive && stdin_attached));
    set(object, "Image", text(request->image_name));
    if (request->mac)
        set(object, "MacAddress", text(request->mac));
    if (json_is_null(json_object_get(object, "Labels")))
        set(object, "Labels", json_object());
    if (request->stop_timeout)
        set(object, "StopTimeout",
            json_integer(strtoll(request->stop_timeout, NULL, 10)));
    return cb_inspect_config_in_order(object);
}

static void add_command(json_t *object, const struct cb_image_config *effective)
{
    json_t *words = cb_inspect_strings(&effective->entrypoint);
    cb_auto_json *command = cb_inspect_strings(&effective->cmd);
    const char *first;

    json_array_extend(words, command);
    first = json_string_value(json_array_get(words, 0));
    set(object, "Path", text(first));
    json_array_remove(words, 0);
    set(object, "Args", words);
}

/* ── Files ── */

static json_t *graph_json(struct cb_store *store, const struct cb_container *container)
{
    cb_auto(cb_snapshot) snapshot = NULL;
    int pid = cb_container_is_running(container) ? container->state.pid : 0;

    cb_container_snapshot(store, container, &snapshot, NULL);
    return cb_inspect_graph(store, snapshot, pid);
}

static void add_sizes(json_t *object, struct cb_store *store,
                      const struct cb_container *container)
{
    int64_t all, written = cb_container_bytes(store, container, &all);

    set(object, "SizeRw", json_integer(written));
    set(object, "SizeRootFs", json_integer(all));
}

/* A file that is made when the container starts: on the host it is seen by way of the
 * container's process. */
static json_t *inner_path(const struct cb_container *container, const char *path)
{
    int pid = cb_container_is_running(container) ? container->state.pid : 0;

    return pid ? json_sprintf("/proc/%d/root%s", pid, path) : text("");
}

/* Where things are, as far as they are there. */
static void add_paths(json_t *object, struct cb_store *store,
                      const struct cb_container *container)
{
    int logs = faccessat(container->dir_fd, "log", F_OK, AT_SYMLINK_NOFOLLOW) == 0;

    set(object, "ResolvConfPath", inner_path(container, "/etc/resolv.conf"));
    set(object, "HostnamePath", inner_path(container, "/etc/hostname"));
    set(object, "HostsPath", inner_path(container, "/etc/hosts"));
    set(object, "LogPath",
        logs ? json_sprintf("%s/containers/%s/log", cb_store_root(store), container->id)
             : text(""));
}

json_t *cb_inspect_container(struct cb_store *store, const struct cb_container *container,
                             int size)
{
    cb_auto(cb_image_config) effective = cb_container_effective_config(container);
    cb_autofree char *name = xasprintf("/%s", container->name);
    json_t *object = json_object();

    set(object, "Id", text(container->id));
    set(object, "Created", text(container->created));
    add_command(object, effective);
    set(object, "State", state_json(container));
    set(object, "Image", text(container->image_id));
    add_paths(object, store, container);
    set(object, "Name", text(name));
    set(object, "RestartCount", json_integer(container->state.restarts));
    set(object, "Driver", text(cb_store_driver(store)));
    set(object, "Platform", text(effective->platform.os));
    set(object, "MountLabel", text(""));
    set(object, "ProcessLabel", text(""));
    set(object, "AppArmorProfile", text(""));
    set(object, "ExecIDs", json_null());
    set(object, "HostConfig", cb_inspect_host_config(container));
    set(object, "GraphDriver", graph_json(store, container));
    if (size)
        add_sizes(object, store, container);
    cb_inspect_add_mounts(object, container);
    set(object, "Config", config_json(container, effective));
    set(object, "NetworkSettings", cb_inspect_network_settings(container));
    return object;
}
