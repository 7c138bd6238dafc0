/* The fields that docker's structs have and its JSON leaves out while they are empty:
 * `{{if .State.Health}}` is no mistake about a container without a health check. */
#include "commands/inspect.h"

#include <stddef.h>

static const struct cb_template_field fields[] = {
    /* images */
    {"RepoTags", "Container", CB_TEMPLATE_TEXT},
    {"RepoTags", "OsVersion", CB_TEMPLATE_TEXT},
    {"RepoTags", "Variant", CB_TEMPLATE_TEXT},
    /* containers */
    {"RestartCount", "SizeRootFs", CB_TEMPLATE_NIL},
    {"RestartCount", "SizeRw", CB_TEMPLATE_NIL},
    {"OOMKilled", "Health", CB_TEMPLATE_NIL},
    {"Destination", "Driver", CB_TEMPLATE_TEXT},
    {"Destination", "Name", CB_TEMPLATE_TEXT},
    /* Config of both */
    {"OnBuild", "ArgsEscaped", CB_TEMPLATE_FLAG},
    {"OnBuild", "AttachStderr", CB_TEMPLATE_FLAG},
    {"OnBuild", "AttachStdin", CB_TEMPLATE_FLAG},
    {"OnBuild", "AttachStdout", CB_TEMPLATE_FLAG},
    {"OnBuild", "Domainname", CB_TEMPLATE_TEXT},
    {"OnBuild", "ExposedPorts", CB_TEMPLATE_MAP},
    {"OnBuild", "Healthcheck", CB_TEMPLATE_NIL},
    {"OnBuild", "Hostname", CB_TEMPLATE_TEXT},
    {"OnBuild", "Image", CB_TEMPLATE_TEXT},
    {"OnBuild", "MacAddress", CB_TEMPLATE_TEXT},
    {"OnBuild", "NetworkDisabled", CB_TEMPLATE_FLAG},
    {"OnBuild", "OpenStdin", CB_TEMPLATE_FLAG},
    {"OnBuild", "Shell", CB_TEMPLATE_LIST},
    {"OnBuild", "StdinOnce", CB_TEMPLATE_FLAG},
    {"OnBuild", "StopSignal", CB_TEMPLATE_TEXT},
    {"OnBuild", "StopTimeout", CB_TEMPLATE_NIL},
    {"OnBuild", "Tty", CB_TEMPLATE_FLAG},
    {"Test", "Interval", CB_TEMPLATE_DURATION},
    {"Test", "Retries", CB_TEMPLATE_NUMBER},
    {"Test", "StartInterval", CB_TEMPLATE_DURATION},
    {"Test", "StartPeriod", CB_TEMPLATE_DURATION},
    {"Test", "Timeout", CB_TEMPLATE_DURATION},
    /* HostConfig */
    {"PortBindings", "Annotations", CB_TEMPLATE_MAP},
    {"PortBindings", "Cgroup", CB_TEMPLATE_TEXT},
    {"PortBindings", "DeviceCgroupRules", CB_TEMPLATE_LIST},
    {"PortBindings", "DeviceRequests", CB_TEMPLATE_LIST},
    {"PortBindings", "Isolation", CB_TEMPLATE_TEXT},
    {"PortBindings", "KernelMemory", CB_TEMPLATE_NUMBER},
    {"PortBindings", "Mounts", CB_TEMPLATE_LIST},
    {"PortBindings", "Runtime", CB_TEMPLATE_TEXT},
    {"PortBindings", "StorageOpt", CB_TEMPLATE_MAP},
    {"PortBindings", "Sysctls", CB_TEMPLATE_MAP},
    {"PortBindings", "Tmpfs", CB_TEMPLATE_MAP},
    /* NetworkSettings and what is in it */
    {"SandboxID", "HairpinMode", CB_TEMPLATE_FLAG},
    {"SandboxID", "LinkLocalIPv6Address", CB_TEMPLATE_TEXT},
    {"SandboxID", "LinkLocalIPv6PrefixLen", CB_TEMPLATE_NUMBER},
    {"SandboxID", "SecondaryIPAddresses", CB_TEMPLATE_LIST},
    {"SandboxID", "SecondaryIPv6Addresses", CB_TEMPLATE_LIST},
    {"IPAMConfig", "DNSNames", CB_TEMPLATE_LIST},
    {"IPAMConfig", "GwPriority", CB_TEMPLATE_NUMBER},
    /* networks and volumes */
    {"Subnet", "Gateway", CB_TEMPLATE_TEXT},
    {"Subnet", "IPRange", CB_TEMPLATE_TEXT},
    {"Mountpoint", "Status", CB_TEMPLATE_MAP},
    {"Mountpoint", "UsageData", CB_TEMPLATE_NIL},
    /* maps and lists that are null wherever they are */
    {NULL, "DriverOpts", CB_TEMPLATE_MAP},
    {NULL, "Labels", CB_TEMPLATE_MAP},
    {NULL, "Networks", CB_TEMPLATE_MAP},
    {NULL, "Options", CB_TEMPLATE_MAP},
    {NULL, "Ports", CB_TEMPLATE_MAP},
    {NULL, "Volumes", CB_TEMPLATE_MAP},
    {NULL, "Aliases", CB_TEMPLATE_LIST},
    {NULL, "Binds", CB_TEMPLATE_LIST},
    {NULL, "CapAdd", CB_TEMPLATE_LIST},
    {NULL, "CapDrop", CB_TEMPLATE_LIST},
    {NULL, "Cmd", CB_TEMPLATE_LIST},
    {NULL, "Entrypoint", CB_TEMPLATE_LIST},
    {NULL, "Env", CB_TEMPLATE_LIST},
    {NULL, "ExecIDs", CB_TEMPLATE_LIST},
    {NULL, "ExtraHosts", CB_TEMPLATE_LIST},
    {NULL, "GroupAdd", CB_TEMPLATE_LIST},
    {NULL, "Links", CB_TEMPLATE_LIST},
    {NULL, "OnBuild", CB_TEMPLATE_LIST},
    {NULL, "SecurityOpt", CB_TEMPLATE_LIST},
    {NULL, "VolumesFrom", CB_TEMPLATE_LIST},
    {0},
};

const struct cb_template_field *cb_inspect_fields(void)
{
    return fields;
}
