/* The kinds of network, as rows of a table, and the helpers they share. Private to this
 * directory. */
#ifndef CB_NETWORK_NETWORK_PRIV_H
#define CB_NETWORK_NETWORK_PRIV_H

#include "base/lockfile.h"
#include "base/strbuf.h"
#include "network/address.h"
#include "network/named.h"
#include "network/network.h"

#include <pthread.h>

/* What a network that was set up is like from inside; families of 0 where there is none.
 */
struct cb_network_facts {
    struct cb_ip address;  /* of whoever joins */
    struct cb_ip address6; /* and its second one */
    unsigned bits, bits6;  /* of their subnets */
    struct cb_ip gateway6;
    struct cb_ip resolver; /* in the place of the host's servers */
    struct cb_ip host;     /* where the host answers */
    struct cb_ip gateway;  /* where that is somebody else */
    int has_names;         /* the resolver knows the names of containers */
};

struct cb_network {
    const struct cb_network_class *class;
    char *mode, *state_dir, *id, *name, *hostname, *ip, *ip6, *mac, *interface;
    char *hosts, *resolv_conf; /* of the container whose network it is, or NULL */
    struct cb_strings aliases, links, dns;
    struct cb_strings bridge_options; /* of the bridge of containers; else none */
    struct cb_ports ports;            /* opened ones, once it is set up */
    struct cb_network_def *def;       /* once it is known: the default one has it late */
    int is_named;                     /* people made it */
    int joins;                        /* FD was there before */
    pthread_mutex_t lock;             /* of all below */
    pthread_t beginning;
    int has_begun;
    struct cb_cancel *cancel; /* of BEGINNING */
    int fd;                   /* -1 until set up */
    int is_set_up;
    const struct cb_network_backend *backend; /* what set it up */
    void *state;
    CB_VEC(int) held;               /* sockets on the host's side of the ports */
    struct cb_forwarder *forwarder; /* of those that cb_ports_lead_inward cares for */
    struct cb_network_facts facts;
    int is_resolved_inside; /* the container's own resolver knows names there */
    char *told; /* of the hub: what there was to say while it was set up, or NULL */
};

/* The mode of the hub's way out. */
#define CB_HUB_MODE ":hub"

/* A way to make a network. SET_UP connects the namespace FD, which has only lo, and fills
 * the facts; NOT_FOUND when a program it needs is not there, UNSUPPORTED when this host
 * or user cannot have it: then the next way is tried. */
struct cb_network_backend {
    const char *name;
    /* Is what it needs there? NULL: it is nothing anybody would ask for alone. */
    int (*check)(struct cb_error **err);
    int (*set_up)(struct cb_network *network, int fd, void **state,
                  struct cb_cancel *cancel, struct cb_error **err);
    void (*tear_down)(void *state);
    /* Before that, where the namespace will stay: the interface goes at once. NULL: it
     * does so anyway. */
    void (*leave)(void *state);
    /* NETWORK's ports, of which it had none, are held, and are to be led in. NULL: it
     * leads in none later. */
    int (*publish)(struct cb_network *network, void *state, struct cb_cancel *cancel,
                   struct cb_error **err);
    /* NETWORK's container has another name. NULL: nobody knows it by that. */
    int (*rename)(struct cb_network *network, void *state, struct cb_error **err);
    /* The network in which the server of its names is; caller closes. NULL: there is no
     * server. */
    int (*names_net)(void *state);
};

struct cb_network_class {
    const char *mode;
    int is_host;
    const struct cb_network_backend *const *backends; /* ends with NULL; NULL: nothing to
                                                         set up */
};

extern const struct cb_network_backend cb_backend_bridge, cb_backend_named,
    cb_backend_shared, cb_backend_met, cb_backend_met_shared, cb_backend_nothing,
    cb_backend_direct, cb_backend_pasta, cb_backend_slirp;

/* ── inward.c ── */
/* Is there a thread of ours for PORT, where rules lead in the others? */
int cb_port_is_inward(const struct cb_port *port);
/* Starts it, if there are such ports. NETWORK is set up. */
int cb_ports_lead_inward(struct cb_network *network, struct cb_error **err);

/* ── netns.c ── */
/* A new network namespace in which only lo is up; the caller closes it. WITHOUT_IPV6: its
 * interfaces have none, not even addresses of their own making, until they are let
 * (attach.c). The calling thread stays where it is. */
int cb_netns_new(int without_ipv6, int *fd, struct cb_error **err);
/* Calls FUNCTION in a thread with a mount namespace of its own, in which the namespace FD
 * is mounted at PATH, an existing file: helpers that take paths find it there, and no
 * mount outlives them. Returns what FUNCTION does. */
int cb_netns_with_path(int fd, const char *path, int (*function)(void *arg), void *arg,
                       struct cb_error **err);
/* Calls FUNCTION in a thread that is in the network namespace FD: what it looks up, opens
 * and starts is there. Returns what FUNCTION does. */
int cb_netns_call(int fd, int (*function)(void *arg), void *arg, struct cb_error **err);
/* May this thread change the network it is in? */
int cb_netns_is_ours(void);

/* Is FD, a network namespace, the one we are in? */
int cb_netns_is_same(int fd);
/* Are we root over it? */
int cb_netns_can_join(int fd);

/* ── routes.c ── */
/* Does a route of the host (other than a default one and those of interface OWN) lead
 * into SUBNET? *WHAT (if not NULL) names it; the caller frees it. */
int cb_routes_cover(const struct cb_cidr *subnet, const char *own, char **what);
/* The same of routes of this thread's network that the kernel may prefer to SUBNET's own:
 * they lead to as few addresses, or fewer. */
int cb_routes_compete(const struct cb_cidr *subnet, const char *own, char **what);
/* The IPv4 subnet that is reached by INTERFACE: 1, or 0 when there is none. */
int cb_routes_find(const char *interface, struct cb_cidr *out);
/* The smallest frame of the default routes: without it, large packets vanish behind a
 * host whose own link is narrower than a bridge's 1500. */
unsigned cb_routes_mtu(void);
/* Is there a default route? Of the network this thread is in. */
int cb_routes_lead_out(int family);
/* The address this host sends from; -1 without a default route. */
int cb_routes_own_address(struct cb_ip *out);

/* ── runtime-dir.c ── */
/* Where leases and the hub are; owned by nobody but us. NOT_FOUND without CREATE. PATH
 * may be NULL. */
int cb_net_runtime_dir(int create, int *dir, char **path, struct cb_error **err);

/* ── lease.c: what is set up on the host, and for whom ── */
/* A name that belongs to one living process. Beside it stands what was set up, so that
 * another process can take that down when this one is killed. */
struct cb_net_lease;
/* 1 taken, 0 somebody has it. */
int cb_net_lease_try(struct cb_net_lease **out, const char *name, struct cb_error **err);
/* Keeps CONFIG; from now on NAME counts as set up. */
int cb_net_lease_record(struct cb_net_lease *lease, const char *config,
                        struct cb_error **err);
/* What an earlier holder left recorded; NULL. Caller frees. */
char *cb_net_lease_recorded(const struct cb_net_lease *lease);
/* The file in cb_net_lease_dir that holds what is recorded; borrowed. */
const char *cb_net_lease_record_name(const struct cb_net_lease *lease);
/* Nothing of it is set up any more, but the name is still ours. */
void cb_net_lease_forget(struct cb_net_lease *lease);
/* The same, and the name is free. */
void cb_net_lease_end(struct cb_net_lease *lease);
/* Lets go but keeps the record: for whoever comes next. */
void cb_net_lease_abandon(struct cb_net_lease *lease);
CB_AUTO_DEFINE(cb_net_lease, cb_net_lease_end)

/* ── lease-dir.c ── */
/* The directory of leases; owned by nobody but us, and there as long as it is open. */
int cb_net_lease_dir(int *dir, char **path, struct cb_error **err);
/* Removes those of networks that are no more. */
void cb_net_lease_sweep_dirs(void);

/* ── bridge.c ── */
/* Subnet NUMBER of those for private networks. */
struct cb_cidr cb_private_subnet(unsigned number);
#define CB_PRIVATE_SUBNETS 256

/* Name servers that steps and containers cannot ask, but aardvark-dns can: is it needed,
 * and there? A warning if only the first. */
int cb_bridge_needs_resolver(void);

/* ── slirp-control.c ── */
/* The socket on which slirp4netns takes commands, for as long as it is needed: a place in
 * DIR. */
struct cb_slirp_control;
int cb_slirp_control_new(struct cb_slirp_control **out, const char *dir,
                         struct cb_error **err);
/* What slirp4netns is told. Borrowed. */
const char *cb_slirp_control_path(const struct cb_slirp_control *control);
void cb_slirp_control_free(struct cb_slirp_control *control);
CB_AUTO_DEFINE(cb_slirp_control, cb_slirp_control_free)
/* Has PORTS led to GUEST, by the slirp4netns that listens there. UNSUPPORTED for what it
 * cannot lead. */
int cb_slirp_publish(struct cb_slirp_control *control, const struct cb_ports *ports,
                     const char *guest, struct cb_error **err);

/* ── usermode.c ── */
/* The pipe's end whose closing, everywhere, ends what connects NETWORK; -1: nothing does.
 * Borrowed. */
int cb_usermode_alive(const struct cb_network *network);

/* ── resolver.c ── */
/* Where it answers, in each container that has one. */
extern const struct cb_ip cb_resolver_address;

/* ── dns.c ── */
/* Can the host's servers be asked from another network? */
int cb_dns_is_reachable(void);
/* Adds the host's servers that others can ask; those on its loopback if there is none
 * else, which is told by 1. */
int cb_dns_host_servers(struct cb_strings *out);

/* ── ports.c ── */
/* Opens the ports on the host's side, so that nobody else gets them: EXISTS with docker's
 * words when somebody has. */
int cb_ports_hold(struct cb_network *network, struct cb_error **err);
void cb_ports_let_go(struct cb_network *network);
/* For ways that lead in IPv4 alone: no longer those of IPv6 that nobody asked for. */
void cb_ports_leave_ipv6(struct cb_network *network);

#endif
