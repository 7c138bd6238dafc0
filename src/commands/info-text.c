/* The lines of `docker info`, worded as docker's: scripts and fingers grep for them. */
#include "commands/info.h"

#include "base/timestamp.h"

#include <stdio.h>
#include <string.h>

/* {LABEL, KEY}: a line for a text or a number that is there and not empty. */
static const char *const before_plugins[][2] = {
    {" Containers", "Containers"},
    {"  Running", "ContainersRunning"},
    {"  Paused", "ContainersPaused"},
    {"  Stopped", "ContainersStopped"},
    {" Images", "Images"},
    {" Server Version", "ServerVersion"},
    {" Storage Driver", "Driver"},
    {" Logging Driver", "LoggingDriver"},
    {" Cgroup Driver", "CgroupDriver"},
    {" Cgroup Version", "CgroupVersion"},
};
static const char *const after_plugins[][2] = {
    {" Default Runtime", "DefaultRuntime"},
    {" Kernel Version", "KernelVersion"},
    {" Operating System", "OperatingSystem"},
    {" OSType", "OSType"},
    {" Architecture", "Architecture"},
    {" CPUs", "NCPU"},
    {" Name", "Name"},
    {" Docker Root Dir", "DockerRootDir"},
    {" HTTP Proxy", "HttpProxy"},
    {" HTTPS Proxy", "HttpsProxy"},
    {" No Proxy", "NoProxy"},
    {" Registry", "IndexServerAddress"},
};

static void print_value(const char *label, const json_t *value)
{
    cb_auto_value(cb_strbuf) text = {0};

    if (json_is_integer(value))
        cb_strbuf_addf(&text, "%lld", (long long)json_integer_value(value));
    else if (json_is_string(value))
        cb_strbuf_add_escaped(&text, json_string_value(value), json_string_length(value),
                              0);
    if (text.len)
        printf("%s: %s\n", label, cb_strbuf_text(&text));
}

static void print_fields(const json_t *object, const char *const fields[][2],
                         size_t count)
{
    for (size_t i = 0; i < count; i++)
        print_value(fields[i][0], json_object_get(object, fields[i][1]));
}

/* "  Volume: local other". */
static void print_plugins(const json_t *plugins)
{
    const char *kind;
    json_t *names;

    printf(" Plugins:\n");
    json_object_foreach((json_t *)plugins, kind, names)
    {
        printf("  %s:", kind);
        for (size_t i = 0; i < json_array_size(names); i++)
            printf(" %s", json_string_value(json_array_get(names, i)));
        printf("\n");
    }
}

/* "name=seccomp,profile=builtin" below its name. */
static void print_security(const json_t *options)
{
    printf(" Security Options:\n");
    for (size_t i = 0; i < json_array_size(options); i++) {
        const char *text = json_string_value(json_array_get(options, i));
        const char *profile = strstr(text, ",profile=");

        text += strlen("name=");
        printf("  %.*s\n", (int)strcspn(text, ","), text);
        if (profile)
            printf("   Profile: %s\n", profile + strlen(",profile="));
    }
}

static void print_list(const char *label, const json_t *texts)
{
    if (json_array_size(texts))
        printf(" %s:\n", label);
    for (size_t i = 0; i < json_array_size(texts); i++)
        printf("  %s\n", json_string_value(json_array_get(texts, i)));
}

static void print_registries(const json_t *config)
{
    const json_t *hosts = json_object_get(config, "IndexConfigs");
    cb_auto_json *insecure = json_array();
    const char *host;
    json_t *value;

    json_object_foreach((json_t *)hosts, host, value)
    {
        if (json_is_false(json_object_get(value, "Secure")))
            json_array_append_new(insecure, json_string_nocheck(host));
    }
    json_array_extend(insecure, json_object_get(config, "InsecureRegistryCIDRs"));
    print_list("Insecure Registries", insecure);
    print_list("Registry Mirrors", json_object_get(config, "Mirrors"));
}

void cb_info_print_docker(const json_t *object)
{
    cb_autofree char *memory = cb_binary_human(
        (uint64_t)json_integer_value(json_object_get(object, "MemTotal")));

    printf("\nServer: none, as docker would say it:\n");
    print_fields(object, before_plugins, CB_ARRAY_SIZE(before_plugins));
    print_plugins(json_object_get(object, "Plugins"));
    print_security(json_object_get(object, "SecurityOptions"));
    print_fields(object, after_plugins, CB_ARRAY_SIZE(after_plugins));
    printf(" Total Memory: %s\n", memory);
    print_registries(json_object_get(object, "RegistryConfig"));
    printf(" Swarm: inactive\n Live Restore Enabled: true\n");
}
