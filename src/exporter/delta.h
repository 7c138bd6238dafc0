/* Inside exporter/: layers that are in an archive as what has changed since another
 * version of the image (store/delta.h), which the other side has. Such a layer is the
 * member "deltas/sha256/<hex of its diff id>" instead of its blob. */
#ifndef CB_EXPORTER_DELTA_H
#define CB_EXPORTER_DELTA_H

#include "exporter/archive-writer.h"
#include "exporter/load-priv.h"
#include "store/delta.h"

/* By diff id: the layer that one is told by. */
struct cb_delta_bases {
    struct cb_map *bases; /* text → struct cb_delta_head, without its length */
};
void cb_delta_bases_clear(struct cb_delta_bases *bases);
CB_AUTO_VALUE_DEFINE(cb_delta_bases, cb_delta_bases_clear)

/* Pairs the layers that IMAGE has and BASE has not with those of which it is the other
 * way round, in order. */
void cb_delta_bases_add(struct cb_delta_bases *bases, const struct cb_image_config *image,
                        const struct cb_image_config *base);
/* Writes the layer as a delta: 1. 0: it has nothing to be told by. */
int cb_delta_save(struct cb_archive_writer *writer, const struct cb_delta_bases *bases,
                  const struct cb_digest *chain_id, const struct cb_digest *diff_id,
                  struct cb_error **err);

/* Makes the layer DIFF_ID, which the archive has as a delta or not at all, a blob, and
 * tells of it in LAYER (left alone if there is no delta). */
int cb_delta_load(struct cb_load *load, const struct cb_digest *diff_id,
                  struct cb_descriptor *layer, struct cb_error **err);

/* The member's path. New text, the caller's. */
char *cb_delta_path(const struct cb_digest *diff_id);
/* The layer's tar in a file of SCRATCH: a descriptor, or -1. */
int cb_delta_tar(struct cb_store *store, const struct cb_scratch *scratch,
                 const char *name, const struct cb_digest *chain_id,
                 const struct cb_digest *diff_id, struct cb_error **err);

#endif
