/* Other containers that one is to be told of, or shares the network of: --link and
 * --network container:X. Private to this directory. */
#ifndef CB_CONTAINER_NEIGHBOURS_H
#define CB_CONTAINER_NEIGHBOURS_H

#include "container/client.h"

struct cb_neighbours {
    struct cb_container_net *net; /* of the container whose network it is, or NULL */
    struct cb_strings env, hosts; /* "NAME=VALUE", "NAME,NAME…:IP" */
};
void cb_neighbours_clear(struct cb_neighbours *neighbours);
CB_AUTO_VALUE_DEFINE(cb_neighbours, cb_neighbours_clear)

/* Those of REQUEST, of the container NAME. They must run. USAGE and NOT_FOUND with
 * docker's words. */
int cb_neighbours_find(struct cb_neighbours *out, struct cb_store *store,
                       const struct cb_run_request *request, const char *name,
                       struct cb_error **err);
/* They must be there, and go together with what else is asked for. */
int cb_neighbours_check(struct cb_store *store, const struct cb_run_request *request,
                        struct cb_error **err);

#endif
