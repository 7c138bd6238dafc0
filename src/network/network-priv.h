/* The kinds of network, as rows of a table. Private to this directory. */
#ifndef CB_NETWORK_NETWORK_PRIV_H
#define CB_NETWORK_NETWORK_PRIV_H

#include "network/network.h"

struct cb_network_class {
    const char *mode;
    int is_host;
    /* NULL: nothing to set up, each process gets a namespace of its own (or the host's).
     */
    int (*set_up)(void **state, const char *state_dir, struct cb_cancel *cancel, int *fd,
                  struct cb_error **err);
    void (*tear_down)(void *state);
};

extern const struct cb_network_class cb_network_bridge;

/* A new network namespace in which only lo is up; the caller closes it. The calling
 * thread stays where it is. */
int cb_netns_new(int *fd, struct cb_error **err);

#endif
