/* Rows of images, their names, and what registries call them. */
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
/* What all images are called, as their names, their names for one platform, or their
 * "name@digest"s: as one by one below, in one query. */
enum cb_db_names { CB_DB_NAMES, CB_DB_PLATFORM_NAMES, CB_DB_REPO_DIGESTS };
int cb_db_names_each(struct cb_db *db, enum cb_db_names kind,
                     void (*each)(void *arg, const char *id, const char *name), void *arg,
                     struct cb_error **err);
/* Those with a name of REPOSITORY ("host/path"), whatever its tag. */
int cb_db_image_ids_of(struct cb_db *db, const char *repository, struct cb_strings *ids,
                       struct cb_error **err);
int cb_db_image_names(struct cb_db *db, const struct cb_digest *id,
                      struct cb_strings *names, struct cb_error **err);
/* Of several platforms, for which a plain look-up finds another image. */
int cb_db_image_platform_names(struct cb_db *db, const struct cb_digest *id,
                               struct cb_strings *names, struct cb_error **err);
int cb_db_image_repo_digests(struct cb_db *db, const struct cb_digest *id,
                             struct cb_strings *out, struct cb_error **err);
/* 1, or 0: IF_UNNAMED was asked for, and it has a name. */
int cb_db_image_remove(struct cb_db *db, const struct cb_digest *id, int if_unnamed,
                       struct cb_error **err);
/* Diff and chain ids, bottom first, as text. */
int cb_db_image_layers(struct cb_db *db, const struct cb_digest *id,
                       struct cb_strings *diff_ids, struct cb_strings *chain_ids,
                       struct cb_error **err);

int cb_db_name_set(struct cb_db *db, const char *name, const struct cb_digest *id,
                   struct cb_error **err);
int cb_db_name_get(struct cb_db *db, const char *name, struct cb_digest *id,
                   struct cb_error **err);
/* One image of a name that has several. */
struct cb_db_platform {
    char platform[160];
    struct cb_digest image;
};
struct cb_db_platforms {
    struct cb_db_platform *items;
    size_t count, capacity;
};
/* CHOSEN, one of ENTRIES, is what a plain look-up finds. Durable. */
int cb_db_name_set_platforms(struct cb_db *db, const char *name,
                             const struct cb_digest *chosen,
                             const struct cb_db_platform *entries, size_t count,
                             struct cb_error **err);
/* None for a name of one image. */
int cb_db_name_platforms(struct cb_db *db, const char *name, struct cb_db_platforms *out,
                         struct cb_error **err);
int cb_db_name_remove(struct cb_db *db, const char *name, struct cb_error **err);
int cb_db_repo_digest_add(struct cb_db *db, const struct cb_digest *id, const char *name,
                          const struct cb_digest *digest, struct cb_error **err);
int cb_db_repo_digest_remove(struct cb_db *db, const struct cb_digest *id,
                             const char *name, const struct cb_digest *digest,
                             struct cb_error **err);
int cb_db_repo_digest_find(struct cb_db *db, const char *name,
                           const struct cb_digest *digest, struct cb_digest *id,
                           struct cb_error **err);

int cb_db_resolution_set(struct cb_db *db, const char *name, const char *platform,
                         const struct cb_digest *manifest, int64_t when_s,
                         struct cb_error **err);
int cb_db_resolution_get(struct cb_db *db, const char *name, const char *platform,
                         struct cb_digest *manifest, int64_t *when_s,
                         struct cb_error **err);

#endif
