/* The fields that docker's structs have and its JSON leaves out while they are empty:
 * `{{if .State.Health}}` is no mistake about a container without a health check. */
#include "commands/inspect.h"

#include <stddef.h>

static const struct cb_template_field fields[] = {
    /* images */
    {"RepoTags", "Container", CB_TEMPLATE_TEXT, NULL},
    {"RepoTags", "OsVersion", CB_TEMPLATE_TEXT, NULL},
    {"RepoTags", "Variant", CB_TEMPLATE_TEXT, NULL},
    /* containers */
    {"RestartCount", "SizeRootFs", CB_TEMPLATE_NIL, NULL},
    {"RestartCount", "SizeRw", CB_TEMPLATE_NIL, NULL},
    {"OOMKilled", "Health", CB_TEMPLATE_NIL, "FinishedAt"},
    {"Destination", "Driver", CB_TEMPLATE_TEXT, "Destination"},
    {"Destination", "Name", CB_TEMPLATE_TEXT, "Type"},
    /* Config of both */
    {"OnBuild", "ArgsEscaped", CB_TEMPLATE_FLAG, NULL},
    {"OnBuild", "AttachStderr", CB_TEMPLATE_FLAG, NULL},
    {"OnBuild", "AttachStdin", CB_TEMPLATE_FLAG, NULL},
    {"OnBuild", "AttachStdout", CB_TEMPLATE_FLAG, NULL},
    {"OnBuild", "Domainname", CB_TEMPLATE_TEXT, NULL},
    {"OnBuild", "ExposedPorts", CB_TEMPLATE_MAP, NULL},
    {"OnBuild", "Healthcheck", CB_TEMPLATE_NIL, NULL},
    {"OnBuild", "Hostname", CB_TEMPLATE_TEXT, NULL},
    {"OnBuild", "Image", CB_TEMPLATE_TEXT, NULL},
    {"OnBuild", "MacAddress", CB_TEMPLATE_TEXT, NULL},
    {"OnBuild", "NetworkDisabled", CB_TEMPLATE_FLAG, NULL},
    {"OnBuild", "OpenStdin", CB_TEMPLATE_FLAG, NULL},
    {"OnBuild", "Shell", CB_TEMPLATE_LIST, NULL},
    {"OnBuild", "StdinOnce", CB_TEMPLATE_FLAG, NULL},
    {"OnBuild", "StopSignal", CB_TEMPLATE_TEXT, NULL},
    {"OnBuild", "StopTimeout", CB_TEMPLATE_NIL, NULL},
    {"OnBuild", "Tty", CB_TEMPLATE_FLAG, NULL},
    {"Test", "Interval", CB_TEMPLATE_DURATION, "Test"},
    {"Test", "Retries", CB_TEMPLATE_NUMBER, "StartPeriod"},
    {"Test", "StartInterval", CB_TEMPLATE_DURATION, NULL},
    {"Test", "StartPeriod", CB_TEMPLATE_DURATION, "Timeout"},
    {"Test", "Timeout", CB_TEMPLATE_DURATION, "Interval"},
    /* HostConfig */
    {"PortBindings", "Annotations", CB_TEMPLATE_MAP, NULL},
    {"PortBindings", "Cgroup", CB_TEMPLATE_TEXT, NULL},
    {"PortBindings", "DeviceCgroupRules", CB_TEMPLATE_LIST, NULL},
    {"PortBindings", "DeviceRequests", CB_TEMPLATE_LIST, NULL},
    {"PortBindings", "Init", CB_TEMPLATE_NIL, NULL},
    {"PortBindings", "Isolation", CB_TEMPLATE_TEXT, NULL},
    {"PortBindings", "KernelMemory", CB_TEMPLATE_NUMBER, NULL},
    {"PortBindings", "Mounts", CB_TEMPLATE_LIST, NULL},
    {"PortBindings", "Runtime", CB_TEMPLATE_TEXT, NULL},
    {"PortBindings", "StorageOpt", CB_TEMPLATE_MAP, NULL},
    {"PortBindings", "Sysctls", CB_TEMPLATE_MAP, NULL},
    {"PortBindings", "Tmpfs", CB_TEMPLATE_MAP, NULL},
    /* NetworkSettings and what is in it */
    {"SandboxID", "HairpinMode", CB_TEMPLATE_FLAG, NULL},
    {"SandboxID", "LinkLocalIPv6Address", CB_TEMPLATE_TEXT, NULL},
    {"SandboxID", "LinkLocalIPv6PrefixLen", CB_TEMPLATE_NUMBER, NULL},
    {"SandboxID", "SecondaryIPAddresses", CB_TEMPLATE_LIST, NULL},
    {"SandboxID", "SecondaryIPv6Addresses", CB_TEMPLATE_LIST, NULL},
    {"IPAMConfig", "DNSNames", CB_TEMPLATE_LIST, NULL},
    {"IPAMConfig", "GwPriority", CB_TEMPLATE_NUMBER, NULL},
    /* networks and volumes */
    {"Subnet", "Gateway", CB_TEMPLATE_TEXT, NULL},
    {"Subnet", "IPRange", CB_TEMPLATE_TEXT, NULL},
    {"Mountpoint", "Status", CB_TEMPLATE_MAP, NULL},
    {"Mountpoint", "UsageData", CB_TEMPLATE_NIL, NULL},
    /* maps and lists that are null wherever they are */
    {NULL, "DriverOpts", CB_TEMPLATE_MAP, NULL},
    {NULL, "Labels", CB_TEMPLATE_MAP, NULL},
    {NULL, "Networks", CB_TEMPLATE_MAP, NULL},
    {NULL, "Options", CB_TEMPLATE_MAP, NULL},
    {NULL, "Ports", CB_TEMPLATE_MAP, NULL},
    {NULL, "Volumes", CB_TEMPLATE_MAP, NULL},
    {NULL, "Aliases", CB_TEMPLATE_LIST, NULL},
    {NULL, "Binds", CB_TEMPLATE_LIST, NULL},
    {NULL, "BlkioDeviceReadBps", CB_TEMPLATE_LIST, NULL},
    {NULL, "BlkioDeviceReadIOps", CB_TEMPLATE_LIST, NULL},
    {NULL, "BlkioDeviceWriteBps", CB_TEMPLATE_LIST, NULL},
    {NULL, "BlkioDeviceWriteIOps", CB_TEMPLATE_LIST, NULL},
    {NULL, "CapAdd", CB_TEMPLATE_LIST, NULL},
    {NULL, "CapDrop", CB_TEMPLATE_LIST, NULL},
    {NULL, "Cmd", CB_TEMPLATE_LIST, NULL},
    {NULL, "Entrypoint", CB_TEMPLATE_LIST, NULL},
    {NULL, "Env", CB_TEMPLATE_LIST, NULL},
    {NULL, "ExecIDs", CB_TEMPLATE_LIST, NULL},
    {NULL, "ExtraHosts", CB_TEMPLATE_LIST, NULL},
    {NULL, "GroupAdd", CB_TEMPLATE_LIST, NULL},
    {NULL, "Links", CB_TEMPLATE_LIST, NULL},
    {NULL, "OnBuild", CB_TEMPLATE_LIST, NULL},
    {NULL, "SecurityOpt", CB_TEMPLATE_LIST, NULL},
    {NULL, "Ulimits", CB_TEMPLATE_LIST, NULL},
    {NULL, "VolumesFrom", CB_TEMPLATE_LIST, NULL},
    {0},
};

const struct cb_template_field *cb_inspect_fields(void)
{
    return fields;
}
