/* Documents in the order of docker's structs, with what these have and nothing here sets:
 * so `{{.HostConfig}}` prints as it does there, and whoever reads a field finds it. */
#include "commands/inspect.h"

#include <string.h>

/* EMPTY: JSON of what is there when nothing was set; NULL: nothing. */
struct place {
    const char *key, *empty;
};

static const struct place host_config[] = {
    {"Binds", NULL},
    {"ContainerIDFile", NULL},
    {"LogConfig", NULL},
    {"NetworkMode", NULL},
    {"PortBindings", NULL},
    {"RestartPolicy", NULL},
    {"AutoRemove", NULL},
    {"VolumeDriver", NULL},
    {"VolumesFrom", NULL},
    {"ConsoleSize", "[0, 0]"},
    {"Annotations", NULL},
    {"CapAdd", NULL},
    {"CapDrop", NULL},
    {"CgroupnsMode", NULL},
    {"Dns", NULL},
    {"DnsOptions", NULL},
    {"DnsSearch", NULL},
    {"ExtraHosts", NULL},
    {"GroupAdd", NULL},
    {"IpcMode", NULL},
    {"Cgroup", "\"\""},
    {"Links", NULL},
    {"OomScoreAdj", NULL},
    {"PidMode", NULL},
    {"Privileged", NULL},
    {"PublishAllPorts", NULL},
    {"ReadonlyRootfs", NULL},
    {"SecurityOpt", NULL},
    {"Tmpfs", NULL},
    {"UTSMode", NULL},
    {"UsernsMode", NULL},
    {"ShmSize", NULL},
    {"Sysctls", NULL},
    {"Runtime", "\"cbuild\""},
    {"Isolation", "\"\""},
    {"CpuShares", NULL},
    {"Memory", NULL},
    {"NanoCpus", NULL},
    {"CgroupParent", NULL},
    {"BlkioWeight", NULL},
    {"BlkioWeightDevice", NULL},
    {"BlkioDeviceReadBps", NULL},
    {"BlkioDeviceWriteBps", NULL},
    {"BlkioDeviceReadIOps", NULL},
    {"BlkioDeviceWriteIOps", NULL},
    {"CpuPeriod", NULL},
    {"CpuQuota", NULL},
    {"CpuRealtimePeriod", "0"},
    {"CpuRealtimeRuntime", "0"},
    {"CpusetCpus", NULL},
    {"CpusetMems", NULL},
    {"Devices", NULL},
    {"DeviceCgroupRules", "null"},
    {"DeviceRequests", "null"},
    {"KernelMemory", "0"},
    {"KernelMemoryTCP", "0"},
    {"MemoryReservation", NULL},
    {"MemorySwap", NULL},
    {"MemorySwappiness", NULL},
    {"OomKillDisable", NULL},
    {"PidsLimit", NULL},
    {"Ulimits", NULL},
    {"CpuCount", "0"},
    {"CpuPercent", "0"},
    {"IOMaximumIOps", "0"},
    {"IOMaximumBandwidth", "0"},
    {"Mounts", NULL},
    {"MaskedPaths", NULL},
    {"ReadonlyPaths", NULL},
    {"Init", NULL},
};

static const struct place config[] = {
    {"Hostname", NULL},     {"Domainname", NULL},   {"User", NULL},
    {"AttachStdin", NULL},  {"AttachStdout", NULL}, {"AttachStderr", NULL},
    {"ExposedPorts", NULL}, {"Tty", NULL},          {"OpenStdin", NULL},
    {"StdinOnce", NULL},    {"Env", NULL},          {"Cmd", NULL},
    {"Healthcheck", NULL},  {"ArgsEscaped", NULL},  {"Image", NULL},
    {"Volumes", NULL},      {"WorkingDir", NULL},   {"Entrypoint", NULL},
    {"MacAddress", NULL},   {"OnBuild", NULL},      {"Labels", NULL},
    {"StopSignal", NULL},   {"StopTimeout", NULL},  {"Shell", NULL},
};

/* OBJECT (taken) so; what has no place there stays behind the rest. */
static json_t *in_order(json_t *object, const struct place *places, size_t count)
{
    json_t *ordered = json_object();

    for (size_t i = 0; i < count; i++) {
        json_t *value = json_object_get(object, places[i].key);

        if (value)
            json_object_set(ordered, places[i].key, value);
        else if (places[i].empty)
            json_object_set_new(ordered, places[i].key,
                                json_loads(places[i].empty, JSON_DECODE_ANY, NULL));
    }
    json_object_update_missing(ordered, object);
    json_decref(object);
    return ordered;
}

json_t *cb_inspect_host_config_in_order(json_t *object)
{
    return in_order(object, host_config, CB_ARRAY_SIZE(host_config));
}

json_t *cb_inspect_config_in_order(json_t *object)
{
    return in_order(object, config, CB_ARRAY_SIZE(config));
}
