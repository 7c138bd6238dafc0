/* The subnets of a new network: those asked for, checked as docker checks them, or the
 * first of docker's pools that no other network has and no route of the host leads into.
 */
#include "network/named-priv.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define NO_ROOM    "failed to allocate gateway (%s): No available addresses on this pool"
#define POOL_TAKEN "Pool overlaps with other one on this address space"
#define MOST_TRIED 65536 /* subnets of a pool: the routes are read for each */

/* ── Asked for ── */

/* What can be no container's, and what is wrong with it; NULL: it can. */
static const char *why_not(const struct cb_cidr *subnet)
{
    static const struct {
        struct cb_cidr of;
        const char *why;
    } table[] = {
        {{{AF_INET, {127}}, 8}, "these are addresses of the loopback"},
        {{{AF_INET, {224}}, 4}, "these are addresses of groups (multicast)"},
        {{{AF_INET6, {[15] = 1}}, 128}, "this is the address of the loopback"},
        {{{AF_INET6, {0xff}}, 8}, "these are addresses of groups (multicast)"},
    };

    if (!subnet->bits)
        return "these are all addresses";
    for (size_t i = 0; i < CB_ARRAY_SIZE(table); i++)
        if (cb_cidr_overlap(&table[i].of, subnet))
            return table[i].why;
    return NULL;
}

static int parse_subnet(struct cb_network_subnet *out, const char *text,
                        struct cb_error **err)
{
    const char *why;

    if (cb_cidr_parse(&out->subnet, text) < 0)
        return cb_error_set(err, CB_ERR_USAGE,
                            "Invalid subnet %s : invalid CIDR address: %s", text, text);
    out->subnet = cb_cidr_network(&out->subnet);
    why = why_not(&out->subnet);
    if (why)
        return cb_error_set(err, CB_ERR_USAGE, "Invalid subnet %s : %s", text, why);
    if (out->subnet.bits <= (out->subnet.ip.family == AF_INET ? 30u : 126u))
        return 0;
    cb_error_set(err, CB_ERR_USAGE, NO_ROOM, "");
    return cb_error_hint(err, "%s has no room for a gateway and a container", text);
}

static int add_subnets(struct cb_network_def *def, const struct cb_strings *texts,
                       struct cb_error **err)
{
    def->subnets = xcalloc(texts->count + 2, sizeof(*def->subnets));
    for (size_t i = 0; i < texts->count; i++) {
        struct cb_network_subnet *subnet = &def->subnets[def->subnet_count];

        if (parse_subnet(subnet, texts->items[i], err) < 0)
            return -1;
        for (size_t n = 0; n < def->subnet_count; n++) {
            if (cb_cidr_overlap(&def->subnets[n].subnet, &subnet->subnet))
                return cb_error_set(err, CB_ERR_USAGE,
                                    "multiple overlapping subnet configuration is not "
                                    "supported");
            if (def->subnets[n].subnet.ip.family == subnet->subnet.ip.family &&
                !cb_network_is_direct(def->driver))
                return cb_error_set(err, CB_ERR_UNSUPPORTED,
                                    "bridge driver doesn't support multiple subnets");
        }
        def->subnet_count++;
    }
    return 0;
}

static struct cb_network_subnet *subnet_of(struct cb_network_def *def,
                                           const struct cb_ip *ip)
{
    for (size_t i = 0; i < def->subnet_count; i++)
        if (cb_cidr_contains(&def->subnets[i].subnet, ip))
            return &def->subnets[i];
    return NULL;
}

static int add_ranges(struct cb_network_def *def, const struct cb_strings *texts,
                      struct cb_error **err)
{
    for (size_t i = 0; i < texts->count; i++) {
        struct cb_network_subnet *subnet;
        struct cb_cidr range;

        if (cb_cidr_parse(&range, texts->items[i]) < 0)
            return cb_error_set(err, CB_ERR_USAGE, "no matching subnet for range %s",
                                texts->items[i]);
        range = cb_cidr_network(&range);
        subnet = subnet_of(def, &range.ip);
        if (!subnet || range.bits < subnet->subnet.bits)
            return cb_error_set(err, CB_ERR_USAGE, "no matching subnet for range %s",
                                texts->items[i]);
        if (subnet->range.ip.family)
            return cb_error_set(
                err, CB_ERR_USAGE,
                "cannot configure multiple ranges (%s) on the same subnet",
                texts->items[i]);
        subnet->range = range;
    }
    return 0;
}

static int add_gateways(struct cb_network_def *def, const struct cb_strings *texts,
                        struct cb_error **err)
{
    for (size_t i = 0; i < texts->count; i++) {
        struct cb_network_subnet *subnet;
        struct cb_ip gateway;

        if (cb_ip_parse(&gateway, texts->items[i]) < 0)
            return cb_error_set(err, CB_ERR_USAGE, "no matching subnet for gateway %s",
                                texts->items[i]);
        subnet = subnet_of(def, &gateway);
        if (!subnet)
            return cb_error_set(err, CB_ERR_USAGE, "no matching subnet for gateway %s",
                                texts->items[i]);
        if (subnet->gateway.family)
            return cb_error_set(
                err, CB_ERR_USAGE,
                "cannot configure multiple gateways (%s) on the same subnet",
                texts->items[i]);
        if (cb_network_subnet_keeps(subnet, &gateway))
            return cb_error_set(err, CB_ERR_USAGE,
                                "failed to allocate gateway (%s): Address already in use",
                                texts->items[i]);
        subnet->gateway = gateway;
    }
    return 0;
}

/* Its first address is the network's own, and with IPv4 the last one everybody's. */
int cb_network_subnet_keeps(const struct cb_network_subnet *subnet,
                            const struct cb_ip *ip)
{
    struct cb_ip last = cb_cidr_last(&subnet->subnet);

    return cb_ip_equal(ip, &subnet->subnet.ip) ||
           (ip->family == AF_INET && cb_ip_equal(ip, &last));
}

static int add_reserved(struct cb_network_def *def, const struct cb_strings *texts,
                        struct cb_error **err)
{
    for (size_t i = 0; i < texts->count; i++) {
        const char *equals = strchr(texts->items[i], '=');
        struct cb_network_subnet *subnet;
        struct cb_ip ip;

        if (!equals || equals == texts->items[i])
            return cb_error_argument(err, texts->items[i], "--aux-address",
                                     "expected NAME=ADDRESS");
        subnet = cb_ip_parse(&ip, equals + 1) < 0 ? NULL : subnet_of(def, &ip);
        if (!subnet)
            return cb_error_set(err, CB_ERR_USAGE,
                                "no matching subnet for aux-address %s", equals + 1);
        if (cb_network_subnet_keeps(subnet, &ip) || cb_ip_equal(&ip, &subnet->gateway) ||
            cb_network_is_reserved(def, &ip))
            return cb_error_set(err, CB_ERR_USAGE,
                                "failed to allocate secondary ip address (%s): Address "
                                "already in use",
                                equals + 1);
        cb_strings_add(&def->reserved, texts->items[i]);
    }
    return 0;
}

int cb_network_is_reserved(const struct cb_network_def *def, const struct cb_ip *ip)
{
    for (size_t i = 0; i < def->reserved.count; i++) {
        const char *equals = strchr(def->reserved.items[i], '=');
        struct cb_ip other;

        if (equals && cb_ip_parse(&other, equals + 1) == 0 && cb_ip_equal(&other, ip))
            return 1;
    }
    return 0;
}

/* The first address of the subnet, or of the range, as docker's is. */
static int default_gateways(struct cb_network_def *def, struct cb_error **err)
{
    for (size_t i = 0; i < def->subnet_count; i++) {
        struct cb_network_subnet *subnet = &def->subnets[i];

        if (subnet->gateway.family)
            continue;
        subnet->gateway = subnet->range.ip.family ? subnet->range.ip : subnet->subnet.ip;
        if (cb_ip_equal(&subnet->gateway, &subnet->subnet.ip))
            cb_ip_increment(&subnet->gateway);
        while (cb_network_is_reserved(def, &subnet->gateway))
            cb_ip_increment(&subnet->gateway);
        if (!cb_cidr_contains(&subnet->subnet, &subnet->gateway) ||
            cb_network_subnet_keeps(subnet, &subnet->gateway))
            return cb_error_set(err, CB_ERR_USAGE, NO_ROOM, "");
    }
    return 0;
}

/* ── Whether it is free ── */

/* Builds have theirs in 10.213.0.0/16. */
static int is_private(const struct cb_cidr *subnet)
{
    struct cb_cidr all = cb_private_subnet(0);

    all.bits = 16;
    return cb_cidr_overlap(&all, subnet);
}

static const struct cb_network_def *owner_of(const struct cb_network_defs *others,
                                             const struct cb_cidr *subnet)
{
    for (size_t i = 0; i < others->count; i++)
        for (size_t n = 0;
             !others->items[i]->config_only && n < others->items[i]->subnet_count; n++)
            if (cb_cidr_overlap(&others->items[i]->subnets[n].subnet, subnet))
                return others->items[i];
    return NULL;
}

static int check_free(const struct cb_network_def *def,
                      const struct cb_network_defs *others, struct cb_error **err)
{
    for (size_t i = 0; i < def->subnet_count; i++) {
        const struct cb_network_def *owner = owner_of(others, &def->subnets[i].subnet);
        cb_autofree char *route = NULL;
        char text[CB_CIDR_MAX_TEXT];

        cb_cidr_text(&def->subnets[i].subnet, text);
        if (owner) {
            cb_error_set(err, CB_ERR_EXISTS, POOL_TAKEN);
            return cb_error_hint(err, "%s overlaps with network %s", text, owner->name);
        }
        if (is_private(&def->subnets[i].subnet)) {
            cb_error_set(err, CB_ERR_EXISTS, POOL_TAKEN);
            return cb_error_hint(err, "%s overlaps with network bridge", text);
        }
        if (!cb_network_is_direct(def->driver) &&
            cb_routes_cover(&def->subnets[i].subnet, NULL, &route)) {
            cb_error_set(err, CB_ERR_EXISTS, POOL_TAKEN);
            return cb_error_hint(err, "%s overlaps with the host's route %s", text,
                                 route);
        }
    }
    return 0;
}

/* ── Not asked for ── */

/* docker's pools: 172.17–31.0.0/16, the first of them for its own bridge, and
 * 192.168.0.0/16 in parts of /20. */
static struct cb_cidr pool(unsigned number)
{
    if (number < 15)
        return (struct cb_cidr){.ip = {AF_INET, {172, (unsigned char)(17 + number)}},
                                .bits = 16};
    return (struct cb_cidr){
        .ip = {AF_INET, {192, 168, (unsigned char)((number - 15) * 16)}}, .bits = 20};
}

static int try_pool(struct cb_network_def *def, const struct cb_network_defs *others,
                    const struct cb_cidr *subnet)
{
    if (owner_of(others, subnet) || is_private(subnet) ||
        cb_routes_cover(subnet, NULL, NULL))
        return 0;
    def->subnets[def->subnet_count++].subnet = *subnet;
    return 1;
}

/* "10.20.0.0/16=24": its /24s in order. 1: found; -1: it is no pool. */
static int try_pool_of(struct cb_network_def *def, const struct cb_network_defs *others,
                       const char *text)
{
    cb_autofree char *base = xstrndup(text, strcspn(text, "="));
    const char *size = strchr(text, '=');
    struct cb_cidr pool;
    unsigned bits = size ? (unsigned)atoi(size + 1) : 0;
    uint32_t first, count;

    if (cb_cidr_parse(&pool, base) < 0 || pool.ip.family != AF_INET || bits < 1 ||
        bits < pool.bits || bits > 30)
        return -1;
    pool = cb_cidr_network(&pool);
    memcpy(&first, pool.ip.bytes, sizeof(first));
    count = UINT32_C(1) << (bits - pool.bits);
    for (uint32_t number = 0; number < count && number < MOST_TRIED; number++) {
        struct cb_cidr subnet = {.ip = {.family = AF_INET}, .bits = bits};
        uint32_t next = htonl(ntohl(first) + (number << (32 - bits)));

        memcpy(subnet.ip.bytes, &next, sizeof(next));
        if (try_pool(def, others, &subnet))
            return 1;
    }
    return 0;
}

static int pick_pool(struct cb_network_def *def, const struct cb_strings *pools,
                     const struct cb_network_defs *others, struct cb_error **err)
{
    cb_vec_foreach (text, pools) {
        int found = try_pool_of(def, others, *text);

        if (found)
            return found < 0
                       ? cb_error_set(err, CB_ERR_USAGE, "bad address pool: %s", *text)
                       : 0;
    }
    for (unsigned number = def->predefined ? 0 : 1; !pools->count && number < 31;
         number++) {
        struct cb_cidr subnet = pool(number);

        if (try_pool(def, others, &subnet))
            return 0;
    }
    return cb_error_set(err, CB_ERR_EXISTS,
                        "could not find an available, non-overlapping IPv4 address pool "
                        "among the defaults to assign to the network");
}

/* RFC 4193: a prefix that is random enough, from the network's id. */
static void add_unique_local(struct cb_network_def *def)
{
    struct cb_cidr subnet = {.ip = {AF_INET6, {0xfd}}, .bits = 64};

    for (size_t i = 1; i < 6; i++) {
        unsigned byte = 0;

        sscanf(def->id + 2 * i, "%2x", &byte);
        subnet.ip.bytes[i] = (unsigned char)byte;
    }
    def->subnets[def->subnet_count++].subnet = subnet;
}

static int has_family(const struct cb_network_def *def, int family)
{
    for (size_t i = 0; i < def->subnet_count; i++)
        if (def->subnets[i].subnet.ip.family == family)
            return 1;
    return 0;
}

int cb_network_settle(struct cb_network_def *def, const struct cb_network_wish *wish,
                      const struct cb_network_defs *others, struct cb_error **err)
{
    if (!wish->subnets.count &&
        (wish->ranges.count || wish->gateways.count || wish->reserved.count))
        return cb_error_set(err, CB_ERR_USAGE,
                            "every ip-range or gateway must have a corresponding subnet");
    if (add_subnets(def, &wish->subnets, err) < 0 ||
        add_ranges(def, &wish->ranges, err) < 0 ||
        add_gateways(def, &wish->gateways, err) < 0 ||
        add_reserved(def, &wish->reserved, err) < 0)
        return -1;
    if (def->config_only)
        return 0;
    if (check_free(def, others, err) < 0)
        return -1;
    if (has_family(def, AF_INET6) && !def->ipv6)
        def->ipv6 = 1;
    if (!has_family(def, AF_INET) && pick_pool(def, &wish->pools, others, err) < 0)
        return -1;
    if (def->ipv6 && !has_family(def, AF_INET6))
        add_unique_local(def);
    return default_gateways(def, err);
}
