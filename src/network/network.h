/* Networks for steps and containers: a mode's name → a network namespace descriptor (or
 * the host's), and what belongs into /etc/resolv.conf and /etc/hosts there. Networks that
 * people make and name are in network/named.h. */
#ifndef CB_NETWORK_NETWORK_H
#define CB_NETWORK_NETWORK_H

#include "base/cancel.h"
#include "base/error.h"
#include "base/json.h"
#include "base/strbuf.h"
#include "base/vec.h"

#include <stdint.h>

/* ── Published ports (ports.c) ── */
struct cb_port {
    char *host_ip; /* "" is all addresses */
    uint16_t host; /* 0: the kernel picks one when the port is opened */
    uint16_t last; /* HOST..LAST: any free one of them; 0: HOST itself */
    uint16_t container;
    int is_picked;        /* HOST was left to us */
    int is_twin;          /* the same of IPv6 as the one before it: of no use where the
                             host has no IPv6 */
    const char *protocol; /* static: "tcp", "udp", "sctp" */
};
struct cb_ports {
    struct cb_port *items;
    size_t count, capacity;
};
void cb_ports_free(struct cb_ports *ports);
CB_AUTO_VALUE_DEFINE(cb_ports, cb_ports_free)
/* Appends what `-p TEXT` means: [IP:][HOST[-LAST]:]CONTAINER[-LAST][/PROTO]. USAGE with
 * docker's words. */
int cb_ports_parse(struct cb_ports *ports, const char *text, struct cb_error **err);
/* Appends what an image's EXPOSE entry ("80/tcp", "8000-8010/udp") is under -P. */
int cb_ports_expose(struct cb_ports *ports, const char *text, struct cb_error **err);

/* ── A network in use ── */
struct cb_network; /* one set-up network, shared by many steps; thread-safe */

/* What a container that runs shares with whoever joins its network; all borrowed. */
struct cb_network_joined {
    int netns;
    const char *hosts, *resolv_conf;
};

struct cb_network_options {
    const char *mode;      /* "default" (also "bridge" and NULL), "none", "host",
                              "container:X", or a named network's name or id */
    const char *state_dir; /* where named networks are kept (absolute) */
    /* Of the one container that joins it; NULL for a build's. */
    const char *id, *name;
    const char *hostname; /* on named networks one more alias; or NULL */
    const struct cb_strings *aliases;
    const struct cb_strings *links; /* "CONTAINER[:ALIAS]": further names, for it alone */
    const struct cb_strings *dns;   /* --dns: whom names of others are asked from */
    const struct cb_ports *ports;
    /* "KEY=VALUE" as for a network that is made: what the bridge of containers is like.
     * Or NULL. */
    const struct cb_strings *bridge_options;
    const char *ip, *ip6, *mac;
    /* A namespace that is there already: the network becomes one more interface of it, of
     * this name. Both or none. */
    const int *netns;
    const char *interface;
    /* With "container:X": X's. */
    const struct cb_network_joined *joined;
};
/* Checks the options; sets nothing up. OPTIONS are copied. USAGE; NOT_FOUND for a name
 * nobody made and for containers that do not run. */
int cb_network_new(struct cb_network **out, const struct cb_network_options *options,
                   struct cb_error **err);
/* Is it the host's network? */
int cb_network_is_host(const struct cb_network *network);
/* The namespace for a step; set up on first call (others wait). -1 in *FD for the host,
 * and for "none", which every process has for itself. Borrowed. A missing helper is told
 * once in a warning that names its package, and what still works is used; where that is
 * not what was asked for, it is an error. */
int cb_network_netns(struct cb_network *network, struct cb_cancel *cancel, int *fd,
                     struct cb_error **err);
/* Begins to set it up in a thread of its own, once: cb_network_netns will be asked soon.
 * CANCEL outlives NETWORK. */
void cb_network_begin(struct cb_network *network, struct cb_cancel *cancel);
/* The ports that were opened, with the numbers the kernel picked; valid after
 * cb_network_netns. Borrowed. */
const struct cb_ports *cb_network_ports(const struct cb_network *network);
/* Opens PORTS, which have just been let go of by another network of its container; not
 * where nobody outside gets to. */
int cb_network_publish(struct cb_network *network, const struct cb_ports *ports,
                       struct cb_cancel *cancel, struct cb_error **err);
/* Its entry in NetworkSettings.Networks as docker has it: a new reference. */
json_t *cb_network_settings_json(const struct cb_network *network);
/* What it is called: "bridge", "host", "none", a named network's name. Borrowed. */
const char *cb_network_label(const struct cb_network *network);
/* Its id; NULL for what has none. Borrowed. */
const char *cb_network_id(const struct cb_network *network);
/* Do containers find each other by name there? */
int cb_network_has_names(const struct cb_network *network);
/* Its container is called NAME from now on. */
int cb_network_rename(struct cb_network *network, const char *name,
                      struct cb_error **err);
/* Is it the container itself that knows them (see cb_resolver_settle)? */
int cb_network_is_resolved_inside(const struct cb_network *network);
/* Tears down (ports and named networks take some tens of milliseconds: call after the
 * result is reported), and takes down what processes that were killed have left behind.
 * Interfaces go with the namespace. */
void cb_network_free(struct cb_network *network);
/* The same where the namespace stays: its interface is gone afterwards. */
void cb_network_leave(struct cb_network *network);
CB_AUTO_DEFINE(cb_network, cb_network_free)
/* The program that would make a private network for this process ("pasta"), by looking
 * for what it needs; NULL when there is none, and *WHY_NOT (caller frees) of the best
 * that could not be had, or NULL: the first of all is there. */
const char *cb_network_helper(struct cb_error **why_not);

/* ── The server of names (names-mend.c) ── */
struct cb_names_mending; /* a thread that has it run */
/* Begins to see to the one of NETWORK's names, in PAUSE_MS; NULL: it has none. */
struct cb_names_mending *cb_names_mending_new(const struct cb_network *network,
                                              int pause_ms);
/* Readable as soon as that is done, one way or the other; borrowed. */
int cb_names_mending_fd(const struct cb_names_mending *mending);
/* Ends it, done or not. A descriptor that can be read as soon as the server has ended,
 * which the caller closes; -1: it does not run. */
int cb_names_mending_end(struct cb_names_mending *mending);

/* ── Names on networks without a bridge, and links (resolver.c) ── */
struct cb_resolver; /* of one container */
/* After a change: the container whose namespace is NETNS is on these NETWORKS, which were
 * set up and outlive the next call, or the end. *RESOLVER is started for the first that
 * has no bridge, or links, and stopped, and NULL, when there is none any more. Where it
 * cannot be had a warning says why, and there are no names. */
void cb_resolver_settle(struct cb_resolver **resolver, int netns,
                        struct cb_network *const *networks, size_t count);
/* With its namespace. NULL is fine. */
void cb_resolver_stop(struct cb_resolver *resolver);
CB_AUTO_DEFINE(cb_resolver, cb_resolver_stop)

/* ── Names (dns.c) ── */
struct cb_dns_options { /* each NULL or empty: as the host has it */
    const struct cb_strings *servers, *search, *options; /* --dns, --dns-search, … */
};
/* USAGE with docker's words when a server is no address, or a domain no name. */
int cb_dns_check(const struct cb_dns_options *options, struct cb_error **err);
/* Text of /etc/resolv.conf in NETWORK, which has been set up (NULL: none). The host's
 * servers, but those on its loopback only for the host's network: elsewhere the ones
 * behind them, or one that passes questions on to them. OPTIONS may be NULL. Caller
 * frees. */
char *cb_network_resolv_conf(struct cb_network *network,
                             const struct cb_dns_options *options);
/* Text of /etc/hosts there: localhost names, HOSTNAME, and EXTRA
 * "name:ip" entries, with "host-gateway" for the address the host has there. USAGE on a
 * malformed one. Caller frees *out. */
int cb_network_hosts(struct cb_network *network, const char *hostname,
                     const struct cb_strings *extra, char **out, struct cb_error **err);
/* The lines of the addresses that whoever joins has there; NAME with a domain has a short
 * form, too. */
void cb_network_add_own(struct cb_strbuf *out, const struct cb_network *network,
                        const char *name);
/* Is TEXT of --add-host well formed? USAGE with docker's words. */
int cb_dns_check_host(const char *text, struct cb_error **err);

/* ── Proxies (proxies.c): "HTTP_PROXY=…" and "http_proxy=…" ── */
/* Those of docker's config.json, proxies.default. */
void cb_proxies_configured(struct cb_strings *out);
int cb_proxies_parse(const char *what, const char *bytes, size_t len,
                     struct cb_strings *out, struct cb_error **err);
/* Those of our environment. One on the host's loopback is left out unless it can be
 * reached. */
void cb_proxies_ambient(struct cb_strings *out, int host_network);

#endif
