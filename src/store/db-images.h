/* Rows of images and of the layers they have. */
#ifndef CB_STORE_DB_IMAGES_H
#define CB_STORE_DB_IMAGES_H

#include "base/digest.h"
#include "base/vec.h"
#include "store/db.h"

struct cb_db_image {
    struct cb_digest id, manifest;
    int64_t created_ns;
    int64_t size_bytes; /* of the layers known here; of cb_db_images_each */
};

/* 1: the row is there, durable, with this manifest (unset: any), and owns all NAMES. */
int cb_db_image_is_put(struct cb_db *db, const struct cb_digest *id,
                       const struct cb_digest *manifest, const struct cb_strings *names,
                       struct cb_error **err);
/* From the lowest up. */
struct cb_db_layers {
    const struct cb_digest *diff_ids, *chain_ids;
    size_t count;
};
/* One durable transaction: row, layers, names. SYNCED lists snapshots that are on stable
 * storage by then. */
int cb_db_image_put(struct cb_db *db, const struct cb_db_image *image,
                    const struct cb_db_layers *layers, const struct cb_strings *names,
                    const struct cb_strings *synced, struct cb_error **err);
int cb_db_image_get(struct cb_db *db, const struct cb_digest *id, struct cb_db_image *out,
                    struct cb_error **err);
/* Of the layers known here. */
int cb_db_image_size(struct cb_db *db, const struct cb_digest *id, int64_t *bytes,
                     struct cb_error **err);
/* Ids that start with PREFIX ("sha256:ab"): how many, up to 2; OUT is the first. */
int cb_db_image_prefix(struct cb_db *db, const char *prefix, struct cb_digest *out,
                       struct cb_error **err);
/* Newest first. */
int cb_db_image_ids(struct cb_db *db, struct cb_strings *ids, struct cb_error **err);
/* All rows, newest first, in one query. */
int cb_db_images_each(struct cb_db *db,
                      void (*each)(void *arg, const char *id,
                                   const struct cb_db_image *image),
                      void *arg, struct cb_error **err);
/* Those with a name of REPOSITORY ("host/path"), whatever its tag. */
int cb_db_image_ids_of(struct cb_db *db, const char *repository, struct cb_strings *ids,
                       struct cb_error **err);
/* 1, or 0: IF_UNNAMED was asked for, and it has a name. */
int cb_db_image_remove(struct cb_db *db, const struct cb_digest *id, int if_unnamed,
                       struct cb_error **err);
/* Diff and chain ids, bottom first, as text. */
int cb_db_image_layers(struct cb_db *db, const struct cb_digest *id,
                       struct cb_strings *diff_ids, struct cb_strings *chain_ids,
                       struct cb_error **err);

#endif
