/* Between unpack.c (all layers of an image) and unpack-layer.c (one of them). */
#ifndef CB_STORE_UNPACK_PRIV_H
#define CB_STORE_UNPACK_PRIV_H

#include "store/layer-tar.h"
#include "store/layer.h"
#include "store/snapshot-priv.h"
#include "store/untar.h"

/* A layer as it comes. All borrowed. */
struct cb_layer_source {
    struct cb_store *store;
    const struct cb_digest *blob, *diff_id;
    struct cb_layer_limits limits;
    struct cb_cancel *cancel;
    cb_read_fn read; /* where the blob comes from; NULL: it is in the store */
    void *arg;
    const struct cb_layer_tar *tar; /* there is no blob; or NULL */
    enum cb_untar_way way;
};

/* A layer on disk. */
struct cb_unpacked {
    struct cb_snapshot *snapshot; /* active; NULL when the layer needs those below */
    struct cb_untar_result result;
    struct cb_snapshot_layer layer;
    int has_blob; /* as it came */
    int is_dense; /* has none, and one would be as large when compressed */
};

/* PARENT is only needed, and only for MERGED. OUT's snapshot, the caller's, is NULL when
 * the layer does not stand alone. INTEGRITY when its bytes are not those of the diff id.
 */
int cb_layer_unpack(const struct cb_layer_source *source, struct cb_snapshot *parent,
                    struct cb_unpacked *out, struct cb_error **err);
/* Puts the layer on PARENT (NULL: the lowest), and commits it as CHAIN_ID. */
int cb_unpacked_commit(struct cb_unpacked *unpacked, struct cb_snapshot *parent,
                       const struct cb_digest *chain_id, struct cb_cancel *cancel,
                       struct cb_error **err);

#endif
