/* A private network with masquerading, for builds: a /24 of its own for each running
 * cbuild, so that nothing of two builds or of the host's loopback meets. There is only
 * one to connect, so the interface on the host's side is the gateway itself and goes with
 * the namespace. They are numbered: interface cbuild-<n>, subnet 10.213.<n>.0/24, lease
 * bridge-<n>. The lowest number is taken that is free, is not just going, and whose
 * subnet no route of the host covers.
 *
 * The host's name servers are asked directly. Only where all of them listen on its
 * loopback is aardvark-dns started, which passes questions on to them. */
#include "network/attach-priv.h"

#include "base/log.h"
#include "network/names-priv.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#define INTERFACE "cbuild-%u"

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
    char interface[IFNAMSIZ];
    int taken;

    snprintf(interface, sizeof(interface), INTERFACE, number);
    if (if_nametoindex(interface) || cb_routes_cover(&subnet, NULL, NULL))
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
    if (cb_names_can())
        return 1;
    cb_warn("the host's name servers listen on its loopback only: install the package "
            "aardvark-dns, or name others with --dns");
    return 0;
}

static int set_up(struct cb_network *network, int fd, void **state,
                  struct cb_cancel *cancel, struct cb_error **err)
{
    cb_auto(cb_net_lease) lease = NULL;
    struct cb_attached *attached;
    struct cb_network_subnet subnet = {0};
    struct cb_network_facts facts = {0};
    char interface[IFNAMSIZ], id[65];
    unsigned number = 0;

    if (cb_attach_check(err) < 0 || take_number(&number, &lease, err) < 0)
        return -1;
    snprintf(interface, sizeof(interface), INTERFACE, number);
    snprintf(id, sizeof(id), "%064x", number + 1);
    subnet.subnet = cb_private_subnet(number);
    subnet.gateway = facts.host = facts.address = subnet.subnet.ip;
    subnet.gateway.bytes[3] = facts.host.bytes[3] = 1;
    facts.address.bytes[3] = 2;
    facts.bits = subnet.subnet.bits;
    struct cb_attachment attachment = {.id = network->id ? network->id : id,
                                       .name = interface,
                                       .network = interface,
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
                                                cb_bridge_needs_resolver()};
    if (cb_attached_new(&attached, &lease, &attachment, fd, cancel, err) < 0)
        return -1;
    if (attachment.names)
        facts.resolver = facts.host;
    network->facts = facts;
    *state = attached;
    return 0;
}

static void tear_down(void *state)
{
    cb_attached_free(state);
}

static void leave(void *state)
{
    cb_attached_leave(state);
}

const struct cb_network_backend cb_backend_bridge = {.name = "iptables-restore",
                                                     .check = cb_attach_check,
                                                     .set_up = set_up,
                                                     .tear_down = tear_down,
                                                     .leave = leave};
