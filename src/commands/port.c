/* cbuild port: what is published of a container. */
#include "commands/containers.h"

#include <stdio.h>
#include <string.h>

static const struct cb_option options[] = {
    {0},
};

static void print_bindings(const char *prefix, const json_t *bindings)
{
    for (size_t i = 0; i < json_array_size(bindings); i++) {
        const json_t *binding = json_array_get(bindings, i);
        const char *ip = json_string_value(json_object_get(binding, "HostIp"));
        const char *port = json_string_value(json_object_get(binding, "HostPort"));
        int is_ipv6 = ip && strchr(ip, ':') != NULL;

        printf("%s%s%s%s:%s\n", prefix, is_ipv6 ? "[" : "", ip ? ip : "",
               is_ipv6 ? "]" : "", port ? port : "");
    }
}

static void print_all(json_t *ports)
{
    const char *key;
    json_t *bindings;

    json_object_foreach(ports, key, bindings)
    {
        cb_autofree char *prefix = xasprintf("%s -> ", key);

        print_bindings(prefix, bindings);
    }
}

/* "80", "80/tcp" */
static int print_one(const json_t *ports, const char *text, const char *name,
                     struct cb_error **err)
{
    cb_autofree char *key = strchr(text, '/') ? xstrdup(text) : xasprintf("%s/tcp", text);
    const json_t *bindings = json_object_get(ports, key);

    if (!json_array_size(bindings))
        return cb_error_set(err, CB_ERR_NOT_FOUND, "No public port '%s' published for %s",
                            key, name);
    print_bindings("", bindings);
    return 0;
}

static int run(struct cb_app *app, void *values, const struct cb_strings *args,
               struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_container) container = NULL;
    json_t *ports;

    if (cb_app_container(app, args->items[0], &store, &container, err) < 0)
        return -1;
    ports = cb_container_is_running(container)
                ? json_object_get(container->state.network, "Ports")
                : NULL;
    if (args->count > 1)
        return print_one(ports, args->items[1], args->items[0], err);
    print_all(ports);
    return 0;
}

const struct cb_cli_command cb_port_command = {
    .name = "port",
    .summary = "Show the published ports of a container",
    .usage = "port CONTAINER [PORT[/PROTOCOL]]",
    .options = options,
    .min_args = 1,
    .max_args = 2,
    .act = run,
};
