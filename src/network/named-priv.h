/* Inside the named networks. */
#ifndef CB_NETWORK_NAMED_PRIV_H
#define CB_NETWORK_NAMED_PRIV_H

#include "base/lockfile.h"
#include "network/network-priv.h"

/* Holds STATE_DIR still: exclusive to change what is there, shared to join. */
int cb_networks_lock(const char *state_dir, enum cb_lock_mode mode, struct cb_lock **out,
                     int *dir, struct cb_error **err);
/* Subnets, gateways and ranges of WISH for DEF, beside those of OTHERS; a free subnet
 * when none is wished for. */
int cb_network_settle(struct cb_network_def *def, const struct cb_network_wish *wish,
                      const struct cb_network_defs *others, struct cb_error **err);
/* The interface of its bridge; caller frees. */
char *cb_network_interface(const struct cb_network_def *def);

#define CB_BRIDGE_NAME_OPTION "com.docker.network.bridge.name"
#define CB_MTU_OPTION         "com.docker.network.driver.mtu"

#endif
