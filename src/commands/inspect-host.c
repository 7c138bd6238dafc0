/* A container's HostConfig, as docker shows it: what was typed, in docker's units. */
#include "commands/inspect.h"

#include "base/timestamp.h"
#include "container/commit.h"
#include "container/joins.h"
#include "container/restart.h"
#include "executor/security.h"
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

static char *typed_host_port(const struct cb_port *port)
{
    if (port->last > port->host)
        return xasprintf("%u-%u", port->host, port->last);
    return port->is_picked || !port->host ? xstrdup("") : xasprintf("%u", port->host);
}

static void add_binding(json_t *bindings, const struct cb_port *port)
{
    cb_autofree char *key = xasprintf("%u/%s", port->container, port->protocol);
    cb_autofree char *host = typed_host_port(port);
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
    set(object, "BlkioWeightDevice",
        limits->weights.count ? throttles(&limits->weights, "Weight", 0) : json_array());
    set(object, "BlkioDeviceReadBps", throttles(&limits->read_bps, "Rate", 1));
    set(object, "BlkioDeviceWriteBps", throttles(&limits->write_bps, "Rate", 1));
    set(object, "BlkioDeviceReadIOps", throttles(&limits->read_iops, "Rate", 0));
    set(object, "BlkioDeviceWriteIOps", throttles(&limits->write_iops, "Rate", 0));
    set(object, "CpuPeriod", number(limits->cpu_period));
    set(object, "CpuQuota", number(limits->cpu_quota));
    set(object, "CpuRealtimePeriod", number(limits->cpu_rt_period));
    set(object, "CpuRealtimeRuntime", number(limits->cpu_rt_runtime));
    set(object, "CpusetCpus", text(limits->cpuset_cpus));
    set(object, "CpusetMems", text(limits->cpuset_mems));
    set(object, "MemoryReservation", size(limits->memory_reservation));
    set(object, "MemorySwap", memory_swap(limits));
    set(object, "MemorySwappiness",
        limits->memory_swappiness ? number(limits->memory_swappiness) : json_null());
    set(object, "OomKillDisable", json_boolean(limits->oom_kill_disable));
    set(object, "PidsLimit",
        limits->pids_limit && strtoll(limits->pids_limit, NULL, 10) > 0
            ? number(limits->pids_limit)
            : json_null());
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

/* The one it was made with, which may have been left since. */
static const char *network_mode(const struct cb_run_request *request)
{
    const char *mode = request->network;

    return mode && *mode && strcmp(mode, "default") != 0 ? mode : "bridge";
}

static void add_namespaces(json_t *object, const struct cb_run_request *request)
{
    set(object, "NetworkMode", text(network_mode(request)));
    set(object, "CgroupnsMode", text(request->cgroupns ? request->cgroupns : "private"));
    set(object, "IpcMode", text(request->ipc ? request->ipc : "private"));
    set(object, "PidMode", text(request->pid));
    set(object, "UTSMode", text(request->uts));
    set(object, "UsernsMode", text(request->userns));
}

static int is_host(const char *mode)
{
    return mode && strcmp(mode, "host") == 0;
}

/* As docker has it: what its client turns into paths is none, and where labels of SELinux
 * would hinder they are off. */
static json_t *security_opts(const struct cb_run_request *request)
{
    json_t *array = json_array();

    cb_vec_foreach (typed, &request->security_opts)
        if (strcmp(*typed, "systempaths=unconfined") != 0)
            json_array_append_new(array, text(*typed));
    if (request->privileged || is_host(request->pid) || is_host(request->ipc))
        json_array_append_new(array, text("label=disable"));
    return or_null(array);
}

static void add_security(json_t *object, const struct cb_run_request *request)
{
    set(object, "CapAdd", list(&request->cap_add));
    set(object, "CapDrop", list(&request->cap_drop));
    set(object, "GroupAdd", list(&request->groups));
    set(object, "Privileged", json_boolean(request->privileged));
    set(object, "ReadonlyRootfs", json_boolean(request->read_only));
    set(object, "SecurityOpt", security_opts(request));
    set(object, "OomScoreAdj", number(request->oom_score_adj));
    set(object, "Devices", devices(&request->devices));
    set(object, "DeviceCgroupRules", list(&request->device_rules));
    set(object, "Ulimits", ulimits(&request->ulimits));
    if (request->sysctls.count)
        set(object, "Sysctls", pairs(&request->sysctls, "="));
}

/* The configuration's is not what somebody asked for. */
static json_t *asked(const struct cb_strings *servers, int is_configured)
{
    return is_configured ? json_array() : cb_inspect_strings(servers);
}

/* What a process does not see, or cannot write: null in a privileged one. */
static void add_hidden(json_t *object, const struct cb_run_request *request)
{
    cb_auto_value(cb_security_settings) settings = {0};
    cb_auto_value(cb_strings) masked = {0}, read_only = {0};

    cb_security_parse(&settings, &request->security_opts, NULL);
    cb_security_list_hidden(&settings, &masked, &read_only);
    set(object, "MaskedPaths",
        request->privileged ? json_null() : cb_inspect_strings(&masked));
    set(object, "ReadonlyPaths",
        request->privileged ? json_null() : cb_inspect_strings(&read_only));
}

json_t *cb_inspect_host_config(const struct cb_container *container)
{
    const struct cb_container_options *options = &container->options;
    const struct cb_run_request *request = &options->request;
    json_t *object = json_object(), *log = json_object();

    set(log, "Type", text(options->log_driver ? options->log_driver : "json-file"));
    set(log, "Config", pairs(&options->log_opts, "="));
    set(object, "Binds", cb_inspect_binds(container));
    set(object, "ContainerIDFile", text(""));
    set(object, "LogConfig", log);
    set(object, "PortBindings", port_bindings(request));
    set(object, "PublishAllPorts", json_boolean(request->publish_all));
    set(object, "RestartPolicy", restart_policy(options->restart));
    set(object, "AutoRemove", json_boolean(options->remove));
    if (options->annotations.count)
        set(object, "Annotations", pairs(&options->annotations, "="));
    set(object, "VolumeDriver", text(options->volume_driver));
    set(object, "VolumesFrom", list(&options->volumes_from));
    set(object, "Dns", asked(&request->dns, request->configured_dns));
    set(object, "DnsOptions",
        asked(&request->dns_options, request->configured_dns_options));
    set(object, "DnsSearch", asked(&request->dns_search, request->configured_dns_search));
    set(object, "ExtraHosts", list(&request->add_hosts));
    set(object, "Links", links(container));
    set(object, "ShmSize",
        request->shm_size ? size(request->shm_size) : json_integer(64 << 20));
    if (request->init)
        set(object, "Init", json_true());
    if (request->tmpfs.count)
        set(object, "Tmpfs", pairs(&request->tmpfs, ":"));
    add_namespaces(object, request);
    add_security(object, request);
    add_limits(object, &request->limits);
    set(object, "Mounts", cb_inspect_mount_specs(container));
    add_hidden(object, request);
    return cb_inspect_host_config_in_order(object);
}
