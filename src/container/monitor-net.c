/* What is asked of a container's networks while it runs: to be shared with another
 * container, as its other namespaces are; to become one more, or one less. */
#include "container/monitor-priv.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MEND_PAUSE_MS 1000
#define MEND_TRIES    10
#define MEND_NAP_MS   100

static struct cb_nets_owner owner_of(struct monitor *monitor)
{
    const struct cb_container *container = monitor->container;

    return (struct cb_nets_owner){.store_root = monitor->store_root,
                                  .request = &monitor->setup->whole,
                                  .id = container->id,
                                  .name = container->name,
                                  .hostname = monitor->setup->hostname};
}

/* ── Sharing it ── */

static int open_netns(const struct monitor *monitor)
{
    if (monitor->setup->nets.netns >= 0)
        return fcntl(monitor->setup->nets.netns, F_DUPFD_CLOEXEC, 3);
    return cb_process_open(monitor->main->process, "ns/net", O_RDONLY);
}

int cb_monitor_give_net(struct monitor *monitor, struct client *client,
                        struct cb_error **err)
{
    struct cb_wire_message message = {.type = CB_WIRE_OK};
    cb_auto_json *document = json_object();
    cb_autofree char *text = NULL;
    cb_autofd int fd = -1;

    if (!monitor->main)
        return cb_monitor_not_running(monitor, err);
    fd = open_netns(monitor);
    if (fd < 0)
        return cb_error_errno(err, errno, "open the container's network");
    json_object_set_new(document, "Hosts",
                        json_string_nocheck(monitor->setup->spec.hosts));
    json_object_set_new(document, "ResolvConf",
                        json_string_nocheck(monitor->setup->spec.resolv_conf));
    json_object_set_new(document, "Hostname",
                        json_string_nocheck(monitor->setup->hostname));
    text = cb_json_dump(document);
    if (strlen(text) >= sizeof(message.text))
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "the container has too many host names to share them");
    message.len = (uint32_t)strlen(text);
    memcpy(message.text, text, message.len);
    monitor->setup->nets.is_shared = 1;
    cb_client_send(client, &message, fd);
    return 0;
}

int cb_monitor_give_space(struct monitor *monitor, struct client *client, int kind,
                          struct cb_error **err)
{
    struct cb_wire_message message = {.type = CB_WIRE_OK};
    const char *name = kind == CLONE_NEWPID   ? "ns/pid"
                       : kind == CLONE_NEWIPC ? "ns/ipc"
                       : kind == CLONE_NEWNS  ? "ns/mnt"
                                              : NULL;
    cb_autofd int fd = -1;

    if (!monitor->main)
        return cb_monitor_not_running(monitor, err);
    if (!name)
        return cb_error_set(err, CB_ERR_UNSUPPORTED, "no such namespace is shared");
    fd = cb_process_open(monitor->main->process, name, O_RDONLY);
    if (fd < 0)
        return cb_error_errno(err, errno, "open the container's namespace");
    cb_client_send(client, &message, fd);
    return 0;
}

/* ── Its files of names ── */

/* PATH is TARGET or below it. */
static int is_within(const char *path, const char *target)
{
    size_t len = strlen(target);

    return strncmp(path, target, len) == 0 && (path[len] == '/' || !path[len]);
}

/* What was asked for is mounted over ours: it is somebody's file. */
static int is_covered(const struct cb_container *container, const char *path)
{
    cb_vec_foreach (mount, &container->mounts) {
        if (is_within(path, mount->target))
            return 1;
    }
    cb_vec_foreach (text, &container->options.request.tmpfs) {
        cb_autofree char *target = xstrndup(*text, strcspn(*text, ":"));
        cb_autofree char *clean = cb_path_clean(target);

        if (is_within(path, clean))
            return 1;
    }
    return 0;
}

/* One that cannot be written stays as it is. */
static void replace_text(const struct monitor *monitor, const char *path, char **kept,
                         char *text)
{
    if (*kept && strcmp(*kept, text) == 0) {
        free(text);
        return;
    }
    if (!is_covered(monitor->container, path))
        cb_monitor_write_own(monitor, path, text);
    free(*kept);
    *kept = text;
}

static int refresh_names(struct monitor *monitor, struct cb_error **err)
{
    struct cb_run_spec *spec = &monitor->setup->spec;
    const struct cb_nets_owner owner = owner_of(monitor);
    char *hosts, *resolv_conf;

    if (cb_nets_texts(&monitor->setup->nets, &owner, &hosts, &resolv_conf, err) < 0)
        return -1;
    replace_text(monitor, "/etc/hosts", &spec->hosts, hosts);
    replace_text(monitor, "/etc/resolv.conf", &spec->resolv_conf, resolv_conf);
    return 0;
}

/* ── One more, or one less ── */

static int save(struct monitor *monitor, struct cb_error **err)
{
    struct cb_container_state *state = &monitor->container->state;

    json_decref(state->network);
    state->network = cb_nets_settings_json(&monitor->setup->nets);
    if (refresh_names(monitor, err) < 0 ||
        cb_container_save_config(monitor->container, err) < 0)
        return -1;
    return cb_container_save_state(monitor->container, err);
}

static int take_text(const struct cb_wire_message *message, char **out)
{
    *out = xstrndup(message->text, message->len);
    return **out ? 0 : -1;
}

/* One that was made with none, and has left that, made its namespace itself. */
static void have_netns(struct monitor *monitor)
{
    struct cb_nets *nets = &monitor->setup->nets;

    if (nets->netns >= 0)
        return;
    nets->netns = open_netns(monitor);
    nets->next = 0;
}

static void watch_names(struct monitor *monitor)
{
    monitor->names_tries = 0;
    monitor->names_at_ms = 0;
    cb_nets_watch_names(&monitor->setup->nets, 0);
}

int cb_monitor_connect(struct monitor *monitor, const struct cb_wire_message *message,
                       struct cb_error **err)
{
    struct cb_run_request *request = &monitor->container->options.request;
    cb_autofree char *text = NULL;
    cb_auto_value(cb_join) join = {0};
    struct cb_nets_owner owner;

    if (!monitor->main)
        return cb_monitor_not_running(monitor, err);
    have_netns(monitor);
    owner = owner_of(monitor);
    if (take_text(message, &text) < 0 || cb_join_parse(&join, text, err) < 0 ||
        cb_nets_connect(&monitor->setup->nets, &owner, &join, monitor->cancel, err) < 0)
        return -1;
    watch_names(monitor);
    cb_joins_add(request, text);
    return save(monitor, err);
}

int cb_monitor_disconnect(struct monitor *monitor, const struct cb_wire_message *message,
                          struct cb_error **err)
{
    struct cb_run_request *request = &monitor->container->options.request;
    cb_autofree char *text = NULL;
    struct cb_nets_owner owner;

    if (!monitor->main)
        return cb_monitor_not_running(monitor, err);
    owner = owner_of(monitor);
    if (take_text(message, &text) < 0 || !cb_joins_has(request, text) ||
        !cb_nets_disconnect(&monitor->setup->nets, &owner, text, monitor->cancel))
        return cb_error_set(err, CB_ERR_NOT_FOUND,
                            "container %s is not connected to network %s",
                            monitor->container->id, text);
    watch_names(monitor);
    cb_joins_remove(request, text);
    return save(monitor, err);
}

int cb_monitor_rename(struct monitor *monitor, struct cb_error **err)
{
    cb_auto(cb_container) renamed = NULL;

    if (cb_container_open(monitor->store_root, monitor->container->id, &renamed, err) < 0)
        return -1;
    free(monitor->container->name);
    monitor->container->name = cb_steal(&renamed->name);
    return monitor->setup
               ? cb_nets_rename(&monitor->setup->nets, monitor->container->name, err)
               : 0;
}

/* Each monitor watches it, and the first to come starts it. One that ends at once, or
 * does not start, is tried again a few times, and then left alone until somebody joins.
 */
void cb_monitor_mend_names(struct monitor *monitor)
{
    int64_t now = cb_clock_ms();

    if (!monitor->setup)
        return;
    if (cb_nets_have_names(&monitor->setup->nets)) {
        monitor->names_at_ms = now;
        return;
    }
    if (monitor->names_at_ms && now - monitor->names_at_ms > MEND_PAUSE_MS)
        monitor->names_tries = 0;
    monitor->names_at_ms = 0;
    if (monitor->names_tries++ < MEND_TRIES)
        cb_nets_watch_names(&monitor->setup->nets,
                            monitor->names_tries > 1 ? MEND_NAP_MS : 0);
}
