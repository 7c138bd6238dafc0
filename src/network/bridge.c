/* A private bridge with masquerading, for builds: a /24 of its own for each running
 * cbuild, so that nothing of two builds or of the host's loopback meets. Bridges are
 * numbered: interface cbuild-<n>, subnet 10.213.<n>.0/24, lease bridge-<n>. The lowest
 * number is taken that is free and whose subnet no route of the host covers.
 *
 * The host's name servers are asked directly. Only where all of them listen on its
 * loopback is aardvark-dns started, which passes questions on to them. */
#include "network/network-priv.h"

#include "base/log.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

struct cb_cidr cb_private_subnet(unsigned number)
{
    return (struct cb_cidr){.ip = {AF_INET, {10, 213, (unsigned char)number, 0}},
                            .bits = 24};
}

/* 1: NUMBER is ours. One that a killed process has left as it was is passed over: to take
 * that down takes longer than a step should wait. */
static int try_number(unsigned number, struct cb_net_lease **lease, struct cb_error **err)
{
    struct cb_cidr subnet = cb_private_subnet(number);
    cb_auto(cb_net_lease) mine = NULL;
    cb_autofree char *left = NULL;
    cb_autofree char *name = xasprintf("bridge-%u", number);
    int taken;

    if (cb_routes_cover(&subnet, NULL, NULL))
        return 0;
    taken = cb_net_lease_try(&mine, name, err);
    if (taken <= 0)
        return taken;
    left = cb_net_lease_recorded(mine);
    if (left) {
        cb_net_lease_abandon(cb_steal(&mine));
        return 0;
    }
    *lease = cb_steal(&mine);
    return 1;
}

static int take_number(unsigned *out, struct cb_net_lease **lease, struct cb_error **err)
{
    for (unsigned number = 0; number < CB_PRIVATE_SUBNETS; number++) {
        int taken = try_number(number, lease, err);

        *out = number;
        if (taken)
            return taken < 0 ? -1 : 0;
    }
    cb_error_set(err, CB_ERR_EXISTS, "all %d private networks are in use",
                 CB_PRIVATE_SUBNETS);
    return cb_error_hint(err, "use --network=host or --network=none");
}

int cb_bridge_needs_resolver(void)
{
    if (cb_dns_is_reachable())
        return 0;
    if (cb_netavark_has_names())
        return 1;
    cb_warn("the host's name servers listen on its loopback only: install the package "
            "aardvark-dns, or name others with --dns");
    return 0;
}

static int set_up(struct cb_network *network, int fd, void **state,
                  struct cb_cancel *cancel, struct cb_error **err)
{
    cb_auto(cb_net_lease) lease = NULL;
    struct cb_netavark *netavark;
    struct cb_network_subnet subnet = {0};
    struct cb_network_facts facts = {0};
    char interface[24], id[65];
    unsigned number = 0;

    if (cb_netavark_check(err) < 0 || take_number(&number, &lease, err) < 0)
        return -1;
    snprintf(interface, sizeof(interface), "cbuild-%u", number);
    snprintf(id, sizeof(id), "%064x", number + 1);
    subnet.subnet = cb_private_subnet(number);
    subnet.gateway = facts.host = facts.address = subnet.subnet.ip;
    subnet.gateway.bytes[3] = facts.host.bytes[3] = 1;
    facts.address.bytes[3] = 2;
    facts.bits = subnet.subnet.bits;
    struct cb_attachment attachment = {.id = network->id ? network->id : id,
                                       .name = interface,
                                       .network = interface,
                                       .network_id = id,
                                       .interface = interface,
                                       .subnets = &subnet,
                                       .subnet_count = 1,
                                       .ips = {facts.address},
                                       .mac = network->mac,
                                       .inside = network->interface,
                                       .dns = &network->dns,
                                       .ports = &network->ports,
                                       .mtu = cb_routes_mtu(),
                                       .names = !network->dns.count &&
                                                cb_bridge_needs_resolver(),
                                       .isolate = 1};
    if (cb_netavark_up(&netavark, &lease, &attachment, fd, cancel, err) < 0)
        return -1;
    if (attachment.names)
        facts.resolver = facts.host;
    network->facts = facts;
    *state = netavark;
    return 0;
}

static void tear_down(void *state)
{
    cb_netavark_down(state);
}

const struct cb_network_backend cb_backend_bridge = {.name = "netavark",
                                                     .check = cb_netavark_check,
                                                     .set_up = set_up,
                                                     .tear_down = tear_down};
