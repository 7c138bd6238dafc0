/* What images are called: by names, by names of one platform each, and by registries. All
 * that changes something is durable. What looks for one, or removes a name, returns 1, or
 * 0 where it is not there. */
#ifndef CB_STORE_DB_NAMES_H
#define CB_STORE_DB_NAMES_H

#include "base/digest.h"
#include "base/vec.h"
#include "store/db.h"

/* What all images are called, as their names, their names for one platform, or their
 * "name@digest"s: as one by one below, in one query. */
enum cb_db_names { CB_DB_NAMES, CB_DB_PLATFORM_NAMES, CB_DB_REPO_DIGESTS };
int cb_db_names_each(struct cb_db *db, enum cb_db_names kind,
                     void (*each)(void *arg, const char *id, const char *name), void *arg,
                     struct cb_error **err);
/* Those of one image. */
int cb_db_image_names(struct cb_db *db, const struct cb_digest *id,
                      struct cb_strings *names, struct cb_error **err);
/* Of several platforms, for which a plain look-up finds another image. */
int cb_db_image_platform_names(struct cb_db *db, const struct cb_digest *id,
                               struct cb_strings *names, struct cb_error **err);
int cb_db_image_repo_digests(struct cb_db *db, const struct cb_digest *id,
                             struct cb_strings *out, struct cb_error **err);

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
/* CHOSEN, one of ENTRIES, is what a plain look-up finds. */
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

/* What a registry last said NAME is for PLATFORM: a hint. WHEN_S, or NULL: when that was.
 */
int cb_db_resolution_set(struct cb_db *db, const char *name, const char *platform,
                         const struct cb_digest *manifest, int64_t when_s,
                         struct cb_error **err);
int cb_db_resolution_get(struct cb_db *db, const char *name, const char *platform,
                         struct cb_digest *manifest, int64_t *when_s,
                         struct cb_error **err);

#endif
