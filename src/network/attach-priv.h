/* Namespaces connected with the host by interfaces and rules of our own making. Private
 * to this directory. */
#ifndef CB_NETWORK_ATTACH_PRIV_H
#define CB_NETWORK_ATTACH_PRIV_H

#include "network/firewall-priv.h"
#include "network/network-priv.h"

struct cb_attachment {     /* one namespace on one network; all borrowed */
    const char *id, *name; /* of the container */
    const char *network;   /* one word, which is also a file's name */
    const char *interface; /* the bridge; without MEMBERS the interface on our side */
    const char *members;   /* how names of leases of this bridge begin; NULL: no bridge,
                              there is only one to connect */
    const struct cb_network_subnet *subnets;
    size_t subnet_count;
    struct cb_ip ips[2];
    const char *mac, *inside; /* its hardware address, its interface's name */
    const struct cb_strings *aliases, *dns;
    const struct cb_ports *ports;
    unsigned mtu;
    int internal, names;
    int is_apart;        /* those on it do not reach each other */
    int keeps_addresses; /* what leaves has not the host's */
    int is_chosen;       /* the bridge's name: it may be another's */
    int stays;           /* the bridge, after the last has left */
    int is_routed;       /* without a gateway: all others are next door */
    int is_further;      /* the default route stays another network's */
};
struct cb_attached;

/* NOT_FOUND or UNSUPPORTED unless it can be done here. */
int cb_attach_check(struct cb_error **err);
/* Connects NETNS as ATTACHMENT says; takes *LEASE when it is done. */
int cb_attached_new(struct cb_attached **out, struct cb_net_lease **lease,
                    const struct cb_attachment *attachment, int netns,
                    struct cb_cancel *cancel, struct cb_error **err);
/* Its ports are those of ATTACHMENT, which is otherwise what it was connected with, and
 * had none. */
int cb_attached_publish(struct cb_attached *attached,
                        const struct cb_attachment *attachment, struct cb_cancel *cancel,
                        struct cb_error **err);
/* The container is called NAME now. */
int cb_attached_rename(struct cb_attached *attached, const char *name,
                       struct cb_error **err);
/* Takes down what does not go with the namespace, which the caller closes. */
void cb_attached_free(struct cb_attached *attached);
/* Takes down all of it: the namespace stays. It is to be freed as before. */
void cb_attached_leave(struct cb_attached *attached);
/* Takes down what the holders of leases that are free again have left. */
void cb_attach_sweep(void);
/* Makes a bridge without rules, unless it is there. */
int cb_attach_make_bridge(const char *interface, const struct cb_network_subnet *subnets,
                          size_t subnet_count, unsigned mtu, struct cb_error **err);
/* Removes a bridge that stays, if nobody is on it; and all rules of ours if there is
 * nobody left at all. */
int cb_attach_remove_bridge(const char *interface, const char *members,
                            const struct cb_network_subnet *subnets, size_t subnet_count,
                            struct cb_error **err);

/* ── What attach.c and detach.c share ── */
/* Held exclusively by whoever makes or removes what more than one namespace uses. */
int cb_attach_lock(enum cb_lock_mode mode, struct cb_cancel *cancel, struct cb_lock **out,
                   struct cb_error **err);
/* Has anybody but LEASE (may be NULL) a record whose name begins with MEMBERS? */
int cb_attach_has_others(const struct cb_net_lease *lease, const char *members);
/* Rules that stay as long as the network, and those of this one. */
void cb_attachment_add_kept(struct cb_rules *rules,
                            const struct cb_attachment *attachment);
void cb_attachment_add_own(struct cb_rules *rules,
                           const struct cb_attachment *attachment);
/* The interface in NETNS gets what ATTACHMENT says, and comes up. */
int cb_attach_inside(int netns, const struct cb_attachment *attachment,
                     struct cb_error **err);
/* What there will be to take down: a new reference. OUTER: the name of the interface on
 * our side, or NULL. */
json_t *cb_attachment_record(const struct cb_attachment *attachment, const char *outer);
/* Its ports are those of ATTACHMENT. */
void cb_attachment_record_ports(json_t *record, const struct cb_attachment *attachment);
/* NOW: the interface is not to wait for the end of its namespace. */
void cb_attach_take_down(struct cb_net_lease **lease, const json_t *record, int now);

#endif
