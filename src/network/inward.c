/* Published ports on IPv6 that no rule leads in: those of the host's ::1, whose packets
 * leave it for nowhere, and all of them where the container has IPv4 alone. Who comes by
 * such a port is passed on to the container's IPv4 address by a thread of ours. */
#include "network/network-priv.h"

#include "network/forward.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

int cb_port_is_inward(const struct cb_port *port)
{
    struct cb_ip ip;

    return strcmp(port->protocol, "sctp") != 0 && cb_ip_parse(&ip, port->host_ip) == 0 &&
           ip.family == AF_INET6;
}

static int has_rules(const struct cb_network *network)
{
    return network->backend == &cb_backend_named ||
           network->backend == &cb_backend_shared ||
           network->backend == &cb_backend_bridge;
}

int cb_ports_lead_inward(struct cb_network *network, struct cb_error **err)
{
    struct cb_ports ports = {0}; /* borrowed */
    CB_VEC(int) sockets = {0};
    cb_autofd int here = -1;
    int status = 0;

    if (!has_rules(network))
        return 0;
    for (size_t i = 0; i < network->ports.count; i++) {
        if (!cb_port_is_inward(&network->ports.items[i]))
            continue;
        cb_vec_push(&ports, network->ports.items[i]);
        cb_vec_push(&sockets, network->held.items[i]);
    }
    if (ports.count) {
        here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
        status = cb_forwarder_start(&network->forwarder, &ports, sockets.items, here,
                                    &network->facts.address, err);
    }
    cb_vec_free(&ports);
    cb_vec_free(&sockets);
    return status;
}
