/* The bridge of containers that ask for no other network. It is made like those that
 * people make, and has a name, but gives none: containers on it find each other by
 * address, or are told about each other with --link.
 *
 * There is one for all stores of a host, and it stays once it is there, as docker0 does:
 * to remove a bridge and its rules takes the kernel longer than all the rest together. So
 * the interface says which subnet it has, and a store only what it would have. */
#include "network/attach-priv.h"
#include "network/named-priv.h"

#include "base/log.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ── Its subnet ── */

/* That of INTERFACE in SUBNET: 1, or 0 if there is none. */
static int find_address(const char *interface, const struct cb_cidr *subnet,
                        struct cb_ip *out)
{
    struct ifaddrs *all = NULL;
    int found = 0;

    if (getifaddrs(&all) < 0)
        return 0;
    for (const struct ifaddrs *p = all; p && !found; p = p->ifa_next) {
        struct cb_ip ip = {.family = AF_INET};

        if (!p->ifa_addr || p->ifa_addr->sa_family != AF_INET ||
            strcmp(p->ifa_name, interface) != 0)
            continue;
        memcpy(ip.bytes,
               &((const struct sockaddr_in *)(const void *)p->ifa_addr)->sin_addr,
               sizeof(struct in_addr));
        found = cb_cidr_contains(subnet, &ip);
        if (found)
            *out = ip;
    }
    freeifaddrs(all);
    return found;
}

/* What the configuration says of it, as if somebody had typed it. */
static int read_wish(const struct cb_strings *options, struct cb_network_wish *wish,
                     struct cb_error **err)
{
    const char *own = cb_env_get(options, CB_BRIDGE_IP_OPTION);
    const char *range = cb_env_get(options, CB_BRIDGE_RANGE_OPTION);
    const char *from = own ? own : range;
    struct cb_cidr subnet;
    char text[CB_CIDR_MAX_TEXT];

    if (!from)
        return 0;
    if (cb_cidr_parse(&subnet, from) < 0)
        return cb_error_set(err, CB_ERR_USAGE, "`%s` is not a range of addresses", from);
    if (own)
        cb_strings_take(&wish->gateways, xstrndup(own, strcspn(own, "/")));
    subnet = cb_cidr_network(&subnet);
    cb_cidr_text(&subnet, text);
    cb_strings_add(&wish->subnets, text);
    if (range)
        cb_strings_add(&wish->ranges, range);
    return 0;
}

static void set_subnet(struct cb_network_def *bridge, const struct cb_cidr *subnet)
{
    free(bridge->subnets);
    bridge->subnets = xcalloc(1, sizeof(*bridge->subnets));
    bridge->subnet_count = 1;
    bridge->subnets[0].subnet = *subnet;
    if (!find_address(CB_BRIDGE_INTERFACE, subnet, &bridge->subnets[0].gateway)) {
        bridge->subnets[0].gateway = subnet->ip;
        cb_ip_increment(&bridge->subnets[0].gateway);
    }
}

static int is_empty(const struct cb_network_def *bridge)
{
    cb_auto_value(cb_network_endpoints) endpoints = {0};

    cb_network_endpoints(bridge, &endpoints);
    return endpoints.count == 0;
}

static int remove_bridge(const struct cb_network_def *bridge, struct cb_error **err)
{
    cb_autofree char *interface = cb_network_interface(bridge);
    cb_autofree char *members = cb_network_members(bridge);

    return cb_attach_remove_bridge(interface, members, bridge->subnets,
                                   bridge->subnet_count, err);
}

/* Is it as it is wished? */
static int suits(const struct cb_network_def *bridge, const struct cb_network_wish *wish)
{
    const struct cb_network_subnet *subnet = &bridge->subnets[0];
    char text[CB_CIDR_MAX_TEXT];
    struct cb_ip own;

    if (!wish->subnets.count)
        return 1;
    cb_cidr_text(&subnet->subnet, text);
    return strcmp(text, wish->subnets.items[0]) == 0 &&
           (!wish->gateways.count || (cb_ip_parse(&own, wish->gateways.items[0]) == 0 &&
                                      cb_ip_equal(&own, &subnet->gateway)));
}

/* Where it is as wished; else addresses come from all of it. */
static void set_range(struct cb_network_def *bridge, const struct cb_network_wish *wish)
{
    struct cb_cidr range;

    if (wish->ranges.count && cb_cidr_parse(&range, wish->ranges.items[0]) == 0)
        bridge->subnets[0].range = cb_cidr_network(&range);
}

/* 1: the bridge is there, and BRIDGE has its subnet; it may be another store that made
 * it. One in the way of a route that the host has got since, or that is not as it is
 * wished, goes if nobody is on it. */
static int find_bridge(struct cb_network_def *bridge, const struct cb_network_wish *wish,
                       struct cb_error **err)
{
    char text[CB_CIDR_MAX_TEXT];

    cb_autofree char *interface = cb_network_interface(bridge);
    struct cb_cidr subnet;

    if (!cb_routes_find(interface, &subnet))
        return 0;
    set_subnet(bridge, &subnet);
    if (suits(bridge, wish)) {
        set_range(bridge, wish);
        if (!cb_routes_cover(&subnet, interface, NULL) || !is_empty(bridge))
            return 1;
    } else if (!is_empty(bridge)) {
        cb_cidr_text(&subnet, text);
        cb_warn("the bridge of containers stays %s while containers are on it, and not "
                "%s as the configuration says",
                text, wish->subnets.items[0]);
        return 1;
    }
    return remove_bridge(bridge, err);
}

static int make_bridge(struct cb_network_def *bridge, const struct cb_network_wish *wish,
                       const struct cb_network_defs *others, struct cb_error **err)
{
    cb_autofree char *interface = cb_network_interface(bridge);

    if (!bridge->subnet_count || wish->subnets.count ||
        cb_routes_cover(&bridge->subnets[0].subnet, interface, NULL)) {
        free(cb_steal(&bridge->subnets));
        bridge->subnet_count = 0;
        if (cb_network_settle(bridge, wish, others, err) < 0)
            return wish->subnets.count ? cb_error_wrap(err, "bip, fixed-cidr") : -1;
    }
    return cb_attach_make_bridge(interface, bridge->subnets, bridge->subnet_count,
                                 cb_network_mtu(bridge), err);
}

/* Of all stores one at a time, so that they agree. */
static int have_bridge(struct cb_network_def *bridge,
                       const struct cb_network_defs *others, struct cb_error **err)
{
    cb_auto_value(cb_network_wish) wish = {0};
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int dir = -1;
    int found;

    if (read_wish(&bridge->options, &wish, err) < 0 ||
        cb_net_lease_dir(&dir, NULL, err) < 0 ||
        cb_lock_take(&lock, dir, "settle", CB_LOCK_EXCLUSIVE, NULL, err) < 0)
        return -1;
    found = find_bridge(bridge, &wish, err);
    return found ? found : make_bridge(bridge, &wish, others, err);
}

static int is_same(const struct cb_network_def *bridge, const struct cb_cidr *kept)
{
    return bridge->subnets[0].subnet.bits == kept->bits &&
           cb_ip_equal(&bridge->subnets[0].subnet.ip, &kept->ip);
}

/* That of the bridge among DEFS, which lose it. */
static struct cb_network_def *take_bridge(struct cb_network_defs *defs)
{
    struct cb_network_def *bridge = NULL;
    size_t kept = 0;

    cb_vec_foreach (def, defs) {
        if ((*def)->predefined && strcmp((*def)->name, "bridge") == 0)
            bridge = *def;
        else
            defs->items[kept++] = *def;
    }
    defs->count = kept;
    return bridge;
}

/* The bridge of all containers that ask for no other network, with a subnet that nobody
 * else has: settled when it is first needed, and again if the host has since got a route
 * there and nobody is on it. */
static int settle_bridge(const char *state_dir, const struct cb_strings *options,
                         struct cb_network_def **out, struct cb_error **err)
{
    cb_auto_value(cb_network_defs) defs = {0};
    cb_auto(cb_network_def) bridge = NULL;
    cb_auto(cb_lock) lock = NULL;
    struct cb_cidr kept = {0};
    cb_autofd int dir = -1;

    if (cb_networks_lock(state_dir, CB_LOCK_EXCLUSIVE, &lock, &dir, err) < 0 ||
        cb_networks_read(dir, &defs, err) < 0)
        return -1;
    bridge = take_bridge(&defs);
    cb_strings_copy(&bridge->options, options);
    if (bridge->subnet_count)
        kept = bridge->subnets[0].subnet;
    if (have_bridge(bridge, &defs, err) < 0 ||
        (!is_same(bridge, &kept) && cb_network_write(dir, bridge, err) < 0))
        return -1;
    *out = cb_steal(&bridge);
    return 0;
}

/* 1: the next container finds BRIDGE, the one that is there, as it is. */
static int will_stay(struct cb_network_def *bridge, const struct cb_network_wish *wish)
{
    struct cb_cidr subnet;

    if (!cb_netns_is_ours() || !cb_routes_find(CB_BRIDGE_INTERFACE, &subnet))
        return 0;
    set_subnet(bridge, &subnet);
    if (!suits(bridge, wish))
        return !is_empty(bridge);
    set_range(bridge, wish);
    return 1;
}

void cb_network_foresee(const char *state_dir, const struct cb_strings *options,
                        struct cb_network_def *def)
{
    cb_auto_value(cb_network_wish) wish = {0};
    cb_auto_value(cb_network_defs) others = {0};

    if (!def->predefined || strcmp(def->name, "bridge") != 0)
        return;
    if (read_wish(options, &wish, NULL) < 0 || will_stay(def, &wish) ||
        (def->subnet_count && !wish.subnets.count) ||
        cb_networks_list(state_dir, &others, NULL) < 0)
        return;
    cb_network_def_free(take_bridge(&others));
    free(cb_steal(&def->subnets));
    def->subnet_count = 0;
    cb_network_settle(def, &wish, &others, NULL);
}

int cb_networks_clear_host(const char *state_dir, struct cb_error **err)
{
    cb_auto_value(cb_network_defs) defs = {0};
    cb_auto(cb_network_def) bridge = NULL;
    struct cb_cidr subnet;

    if (!cb_netns_is_ours())
        return 0;
    cb_attach_sweep();
    if (cb_networks_list(state_dir, &defs, err) < 0)
        return -1;
    bridge = take_bridge(&defs);
    if (cb_routes_find(CB_BRIDGE_INTERFACE, &subnet))
        set_subnet(bridge, &subnet);
    return remove_bridge(bridge, err);
}

/* ── In use ── */

static int set_up(struct cb_network *network, int fd, void **state,
                  struct cb_cancel *cancel, struct cb_error **err)
{
    if (cb_attach_check(err) < 0 ||
        settle_bridge(network->state_dir, &network->bridge_options, &network->def, err) <
            0)
        return -1;
    if (cb_network_join_bridge(network, fd, state, cancel, err) == 0)
        return 0;
    cb_network_def_free(cb_steal(&network->def));
    return -1;
}

static void tear_down(void *state)
{
    cb_attached_free(state);
}

static void leave(void *state)
{
    cb_attached_leave(state);
}

const struct cb_network_backend cb_backend_shared = {.name = "iptables-restore",
                                                     .set_up = set_up,
                                                     .tear_down = tear_down,
                                                     .leave = leave,
                                                     .publish = cb_network_publish_bridge,
                                                     .rename = cb_network_rename_bridge};
