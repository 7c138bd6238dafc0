/* A container's HostConfig and NetworkSettings, as docker shows them: what was typed, in
 * docker's units. */
#include "commands/inspect.h"

#include "base/timestamp.h"
#include "container/commit.h"
#include "container/joins.h"
#include "container/restart.h"
#include "network/network.h"

#include <stdlib.h>
#include <string.h>

static void set(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
}

static json_t *text(const char *value)
{
    return json_string_nocheck(value ? value : "");
}

/* null where there is none, as Go has it. */
static json_t *list(const struct cb_strings *strings)
{
    return strings->count ? cb_inspect_strings(strings) : json_null();
}

static json_t *size(const char *typed)
{
    uint64_t bytes = 0;

    if (typed && strcmp(typed, "-1") == 0)
        return json_integer(-1);
    if (typed)
        cb_size_parse(&bytes, typed, NULL);
    return json_integer((json_int_t)bytes);
}

static json_t *number(const char *typed)
{
    return json_integer(typed ? strtoll(typed, NULL, 10) : 0);
}

/* {"a": "b"} of "a=b". SEPARATOR: what is between them. */
static json_t *pairs(const struct cb_strings *strings, const char *separator)
{
    json_t *object = json_object();

    cb_vec_foreach (pair, strings) {
        cb_autofree char *key = xstrndup(*pair, strcspn(*pair, separator));
        size_t len = strlen(key);

        set(object, key, text((*pair)[len] ? *pair + len + 1 : ""));
    }
    return object;
}

/* ── Ports ── */

static void add_binding(json_t *bindings, const struct cb_port *port)
{
    cb_autofree char *key = xasprintf("%u/%s", port->container, port->protocol);
    cb_autofree char *host =
        port->is_picked || !port->host ? xstrdup("") : xasprintf("%u", port->host);
    json_t *of_port = json_object_get(bindings, key);

    if (!of_port) {
        of_port = json_array();
        set(bindings, key, of_port);
    }
    json_array_append_new(
        of_port, json_pack("{s:s,s:s}", "HostIp", port->host_ip, "HostPort", host));
}

static json_t *port_bindings(const struct cb_run_request *request)
{
    cb_auto_value(cb_ports) ports = {0};
    json_t *bindings = json_object();

    cb_vec_foreach (typed, &request->publish)
        cb_ports_parse(&ports, *typed, NULL);
    cb_vec_foreach (port, &ports)
        add_binding(bindings, port);
    return bindings;
}

/* ── HostConfig ── */

/* "/db:/web/alias" of --link db:alias. */
static json_t *links(const struct cb_container *container)
{
    const struct cb_strings *typed = &container->options.request.links;
    json_t *array = typed->count ? json_array() : json_null();

    cb_vec_foreach (link, typed) {
        cb_autofree char *other = xstrndup(*link, strcspn(*link, ":"));
        const char *alias = (*link)[strlen(other)] ? *link + strlen(other) + 1 : other;

        json_array_append_new(array,
                              json_sprintf("/%s:/%s/%s", other, container->name, alias));
    }
    return array;
}

static json_t *or_null(json_t *array)
{
    if (json_array_size(array))
        return array;
    json_decref(array);
    return json_null();
}

static const struct cb_container_mount *mount_at(const struct cb_container *container,
                                                 const char *target)
{
    cb_vec_foreach (mount, &container->mounts)
        if (strcmp(mount->target, target) == 0)
            return mount;
    return NULL;
}

/* What -v gave a source, in the order typed; the rest are volumes without a name. */
static json_t *binds(const struct cb_container *container)
{
    json_t *array = json_array();

    cb_vec_foreach (typed, &container->options.request.volumes) {
        const char *colon = strchr(*typed, ':');
        cb_autofree char *target =
            colon ? xstrndup(colon + 1, strcspn(colon + 1, ":")) : NULL;
        const struct cb_container_mount *mount =
            target ? mount_at(container, target) : NULL;

        if (mount && strcmp(mount->type, "bind") == 0)
            json_array_append_new(array, json_sprintf("%s%s", mount->source, colon));
        else if (colon)
            json_array_append_new(array, text(*typed));
    }
    return or_null(array);
}

/* Where --mount puts it; caller frees, or NULL. */
static char *target_of(const char *typed)
{
    static const char *const names[] = {"target=", "dst=", "destination="};

    for (const char *part = typed; part; part = strchr(part, ',')) {
        part += *part == ',';
        for (size_t i = 0; i < CB_ARRAY_SIZE(names); i++) {
            size_t len = strlen(names[i]);

            if (strncmp(part, names[i], len) == 0)
                return xstrndup(part + len, strcspn(part + len, ","));
        }
    }
    return NULL;
}

/* --mount as docker's API has it. */
static void add_mount_specs(json_t *object, const struct cb_container *container)
{
    json_t *array = json_array();

    cb_vec_foreach (typed, &container->options.mounts) {
        cb_autofree char *target = target_of(*typed);
        const struct cb_container_mount *mount =
            target ? mount_at(container, target) : NULL;
        json_t *spec = mount ? json_pack("{s:s}", "Type", mount->type) : NULL;
        int is_volume = mount && strcmp(mount->type, "volume") == 0;
        const char *source = is_volume ? mount->name : mount ? mount->source : NULL;

        if (!spec)
            continue;
        if (source && *source)
            set(spec, "Source", text(source));
        set(spec, "Target", text(mount->target));
        if (mount->read_only)
            set(spec, "ReadOnly", json_true());
        json_array_append_new(array, spec);
    }
    if (json_array_size(array))
        set(object, "Mounts", array);
    else
        json_decref(array);
}

/* [{"Path": "/dev/sda", NAME: 1}] of "/dev/sda:1". */
static json_t *throttles(const struct cb_strings *typed, const char *name, int is_size)
{
    json_t *array = json_array();

    cb_vec_foreach (line, typed) {
        cb_autofree char *path = xstrndup(*line, strcspn(*line, ":"));
        const char *rate = (*line)[strlen(path)] ? *line + strlen(path) + 1 : "";

        json_array_append_new(array, json_pack("{s:s,s:o}", "Path", path, name,
                                               is_size ? size(rate) : number(rate)));
    }
    return or_null(array);
}

/* Twice the memory, unless something else is asked for. */
static json_t *memory_swap(const struct cb_limit_options *limits)
{
    cb_auto_json *memory = size(limits->memory);

    return limits->memory_swap ? size(limits->memory_swap)
                               : json_integer(2 * json_integer_value(memory));
}

static void add_limits(json_t *object, const struct cb_limit_options *limits)
{
    double cpus = limits->cpus ? strtod(limits->cpus, NULL) : 0;

    set(object, "CpuShares", number(limits->cpu_shares));
    set(object, "Memory", size(limits->memory));
    set(object, "NanoCpus", json_integer((json_int_t)(cpus * 1e9 + 0.5)));
    set(object, "CgroupParent", text(limits->cgroup_parent));
    set(object, "BlkioWeight", number(limits->blkio_weight));
    set(object, "BlkioWeightDevice", throttles(&limits->weights, "Weight", 0));
    set(object, "BlkioDeviceReadBps", throttles(&limits->read_bps, "Rate", 1));
    set(object, "BlkioDeviceWriteBps", throttles(&limits->write_bps, "Rate", 1));
    set(object, "BlkioDeviceReadIOps", throttles(&limits->read_iops, "Rate", 0));
    set(object, "BlkioDeviceWriteIOps", throttles(&limits->write_iops, "Rate", 0));
    set(object, "CpuPeriod", number(limits->cpu_period));
    set(object, "CpuQuota", number(limits->cpu_quota));
    set(object, "CpusetCpus", text(limits->cpuset_cpus));
    set(object, "CpusetMems", text(limits->cpuset_mems));
    set(object, "MemoryReservation", size(limits->memory_reservation));
    set(object, "MemorySwap", memory_swap(limits));
    set(object, "MemorySwappiness",
        limits->memory_swappiness ? number(limits->memory_swappiness) : json_null());
    set(object, "OomKillDisable", json_boolean(limits->oom_kill_disable));
    set(object, "PidsLimit",
        limits->pids_limit ? number(limits->pids_limit) : json_null());
}

static json_t *ulimits(const struct cb_strings *typed)
{
    json_t *array = json_array();

    cb_vec_foreach (line, typed) {
        cb_autofree char *name = xstrndup(*line, strcspn(*line, "="));
        const char *soft = strchr(*line, '=');
        const char *hard = soft ? strchr(soft, ':') : NULL;
        json_int_t from = soft ? strtoll(soft + 1, NULL, 10) : 0;
        json_int_t to = hard ? strtoll(hard + 1, NULL, 10) : from;

        json_array_append_new(
            array, json_pack("{s:s,s:I,s:I}", "Name", name, "Hard", to, "Soft", from));
    }
    return or_null(array);
}

static json_t *devices(const struct cb_strings *typed)
{
    json_t *array = json_array();

    cb_vec_foreach (line, typed) {
        cb_autofree char *host = xstrndup(*line, strcspn(*line, ":"));
        const char *rest = (*line)[strlen(host)] ? *line + strlen(host) + 1 : host;
        cb_autofree char *inside = xstrndup(rest, strcspn(rest, ":"));
        const char *modes = strchr(rest, ':');

        if (*host != '/') /* a CDI name */
            continue;
        json_array_append_new(array,
                              json_pack("{s:s,s:s,s:s}", "PathOnHost", host,
                                        "PathInContainer", *inside == '/' ? inside : host,
                                        "CgroupPermissions", modes ? modes + 1 : "rwm"));
    }
    return array;
}

static json_t *restart_policy(const char *typed)
{
    struct cb_restart_policy policy = {0};

    cb_restart_policy_parse(&policy, typed, NULL);
    return json_pack("{s:s,s:i}", "Name", cb_restart_policy_name(&policy),
                     "MaximumRetryCount", (int)policy.most);
}

/* The first of its networks. */
static json_t *network_mode(const struct cb_run_request *request)
{
    cb_auto_value(cb_joins) joins = {0};

    if (cb_joins_read(&joins, request, NULL) < 0 || !joins.count)
        return text("bridge");
    return text(joins.items[0].network);
}

static void add_namespaces(json_t *object, const struct cb_run_request *request)
{
    set(object, "NetworkMode", network_mode(request));
    set(object, "CgroupnsMode", text(request->cgroupns ? request->cgroupns : "private"));
    set(object, "IpcMode", text(request->ipc ? request->ipc : "private"));
    set(object, "PidMode", text(request->pid));
    set(object, "UTSMode", text(request->uts));
    set(object, "UsernsMode", text(request->userns));
}

static void add_security(json_t *object, const struct cb_run_request *request)
{
    set(object, "CapAdd", list(&request->cap_add));
    set(object, "CapDrop", list(&request->cap_drop));
    set(object, "GroupAdd", list(&request->groups));
    set(object, "Privileged", json_boolean(request->privileged));
    set(object, "ReadonlyRootfs", json_boolean(request->read_only));
    set(object, "SecurityOpt", list(&request->security_opts));
    set(object, "OomScoreAdj", number(request->oom_score_adj));
    set(object, "Devices", devices(&request->devices));
    set(object, "Ulimits", ulimits(&request->ulimits));
    if (request->sysctls.count)
        set(object, "Sysctls", pairs(&request->sysctls, "="));
}

json_t *cb_inspect_host_config(const struct cb_container *container)
{
    const struct cb_container_options *options = &container->options;
    const struct cb_run_request *request = &options->request;
    json_t *object = json_object(), *log = json_object();

    set(log, "Type", text(options->log_driver ? options->log_driver : "json-file"));
    set(log, "Config", pairs(&options->log_opts, "="));
    set(object, "Binds", binds(container));
    set(object, "ContainerIDFile", text(""));
    set(object, "LogConfig", log);
    set(object, "PortBindings", port_bindings(request));
    set(object, "PublishAllPorts", json_boolean(request->publish_all));
    set(object, "RestartPolicy", restart_policy(options->restart));
    set(object, "AutoRemove", json_boolean(options->remove));
    set(object, "Annotations", pairs(&options->annotations, "="));
    set(object, "VolumeDriver", text(""));
    set(object, "VolumesFrom", list(&options->volumes_from));
    set(object, "Dns", cb_inspect_strings(&request->dns));
    set(object, "DnsOptions", cb_inspect_strings(&request->dns_options));
    set(object, "DnsSearch", cb_inspect_strings(&request->dns_search));
    set(object, "ExtraHosts", list(&request->add_hosts));
    set(object, "Links", links(container));
    set(object, "ShmSize",
        request->shm_size ? size(request->shm_size) : json_integer(64 << 20));
    set(object, "Init", request->init ? json_true() : json_null());
    if (request->tmpfs.count)
        set(object, "Tmpfs", pairs(&request->tmpfs, ":"));
    add_namespaces(object, request);
    add_security(object, request);
    add_limits(object, &request->limits);
    add_mount_specs(object, container);
    return cb_inspect_host_config_in_order(object);
}

/* ── NetworkSettings ── */

/* Of a container that does not run. */
static json_t *endpoint(const struct cb_join *join, const struct cb_strings *aliases)
{
    json_t *object = json_object();

    set(object, "IPAMConfig", json_null());
    set(object, "Links", json_null());
    set(object, "Aliases", list(aliases));
    set(object, "NetworkID", text(""));
    set(object, "EndpointID", text(""));
    set(object, "Gateway", text(""));
    set(object, "IPAddress", text(""));
    set(object, "IPPrefixLen", json_integer(0));
    set(object, "IPv6Gateway", text(""));
    set(object, "GlobalIPv6Address", text(""));
    set(object, "GlobalIPv6PrefixLen", json_integer(0));
    set(object, "MacAddress", text(join->mac));
    set(object, "DriverOpts", json_null());
    return object;
}

static json_t *networks_json(const struct cb_run_request *request)
{
    cb_auto_value(cb_joins) joins = {0};
    json_t *networks = json_object();

    cb_joins_read(&joins, request, NULL);
    cb_vec_foreach (join, &joins) {
        int first = join == joins.items; /* whose aliases may stand by themselves */
        const char *name = *join->network ? join->network : "bridge";

        if (strchr(name, ':') == NULL) /* another container's, or none left */
            set(networks, name,
                endpoint(join, first && !join->aliases.count ? &request->network_aliases
                                                             : &join->aliases));
    }
    return networks;
}

/* Is it on a network that ports are a matter of: not the host's, none, another's? */
static int has_ports(const json_t *settings)
{
    const char *name;
    json_t *network;

    json_object_foreach(json_object_get(settings, "Networks"), name, network)
    {
        if (strcmp(name, "host") != 0 && strcmp(name, "none") != 0)
            return 1;
    }
    return 0;
}

json_t *cb_inspect_ports(const struct cb_container *container)
{
    const json_t *known =
        cb_container_is_running(container) ? container->state.network : NULL;
    cb_auto(cb_image_config) effective = NULL;
    json_t *ports = json_object();

    if (!has_ports(known))
        return ports;
    json_object_update(ports, json_object_get(known, "Ports"));
    effective = cb_container_effective_config(container);
    cb_vec_foreach (port, &effective->exposed_ports)
        if (!json_object_get(ports, *port))
            set(ports, *port, json_null());
    return ports;
}

/* What its monitor has told is put over what there always is. */
json_t *cb_inspect_network_settings(const struct cb_container *container)
{
    const json_t *known =
        cb_container_is_running(container) ? container->state.network : NULL;
    json_t *object = json_object();

    set(object, "Bridge", text(""));
    set(object, "SandboxID", text(""));
    set(object, "HairpinMode", json_false());
    set(object, "LinkLocalIPv6Address", text(""));
    set(object, "LinkLocalIPv6PrefixLen", json_integer(0));
    set(object, "Ports", json_object());
    set(object, "SandboxKey",
        known && container->state.pid
            ? json_sprintf("/proc/%d/ns/net", container->state.pid)
            : text(""));
    set(object, "SecondaryIPAddresses", json_null());
    set(object, "SecondaryIPv6Addresses", json_null());
    set(object, "EndpointID", text(""));
    set(object, "Gateway", text(""));
    set(object, "GlobalIPv6Address", text(""));
    set(object, "GlobalIPv6PrefixLen", json_integer(0));
    set(object, "IPAddress", text(""));
    set(object, "IPPrefixLen", json_integer(0));
    set(object, "IPv6Gateway", text(""));
    set(object, "MacAddress", text(""));
    set(object, "Networks", networks_json(&container->options.request));
    if (known)
        json_object_update(object, (json_t *)known);
    set(object, "Ports", cb_inspect_ports(container));
    return object;
}
