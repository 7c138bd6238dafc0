/* Addresses on a named network. That of IPv4 is a lease, so that no two containers have
 * the same, and who is on a network are those whose leases are held. That of IPv6 is at
 * the same place in its subnet, so that one lease is enough; one that is asked for is
 * compared with those that others have. */
#include "network/named-priv.h"

#include "base/fs.h"
#include "network/attach-priv.h"

#include <string.h>
#include <sys/socket.h>

struct search {
    struct cb_network *network;
    const struct cb_network_subnet *narrow, *wide; /* WIDE: of IPv6, or NULL */
    struct cb_network_endpoints others;            /* if there is WIDE */
    struct cb_strings records;                     /* names of those that are taken */
};

static void search_clear(struct search *search)
{
    cb_strings_free(&search->records);
    cb_network_endpoints_free(&search->others);
}
CB_AUTO_VALUE_DEFINE(search, search_clear)

static int in_use(struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_EXISTS, "Address already in use");
}

static int is_nobodys(const struct search *search, const struct cb_network_subnet *subnet,
                      const struct cb_ip *ip)
{
    return cb_network_subnet_keeps(subnet, ip) || cb_ip_equal(ip, &subnet->gateway) ||
           cb_network_is_reserved(search->network->def, ip);
}

/* TEXT as an address of SUBNET, NULL: there is none of its family. */
static int parse_given(const char *text, const struct cb_network_subnet *subnet,
                       struct cb_ip *out, struct cb_error **err)
{
    if (!subnet)
        return cb_error_set(err, CB_ERR_USAGE,
                            "user specified IP address is supported only when connecting "
                            "to networks with user configured subnets");
    if (cb_ip_parse(out, text) == 0 && cb_cidr_contains(&subnet->subnet, out))
        return 0;
    return cb_error_set(err, CB_ERR_USAGE,
                        "Invalid address %s: It does not belong to any of this "
                        "network's subnets",
                        text);
}

/* ── IPv6 ── */

static int is_free(const struct search *search, const struct cb_ip *ip)
{
    cb_vec_foreach (other, &search->others) {
        struct cb_ip taken;

        if (cb_ip_parse(&taken, other->ip6) == 0 && cb_ip_equal(&taken, ip))
            return 0;
    }
    return !is_nobodys(search, search->wide, ip);
}

/* 0: what belongs to IPV4 there is another's. */
static int place(const struct search *search, const struct cb_ip *ipv4, struct cb_ip *out)
{
    if (!search->wide || search->network->ip6)
        return 1;
    *out = search->wide->subnet.ip;
    for (size_t i = 0; i < 4; i++)
        out->bytes[12 + i] |= ipv4->bytes[i] ^ search->narrow->subnet.ip.bytes[i];
    return cb_cidr_contains(&search->wide->subnet, out) && is_free(search, out);
}

static int take_given_ipv6(const struct search *search, struct cb_ip *out,
                           struct cb_error **err)
{
    if (!search->network->ip6)
        return 0;
    if (parse_given(search->network->ip6, search->wide, out, err) < 0)
        return -1;
    return is_free(search, out) ? 0 : in_use(err);
}

/* ── IPv4 ── */

/* One that a killed process had counts as taken until it was taken down. */
static int take(const struct search *search, const struct cb_ip *ip,
                struct cb_net_lease **lease, struct cb_error **err)
{
    cb_auto(cb_net_lease) mine = NULL;
    cb_autofree char *members = cb_network_members(search->network->def);
    cb_autofree char *left = NULL;
    cb_autofree char *name = NULL;
    char text[CB_IP_MAX_TEXT];
    int taken;

    name = xasprintf("%s%s", members, cb_ip_text(ip, text));
    taken = cb_net_lease_try(&mine, name, err);
    left = taken > 0 ? cb_net_lease_recorded(mine) : NULL;
    if (left) {
        cb_net_lease_abandon(cb_steal(&mine));
        return 0;
    }
    *lease = cb_steal(&mine);
    return taken;
}

/* Of those that many others have, one look tells. */
static int is_recorded(const struct search *search, const struct cb_ip *ip)
{
    cb_autofree char *members = cb_network_members(search->network->def);
    cb_autofree char *record = NULL;
    char text[CB_IP_MAX_TEXT];

    record = xasprintf("%s%s.json", members, cb_ip_text(ip, text));
    return cb_strings_contain(&search->records, record);
}

static int take_given(const struct search *search, struct cb_ip ips[2],
                      struct cb_net_lease **lease, struct cb_error **err)
{
    int taken;

    if (parse_given(search->network->ip, search->narrow, &ips[0], err) < 0)
        return -1;
    if (is_nobodys(search, search->narrow, &ips[0]) || !place(search, &ips[0], &ips[1]))
        return in_use(err);
    taken = take(search, &ips[0], lease, err);
    return taken ? taken : in_use(err);
}

/* 0: none is free in the subnet at hand. */
static int take_next(const struct search *search, struct cb_ip ips[2],
                     struct cb_net_lease **lease, struct cb_error **err)
{
    const struct cb_cidr *range = search->narrow->range.ip.family
                                      ? &search->narrow->range
                                      : &search->narrow->subnet;
    struct cb_ip ip = range->ip;

    for (; cb_cidr_contains(range, &ip); cb_ip_increment(&ip)) {
        int taken;

        if (is_nobodys(search, search->narrow, &ip) || is_recorded(search, &ip) ||
            !place(search, &ip, &ips[1]))
            continue;
        taken = take(search, &ip, lease, err);
        if (taken)
            return ips[0] = ip, taken;
    }
    return 0;
}

/* Of several subnets the first with room, as docker has it. */
static int take_from_each(struct search *search, struct cb_ip ips[2],
                          struct cb_net_lease **lease, struct cb_error **err)
{
    const struct cb_network_def *def = search->network->def;

    for (size_t i = 0; i < def->subnet_count; i++) {
        int taken;

        search->narrow = &def->subnets[i];
        if (search->narrow->subnet.ip.family != AF_INET)
            continue;
        taken = take_next(search, ips, lease, err);
        if (taken)
            return taken;
    }
    return cb_error_set(
        err, CB_ERR_EXISTS,
        "no available IPv4 addresses on this network's address pools: %s (%s)", def->name,
        def->id);
}

static int take_any(struct search *search, struct cb_ip ips[2],
                    struct cb_net_lease **lease, struct cb_error **err)
{
    cb_autofd int dir = -1;

    if (search->wide)
        cb_network_endpoints(search->network->def, &search->others);
    if (cb_net_lease_dir(&dir, NULL, NULL) == 0)
        cb_fs_list(dir, &search->records, NULL);
    if (take_given_ipv6(search, &ips[1], err) < 0)
        return -1;
    return search->network->ip ? take_given(search, ips, lease, err)
                               : take_from_each(search, ips, lease, err);
}

/* The one that TEXT is in; else the first, which tells what is wrong with it. */
static const struct cb_network_subnet *subnet_for(const struct cb_network_def *def,
                                                  const char *text, int family)
{
    const struct cb_network_subnet *found = NULL;
    struct cb_ip ip;

    if (text && cb_ip_parse(&ip, text) == 0 && ip.family == family)
        found = cb_network_subnet_with(def, &ip);
    return found ? found : cb_network_subnet_of(def, family);
}

/* What a killed process had is taken down first, where it is asked for by name. */
static int take_wished(struct cb_network *network, struct cb_ip ips[2],
                       struct cb_net_lease **lease, struct cb_error **err)
{
    const struct search start = {.network = network,
                                 .narrow = subnet_for(network->def, network->ip, AF_INET),
                                 .wide =
                                     subnet_for(network->def, network->ip6, AF_INET6)};
    cb_auto_value(search) first = start;
    cb_auto_value(search) again = start;
    cb_auto(cb_error) error = NULL;

    if (!start.narrow)
        return cb_error_set(err, CB_ERR_INTEGRITY, "network %s has no IPv4 subnet",
                            network->def->name);
    if (take_any(&first, ips, lease, &error) >= 0)
        return 0;
    if (cb_error_kind(error) != CB_ERR_EXISTS)
        return cb_error_move(err, &error);
    cb_attach_sweep();
    return take_any(&again, ips, lease, err) < 0 ? -1 : 0;
}

int cb_network_take_addresses(struct cb_network *network, struct cb_ip ips[2],
                              struct cb_net_lease **lease, struct cb_error **err)
{
    cb_auto(cb_lock) lock = NULL;
    cb_auto(cb_network_def) still = NULL;
    cb_autofd int dir = -1;

    if (cb_networks_lock(network->state_dir, CB_LOCK_SHARED, &lock, &dir, err) < 0 ||
        cb_networks_find(network->state_dir, network->def->id, &still, err) < 0)
        return -1;
    return take_wished(network, ips, lease, err);
}
