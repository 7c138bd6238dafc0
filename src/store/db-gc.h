/* What is reached from where: the questions of gc, du and fsck. */
#ifndef CB_STORE_DB_GC_H
#define CB_STORE_DB_GC_H

#include "base/map.h"
#include "base/vec.h"
#include "store/db.h"

#include <stdint.h>

/* Who may keep a snapshot. */
enum cb_reach {
    CB_REACH_IMAGES = 1,       /* through the chain of an image, named or not */
    CB_REACH_NAMED_IMAGES = 2, /* through the chain of an image that has a name */
    CB_REACH_RECORDS = 4,
    CB_REACH_PINS = 8,
};
/* Adds the ids of all snapshots reached, ancestors included. */
int cb_db_reached_snapshots(struct cb_db *db, unsigned from, struct cb_map *out,
                            struct cb_error **err);
/* Adds the digests of configs, manifests and layer blobs of images, and of resolutions.
 */
int cb_db_reached_blobs(struct cb_db *db, struct cb_map *out, struct cb_error **err);
/* Adds the ids of those that have a fact KEY. */
int cb_db_snapshots_with(struct cb_db *db, const char *key, struct cb_map *out,
                         struct cb_error **err);
/* Each snapshot with each blob of its layer. */
int cb_db_snapshot_blobs(struct cb_db *db,
                         void (*each)(void *arg, const char *id, const char *digest),
                         void *arg, struct cb_error **err);
int cb_db_resolved_manifests(struct cb_db *db, struct cb_strings *out,
                             struct cb_error **err);
/* Resolutions older than this are forgotten. */
int cb_db_forget_resolutions(struct cb_db *db, int64_t before_s, struct cb_error **err);
/* Removes the rows of these snapshots; chains and layer blobs of nothing go along.
 * LIVE_BLOBS: a map of digests still in the store. One transaction. */
int cb_db_sweep(struct cb_db *db, const struct cb_strings *snapshots,
                const struct cb_strings *blobs, struct cb_error **err);

/* Adds every snapshot that cache records reach, ancestors included; bytes UINT64_MAX
 * where nobody has measured them. */
struct cb_cache_items;
int cb_db_cached_snapshots(struct cb_db *db, struct cb_cache_items *out,
                           struct cb_error **err);
struct cb_disk_size {
    const char *id;
    int64_t bytes;
};
struct cb_disk_sizes {
    struct cb_disk_size *items;
    size_t count, capacity;
};
/* Remembers what was measured. */
int cb_db_disk_sizes_set(struct cb_db *db, const struct cb_disk_sizes *sizes,
                         struct cb_error **err);
/* Sum of what committed snapshots take; UNKNOWN gets the ids of those not measured. */
int cb_db_disk_total(struct cb_db *db, int64_t *bytes, struct cb_strings *unknown,
                     struct cb_error **err);
/* Records of these snapshots, and those of the empty filesystem not used since. */
int cb_db_forget_records(struct cb_db *db, const struct cb_strings *snapshots,
                         int64_t empty_before_ns, struct cb_error **err);

struct cb_db_counts {
    uint64_t images, unnamed_images, records;
};
int cb_db_counts(struct cb_db *db, struct cb_db_counts *out, struct cb_error **err);
/* Size of a snapshot's own layer as recorded; -1 when not known. */
int cb_db_snapshot_size(struct cb_db *db, const char *id, int64_t *size_bytes,
                        struct cb_error **err);
/* Ids of images that rest on a blob (config, manifest, layer), as text. */
int cb_db_blob_users(struct cb_db *db, const char *digest, struct cb_strings *images,
                     struct cb_error **err);

#endif
