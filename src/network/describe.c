/* A network in use as `docker inspect` shows it, and the backend that sets up nothing. */
#include "network/network-priv.h"

#include "base/digest.h"
#include "network/named-priv.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

const char *cb_network_label(const struct cb_network *network)
{
    if (network->def)
        return network->def->name;
    return strcmp(network->mode, "default") == 0 ? "bridge" : network->mode;
}

const char *cb_network_id(const struct cb_network *network)
{
    return network->def ? network->def->id : NULL;
}

int cb_network_has_names(const struct cb_network *network)
{
    return network->facts.has_names;
}

static json_t *network_id(const struct cb_network *network)
{
    const char *label = cb_network_label(network);
    cb_autofree char *id = NULL;

    if (network->def)
        return json_string(network->def->id);
    if (strcmp(label, "bridge") && strcmp(label, "host") && strcmp(label, "none"))
        return json_string("");
    id = cb_network_predefined_id(label);
    return json_string(id);
}

/* Of this container on this network, the same as long as both are there. */
static json_t *endpoint_id(const struct cb_network *network)
{
    cb_autofree char *text = xasprintf("%s on %s", network->id ? network->id : "",
                                       network->def ? network->def->id : network->mode);
    struct cb_digest digest = cb_digest_of(text, strlen(text));
    char hex[CB_DIGEST_MAX_TEXT];

    return json_string(cb_digest_hex(&digest, hex));
}

/* Has it a hostname that no alias says already? */
static int is_called_more(const struct cb_network *network)
{
    const char *hostname = network->hostname;

    return hostname &&
           !(network->id && strlen(hostname) == CB_NETWORK_ID_PART &&
             strncmp(network->id, hostname, CB_NETWORK_ID_PART) == 0) &&
           !cb_strings_contain(&network->aliases, hostname);
}

static json_t *aliases_json(const struct cb_network *network)
{
    json_t *array = json_array();

    if (!network->is_named) {
        json_decref(array);
        return json_null();
    }
    cb_vec_foreach (alias, &network->aliases)
        json_array_append_new(array, json_string(*alias));
    if (network->id)
        json_array_append_new(array, json_sprintf("%.12s", network->id));
    if (is_called_more(network))
        json_array_append_new(array, json_string(network->hostname));
    return array;
}

static json_t *links_json(const struct cb_network *network)
{
    json_t *array = network->links.count ? json_array() : json_null();

    cb_vec_foreach (link, &network->links)
        json_array_append_new(array, json_string(*link));
    return array;
}

static json_t *wish_json(const struct cb_network *network)
{
    json_t *object = json_object();

    if (network->is_named && network->ip)
        json_object_set_new(object, "IPv4Address", json_string(network->ip));
    if (network->is_named && network->ip6)
        json_object_set_new(object, "IPv6Address", json_string(network->ip6));
    if (json_object_size(object))
        return object;
    json_decref(object);
    return json_null();
}

static void set_ip(json_t *object, const char *key, const struct cb_ip *ip)
{
    char text[CB_IP_MAX_TEXT] = "";

    if (ip->family)
        cb_ip_text(ip, text);
    json_object_set_new(object, key, json_string(text));
}

json_t *cb_network_settings_json(const struct cb_network *network)
{
    const struct cb_network_facts *facts = &network->facts;
    json_t *object = json_object();

    json_object_set_new(object, "IPAMConfig", wish_json(network));
    json_object_set_new(object, "Links", links_json(network));
    json_object_set_new(object, "Aliases", aliases_json(network));
    json_object_set_new(object, "NetworkID", network_id(network));
    json_object_set_new(object, "EndpointID", endpoint_id(network));
    set_ip(object, "Gateway", facts->gateway.family ? &facts->gateway : &facts->host);
    set_ip(object, "IPAddress", &facts->address);
    json_object_set_new(object, "IPPrefixLen", json_integer(facts->bits));
    set_ip(object, "IPv6Gateway", &facts->gateway6);
    set_ip(object, "GlobalIPv6Address", &facts->address6);
    json_object_set_new(object, "GlobalIPv6PrefixLen", json_integer(facts->bits6));
    json_object_set_new(object, "MacAddress",
                        json_string(network->mac ? network->mac : ""));
    json_object_set_new(object, "DriverOpts", json_null());
    return object;
}

/* ── A namespace with lo, which may get interfaces later ── */

static int set_up_nothing(struct cb_network *network, int fd, void **state,
                          struct cb_cancel *cancel, struct cb_error **err)
{
    *state = NULL;
    return 0;
}

static void tear_down_nothing(void *state) {}

const struct cb_network_backend cb_backend_nothing = {
    .name = "lo", .set_up = set_up_nothing, .tear_down = tear_down_nothing};
