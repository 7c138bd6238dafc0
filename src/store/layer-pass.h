/* One pass over a committed layer's directory: its files are read once, and what was
 * asked for is made of them. */
#ifndef CB_STORE_LAYER_PASS_H
#define CB_STORE_LAYER_PASS_H

#include "base/digest.h"
#include "store/snapshot-priv.h"

struct cb_layer_pass {
    /* Takes the canonical tar; NULL: none wanted. */
    int (*write)(void *arg, const void *bytes, size_t len, struct cb_error **err);
    void *arg;
    int want_tree;
    struct cb_pool *pool; /* or NULL: large files are hashed for both digests at once */
    /* results */
    struct cb_digest tree;
    int64_t size_bytes;
};
int cb_layer_pass_run(struct cb_layer_pass *pass, struct cb_snapshot *snapshot,
                      struct cb_error **err);

#endif
