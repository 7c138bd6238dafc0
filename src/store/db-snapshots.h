/* Rows of snapshots: what stands on what, what is known of each, and which chain of diff
 * ids a snapshot stands for. */
#ifndef CB_STORE_DB_SNAPSHOTS_H
#define CB_STORE_DB_SNAPSHOTS_H

#include "base/digest.h"
#include "base/vec.h"
#include "store/db.h"

struct cb_descriptor;

struct cb_snapshot_row {
    char id[41], parent[41]; /* parent "" for none */
    unsigned depth;
    int64_t created_ns;
    char boot[64];
    int synced, committed, cut;
    int is_empty; /* known to change nothing: its diff is an empty archive */
};
struct cb_snapshot_rows {
    struct cb_snapshot_row *items;
    size_t count, capacity;
};
static inline void cb_snapshot_rows_free(struct cb_snapshot_rows *rows)
{
    free(rows->items);
}
CB_AUTO_VALUE_DEFINE(cb_snapshot_rows, cb_snapshot_rows_free)

struct cb_snapshot_layer {
    struct cb_digest diff_id, tree; /* unset when not known */
    int64_t tar_bytes, size_bytes;  /* -1 when not known */
};

int cb_snapshot_layer_is_empty(const struct cb_snapshot_layer *layer);

/* The snapshot and its ancestors, top first, in one query: 1/0. */
int cb_db_snapshot_stack(struct cb_db *db, const char *id, struct cb_snapshot_rows *out,
                         struct cb_error **err);
/* The row alone: 1/0. */
int cb_db_snapshot_row(struct cb_db *db, const char *id, struct cb_snapshot_row *out,
                       struct cb_error **err);
/* What is known of a snapshot when it is committed; each may be NULL. */
struct cb_snapshot_known {
    const struct cb_snapshot_layer *layer;
    const struct cb_digest *chain_id;
    const char *identity; /* the fact of that name */
};
/* One transaction. Not durable. */
int cb_db_snapshot_put(struct cb_db *db, const struct cb_snapshot_row *row,
                       const struct cb_snapshot_known *known, struct cb_error **err);
int cb_db_snapshot_layer(struct cb_db *db, const char *id, struct cb_snapshot_layer *out,
                         struct cb_error **err);
int cb_db_snapshot_set_layer(struct cb_db *db, const char *id,
                             const struct cb_snapshot_layer *layer,
                             struct cb_error **err);
int cb_db_snapshot_set_created(struct cb_db *db, const char *id, int64_t created_ns,
                               struct cb_error **err);
int cb_db_snapshot_exists(struct cb_db *db, const char *id, struct cb_error **err);
/* The row, all standing on it, their facts, pins, chains and cache records. REMOVED gets
 * the ids. */
int cb_db_snapshot_remove(struct cb_db *db, const char *id, struct cb_strings *removed,
                          struct cb_error **err);
int cb_db_snapshot_ids(struct cb_db *db, struct cb_strings *ids, struct cb_error **err);

/* 1/0; VALUE for the caller to free. */
int cb_db_fact_get(struct cb_db *db, const char *id, const char *key, char **value,
                   struct cb_error **err);
int cb_db_fact_set(struct cb_db *db, const char *id, const char *key, const char *value,
                   struct cb_error **err);
int cb_db_snapshot_set_synced(struct cb_db *db, const char *id, struct cb_error **err);
int cb_db_pin(struct cb_db *db, const char *id, const char *owner, struct cb_error **err);
int cb_db_unpin(struct cb_db *db, const char *owner, struct cb_error **err);

/* Id of the snapshot of a chain: 1/0. */
int cb_db_chain_get(struct cb_db *db, const struct cb_digest *chain_id, char id[41],
                    struct cb_error **err);
/* An entry there stays, unless its snapshot is gone. One transaction. */
int cb_db_chains_put(struct cb_db *db, const struct cb_digest *chain_ids,
                     const char *const *ids, size_t count, struct cb_error **err);

/* BLOB, a layer's by its media type, is compressed so (enum cb_compression). */
int cb_db_layer_blob_add(struct cb_db *db, const struct cb_digest *diff_id,
                         const struct cb_descriptor *blob, int compression,
                         struct cb_error **err);
struct cb_layer_blob_row {
    struct cb_digest digest;
    char media_type[128];
    int64_t size;
};
struct cb_layer_blob_rows {
    struct cb_layer_blob_row *items;
    size_t count, capacity;
};
/* COMPRESSION -1: any. */
int cb_db_layer_blobs(struct cb_db *db, const struct cb_digest *diff_id, int compression,
                      struct cb_layer_blob_rows *out, struct cb_error **err);

#endif
