/* Networks of one container as docker's inspect shows them. */
#include "container/nets.h"

#include <stdlib.h>
#include <string.h>

/* ── Ports ── */

static void add_bindings(json_t *ports, const struct cb_ports *opened)
{
    cb_vec_foreach (port, opened) {
        cb_autofree char *key = xasprintf("%u/%s", port->container, port->protocol);
        json_t *list = json_object_get(ports, key), *binding = json_object();

        if (!list) {
            list = json_array();
            json_object_set_new(ports, key, list);
        }
        json_object_set_new(binding, "HostIp",
                            json_string(*port->host_ip ? port->host_ip : "0.0.0.0"));
        json_object_set_new(binding, "HostPort", json_sprintf("%u", port->host));
        json_array_append_new(list, binding);
    }
}

static int by_text(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;

    return strcmp(*x, *y);
}

/* By name, as a map of Go's is shown. Takes OBJECT. */
static json_t *sorted(json_t *object)
{
    cb_autofree const char **keys = xcalloc(json_object_size(object) + 1, sizeof(*keys));
    json_t *out = json_object(), *value;
    const char *key;
    size_t count = 0;

    json_object_foreach(object, key, value) keys[count++] = key;
    qsort(keys, count, sizeof(*keys), by_text);
    for (size_t i = 0; i < count; i++)
        json_object_set(out, keys[i], json_object_get(object, keys[i]));
    json_decref(object);
    return out;
}

static json_t *ports_json(const struct cb_nets *nets)
{
    json_t *ports = json_object();

    add_bindings(ports, cb_nets_ports(nets));
    return sorted(ports);
}

/* ── Settings ── */

/* The fields beside Networks are those of the default bridge, and empty elsewhere. */
json_t *cb_nets_settings_json(const struct cb_nets *nets)
{
    static const char *const same[] = {
        "EndpointID", "Gateway",     "GlobalIPv6Address", "GlobalIPv6PrefixLen",
        "IPAddress",  "IPPrefixLen", "IPv6Gateway",       "MacAddress"};
    json_t *object = json_object(), *networks = json_object(), *bridge;

    cb_vec_foreach (network, nets) {
        const char *label = cb_network_label(*network);

        if (!strchr(label, ':')) /* another container's, or none left */
            json_object_set_new(networks, label, cb_network_settings_json(*network));
    }
    bridge = json_object_get(networks, "bridge");
    json_object_set_new(object, "Ports", ports_json(nets));
    for (size_t i = 0; i < CB_ARRAY_SIZE(same); i++) {
        json_t *value = json_object_get(bridge, same[i]);
        int is_number = strstr(same[i], "Len") != NULL;

        if (value)
            json_object_set(object, same[i], value);
        else
            json_object_set_new(object, same[i],
                                is_number ? json_integer(0) : json_string(""));
    }
    json_object_set_new(object, "Networks", networks);
    return object;
}
