/* The bridge of containers that ask for no other network. It is made like those that
 * people make, and has a name, but gives none: containers on it find each other by
 * address, or are told about each other with --link. */
#include "network/named-priv.h"

#include <stdlib.h>
#include <string.h>

static int set_up(struct cb_network *network, int fd, void **state,
                  struct cb_cancel *cancel, struct cb_error **err)
{
    if (cb_netavark_check(err) < 0 ||
        cb_networks_bridge(network->state_dir, &network->def, err) < 0)
        return -1;
    if (cb_network_join_bridge(network, fd, state, cancel, err) == 0)
        return 0;
    cb_network_def_free(cb_steal(&network->def));
    return -1;
}

static void tear_down(void *state)
{
    cb_netavark_down(state);
}

const struct cb_network_backend cb_backend_shared = {
    .name = "netavark", .set_up = set_up, .tear_down = tear_down};

static int has_room(const struct cb_network_def *bridge)
{
    cb_autofree char *interface = cb_network_interface(bridge);
    cb_auto_value(cb_network_endpoints) endpoints = {0};

    if (!bridge->subnet_count)
        return 0;
    if (!cb_routes_cover(&bridge->subnets[0].subnet, interface, NULL))
        return 1;
    cb_network_endpoints(bridge, &endpoints);
    return endpoints.count > 0;
}

int cb_networks_bridge(const char *state_dir, struct cb_network_def **out,
                       struct cb_error **err)
{
    static const struct cb_network_wish wish;
    cb_auto_value(cb_network_defs) defs = {0};
    cb_auto(cb_network_def) bridge = NULL;
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int dir = -1;
    size_t kept = 0;

    if (cb_networks_lock(state_dir, CB_LOCK_EXCLUSIVE, &lock, &dir, err) < 0 ||
        cb_networks_read(state_dir, dir, &defs, err) < 0)
        return -1;
    cb_vec_foreach (def, &defs) {
        if ((*def)->predefined && strcmp((*def)->name, "bridge") == 0)
            bridge = *def;
        else
            defs.items[kept++] = *def;
    }
    defs.count = kept;
    if (!has_room(bridge)) {
        free(cb_steal(&bridge->subnets));
        bridge->subnet_count = 0;
        if (cb_network_settle(bridge, &wish, &defs, err) < 0 ||
            cb_network_write(dir, bridge, err) < 0)
            return -1;
    }
    *out = cb_steal(&bridge);
    return 0;
}
