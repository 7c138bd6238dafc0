/* Networks that people make and name: `cbuild network create` and its siblings. Each is a
 * JSON document in STATE_DIR; nothing of it is set up on the host until a container
 * joins, and nothing is left when the last one is gone. Besides those there are always
 * bridge, host and none. */
#ifndef CB_NETWORK_NAMED_H
#define CB_NETWORK_NAMED_H

#include "base/cancel.h"
#include "base/error.h"
#include "base/json.h"
#include "base/timestamp.h"
#include "base/vec.h"
#include "network/address.h"

/* Options of a network that count. */
#define CB_MTU_OPTION        "com.docker.network.driver.mtu"
#define CB_ICC_OPTION        "com.docker.network.bridge.enable_icc"
#define CB_MASQUERADE_OPTION "com.docker.network.bridge.enable_ip_masquerade"
#define CB_BINDING_OPTION    "com.docker.network.bridge.host_binding_ipv4"
/* Of the bridge of containers alone, in the words of daemon.json: its own address, with
 * the subnet's bits, and where in the subnet addresses are taken from. */
#define CB_BRIDGE_IP_OPTION    "bip"
#define CB_BRIDGE_RANGE_OPTION "fixed-cidr"

struct cb_network_subnet {
    struct cb_cidr subnet;
    struct cb_ip gateway;
    struct cb_cidr range; /* where addresses are taken from; family 0: all of it */
};

struct cb_network_def {
    char *id; /* 64 hex digits */
    char *name;
    char *driver; /* bridge; host and null for those that are always there */
    char created[CB_TIMESTAMP_MAX];
    int predefined, internal, attachable, ipv6;
    int config_only;   /* what others are made from; nobody joins it */
    char *config_from; /* such a one's name, or NULL */
    struct cb_network_subnet *subnets;
    size_t subnet_count;
    struct cb_strings labels, options; /* "KEY=VALUE" */
    struct cb_strings reserved; /* "NAME=ADDRESS": in its subnets, but no container's */
};
void cb_network_def_free(struct cb_network_def *def);
CB_AUTO_DEFINE(cb_network_def, cb_network_def_free)

struct cb_network_defs {
    struct cb_network_def **items;
    size_t count, capacity;
};
void cb_network_defs_free(struct cb_network_defs *defs);
CB_AUTO_VALUE_DEFINE(cb_network_defs, cb_network_defs_free)

struct cb_network_wish { /* as typed */
    const char *name, *driver;
    const char *config_from; /* the one that says the rest, or NULL */
    struct cb_strings subnets, gateways, ranges, reserved, labels, options;
    struct cb_strings pools; /* "10.20.0.0/16=24": where a subnet is looked for, and how
                                large it is; none: docker's */
    int internal, attachable, ipv6, config_only;
};
void cb_network_wish_free(struct cb_network_wish *wish); /* its lists */
CB_AUTO_VALUE_DEFINE(cb_network_wish, cb_network_wish_free)
/* Makes one, with docker's checks and words. USAGE, EXISTS, UNSUPPORTED. *ID: caller
 * frees. */
int cb_networks_create(const char *state_dir, const struct cb_network_wish *wish,
                       char **id, struct cb_error **err);
/* All, by name. */
int cb_networks_list(const char *state_dir, struct cb_network_defs *out,
                     struct cb_error **err);
/* By name, id, or how an id begins. NOT_FOUND "network x not found". */
int cb_networks_find(const char *state_dir, const char *text, struct cb_network_def **out,
                     struct cb_error **err);
/* What is known of the bridge of containers before it is set up with OPTIONS, see
 * cb_network_options: its subnet, which it will have. Others stay as they are. */
void cb_network_foresee(const char *state_dir, const struct cb_strings *options,
                        struct cb_network_def *def);
/* DENIED for those that are always there, EXISTS "… has active endpoints" when a
 * container is on it, or "… is in use" when a network was made from it. */
int cb_networks_remove(const char *state_dir, const char *text, struct cb_error **err);

/* Removes what stays on the host for the next container: the bridge of those that ask for
 * no other network, and rules, unless they are in use. */
int cb_networks_clear_host(const char *state_dir, struct cb_error **err);

/* Sets the rules up again of the containers IDS, or of all (none), that are on a bridge:
 * somebody may have flushed the tables. *DONE gets their ids. */
int cb_networks_reload(const struct cb_strings *ids, struct cb_strings *done,
                       struct cb_cancel *cancel, struct cb_error **err);

struct cb_network_endpoint { /* a container that is on a network */
    char *id, *name, *mac;
    struct cb_strings aliases; /* of networks without a bridge only */
    char ip[CB_IP_MAX_TEXT], ip6[CB_IP_MAX_TEXT];
    unsigned bits, bits6;
};
struct cb_network_endpoints {
    struct cb_network_endpoint *items;
    size_t count, capacity;
    size_t joining; /* have an address, and will be on it in a moment */
};
void cb_network_endpoints_free(struct cb_network_endpoints *endpoints);
CB_AUTO_VALUE_DEFINE(cb_network_endpoints, cb_network_endpoints_free)
/* Who is on it now. */
void cb_network_endpoints(const struct cb_network_def *def,
                          struct cb_network_endpoints *out);

/* As `docker network inspect` shows it: a new reference. */
json_t *cb_network_def_json(const struct cb_network_def *def);
/* What a file of STATE_DIR holds. INTEGRITY. */
int cb_network_def_parse(struct cb_network_def **out, const char *what, const char *bytes,
                         size_t len, struct cb_error **err);

#endif
