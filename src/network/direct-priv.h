/* Networks whose containers have parts of an interface of the host's. Private to this
 * directory. */
#ifndef CB_NETWORK_DIRECT_PRIV_H
#define CB_NETWORK_DIRECT_PRIV_H

#include "network/named-priv.h"

/* ── direct-options.c ── */
struct cb_direct_kind {
    unsigned mode;
    int has_mac;   /* each part has a hardware address of its own, and not its parent's */
    int is_routed; /* there is no way but by the interface: no gateway is asked */
};
struct cb_direct_kind cb_direct_kind(const struct cb_network_def *def);
/* NULL: nobody named one. Borrowed. */
const char *cb_direct_named_parent(const struct cb_network_def *def);
/* What is called so then; caller frees. */
char *cb_direct_dummy(const struct cb_network_def *def);
/* UNSUPPORTED without an interface that could be divided. */
int cb_direct_check_root(const struct cb_network_def *def, struct cb_error **err);

/* ── direct-parent.c ── */
/* Is the interface NAME there, or one of a VLAN that can be made? With docker's words. */
int cb_direct_check_parent(const char *name, struct cb_error **err);
/* The name of the one that comes with the first container and goes with the last; NULL:
 * it is the host's own. Caller frees. */
char *cb_direct_own_parent(const struct cb_network_def *def);
/* Its number, made if need be; 0: with err. */
unsigned cb_direct_have_parent(int rtnl, const struct cb_network_def *def,
                               struct cb_cancel *cancel, struct cb_error **err);

#endif
