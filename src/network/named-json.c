/* A named network as a document: the one `docker network inspect` prints is also the one
 * that is kept. */
#include "network/named.h"

#include "network/named-priv.h"

#include <stdio.h>
#include <string.h>

#define MAX_SUBNETS 64
#define MAX_PAIRS   1024

/* ── Writing ── */

static json_t *pairs_json(const struct cb_strings *pairs)
{
    json_t *object = json_object();

    for (size_t i = 0; i < pairs->count; i++) {
        const char *equals = strchrnul(pairs->items[i], '=');
        cb_autofree char *key =
            xstrndup(pairs->items[i], (size_t)(equals - pairs->items[i]));
        json_t *value = json_string(*equals ? equals + 1 : "");

        json_object_set_new(object, key, value ? value : json_string(""));
    }
    return object;
}

/* Those of the subnet; NULL: none. */
static json_t *reserved_json(const struct cb_network_def *def,
                             const struct cb_network_subnet *subnet)
{
    cb_auto_value(cb_strings) own = {0};

    cb_vec_foreach (text, &def->reserved) {
        const char *equals = strchr(*text, '=');
        struct cb_ip ip;

        if (equals && cb_ip_parse(&ip, equals + 1) == 0 &&
            cb_cidr_contains(&subnet->subnet, &ip))
            cb_strings_add(&own, *text);
    }
    return own.count ? pairs_json(&own) : NULL;
}

static json_t *subnet_json(const struct cb_network_def *def,
                           const struct cb_network_subnet *subnet)
{
    char text[CB_CIDR_MAX_TEXT];
    json_t *object = json_pack("{s:s}", "Subnet", cb_cidr_text(&subnet->subnet, text));
    json_t *reserved = reserved_json(def, subnet);

    if (subnet->range.ip.family)
        json_object_set_new(object, "IPRange",
                            json_string(cb_cidr_text(&subnet->range, text)));
    if (subnet->gateway.family)
        json_object_set_new(object, "Gateway",
                            json_string(cb_ip_text(&subnet->gateway, text)));
    if (reserved)
        json_object_set_new(object, "AuxiliaryAddresses", reserved);
    return object;
}

static json_t *ipam_json(const struct cb_network_def *def)
{
    json_t *config = json_array();

    for (size_t i = 0; i < def->subnet_count; i++)
        json_array_append_new(config, subnet_json(def, &def->subnets[i]));
    return json_pack("{s:s,s:o,s:o}", "Driver", "default", "Options",
                     def->predefined ? json_null() : json_object(), "Config", config);
}

static json_t *address_json(const char *ip, unsigned bits)
{
    cb_autofree char *text = *ip ? xasprintf("%s/%u", ip, bits) : xstrdup("");

    return json_string(text);
}

static json_t *containers_json(const struct cb_network_def *def)
{
    cb_auto_value(cb_network_endpoints) endpoints = {0};
    json_t *object = json_object();

    cb_network_endpoints(def, &endpoints);
    cb_vec_foreach (endpoint, &endpoints)
        json_object_set_new(
            object, endpoint->id,
            json_pack("{s:s,s:s,s:s,s:o,s:o}", "Name", endpoint->name, "EndpointID",
                      endpoint->id, "MacAddress", endpoint->mac ? endpoint->mac : "",
                      "IPv4Address", address_json(endpoint->ip, endpoint->bits),
                      "IPv6Address", address_json(endpoint->ip6, endpoint->bits6)));
    return object;
}

/* What the bridge of containers is, in the words of the options it would take to make
 * one like it. */
static json_t *options_json(const struct cb_network_def *def)
{
    if (!def->predefined || strcmp(def->driver, "bridge") != 0)
        return pairs_json(&def->options);
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:o}",
                     "com.docker.network.bridge.default_bridge", "true", CB_ICC_OPTION,
                     "true", CB_MASQUERADE_OPTION, "true", CB_BINDING_OPTION, "0.0.0.0",
                     CB_BRIDGE_NAME_OPTION, CB_BRIDGE_INTERFACE, CB_MTU_OPTION,
                     json_sprintf("%u", cb_routes_mtu()));
}

json_t *cb_network_def_json(const struct cb_network_def *def)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:b,s:o,s:b,s:b,s:b,s:{s:s},s:b,s:o,s:o,s:o}",
                     "Name", def->name, "Id", def->id, "Created", def->created, "Scope",
                     "local", "Driver", def->driver, "EnableIPv6", def->ipv6, "IPAM",
                     ipam_json(def), "Internal", def->internal, "Attachable",
                     def->attachable, "Ingress", 0, "ConfigFrom", "Network",
                     def->config_from ? def->config_from : "", "ConfigOnly",
                     def->config_only, "Containers", containers_json(def), "Options",
                     options_json(def), "Labels", pairs_json(&def->labels));
}

/* ── Reading ── */

static int read_bool(const struct cb_json *object, const char *key, int *out,
                     struct cb_error **err)
{
    struct cb_json member = cb_json_member(object, key);

    return cb_json_bool(&member, out, err);
}

static int read_pairs(const struct cb_json *object, const char *key,
                      struct cb_strings *out, struct cb_error **err)
{
    struct cb_json member = cb_json_member(object, key);
    const char *name;
    json_t *value;

    if (cb_json_is_absent(&member))
        return 0;
    if (cb_json_expect_object(&member, err) < 0)
        return -1;
    json_object_foreach(member.value, name, value)
    {
        if (!json_is_string(value) || out->count == MAX_PAIRS || strchr(name, '='))
            return cb_json_fail(&member, err, "malformed");
        cb_strings_addf(out, "%s=%s", name, json_string_value(value));
    }
    return 0;
}

static int malformed(const struct cb_json *json, const char *text, struct cb_error **err)
{
    return cb_json_fail(json, err, "malformed address `%s`", text);
}

static int read_subnet(const struct cb_json *object, struct cb_network_subnet *out,
                       struct cb_error **err)
{
    struct cb_json subnet = cb_json_member(object, "Subnet");
    struct cb_json range = cb_json_member(object, "IPRange");
    struct cb_json gateway = cb_json_member(object, "Gateway");
    const char *subnet_text, *range_text, *gateway_text;

    if (cb_json_required_string(&subnet, &subnet_text, err) < 0 ||
        cb_json_string(&range, &range_text, err) < 0 ||
        cb_json_string(&gateway, &gateway_text, err) < 0)
        return -1;
    if (cb_cidr_parse(&out->subnet, subnet_text) < 0)
        return malformed(&subnet, subnet_text, err);
    if (range_text && cb_cidr_parse(&out->range, range_text) < 0)
        return malformed(&range, range_text, err);
    if (gateway_text && cb_ip_parse(&out->gateway, gateway_text) < 0)
        return malformed(&gateway, gateway_text, err);
    return 0;
}

static int read_ipam(const struct cb_json *root, struct cb_network_def *def,
                     struct cb_error **err)
{
    struct cb_json ipam = cb_json_member(root, "IPAM");
    struct cb_json config = cb_json_member(&ipam, "Config");
    size_t count;

    if (cb_json_expect_object(&ipam, err) < 0 ||
        cb_json_count(&config, MAX_SUBNETS, &count, err) < 0)
        return -1;
    def->subnets = xcalloc(count + 1, sizeof(*def->subnets));
    for (; def->subnet_count < count; def->subnet_count++) {
        struct cb_json item = cb_json_item(&config, def->subnet_count);

        if (cb_json_expect_object(&item, err) < 0 ||
            read_subnet(&item, &def->subnets[def->subnet_count], err) < 0 ||
            read_pairs(&item, "AuxiliaryAddresses", &def->reserved, err) < 0)
            return -1;
    }
    return 0;
}

/* Documents of earlier versions have neither, or those that say nothing. */
static int read_config(const struct cb_json *root, struct cb_network_def *def,
                       struct cb_error **err)
{
    struct cb_json from = cb_json_member(root, "ConfigFrom");
    struct cb_json only = cb_json_member(root, "ConfigOnly");
    struct cb_json name;
    const char *text = NULL;

    if (!cb_json_is_absent(&only) && cb_json_bool(&only, &def->config_only, err) < 0)
        return -1;
    if (cb_json_is_absent(&from))
        return 0;
    name = cb_json_member(&from, "Network");
    if (cb_json_expect_object(&from, err) < 0 || cb_json_string(&name, &text, err) < 0)
        return -1;
    def->config_from = text && *text ? xstrdup(text) : NULL;
    return 0;
}

/* Ids become names of interfaces and files. */
static int check_id(const char *id, struct cb_error **err)
{
    if (strlen(id) == 64 && strspn(id, "0123456789abcdef") == 64)
        return 0;
    return cb_error_set(err, CB_ERR_INTEGRITY, "Id: malformed");
}

int cb_network_def_parse(struct cb_network_def **out, const char *what, const char *bytes,
                         size_t len, struct cb_error **err)
{
    cb_auto(cb_network_def) def = xcalloc(1, sizeof(*def));
    cb_auto_json *document = NULL;
    cb_autofree char *created = NULL;
    struct cb_json root;

    if (cb_json_parse(&document, what, bytes, len, 1u << 20, err) < 0)
        return -1;
    root = cb_json_root(document, what);
    if (cb_json_expect_object(&root, err) < 0 ||
        cb_json_required_text(&root, "Id", &def->id, err) < 0 ||
        check_id(def->id, err) < 0 ||
        cb_json_required_text(&root, "Name", &def->name, err) < 0 ||
        cb_json_required_text(&root, "Driver", &def->driver, err) < 0 ||
        cb_json_required_text(&root, "Created", &created, err) < 0 ||
        read_bool(&root, "Internal", &def->internal, err) < 0 ||
        read_bool(&root, "Attachable", &def->attachable, err) < 0 ||
        read_bool(&root, "EnableIPv6", &def->ipv6, err) < 0 ||
        read_config(&root, def, err) < 0 || read_ipam(&root, def, err) < 0 ||
        read_pairs(&root, "Labels", &def->labels, err) < 0 ||
        read_pairs(&root, "Options", &def->options, err) < 0)
        return -1;
    snprintf(def->created, sizeof(def->created), "%s", created);
    *out = cb_steal(&def);
    return 0;
}
