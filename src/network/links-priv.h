/* Interfaces, addresses and routes, by rtnetlink. Private to this directory. RTNL is a
 * socket of cb_rtnl_open and says whose they are. */
#ifndef CB_NETWORK_LINKS_PRIV_H
#define CB_NETWORK_LINKS_PRIV_H

#include "base/error.h"
#include "network/address.h"

/* The number of interface NAME; 0: there is none. */
unsigned cb_link_find(int rtnl, const char *name);
int cb_link_bring_up(int rtnl, unsigned link, struct cb_error **err);
/* Makes the bridge NAME. */
int cb_link_make_bridge(int rtnl, const char *name, unsigned mtu, struct cb_error **err);

struct cb_veth {
    const char *outside, *inside; /* names of its ends */
    unsigned bridge;              /* the number of the one OUTSIDE is a port of, or 0 */
    const char *mac;              /* of the inner end, or NULL */
    unsigned mtu;
    int is_reflected; /* frames may go back where they come from */
    int is_isolated;  /* frames go to the bridge itself only, not to others like it */
    int netns;        /* where the inner end is made */
};
/* Makes both ends; the outer one is up, and so is the inner one as soon as somebody there
 * brings it up. */
int cb_link_make_veth(int rtnl, const struct cb_veth *veth, struct cb_error **err);
struct cb_part {
    const char *kind;         /* "macvlan" or "ipvlan" */
    unsigned mode;            /* of that kind */
    unsigned parent;          /* the number of the interface it is a part of */
    const char *inside, *mac; /* its name; its hardware address, or NULL */
    int netns;                /* where it is made */
};
/* It is down. */
int cb_link_make_part(int rtnl, const struct cb_part *part, struct cb_error **err);
/* Makes NAME, what interface PARENT has of VLAN ID. UNSUPPORTED where the kernel has no
 * VLANs. */
int cb_link_make_vlan(int rtnl, const char *name, unsigned parent, unsigned id,
                      struct cb_error **err);
/* Removes it, which may take the kernel a while; one that is not there is fine. */
int cb_link_remove(int rtnl, const char *name, struct cb_error **err);
/* Frames may go back where they come from, by this port of a bridge. */
int cb_link_reflect(int rtnl, const char *name, struct cb_error **err);
/* Nothing comes in or goes out by this port of a bridge any more; costs nothing. */
void cb_link_mute(int rtnl, const char *name);
/* An address that is there is fine. */
int cb_link_add_address(int rtnl, unsigned link, const struct cb_cidr *address,
                        struct cb_error **err);
/* A GATEWAY of zeroes is none: all is next door. */
int cb_link_add_default_route(int rtnl, unsigned link, const struct cb_ip *gateway,
                              unsigned metric, struct cb_error **err);
/* Writes VALUE into /proc/sys/net/PATH of our namespace: 0, or -1 with errno. One that
 * has it already is left alone. */
int cb_link_sysctl(const char *value, const char *path, ...)
    __attribute__((format(printf, 2, 3)));

#endif
