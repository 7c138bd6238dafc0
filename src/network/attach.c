/* Connecting a namespace with the host: by a pair of interfaces, the outer one of which
 * is a port of a bridge, or has an address itself where there is only one to connect.
 * What is made is recorded in the lease before it is made, so that what a killed process
 * leaves can be taken down by the next.
 *
 * Bridges come and go under a lock: it is held shared by whoever only needs that one is
 * there. */
#include "network/attach-priv.h"

#include "base/json.h"
#include "network/firewall-priv.h"
#include "network/links-priv.h"
#include "network/named-priv.h"
#include "network/names-priv.h"
#include "network/rtnl-priv.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/socket.h>

#define LOCK_NAME    "links"
#define OUTER_PREFIX "veth"

struct cb_attached {
    struct cb_net_lease *lease;
    json_t *record;
};

int cb_attach_check(struct cb_error **err)
{
    if (!cb_netns_is_ours())
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "a bridge in the host's network takes root");
    return cb_firewall_check(err);
}

int cb_attach_lock(enum cb_lock_mode mode, struct cb_cancel *cancel, struct cb_lock **out,
                   struct cb_error **err)
{
    cb_autofd int dir = -1;

    if (cb_net_lease_dir(&dir, NULL, err) < 0)
        return -1;
    return cb_lock_take(out, dir, LOCK_NAME, mode,
                        &(struct cb_lock_wait){.cancel = cancel}, err);
}

/* ── Rules ── */

/* Its subnet of FAMILY, or NULL. */
static const struct cb_network_subnet *subnet_of(const struct cb_attachment *attachment,
                                                 int family)
{
    for (size_t i = 0; i < attachment->subnet_count; i++)
        if (attachment->subnets[i].subnet.ip.family == family)
            return &attachment->subnets[i];
    return NULL;
}

/* A network without a bridge may have several. */
static const struct cb_network_subnet *subnet_with(const struct cb_attachment *attachment,
                                                   const struct cb_ip *ip)
{
    for (size_t i = 0; ip->family && i < attachment->subnet_count; i++)
        if (cb_cidr_contains(&attachment->subnets[i].subnet, ip))
            return &attachment->subnets[i];
    return NULL;
}

/* Those that stay as long as the network. */
void cb_attachment_add_kept(struct cb_rules *rules,
                            const struct cb_attachment *attachment)
{
    for (size_t i = 0; i < attachment->subnet_count; i++) {
        const struct cb_cidr *subnet = &attachment->subnets[i].subnet;

        if (subnet->ip.family != rules->family)
            continue;
        if (attachment->members)
            cb_rules_add_bridge(
                rules, attachment->interface, subnet,
                (attachment->internal ? CB_BRIDGE_INTERNAL : 0) |
                    (attachment->is_apart ? CB_BRIDGE_APART : 0) |
                    (attachment->keeps_addresses ? CB_BRIDGE_UNMASKED : 0));
        else
            cb_rules_add_private(rules, attachment->interface, subnet);
        if (attachment->names)
            cb_rules_add_names(rules, attachment->interface,
                               &attachment->subnets[i].gateway);
    }
}

/* Those of this one. */
void cb_attachment_add_own(struct cb_rules *rules, const struct cb_attachment *attachment)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(attachment->ips); i++)
        if (attachment->ips[i].family && !attachment->internal)
            cb_rules_add_ports(rules, attachment->ports, &attachment->ips[i]);
}

/* MAY_CHANGE: the lock is held for us alone. */
static int have_rules_of(int family, const struct cb_attachment *attachment, int is_new,
                         int may_change, struct cb_cancel *cancel, struct cb_error **err)
{
    cb_auto_value(cb_rules) kept = {.family = family};
    cb_auto_value(cb_rules) own = {.family = family};

    if (!subnet_of(attachment, family))
        return 0;
    cb_attachment_add_kept(&kept, attachment);
    cb_attachment_add_own(&own, attachment);
    if (cb_firewall_add(&kept, is_new, &own, cancel, NULL) == 0)
        return 0;
    return may_change ? cb_firewall_install(&kept, &own, cancel, err) : -1;
}

/* Of both families, or none. */
static int have_rules(const struct cb_attachment *attachment, int is_new, int may_change,
                      struct cb_cancel *cancel, struct cb_error **err)
{
    cb_auto_value(cb_rules) own = {.family = AF_INET};

    if (have_rules_of(AF_INET, attachment, is_new, may_change, cancel, err) < 0)
        return -1;
    if (have_rules_of(AF_INET6, attachment, is_new, may_change, cancel, err) == 0)
        return 0;
    cb_attachment_add_own(&own, attachment);
    cb_firewall_remove(&own);
    return -1;
}

/* ── The host's side ── */

static int let_forward(const struct cb_attachment *attachment, struct cb_error **err)
{
    if (cb_link_sysctl("1", "ipv4/ip_forward") < 0)
        return cb_error_errno(err, errno, "set net.ipv4.ip_forward");
    if (subnet_of(attachment, AF_INET6) &&
        cb_link_sysctl("1", "ipv6/conf/all/forwarding") < 0)
        return cb_error_errno(err, errno, "set net.ipv6.conf.all.forwarding");
    return 0;
}

static int add_gateways(int rtnl, unsigned link, const struct cb_attachment *attachment,
                        struct cb_error **err)
{
    for (size_t i = 0; i < attachment->subnet_count; i++) {
        struct cb_cidr address = {attachment->subnets[i].gateway,
                                  attachment->subnets[i].subnet.bits};

        if (address.ip.family && cb_link_add_address(rtnl, link, &address, err) < 0)
            return -1;
    }
    return 0;
}

/* A container that calls itself a router (CVE-2020-13401) is not believed by the host,
 * whether its network has IPv6 or not. */
static void refuse_routers(const char *interface)
{
    cb_link_sysctl("0", "ipv6/conf/%s/accept_ra", interface);
}

/* Its addresses are ours to give: there is nobody to ask whether they are free, or for
 * others, and it answers from the beginning. */
static int make_bridge(int rtnl, const struct cb_attachment *attachment,
                       struct cb_error **err)
{
    const char *name = attachment->interface;
    unsigned link;

    if (cb_link_make_bridge(rtnl, name, attachment->mtu, err) < 0)
        return -1;
    link = cb_link_find(rtnl, name);
    refuse_routers(name);
    if (subnet_of(attachment, AF_INET6))
        cb_link_sysctl("0", "ipv6/conf/%s/accept_dad", name);
    if (cb_link_bring_up(rtnl, link, err) < 0)
        return -1;
    return add_gateways(rtnl, link, attachment, err);
}

int cb_attach_make_bridge(const char *interface, const struct cb_network_subnet *subnets,
                          size_t subnet_count, unsigned mtu, struct cb_error **err)
{
    const struct cb_attachment attachment = {.interface = interface,
                                             .subnets = subnets,
                                             .subnet_count = subnet_count,
                                             .mtu = mtu};
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int rtnl = -1;
    unsigned link;

    if (cb_attach_lock(CB_LOCK_EXCLUSIVE, NULL, &lock, err) < 0 ||
        cb_rtnl_open(-1, &rtnl, err) < 0)
        return -1;
    link = cb_link_find(rtnl, interface);
    return link ? cb_link_bring_up(rtnl, link, err) : make_bridge(rtnl, &attachment, err);
}

/* What all on this network have in common is there, and so are the rules of this one. */
static int prepare(int rtnl, const struct cb_attachment *attachment,
                   struct cb_cancel *cancel, struct cb_error **err)
{
    cb_auto(cb_lock) lock = NULL;
    int is_new;

    if (cb_attach_lock(CB_LOCK_SHARED, cancel, &lock, err) < 0)
        return -1;
    is_new = attachment->members && !cb_link_find(rtnl, attachment->interface);
    if (!is_new && have_rules(attachment, 0, 0, cancel, NULL) == 0)
        return 0;
    cb_lock_release(cb_steal(&lock));
    if (cb_attach_lock(CB_LOCK_EXCLUSIVE, cancel, &lock, err) < 0)
        return -1;
    is_new = attachment->members && !cb_link_find(rtnl, attachment->interface);
    if (is_new && make_bridge(rtnl, attachment, err) < 0)
        return -1;
    return have_rules(attachment, is_new, 1, cancel, err);
}

/* The host itself reaches a published port by 127.0.0.1 too. */
static int let_localhost(const struct cb_attachment *attachment, struct cb_error **err)
{
    if (cb_link_sysctl("1", "ipv4/conf/%s/route_localnet", attachment->interface) == 0)
        return 0;
    return cb_error_errno(err, errno, "set net.ipv4.conf.%s.route_localnet",
                          attachment->interface);
}

static int connect_outside(int rtnl, const struct cb_attachment *attachment,
                           const char *outer, int netns, struct cb_error **err)
{
    int publishes =
        attachment->ports && attachment->ports->count && !attachment->internal;
    struct cb_veth veth = {
        .outside = outer,
        .inside = attachment->inside ? attachment->inside : "eth0",
        .bridge = attachment->members ? cb_link_find(rtnl, attachment->interface) : 0,
        .mac = attachment->mac,
        .mtu = attachment->mtu,
        .is_reflected = attachment->members && publishes,
        .is_isolated = attachment->members && attachment->is_apart,
        .netns = netns};

    if (cb_link_make_veth(rtnl, &veth, err) < 0)
        return -1;
    if (!attachment->members) {
        refuse_routers(outer);
        if (add_gateways(rtnl, cb_link_find(rtnl, outer), attachment, err) < 0)
            return -1;
    }
    return publishes ? let_localhost(attachment, err) : 0;
}

/* ── Inside ── */

/* Default routes of further networks: each has one of its own, and all are behind the
 * first network's, which is 0, and which the kernel makes 1024 in IPv6. */
#define FURTHER_METRIC 2000

static int add_route(int rtnl, unsigned link, const struct cb_attachment *attachment,
                     const struct cb_network_subnet *subnet, struct cb_error **err)
{
    const struct cb_ip nobody = {.family = subnet->subnet.ip.family};

    if (attachment->internal || !subnet->gateway.family)
        return 0;
    return cb_link_add_default_route(
        rtnl, link, attachment->is_routed ? &nobody : &subnet->gateway,
        attachment->is_further ? FURTHER_METRIC + link : 0, err);
}

static int let_ipv6(void *interface)
{
    cb_link_sysctl("0", "ipv6/conf/lo/disable_ipv6");
    return cb_link_sysctl("0", "ipv6/conf/%s/disable_ipv6", (const char *)interface);
}

int cb_attach_inside(int netns, const struct cb_attachment *attachment,
                     struct cb_error **err)
{
    const char *name = attachment->inside ? attachment->inside : "eth0";
    cb_autofd int rtnl = -1;
    unsigned link;

    if (cb_rtnl_open(netns, &rtnl, err) < 0)
        return -1;
    link = cb_link_find(rtnl, name);
    if (attachment->ips[1].family)
        cb_netns_call(netns, let_ipv6, (void *)name, NULL);
    if (cb_link_bring_up(rtnl, link, err) < 0)
        return -1;
    for (size_t i = 0; i < CB_ARRAY_SIZE(attachment->ips); i++) {
        const struct cb_network_subnet *subnet =
            subnet_with(attachment, &attachment->ips[i]);
        struct cb_cidr address = {attachment->ips[i], subnet ? subnet->subnet.bits : 0};

        if (subnet && (cb_link_add_address(rtnl, link, &address, err) < 0 ||
                       add_route(rtnl, link, attachment, subnet, err) < 0))
            return -1;
    }
    return 0;
}

static int add_names(const struct cb_attachment *attachment, int netns,
                     struct cb_cancel *cancel, struct cb_error **err)
{
    const struct cb_network_subnet *narrow = subnet_of(attachment, AF_INET);
    const struct cb_network_subnet *wide = subnet_of(attachment, AF_INET6);
    struct cb_names names = {.network = attachment->network,
                             .id = attachment->id,
                             .dns = attachment->dns,
                             .netns = netns,
                             .ips = {attachment->ips[0], attachment->ips[1]}};
    int status;

    if (narrow)
        names.gateway[0] = narrow->gateway;
    if (wide)
        names.gateway[1] = wide->gateway;
    for (size_t i = 0; attachment->aliases && i < attachment->aliases->count; i++)
        cb_strings_add(&names.names, attachment->aliases->items[i]);
    if (!names.names.count) /* one that can be asked for */
        cb_strings_addf(&names.names, "%.*s", CB_NETWORK_ID_PART, attachment->id);
    status = cb_names_add(&names, cancel, err);
    cb_strings_free(&names.names);
    return status;
}

static int connect_both(const struct cb_attachment *attachment, const char *outer,
                        int netns, struct cb_cancel *cancel, struct cb_error **err)
{
    cb_autofd int rtnl = -1;

    if (cb_rtnl_open(-1, &rtnl, err) < 0 || let_forward(attachment, err) < 0 ||
        prepare(rtnl, attachment, cancel, err) < 0 ||
        connect_outside(rtnl, attachment, outer, netns, err) < 0 ||
        cb_attach_inside(netns, attachment, err) < 0)
        return -1;
    return attachment->names ? add_names(attachment, netns, cancel, err) : 0;
}

/* One that nobody has: interfaces of those who have just left may still be there. */
static char *choose_outer(const struct cb_attachment *attachment)
{
    unsigned number = 0;

    if (!attachment->members)
        return xstrdup(attachment->interface);
    while (getrandom(&number, sizeof(number), 0) != sizeof(number))
        ;
    return xasprintf(OUTER_PREFIX "%08x", number);
}

/* What is there under a name that somebody chose, while nobody of ours is on it, is
 * another's: it would get our addresses, and go with our last container. */
static int refuse_foreign(const struct cb_attachment *attachment,
                          const struct cb_net_lease *lease, struct cb_cancel *cancel,
                          struct cb_error **err)
{
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int rtnl = -1;

    if (!attachment->is_chosen)
        return 0;
    if (cb_attach_lock(CB_LOCK_SHARED, cancel, &lock, err) < 0 ||
        cb_rtnl_open(-1, &rtnl, err) < 0)
        return -1;
    if (!cb_link_find(rtnl, attachment->interface) ||
        cb_attach_has_others(lease, attachment->members))
        return 0;
    cb_error_set(err, CB_ERR_EXISTS, "there is another interface `%s`",
                 attachment->interface);
    return cb_error_hint(err, "make the network with another name for its bridge");
}

int cb_attached_new(struct cb_attached **out, struct cb_net_lease **lease,
                    const struct cb_attachment *attachment, int netns,
                    struct cb_cancel *cancel, struct cb_error **err)
{
    cb_autofree char *outer = choose_outer(attachment);
    struct cb_attached *attached;
    cb_autofree char *text = NULL;

    if (refuse_foreign(attachment, *lease, cancel, err) < 0)
        return -1;
    attached = xcalloc(1, sizeof(*attached));
    attached->record = cb_attachment_record(attachment, outer);
    text = cb_json_dump(attached->record);
    if (cb_net_lease_record(*lease, text, err) < 0) {
        cb_attached_free(attached);
        return -1;
    }
    if (connect_both(attachment, outer, netns, cancel, err) < 0) {
        cb_attach_take_down(lease, attached->record, 1);
        cb_attached_free(attached);
        return -1;
    }
    attached->lease = cb_steal(lease);
    *out = attached;
    return 0;
}

/* Recorded before it is done, as all that there will be to take down. */
int cb_attached_publish(struct cb_attached *attached,
                        const struct cb_attachment *attachment, struct cb_cancel *cancel,
                        struct cb_error **err)
{
    const char *outer = json_string_value(json_object_get(attached->record, "link"));
    cb_autofree char *text = NULL;
    cb_autofd int rtnl = -1;

    cb_attachment_record_ports(attached->record, attachment);
    text = cb_json_dump(attached->record);
    if (cb_net_lease_record(attached->lease, text, err) < 0 ||
        cb_rtnl_open(-1, &rtnl, err) < 0 || prepare(rtnl, attachment, cancel, err) < 0 ||
        cb_link_reflect(rtnl, outer, err) < 0)
        return -1;
    return let_localhost(attachment, err);
}

int cb_attached_rename(struct cb_attached *attached, const char *name,
                       struct cb_error **err)
{
    cb_autofree char *text = NULL;

    json_object_set_new(attached->record, "name", json_string(name));
    text = cb_json_dump(attached->record);
    return cb_net_lease_record(attached->lease, text, err);
}

void cb_attached_free(struct cb_attached *attached)
{
    if (!attached)
        return;
    if (attached->lease)
        cb_attach_take_down(&attached->lease, attached->record, 0);
    json_decref(attached->record);
    free(attached);
}

void cb_attached_leave(struct cb_attached *attached)
{
    cb_attach_take_down(&attached->lease, attached->record, 1);
}
