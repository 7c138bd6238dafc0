/* Joining a named network. The address is a lease, so that no two containers have the
 * same, and who is on a network are those whose leases are held; netavark and the kernel
 * do the rest: the first who joins makes the bridge, the last who leaves removes it. */
#include "network/named-priv.h"

#include "base/fs.h"
#include "base/log.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define ID_PART          12
#define RECORD_MAX_BYTES (1u << 20)

char *cb_network_interface(const struct cb_network_def *def)
{
    const char *name = cb_env_get(&def->options, CB_BRIDGE_NAME_OPTION);

    if (name && *name && strlen(name) < IFNAMSIZ && !strpbrk(name, "/: \t\n%"))
        return xstrdup(name);
    return xasprintf("br-%.*s", ID_PART, def->id);
}

static const struct cb_network_subnet *subnet_of(const struct cb_network_def *def,
                                                 int family)
{
    for (size_t i = 0; i < def->subnet_count; i++)
        if (def->subnets[i].subnet.ip.family == family)
            return &def->subnets[i];
    return NULL;
}

/* ── Addresses ── */

static char *lease_name(const struct cb_network_def *def, const struct cb_ip *ip)
{
    char text[CB_IP_MAX_TEXT];

    return xasprintf("net-%.*s-%s", ID_PART, def->id, cb_ip_text(ip, text));
}

/* One that a killed process had counts as taken until it was taken down. */
static int take(const struct cb_network_def *def, const struct cb_ip *ip,
                struct cb_net_lease **lease, struct cb_error **err)
{
    cb_auto(cb_net_lease) mine = NULL;
    cb_autofree char *name = lease_name(def, ip);
    cb_autofree char *left = NULL;
    int taken = cb_net_lease_try(&mine, name, err);

    left = taken > 0 ? cb_net_lease_recorded(mine) : NULL;
    if (left) {
        cb_net_lease_abandon(cb_steal(&mine));
        return 0;
    }
    *lease = cb_steal(&mine);
    return taken;
}

static int take_given(const struct cb_network *network,
                      const struct cb_network_subnet *subnet, struct cb_ip *out,
                      struct cb_net_lease **lease, struct cb_error **err)
{
    int taken;

    cb_ip_parse(out, network->ip);
    if (!cb_cidr_contains(&subnet->subnet, out))
        return cb_error_set(err, CB_ERR_USAGE,
                            "Invalid address %s: It does not belong to any of this "
                            "network's subnets",
                            network->ip);
    taken = cb_ip_equal(out, &subnet->gateway) ? 0 : take(network->def, out, lease, err);
    return taken ? taken : cb_error_set(err, CB_ERR_EXISTS, "Address already in use");
}

static int take_next(const struct cb_network_def *def,
                     const struct cb_network_subnet *subnet, struct cb_ip *out,
                     struct cb_net_lease **lease, struct cb_error **err)
{
    const struct cb_cidr *range =
        subnet->range.ip.family ? &subnet->range : &subnet->subnet;
    struct cb_ip last = cb_cidr_last(&subnet->subnet);
    struct cb_ip ip = range->ip;

    for (; cb_cidr_contains(range, &ip); cb_ip_increment(&ip)) {
        int taken;

        if (cb_ip_equal(&ip, &subnet->subnet.ip) || cb_ip_equal(&ip, &subnet->gateway) ||
            cb_ip_equal(&ip, &last))
            continue;
        taken = take(def, &ip, lease, err);
        if (taken)
            return *out = ip, taken;
    }
    cb_error_set(err, CB_ERR_EXISTS,
                 "no available IPv4 addresses on this network's address pools: %s (%s)",
                 def->name, def->id);
    return -1;
}

/* The same place in the IPv6 subnet as the IPv4 address has in its own, so that one lease
 * is enough. */
static int place_ipv6(const struct cb_network *network, const struct cb_ip *ipv4,
                      struct cb_ip *out, struct cb_error **err)
{
    const struct cb_network_subnet *subnet = subnet_of(network->def, AF_INET6);
    const struct cb_network_subnet *narrow = subnet_of(network->def, AF_INET);

    if (!subnet)
        return 0;
    if (network->ip6) {
        cb_ip_parse(out, network->ip6);
        if (!cb_cidr_contains(&subnet->subnet, out))
            return cb_error_set(err, CB_ERR_USAGE,
                                "Invalid address %s: It does not belong to any of this "
                                "network's subnets",
                                network->ip6);
        return 0;
    }
    *out = subnet->subnet.ip;
    for (size_t i = 0; i < 4; i++)
        out->bytes[12 + i] |= ipv4->bytes[i] ^ narrow->subnet.ip.bytes[i];
    return 0;
}

/* ── Setting up ── */

static unsigned mtu_of(const struct cb_network_def *def)
{
    const char *text = cb_env_get(&def->options, CB_MTU_OPTION);
    unsigned long mtu = text ? strtoul(text, NULL, 10) : 0;

    return mtu >= 68 && mtu <= 65535 ? (unsigned)mtu : cb_routes_mtu();
}

static int take_address(struct cb_network *network, struct cb_attachment *attachment,
                        struct cb_net_lease **lease, struct cb_error **err)
{
    const struct cb_network_def *def = network->def;
    const struct cb_network_subnet *subnet = subnet_of(def, AF_INET);
    cb_auto(cb_lock) lock = NULL;
    cb_auto(cb_network_def) still = NULL;
    cb_autofd int dir = -1;
    int taken;

    if (cb_networks_lock(network->state_dir, CB_LOCK_SHARED, &lock, &dir, err) < 0 ||
        cb_networks_find(network->state_dir, def->id, &still, err) < 0)
        return -1;
    if (!subnet)
        return cb_error_set(err, CB_ERR_INTEGRITY, "network %s has no IPv4 subnet",
                            def->name);
    taken = network->ip ? take_given(network, subnet, &attachment->ips[0], lease, err)
                        : take_next(def, subnet, &attachment->ips[0], lease, err);
    if (taken < 0)
        return -1;
    return place_ipv6(network, &attachment->ips[0], &attachment->ips[1], err);
}

static int has_names(void)
{
    if (cb_netavark_has_names())
        return 1;
    cb_warn("aardvark-dns is not installed: containers do not know each other's names; "
            "install the package aardvark-dns");
    return 0;
}

static int set_up(struct cb_network *network, int fd, void **state,
                  struct cb_cancel *cancel, struct cb_error **err)
{
    const struct cb_network_def *def = network->def;
    cb_auto(cb_net_lease) lease = NULL;
    cb_autofree char *interface = cb_network_interface(def);
    cb_autofree char *name = xasprintf("cb%.*s", ID_PART, def->id);
    cb_autofree char *id = NULL;
    struct cb_attachment attachment = {.network = name,
                                       .network_id = def->id,
                                       .interface = interface,
                                       .subnets = def->subnets,
                                       .subnet_count = def->subnet_count,
                                       .mac = network->mac,
                                       .aliases = &network->aliases,
                                       .dns = &network->dns,
                                       .ports = &network->ports,
                                       .mtu = mtu_of(def),
                                       .internal = def->internal,
                                       .ipv6 = def->ipv6,
                                       .isolate = 1,
                                       .is_shared = 1};
    struct cb_netavark *netavark;
    char ip[CB_IP_MAX_TEXT];

    if (cb_netavark_check(err) < 0)
        return -1;
    attachment.names = has_names();
    if (take_address(network, &attachment, &lease, err) < 0)
        return -1;
    id = xasprintf("%s%s", def->id, cb_ip_text(&attachment.ips[0], ip));
    attachment.id = network->id ? network->id : id;
    attachment.name = network->name ? network->name : name;
    if (cb_netavark_up(&netavark, &lease, &attachment, fd, cancel, err) < 0)
        return -1;
    network->facts = (struct cb_network_facts){.address = attachment.ips[0],
                                               .host = subnet_of(def, AF_INET)->gateway,
                                               .has_names = attachment.names};
    if (attachment.names)
        network->facts.resolver = network->facts.host;
    *state = netavark;
    return 0;
}

static void tear_down(void *state)
{
    cb_netavark_down(state);
}

const struct cb_network_backend cb_backend_named = {
    .name = "netavark", .set_up = set_up, .tear_down = tear_down};

/* ── Who is on it ── */

void cb_network_endpoints_free(struct cb_network_endpoints *endpoints)
{
    cb_vec_foreach (endpoint, endpoints) {
        free(endpoint->id);
        free(endpoint->name);
        free(endpoint->mac);
    }
    cb_vec_free(endpoints);
}

static void note_address(const struct cb_network_def *def, const char *text,
                         struct cb_network_endpoint *endpoint)
{
    const struct cb_network_subnet *subnet;
    struct cb_ip ip;
    int is_ipv6;

    if (!text || cb_ip_parse(&ip, text) < 0)
        return;
    is_ipv6 = ip.family == AF_INET6;
    subnet = subnet_of(def, ip.family);
    cb_ip_text(&ip, is_ipv6 ? endpoint->ip6 : endpoint->ip);
    *(is_ipv6 ? &endpoint->bits6 : &endpoint->bits) = subnet ? subnet->subnet.bits : 0;
}

/* What was recorded when it joined. */
static void add_endpoint(const struct cb_network_def *def, json_t *record,
                         struct cb_network_endpoints *out)
{
    struct cb_network_endpoint endpoint = {0};
    const char *id = json_string_value(json_object_get(record, "container_id"));
    const char *name = json_string_value(json_object_get(record, "container_name"));
    const char *network;
    json_t *join;

    if (!id || !name)
        return;
    endpoint.id = xstrdup(id);
    endpoint.name = xstrdup(name);
    json_object_foreach(json_object_get(record, "networks"), network, join)
    {
        json_t *ips = json_object_get(join, "static_ips");
        const char *mac = json_string_value(json_object_get(join, "static_mac"));

        for (size_t i = 0; i < json_array_size(ips); i++)
            note_address(def, json_string_value(json_array_get(ips, i)), &endpoint);
        if (mac && !endpoint.mac)
            endpoint.mac = xstrdup(mac);
    }
    cb_vec_push(out, endpoint);
}

/* A lease that can be taken is nobody's. */
static int is_held(const char *name)
{
    struct cb_net_lease *lease = NULL;
    int taken = cb_net_lease_try(&lease, name, NULL);

    cb_net_lease_abandon(lease);
    return taken == 0;
}

void cb_network_endpoints(const struct cb_network_def *def,
                          struct cb_network_endpoints *out)
{
    cb_autofree char *prefix = xasprintf("net-%.*s-", ID_PART, def->id);
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int dir = -1;

    if (def->predefined || !cb_netns_is_ours() ||
        cb_net_lease_dir(&dir, NULL, NULL) < 0 || cb_fs_list(dir, &names, NULL) < 0)
        return;
    cb_vec_foreach (name, &names) {
        cb_auto_value(cb_strbuf) text = {0};
        cb_auto_json *record = NULL;
        char *dot = strrchr(*name, '.');

        if (strncmp(*name, prefix, strlen(prefix)) || !dot || strcmp(dot, ".json") ||
            cb_fs_read_file(dir, *name, RECORD_MAX_BYTES, &text, NULL) < 0 ||
            cb_json_parse(&record, *name, cb_strbuf_text(&text), text.len,
                          RECORD_MAX_BYTES, NULL) < 0)
            continue;
        *dot = '\0';
        if (is_held(*name))
            add_endpoint(def, record, out);
    }
}
