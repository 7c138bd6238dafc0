/* Inside the named networks. */
#ifndef CB_NETWORK_NAMED_PRIV_H
#define CB_NETWORK_NAMED_PRIV_H

#include "base/lockfile.h"
#include "network/network-priv.h"

/* Holds STATE_DIR still: exclusive to change what is there, shared to join. */
int cb_networks_lock(const char *state_dir, enum cb_lock_mode mode, struct cb_lock **out,
                     int *dir, struct cb_error **err);
/* All in DIR, which is that of networks or -1: not by name. */
int cb_networks_read(int dir, struct cb_network_defs *out, struct cb_error **err);
int cb_network_write(int dir, const struct cb_network_def *def, struct cb_error **err);
#define CB_BRIDGE_FILE "bridge.json"
/* Subnets, gateways and ranges of WISH for DEF, beside those of OTHERS; a free subnet
 * when none is wished for. */
int cb_network_settle(struct cb_network_def *def, const struct cb_network_wish *wish,
                      const struct cb_network_defs *others, struct cb_error **err);
/* Is IP, which is in SUBNET, for nobody? */
int cb_network_subnet_keeps(const struct cb_network_subnet *subnet,
                            const struct cb_ip *ip);
/* Is it one of --aux-address? */
int cb_network_is_reserved(const struct cb_network_def *def, const struct cb_ip *ip);
/* Of bridge, host or none; caller frees. */
char *cb_network_predefined_id(const char *name);
/* Its subnet of FAMILY, or NULL. */
const struct cb_network_subnet *cb_network_subnet_of(const struct cb_network_def *def,
                                                     int family);
/* The one that IP is in, or NULL. */
const struct cb_network_subnet *cb_network_subnet_with(const struct cb_network_def *def,
                                                       const struct cb_ip *ip);
/* Connects the namespace FD with the bridge of network->def: a backend's set_up. */
int cb_network_join_bridge(struct cb_network *network, int fd, void **state,
                           struct cb_cancel *cancel, struct cb_error **err);
/* Its ports are to be opened now: a backend's publish. */
int cb_network_publish_bridge(struct cb_network *network, void *state,
                              struct cb_cancel *cancel, struct cb_error **err);
/* Its container has another name: a backend's rename. */
int cb_network_rename_bridge(struct cb_network *network, void *state,
                             struct cb_error **err);
/* Those of who joins NETWORK, in IPS: of IPv4, and of IPv6 if it has that (else of no
 * family). *LEASE, the caller's, is of the first. EXISTS: none is free, or not the one
 * that is wished for; USAGE: that is none of the network's. */
int cb_network_take_addresses(struct cb_network *network, struct cb_ip ips[2],
                              struct cb_net_lease **lease, struct cb_error **err);
/* The hardware address of who has IP there: given, or docker's choice. Caller frees. */
char *cb_network_mac(const struct cb_network *network, const struct cb_ip *ip);
/* The interface of its bridge; caller frees. */
char *cb_network_interface(const struct cb_network_def *def);
/* May somebody choose it for one? */
int cb_network_is_interface_name(const char *name);
/* How names of leases of its addresses begin; caller frees. */
char *cb_network_members(const struct cb_network_def *def);

/* Of the bridge of all containers: one for all stores of a host. */
#define CB_BRIDGE_INTERFACE   "cbuild0"
#define CB_NETWORK_ID_PART    12 /* digits of an id that name what is set up */
#define CB_BRIDGE_NAME_OPTION "com.docker.network.bridge.name"

/* ── named-config.c: networks that say what others are like ── */
/* What cannot go together: DENIED with docker's words. */
int cb_network_config_check(const struct cb_network_wish *wish, struct cb_error **err);
/* WISH, with what the network it is made from says, in *OUT, which is empty. NOT_FOUND.
 */
int cb_network_config_take(const struct cb_network_wish *wish,
                           const struct cb_network_defs *defs,
                           struct cb_network_wish *out, struct cb_error **err);
/* Is a network made from DEF? EXISTS. */
int cb_network_config_refuse_used(const struct cb_network_def *def,
                                  const struct cb_network_defs *defs,
                                  struct cb_error **err);

/* ── direct.c ── */
/* Is DRIVER, a network's, one without a bridge: macvlan or ipvlan? */
int cb_network_is_direct(const char *driver);
/* May a network of such a driver be made beside OTHERS? With docker's words. */
int cb_network_direct_check(const struct cb_network_def *def,
                            const struct cb_network_defs *others, struct cb_error **err);

/* ── named-options.c ── */
/* USAGE with docker's words. */
int cb_network_options_check(const struct cb_network_def *def, struct cb_error **err);
/* Was OPTION, a switch that is on by itself, set to false? */
int cb_network_is_off(const struct cb_network_def *def, const char *option);
/* In bytes: what was asked for, else the host's own. */
unsigned cb_network_mtu(const struct cb_network_def *def);
/* The host's address where its ports are published, unless one says where; "": all. */
const char *cb_network_binding(const struct cb_strings *options);

#endif
