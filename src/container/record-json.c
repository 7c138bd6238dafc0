/* Records of containers as JSON. Options are kept as they were typed, by a table, and are
 * checked again when they are used: what they mean is known in one place only. */
#include "container/record.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define MAX_STRINGS 100000

enum field_kind { FLAG, TEXT, LIST };
struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;
};

#define O(field) offsetof(struct cb_container_options, field)
#define R(field) O(request.field)
#define L(field) O(request.limits.field)

static const struct field fields[] = {
    {"AddHosts", LIST, R(add_hosts)},
    {"Annotations", LIST, O(annotations)},
    {"Attach", LIST, O(attach)},
    {"BlkioWeight", TEXT, L(blkio_weight)},
    {"BlkioWeightDevice", LIST, L(weights)},
    {"BridgeOptions", LIST, R(bridge_options)},
    {"CapAdd", LIST, R(cap_add)},
    {"CapDrop", LIST, R(cap_drop)},
    {"CdiDirs", LIST, R(cdi_dirs)},
    {"CgroupParent", TEXT, L(cgroup_parent)},
    {"Cgroupns", TEXT, R(cgroupns)},
    {"Command", LIST, R(command)},
    {"ConfiguredDns", FLAG, R(configured_dns)},
    {"ConfiguredDnsOptions", FLAG, R(configured_dns_options)},
    {"ConfiguredDnsSearch", FLAG, R(configured_dns_search)},
    {"CpuPeriod", TEXT, L(cpu_period)},
    {"CpuQuota", TEXT, L(cpu_quota)},
    {"CpuRtPeriod", TEXT, L(cpu_rt_period)},
    {"CpuRtRuntime", TEXT, L(cpu_rt_runtime)},
    {"CpuShares", TEXT, L(cpu_shares)},
    {"Cpus", TEXT, L(cpus)},
    {"CpusetCpus", TEXT, L(cpuset_cpus)},
    {"CpusetMems", TEXT, L(cpuset_mems)},
    {"DeviceCgroupRules", LIST, R(device_rules)},
    {"DeviceReadBps", LIST, L(read_bps)},
    {"DeviceReadIops", LIST, L(read_iops)},
    {"DeviceWriteBps", LIST, L(write_bps)},
    {"DeviceWriteIops", LIST, L(write_iops)},
    {"Detached", FLAG, O(detached)},
    {"Devices", LIST, R(devices)},
    {"Dns", LIST, R(dns)},
    {"DnsOptions", LIST, R(dns_options)},
    {"DnsSearch", LIST, R(dns_search)},
    {"Domainname", TEXT, R(domainname)},
    {"Entrypoint", TEXT, R(entrypoint)},
    {"Env", LIST, R(env)},
    {"Expose", LIST, R(expose)},
    {"Groups", LIST, R(groups)},
    {"HealthCmd", TEXT, O(health.command)},
    {"HealthInterval", TEXT, O(health.interval)},
    {"HealthNone", FLAG, O(health.none)},
    {"HealthRetries", TEXT, O(health.retries)},
    {"HealthStartInterval", TEXT, O(health.start_interval)},
    {"HealthStartPeriod", TEXT, O(health.start_period)},
    {"HealthTimeout", TEXT, O(health.timeout)},
    {"HasEntrypoint", FLAG, R(has_entrypoint)},
    {"Hostname", TEXT, R(hostname)},
    {"Image", TEXT, R(image_name)},
    {"Init", FLAG, R(init)},
    {"Interactive", FLAG, R(interactive)},
    {"Ip", TEXT, R(ip)},
    {"Ip6", TEXT, R(ip6)},
    {"Ipc", TEXT, R(ipc)},
    {"Labels", LIST, O(labels)},
    {"Links", LIST, R(links)},
    {"LogDriver", TEXT, O(log_driver)},
    {"LogOpts", LIST, O(log_opts)},
    {"Mac", TEXT, R(mac)},
    {"Memory", TEXT, L(memory)},
    {"MemoryReservation", TEXT, L(memory_reservation)},
    {"MemorySwap", TEXT, L(memory_swap)},
    {"MemorySwappiness", TEXT, L(memory_swappiness)},
    {"MountSpecs", LIST, O(mounts)},
    {"Network", TEXT, R(network)},
    {"NetworkAliases", LIST, R(network_aliases)},
    {"Networks", LIST, R(networks)},
    {"OomKillDisable", FLAG, L(oom_kill_disable)},
    {"OomScoreAdj", TEXT, R(oom_score_adj)},
    {"Pid", TEXT, R(pid)},
    {"PidsLimit", TEXT, L(pids_limit)},
    {"Privileged", FLAG, R(privileged)},
    {"Publish", LIST, R(publish)},
    {"PublishAll", FLAG, R(publish_all)},
    {"ReadOnly", FLAG, R(read_only)},
    {"Remove", FLAG, O(remove)},
    {"Restart", TEXT, O(restart)},
    {"SecurityOpts", LIST, R(security_opts)},
    {"ShmSize", TEXT, R(shm_size)},
    {"StopSignal", TEXT, R(stop_signal)},
    {"StopTimeout", TEXT, R(stop_timeout)},
    {"Sysctls", LIST, R(sysctls)},
    {"Tmpfs", LIST, R(tmpfs)},
    {"Tty", FLAG, R(tty)},
    {"Ulimits", LIST, R(ulimits)},
    {"User", TEXT, R(user)},
    {"Userns", TEXT, R(userns)},
    {"Uts", TEXT, R(uts)},
    {"VolumeDriver", TEXT, O(volume_driver)},
    {"Volumes", LIST, R(volumes)},
    {"VolumesFrom", LIST, O(volumes_from)},
    {"Workdir", TEXT, R(workdir)},
};

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text)
        json_object_set_new(object, key, json_string_nocheck(text));
}

static json_t *strings_json(const struct cb_strings *strings)
{
    json_t *array = json_array();

    cb_vec_foreach (text, strings)
        json_array_append_new(array, json_string_nocheck(*text));
    return array;
}

/* ── Configuration ── */

static json_t *options_json(const struct cb_container_options *options)
{
    json_t *object = json_object();

    for (size_t i = 0; i < CB_ARRAY_SIZE(fields); i++) {
        const void *value = (const char *)options + fields[i].offset;

        if (fields[i].kind == FLAG && *(const int *)value)
            json_object_set_new(object, fields[i].name, json_true());
        else if (fields[i].kind == TEXT)
            set_text(object, fields[i].name, *(const char *const *)value);
        else if (fields[i].kind == LIST && ((const struct cb_strings *)value)->count)
            json_object_set_new(object, fields[i].name, strings_json(value));
    }
    return object;
}

static json_t *mount_json(const struct cb_container_mount *mount)
{
    json_t *object = json_object();

    set_text(object, "Type", mount->type);
    set_text(object, "Name", mount->name);
    set_text(object, "Source", mount->source);
    set_text(object, "Destination", mount->target);
    set_text(object, "Driver", mount->name ? "local" : NULL);
    set_text(object, "Mode", mount->mode);
    json_object_set_new(object, "RW", json_boolean(!mount->read_only));
    set_text(object, "Propagation", mount->propagation);
    set_text(object, "Subpath", mount->subpath);
    set_text(object, "Snapshot", mount->snapshot);
    set_text(object, "Options", mount->options);
    if (mount->not_recursive)
        json_object_set_new(object, "NonRecursive", json_true());
    if (mount->was_named)
        json_object_set_new(object, "WasNamed", json_true());
    if (mount->makes_owner)
        json_object_set_new(object, "MakesOwner", json_true());
    return object;
}

json_t *cb_container_config_json(const struct cb_container *container)
{
    json_t *object = json_object(), *mounts = json_array();

    cb_vec_foreach (mount, &container->mounts)
        json_array_append_new(mounts, mount_json(mount));
    set_text(object, "Id", container->id);
    set_text(object, "Created", container->created);
    set_text(object, "Image", container->image_id);
    set_text(object, "Snapshot", container->snapshot);
    json_object_set_new(object, "Mounts", mounts);
    json_object_set_new(object, "Options", options_json(&container->options));
    return object;
}

static int read_field(struct cb_container *container, const struct cb_json *object,
                      const struct field *field, struct cb_error **err)
{
    void *value = (char *)&container->options + field->offset;
    struct cb_json member = cb_json_member(object, field->name);
    const char *text;

    switch (field->kind) {
    case FLAG:
        return cb_json_bool(&member, value, err);
    case LIST:
        return cb_json_strings(&member, MAX_STRINGS, value, err);
    case TEXT:
        break;
    }
    if (cb_json_string(&member, &text, err) < 0)
        return -1;
    if (text) {
        cb_strings_add(&container->texts, text);
        *(const char **)value = container->texts.items[container->texts.count - 1];
    }
    return 0;
}

static int require_object(const struct cb_json *json, struct cb_error **err)
{
    if (cb_json_is_absent(json))
        return cb_json_fail(json, err, "missing");
    return cb_json_expect_object(json, err);
}

static int read_mount(const struct cb_json *item, struct cb_container_mount *out,
                      struct cb_error **err)
{
    struct cb_json writable = cb_json_member(item, "RW");
    struct cb_json not_recursive = cb_json_member(item, "NonRecursive");
    struct cb_json was_named = cb_json_member(item, "WasNamed");
    struct cb_json makes_owner = cb_json_member(item, "MakesOwner");
    int can_write = 0;

    if (cb_json_expect_object(item, err) < 0 ||
        cb_json_required_text(item, "Type", &out->type, err) < 0 ||
        cb_json_text(item, "Name", &out->name, err) < 0 ||
        cb_json_required_text(item, "Source", &out->source, err) < 0 ||
        cb_json_required_text(item, "Destination", &out->target, err) < 0 ||
        cb_json_text(item, "Mode", &out->mode, err) < 0 ||
        cb_json_text(item, "Propagation", &out->propagation, err) < 0 ||
        cb_json_text(item, "Subpath", &out->subpath, err) < 0 ||
        cb_json_text(item, "Snapshot", &out->snapshot, err) < 0 ||
        cb_json_text(item, "Options", &out->options, err) < 0 ||
        cb_json_bool(&writable, &can_write, err) < 0 ||
        cb_json_bool(&not_recursive, &out->not_recursive, err) < 0 ||
        cb_json_bool(&was_named, &out->was_named, err) < 0 ||
        cb_json_bool(&makes_owner, &out->makes_owner, err) < 0)
        return -1;
    out->read_only = !can_write;
    return 0;
}

static int read_mounts(struct cb_container *container, const struct cb_json *root,
                       struct cb_error **err)
{
    struct cb_json array = cb_json_member(root, "Mounts");
    size_t count;

    if (cb_json_count(&array, MAX_STRINGS, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct cb_container_mount mount = {0};
        struct cb_json item = cb_json_item(&array, i);
        int status = read_mount(&item, &mount, err);

        cb_vec_push(&container->mounts, mount);
        if (status < 0)
            return -1;
    }
    return 0;
}

int cb_container_config_parse(struct cb_container *container, const char *bytes,
                              size_t len, struct cb_error **err)
{
    cb_auto_json *document = NULL;
    cb_autofree char *created = NULL;
    struct cb_json root, options;

    if (cb_json_parse(&document, "config.json", bytes, len, len, err) < 0)
        return -1;
    root = cb_json_root(document, "config.json");
    options = cb_json_member(&root, "Options");
    if (cb_json_expect_object(&root, err) < 0 ||
        cb_json_text(&root, "Created", &created, err) < 0 ||
        cb_json_required_text(&root, "Image", &container->image_id, err) < 0 ||
        cb_json_required_text(&root, "Snapshot", &container->snapshot, err) < 0 ||
        require_object(&options, err) < 0 || read_mounts(container, &root, err) < 0)
        return -1;
    snprintf(container->created, sizeof(container->created), "%s",
             created ? created : "");
    for (size_t i = 0; i < CB_ARRAY_SIZE(fields); i++)
        if (read_field(container, &options, &fields[i], err) < 0)
            return -1;
    return 0;
}

/* ── State ── */

static const char *const statuses[] = {
    [CB_CONTAINER_CREATED] = "created", [CB_CONTAINER_RUNNING] = "running",
    [CB_CONTAINER_PAUSED] = "paused",   [CB_CONTAINER_RESTARTING] = "restarting",
    [CB_CONTAINER_EXITED] = "exited",
};

const char *cb_container_status_name(enum cb_container_status status)
{
    return statuses[status];
}

json_t *cb_container_state_json(const struct cb_container_state *state)
{
    json_t *object = json_object();

    set_text(object, "Status", statuses[state->status]);
    json_object_set_new(object, "Pid", json_integer(state->pid));
    json_object_set_new(object, "ExitCode", json_integer(state->exit_code));
    json_object_set_new(object, "OOMKilled", json_boolean(state->oom_killed));
    json_object_set_new(object, "RestartCount", json_integer(state->restarts));
    json_object_set_new(object, "StoppedByHand", json_boolean(state->stopped_by_hand));
    set_text(object, "Error", state->error);
    set_text(object, "StartedAt", state->started);
    set_text(object, "FinishedAt", state->finished);
    if (state->network)
        json_object_set(object, "Network", state->network);
    if (state->health)
        json_object_set(object, "Health", state->health);
    return object;
}

static int read_number(const struct cb_json *object, const char *key, int *out,
                       struct cb_error **err)
{
    struct cb_json member = cb_json_member(object, key);
    int64_t value;

    if (cb_json_int64(&member, &value, err) < 0)
        return -1;
    if (value < 0 || value > INT_MAX)
        return cb_json_fail(&member, err, "out of range");
    *out = (int)value;
    return 0;
}

static int read_time(const struct cb_json *object, const char *key,
                     char out[CB_TIMESTAMP_MAX], struct cb_error **err)
{
    struct cb_json member = cb_json_member(object, key);
    struct timespec time;
    const char *text;

    if (cb_json_string(&member, &text, err) < 0)
        return -1;
    if (text && *text && cb_timestamp_parse(&time, text, NULL) < 0)
        return cb_json_fail(&member, err, "is no time");
    snprintf(out, CB_TIMESTAMP_MAX, "%s", text ? text : "");
    return 0;
}

static int read_status(const struct cb_json *root, enum cb_container_status *out,
                       struct cb_error **err)
{
    struct cb_json member = cb_json_member(root, "Status");
    const char *name;

    if (cb_json_required_string(&member, &name, err) < 0)
        return -1;
    for (size_t i = 0; i < CB_ARRAY_SIZE(statuses); i++) {
        if (strcmp(statuses[i], name) != 0)
            continue;
        *out = (enum cb_container_status)i;
        return 0;
    }
    return cb_json_fail(&member, err, "there is no status `%s`", name);
}

int cb_container_state_parse(struct cb_container_state *state, const char *bytes,
                             size_t len, struct cb_error **err)
{
    cb_auto_json *document = NULL;
    struct cb_json root, oom, by_hand, network, health;
    int restarts;

    if (cb_json_parse(&document, "state.json", bytes, len, len, err) < 0)
        return -1;
    root = cb_json_root(document, "state.json");
    oom = cb_json_member(&root, "OOMKilled");
    by_hand = cb_json_member(&root, "StoppedByHand");
    network = cb_json_member(&root, "Network");
    health = cb_json_member(&root, "Health");
    if (cb_json_expect_object(&root, err) < 0 ||
        read_status(&root, &state->status, err) < 0 ||
        read_number(&root, "Pid", &state->pid, err) < 0 ||
        read_number(&root, "ExitCode", &state->exit_code, err) < 0 ||
        read_number(&root, "RestartCount", &restarts, err) < 0 ||
        cb_json_bool(&oom, &state->oom_killed, err) < 0 ||
        cb_json_bool(&by_hand, &state->stopped_by_hand, err) < 0 ||
        cb_json_expect_object(&network, err) < 0 ||
        cb_json_expect_object(&health, err) < 0 ||
        cb_json_text(&root, "Error", &state->error, err) < 0 ||
        read_time(&root, "StartedAt", state->started, err) < 0 ||
        read_time(&root, "FinishedAt", state->finished, err) < 0)
        return -1;
    state->restarts = (unsigned)restarts;
    state->network = json_incref(network.value);
    state->health = json_incref(health.value);
    return 0;
}
