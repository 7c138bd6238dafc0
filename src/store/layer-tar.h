/* A layer's plain tar where it is in an archive. */
#ifndef CB_STORE_LAYER_TAR_H
#define CB_STORE_LAYER_TAR_H

#include "store/layer.h"

/* What of it is not read yet. */
struct cb_layer_tar_rest {
    int fd;
    int64_t at, left;
};
struct cb_layer_tar_rest cb_layer_tar_start(const struct cb_layer_tar *tar);
/* ARG is a rest. INTEGRITY when the file has become shorter. */
ssize_t cb_layer_tar_read(void *arg, void *buffer, size_t len, struct cb_error **err);

/* The fact of a layer without a blob that it would not get smaller by being compressed.
 */
#define CB_FACT_DENSE "dense"
int cb_layer_tar_is_dense(const struct cb_layer_tar *tar);
/* It becomes a blob: its digest is the layer's diff id. */
int cb_layer_tar_keep(struct cb_store *store, const struct cb_layer_tar *tar,
                      const struct cb_digest *diff_id, struct cb_cancel *cancel,
                      struct cb_error **err);

#endif
