/* A container becomes an image. */
#ifndef CB_CONTAINER_COMMIT_H
#define CB_CONTAINER_COMMIT_H

#include "base/pool.h"
#include "container/record.h"

/* What the container was made with, in terms of an image: the image's configuration with
 * `run`'s options over it. Caller frees. */
struct cb_image_config *
cb_container_effective_config(const struct cb_container *container);

struct cb_commit_wish {
    const char *author, *comment; /* or NULL */
    const char *name;             /* canonical, or NULL */
    struct cb_image_config *config;
    struct cb_pool *pool;
    struct cb_cancel *cancel;
};
/* Makes an image of CONTAINER's files and of CONFIG, whose layers and history are those
 * of the container's image. It may run: then it should be paused. */
int cb_container_commit(struct cb_store *store, const struct cb_container *container,
                        const struct cb_commit_wish *wish, struct cb_digest *id,
                        struct cb_error **err);

#endif
