/* A container's NetworkSettings, as docker shows them. */
#include "commands/inspect.h"

#include "base/digest.h"
#include "container/commit.h"
#include "container/joins.h"

#include <string.h>

static void set(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
}

static json_t *text(const char *value)
{
    return json_string_nocheck(value ? value : "");
}

/* The addresses it asks for. */
static json_t *wish(const struct cb_join *join)
{
    json_t *object;

    if (!join->ip && !join->ip6)
        return json_null();
    object = json_object();
    if (join->ip)
        set(object, "IPv4Address", text(join->ip));
    if (join->ip6)
        set(object, "IPv6Address", text(join->ip6));
    return object;
}

/* As its monitor tells them; before that there are only those that were given. */
static json_t *aliases_of(const struct cb_join *join, const char *id, int has_run)
{
    json_t *aliases = cb_inspect_strings(&join->aliases);

    if (has_run && strcmp(join->network, "bridge") != 0)
        json_array_append_new(aliases, json_sprintf("%.12s", id));
    if (json_array_size(aliases))
        return aliases;
    json_decref(aliases);
    return json_null();
}

/* Of the container ID, which does not run. BEFORE: when it last did, or NULL. */
static json_t *endpoint(const struct cb_join *join, const char *id, const json_t *before)
{
    const char *network = json_string_value(json_object_get(before, "NetworkID"));
    json_t *object = json_object();

    set(object, "IPAMConfig", wish(join));
    set(object, "Links",
        join->links.count ? cb_inspect_strings(&join->links) : json_null());
    set(object, "Aliases", aliases_of(join, id, before != NULL));
    set(object, "NetworkID", text(network));
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

static json_t *networks_json(const struct cb_container *container)
{
    const struct cb_run_request *request = &container->options.request;
    const json_t *before = json_object_get(container->state.network, "Networks");
    cb_auto_value(cb_joins) joins = {0};
    json_t *networks = json_object();

    cb_joins_read(&joins, request, NULL);
    cb_vec_foreach (join, &joins) {
        const char *name = *join->network ? join->network : "bridge";

        if (strchr(name, ':') == NULL) /* another container's, or none left */
            set(networks, name,
                endpoint(join, container->id, json_object_get(before, name)));
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

/* Docker's is a number that it made up when the container was started: so this differs
 * from start to start, too, and is the same for as long as it runs. */
static json_t *sandbox_id(const struct cb_container *container)
{
    const char *network = container->options.request.network;
    cb_autofree char *name = xasprintf("%s %s", container->id, container->state.started);
    struct cb_digest digest = cb_digest_of(name, strlen(name));
    char hex[CB_DIGEST_MAX_TEXT];

    if (!cb_container_is_running(container) || !container->state.network ||
        (network && strncmp(network, "container:", 10) == 0))
        return text("");
    return text(cb_digest_hex(&digest, hex));
}

/* What its monitor has told is put over what there always is. */
json_t *cb_inspect_network_settings(const struct cb_container *container)
{
    const json_t *known =
        cb_container_is_running(container) ? container->state.network : NULL;
    json_t *object = json_object();

    set(object, "Bridge", text(""));
    set(object, "SandboxID", sandbox_id(container));
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
    set(object, "Networks", networks_json(container));
    if (known)
        json_object_update(object, (json_t *)known);
    set(object, "Ports", cb_inspect_ports(container));
    return object;
}
