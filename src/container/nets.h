/* The networks a container is on: the first makes its namespace, the others are further
 * interfaces of it, and may come and go. Private to this directory. */
#ifndef CB_CONTAINER_NETS_H
#define CB_CONTAINER_NETS_H

#include "container/joins.h"
#include "network/network.h"

struct cb_nets {
    struct cb_network **items; /* the one that made the namespace is the first, as long as
                                  it is joined */
    size_t count, capacity;
    int names_fd; /* can be read when the server of names has ended; -1: there is none */
    struct cb_names_mending *mending; /* on its way to NAMES_FD, or NULL */
    int netns;     /* of the container; -1: it has the host's, or makes its own */
    int is_shared; /* others may be in it, and stay there */
    unsigned next; /* number of the next interface */
    struct cb_resolver *resolver; /* of names on networks without a bridge, or NULL */
};
void cb_nets_clear(struct cb_nets *nets);

struct cb_nets_owner { /* all borrowed */
    const char *store_root;
    const struct cb_run_request *request;
    const char *id, *name, *hostname; /* NAME: what others call it */
    const struct cb_network_joined *joined;
};
/* Checks the first, and the ports: nothing is set up. */
int cb_nets_open(struct cb_nets *out, const struct cb_nets_owner *owner,
                 struct cb_error **err);
/* Those behind the first are there. */
int cb_nets_check_others(const struct cb_nets_owner *owner, struct cb_error **err);
/* Whether JOIN may become one of them: nothing is set up. */
int cb_nets_check(const struct cb_nets_owner *owner, const struct cb_join *join,
                  struct cb_error **err);
/* Sets all up. */
int cb_nets_set_up(struct cb_nets *nets, const struct cb_nets_owner *owner,
                   struct cb_cancel *cancel, struct cb_error **err);
int cb_nets_connect(struct cb_nets *nets, const struct cb_nets_owner *owner,
                    const struct cb_join *join, struct cb_cancel *cancel,
                    struct cb_error **err);
/* 0: it is not on it. NETWORK is a name or a whole id. Ports that went with it are opened
 * on another one of them. */
int cb_nets_disconnect(struct cb_nets *nets, const struct cb_nets_owner *owner,
                       const char *network, struct cb_cancel *cancel);
/* The container is called NAME from now on. */
int cb_nets_rename(struct cb_nets *nets, const char *name, struct cb_error **err);
/* Begins to see to it that the server of names runs, in PAUSE_MS, if one of them has
 * names. */
void cb_nets_watch_names(struct cb_nets *nets, int pause_ms);
/* Can be read when there is something to be done about it; -1: there never is. Borrowed.
 */
int cb_nets_names_fd(const struct cb_nets *nets);
/* That is so: 1, it runs and is watched; 0, it does not run. */
int cb_nets_have_names(struct cb_nets *nets);
/* Its /etc/hosts and /etc/resolv.conf; caller frees. */
int cb_nets_texts(const struct cb_nets *nets, const struct cb_nets_owner *owner,
                  char **hosts, char **resolv_conf, struct cb_error **err);
/* The ports that were opened: of the first network to which somebody outside can get.
 * Borrowed. */
const struct cb_ports *cb_nets_ports(const struct cb_nets *nets);
/* ── nets-json.c ── */
/* NetworkSettings as docker has them: a new reference. */
json_t *cb_nets_settings_json(const struct cb_nets *nets);

#endif
