/* Published ports of containers in the hub: a thread takes what comes in on the host's
 * side and passes it on inside. */
#ifndef CB_NETWORK_FORWARD_H
#define CB_NETWORK_FORWARD_H

#include "network/address.h"
#include "network/network.h"

struct cb_forwarder;
/* SOCKETS are those of PORTS, on the host's side, and outlive the forwarder; TO is the
 * container's address in the network NETNS. UNSUPPORTED for SCTP. */
int cb_forwarder_start(struct cb_forwarder **out, const struct cb_ports *ports,
                       const int *sockets, int netns, const struct cb_ip *to,
                       struct cb_error **err);
/* Connections end. */
void cb_forwarder_stop(struct cb_forwarder *forwarder);
CB_AUTO_DEFINE(cb_forwarder, cb_forwarder_stop)

#endif
