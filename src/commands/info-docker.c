/* What scripts ask `docker info --format` for, in docker's names, beside our own. */
#include "commands/info.h"

#include "base/fs.h"
#include "container/record.h"
#include "store/refs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define MAX_OS_RELEASE (64u << 10)

static void set(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
}

/* PRETTY_NAME of os-release(5); "Linux" without one. Caller frees. */
static char *system_name(void)
{
    static const char key[] = "\nPRETTY_NAME=";
    cb_auto_value(cb_strbuf) text = {0};
    const char *value;

    cb_strbuf_addc(&text, '\n');
    cb_fs_read_file(AT_FDCWD, "/etc/os-release", MAX_OS_RELEASE, &text, NULL);
    value = strstr(cb_strbuf_text(&text), key);
    if (!value)
        return xstrdup("Linux");
    value += strlen(key);
    value += strspn(value, "\"'");
    return xstrndup(value, strcspn(value, "\"'\n"));
}

static void add_machine(json_t *object)
{
    cb_autofree char *name = system_name();
    struct utsname system = {0};

    uname(&system);
    set(object, "Architecture", json_string_nocheck(system.machine));
    set(object, "KernelVersion", json_string_nocheck(system.release));
    set(object, "MemTotal",
        json_integer((json_int_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE)));
    set(object, "NCPU", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
    set(object, "Name", json_string_nocheck(system.nodename));
    set(object, "OSType", json_string("linux"));
    set(object, "OperatingSystem", json_string_nocheck(name));
}

static void add_containers(json_t *object, struct cb_store *store)
{
    cb_auto_value(cb_containers) containers = {0};
    json_int_t paused = 0, running = 0;

    cb_containers_list(store, &containers, NULL);
    cb_vec_foreach (container, &containers) {
        paused += (*container)->state.status == CB_CONTAINER_PAUSED;
        running += cb_container_is_running(*container) &&
                   (*container)->state.status != CB_CONTAINER_PAUSED;
    }
    set(object, "Containers", json_integer((json_int_t)containers.count));
    set(object, "ContainersPaused", json_integer(paused));
    set(object, "ContainersRunning", json_integer(running));
    set(object, "ContainersStopped",
        json_integer((json_int_t)containers.count - paused - running));
}

static void add_stored(json_t *object, struct cb_app *app)
{
    cb_auto(cb_store) store = NULL;
    cb_auto_value(cb_images) images = {0};

    if (cb_app_store(app, CB_STORE_CREATE, &store, NULL) < 0)
        return;
    cb_image_list(store, &images, NULL);
    set(object, "DockerRootDir", json_string(cb_store_root(store)));
    set(object, "Images", json_integer((json_int_t)images.count));
    add_containers(object, store);
}

/* docker.io, and the hosts that may be insecure; networks of such are a list of their
 * own. */
static json_t *registries_of(const struct cb_registry_settings *settings)
{
    json_t *networks = json_array(), *mirrors = json_array(), *hosts = json_object();

    cb_vec_foreach (rule, &settings->rules) {
        for (size_t i = 0;
             strcmp(rule->prefix, "docker.io") == 0 && i < rule->mirrors.count; i++)
            json_array_append_new(mirrors, json_string_nocheck(rule->mirrors.items[i]));
    }
    set(hosts, "docker.io",
        json_pack("{s:s,s:O,s:b,s:b}", "Name", "docker.io", "Mirrors", mirrors, "Secure",
                  1, "Official", 1));
    cb_vec_foreach (text, &settings->insecure) {
        if (strchr(*text, '/'))
            json_array_append_new(networks, json_string_nocheck(*text));
        else
            set(hosts, *text,
                json_pack("{s:s,s:[],s:b,s:b}", "Name", *text, "Mirrors", "Secure", 0,
                          "Official", 0));
    }
    return json_pack("{s:o,s:o,s:o}", "IndexConfigs", hosts, "InsecureRegistryCIDRs",
                     networks, "Mirrors", mirrors);
}

static void add_configured(json_t *object, struct cb_app *app)
{
    const struct cb_settings *settings;

    if (cb_app_settings(app, &settings, NULL) < 0)
        return;
    set(object, "LoggingDriver",
        json_string_nocheck(settings->log_driver ? settings->log_driver : "json-file"));
    set(object, "RegistryConfig", registries_of(&settings->registry));
}

/* What has a name of our own, under docker's; nothing is "". */
static void add_aliases(json_t *object)
{
    static const char *const names[][2] = {
        {"Driver", "driver"},       {"CgroupVersion", "cgroupVersion"},
        {"HttpProxy", "httpProxy"}, {"HttpsProxy", "httpsProxy"},
        {"NoProxy", "noProxy"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(names); i++) {
        const char *value = json_string_value(json_object_get(object, names[i][1]));

        set(object, names[i][0], json_string_nocheck(value ? value : ""));
    }
}

void cb_info_add_docker(json_t *object, struct cb_app *app)
{
    json_t *security = json_pack("[s]", "name=seccomp,profile=builtin");

    if (app->userns.kind != CB_USERNS_NONE)
        json_array_append_new(security, json_string("name=rootless"));
    add_aliases(object);
    add_machine(object);
    add_configured(object, app);
    add_stored(object, app);
    set(object, "ClientInfo",
        json_pack("{s:s,s:s}", "Context", "default", "Version", PACKAGE_VERSION));
    set(object, "CgroupDriver", json_string("cgroupfs"));
    set(object, "DefaultRuntime", json_string("cbuild"));
    set(object, "IndexServerAddress", json_string("https://index.docker.io/v1/"));
    set(object, "Labels", json_array());
    set(object, "LiveRestoreEnabled", json_true()); /* none runs in a daemon */
    set(object, "Plugins",
        json_pack("{s:[s],s:[s,s,s,s,s],s:[s,s,s,s]}", "Volume", "local", "Network",
                  "bridge", "host", "ipvlan", "macvlan", "null", "Log", "journald",
                  "json-file", "local", "none"));
    set(object, "SecurityOptions", security);
    set(object, "ServerVersion", json_string(PACKAGE_VERSION));
    set(object, "Swarm", json_pack("{s:s}", "LocalNodeState", "inactive"));
    set(object, "Warnings", json_array());
}
