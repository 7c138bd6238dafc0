/* Reachability, as queries. */
#include "store/db-gc.h"

#include "store/cache-items.h"
#include "store/db-priv.h"

static int add_rows(struct cb_db *db, sqlite3_stmt *query, struct cb_map *out,
                    struct cb_error **err)
{
    int more;

    while ((more = cb_db_step(db, query, err)) > 0) {
        const char *text = cb_column(query, 0);

        if (*text)
            cb_map_set(out, text, out);
    }
    return more;
}

int cb_db_reached_snapshots(struct cb_db *db, unsigned from, struct cb_map *out,
                            struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query = cb_db_query(
        db,
        "WITH RECURSIVE live(id) AS ("
        "  SELECT c.snapshot FROM image_layers l JOIN chains c ON c.chain_id=l.chain_id"
        "   WHERE (?1 & 1) OR ((?1 & 2) AND EXISTS("
        "    SELECT 1 FROM image_names n WHERE n.image=l.image))"
        "  UNION SELECT snapshot FROM records WHERE (?1 & 4) AND snapshot<>''"
        "  UNION SELECT snapshot FROM pins WHERE (?1 & 8)"
        "  UNION SELECT s.parent FROM live JOIN snapshots s ON s.id=live.id"
        "   WHERE s.parent<>'')"
        " SELECT id FROM live",
        err);

    cb_bind_int(query, 1, (int64_t)from);
    return add_rows(db, query, out, err);
}

int cb_db_reached_blobs(struct cb_db *db, struct cb_map *out, struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query = cb_db_query(
        db,
        "SELECT id FROM images UNION SELECT manifest FROM images"
        " UNION SELECT digest FROM repo_digests UNION SELECT manifest FROM resolutions"
        " UNION SELECT b.digest FROM layer_blobs b"
        "  WHERE EXISTS(SELECT 1 FROM image_layers l WHERE l.diff_id=b.diff_id)",
        err);

    return add_rows(db, query, out, err);
}

int cb_db_snapshots_with(struct cb_db *db, const char *key, struct cb_map *out,
                         struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query = cb_db_query(db, "SELECT snapshot FROM facts WHERE key=?1", err);

    cb_bind(query, 1, key);
    return add_rows(db, query, out, err);
}

int cb_db_snapshot_blobs(struct cb_db *db,
                         void (*each)(void *arg, const char *id, const char *digest),
                         void *arg, struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query = cb_db_query(db,
                                 "SELECT s.id, b.digest FROM layer_blobs b JOIN "
                                 "snapshots s ON s.diff_id=b.diff_id",
                                 err);

    return cb_db_each_pair(db, query, each, arg, err);
}

int cb_db_resolved_manifests(struct cb_db *db, struct cb_strings *out,
                             struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query = cb_db_query(db, "SELECT DISTINCT manifest FROM resolutions", err);

    return cb_db_collect(db, query, out, err);
}

int cb_db_forget_resolutions(struct cb_db *db, int64_t before_s, struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query = cb_db_query(db, "DELETE FROM resolutions WHERE when_s<?1", err);

    cb_bind_int(query, 1, before_s);
    return cb_db_run(db, query, err);
}

static int run_each(struct cb_db *db, const char *sql, const struct cb_strings *arguments,
                    struct cb_error **err)
{
    cb_query query = cb_db_query(db, sql, err);

    cb_vec_foreach (argument, arguments) {
        cb_bind(query, 1, *argument);
        if (cb_db_run(db, query, err) < 0)
            return -1;
    }
    return 0;
}

struct forgetting {
    struct cb_map *blobs;       /* that are gone */
    struct cb_strings diff_ids; /* in step with DIGESTS: rows of them */
    struct cb_strings digests;
};

static void find_forgotten(void *arg, const char *diff_id, const char *digest)
{
    struct forgetting *forgetting = arg;

    if (!cb_map_has(forgetting->blobs, digest))
        return;
    cb_strings_add(&forgetting->diff_ids, diff_id);
    cb_strings_add(&forgetting->digests, digest);
}

static int delete_pairs(struct cb_db *db, const struct forgetting *forgetting,
                        struct cb_error **err)
{
    cb_query query =
        cb_db_query(db, "DELETE FROM layer_blobs WHERE diff_id=?1 AND digest=?2", err);

    for (size_t i = 0; i < forgetting->digests.count; i++) {
        cb_bind(query, 1, forgetting->diff_ids.items[i]);
        cb_bind(query, 2, forgetting->digests.items[i]);
        if (cb_db_run(db, query, err) < 0)
            return -1;
    }
    return 0;
}

/* The table is in the order of diff ids: it is read once for all blobs. */
static int forget_layer_blobs(struct cb_db *db, const struct cb_strings *blobs,
                              struct cb_error **err)
{
    cb_auto(cb_map) gone = cb_map_new(NULL);
    struct forgetting forgetting = {.blobs = gone};
    int result = 0;

    cb_vec_foreach (digest, blobs)
        cb_map_set(gone, *digest, gone);
    if (blobs->count) {
        cb_query query = cb_db_query(db, "SELECT diff_id,digest FROM layer_blobs", err);

        result = cb_db_each_pair(db, query, find_forgotten, &forgetting, err);
    }
    if (result == 0)
        result = delete_pairs(db, &forgetting, err);
    cb_strings_free(&forgetting.diff_ids);
    cb_strings_free(&forgetting.digests);
    return result;
}

int cb_db_sweep(struct cb_db *db, const struct cb_strings *snapshots,
                const struct cb_strings *blobs, struct cb_error **err)
{
    cb_db_hold(db);
    cb_transaction transaction = {0};

    if (snapshots->count == 0 && blobs->count == 0)
        return 0;
    if (cb_db_begin(db, 0, &transaction, err) < 0)
        return -1;
    if (run_each(db, "DELETE FROM records WHERE snapshot=?1", snapshots, err) < 0 ||
        run_each(db, "DELETE FROM chains WHERE snapshot=?1", snapshots, err) < 0 ||
        run_each(db, "DELETE FROM facts WHERE snapshot=?1", snapshots, err) < 0 ||
        run_each(db, "DELETE FROM pins WHERE snapshot=?1", snapshots, err) < 0 ||
        run_each(db, "DELETE FROM snapshots WHERE id=?1", snapshots, err) < 0 ||
        forget_layer_blobs(db, blobs, err) < 0)
        return -1;
    return cb_db_commit(&transaction, err);
}

int cb_db_cached_snapshots(struct cb_db *db, struct cb_cache_items *out,
                           struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query =
        cb_db_query(db,
                    "WITH RECURSIVE live(id) AS ("
                    "  SELECT snapshot FROM records WHERE snapshot<>''"
                    "  UNION SELECT s.parent FROM live JOIN snapshots s ON s.id=live.id"
                    "   WHERE s.parent<>'')"
                    " SELECT s.id, s.parent, s.depth, s.created_ns, s.disk_bytes,"
                    "  (SELECT MAX(r.used_ns) FROM records r WHERE r.snapshot=s.id),"
                    "  (SELECT r.name FROM records r WHERE r.snapshot=s.id AND r.name<>''"
                    "    ORDER BY r.created_ns DESC LIMIT 1)"
                    " FROM live JOIN snapshots s ON s.id=live.id",
                    err);
    int more;

    while ((more = cb_db_step(db, query, err)) > 0) {
        int64_t bytes = sqlite3_column_int64(query, 4);
        struct cb_cache_item item = {
            .type = CB_ITEM_REGULAR,
            .id = xstrdup(cb_column(query, 0)),
            .parent = xstrdup(cb_column(query, 1)),
            .description = xstrdup(cb_column(query, 6)),
            .depth = (unsigned)sqlite3_column_int64(query, 2),
            .created_ns = sqlite3_column_int64(query, 3),
            .used_ns = sqlite3_column_int64(query, 5),
            .bytes = bytes < 0 ? UINT64_MAX : (uint64_t)bytes,
        };

        cb_vec_push(out, item);
    }
    return more;
}

int cb_db_disk_sizes_set(struct cb_db *db, const struct cb_disk_sizes *sizes,
                         struct cb_error **err)
{
    cb_db_hold(db);
    cb_transaction transaction = {0};
    cb_query query =
        cb_db_query(db, "UPDATE snapshots SET disk_bytes=?2 WHERE id=?1", err);

    if (!query || cb_db_begin(db, 0, &transaction, err) < 0)
        return -1;
    cb_vec_foreach (size, sizes) {
        cb_bind(query, 1, size->id);
        cb_bind_int(query, 2, size->bytes);
        if (cb_db_run(db, query, err) < 0)
            return -1;
    }
    return cb_db_commit(&transaction, err);
}

int cb_db_disk_total(struct cb_db *db, int64_t *bytes, struct cb_strings *unknown,
                     struct cb_error **err)
{
    cb_db_hold(db);
    cb_query sum =
        cb_db_query(db, "SELECT COALESCE(SUM(MAX(disk_bytes,0)),0) FROM snapshots", err);
    cb_query ids =
        cb_db_query(db, "SELECT id FROM snapshots WHERE disk_bytes<0 AND committed", err);

    if (!sum || cb_db_step(db, sum, err) < 0)
        return -1;
    *bytes = sqlite3_column_int64(sum, 0);
    return cb_db_collect(db, ids, unknown, err);
}

int cb_db_forget_records(struct cb_db *db, const struct cb_strings *snapshots,
                         int64_t empty_before_ns, struct cb_error **err)
{
    cb_db_hold(db);
    cb_transaction transaction = {0};
    cb_query empty =
        cb_db_query(db, "DELETE FROM records WHERE snapshot='' AND used_ns<?1", err);

    if (!empty || cb_db_begin(db, 0, &transaction, err) < 0 ||
        run_each(db, "DELETE FROM records WHERE snapshot=?1", snapshots, err) < 0)
        return -1;
    cb_bind_int(empty, 1, empty_before_ns);
    if (cb_db_run(db, empty, err) < 0)
        return -1;
    return cb_db_commit(&transaction, err);
}

int cb_db_counts(struct cb_db *db, struct cb_db_counts *out, struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query =
        cb_db_query(db,
                    "SELECT (SELECT COUNT(*) FROM images),"
                    " (SELECT COUNT(*) FROM images WHERE NOT EXISTS("
                    "   SELECT 1 FROM image_names n WHERE n.image=images.id)),"
                    " (SELECT COUNT(*) FROM records)",
                    err);

    if (!query || cb_db_step(db, query, err) < 0)
        return -1;
    out->images = (uint64_t)sqlite3_column_int64(query, 0);
    out->unnamed_images = (uint64_t)sqlite3_column_int64(query, 1);
    out->records = (uint64_t)sqlite3_column_int64(query, 2);
    return 0;
}

int cb_db_snapshot_size(struct cb_db *db, const char *id, int64_t *size_bytes,
                        struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query = cb_db_query(db, "SELECT size_bytes FROM snapshots WHERE id=?1", err);
    int found;

    cb_bind(query, 1, id);
    found = cb_db_step(db, query, err);
    if (found >= 0)
        *size_bytes = found ? sqlite3_column_int64(query, 0) : -1;
    return found;
}

int cb_db_blob_users(struct cb_db *db, const char *digest, struct cb_strings *images,
                     struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query =
        cb_db_query(db,
                    "SELECT id FROM images WHERE id=?1 OR manifest=?1"
                    " UNION SELECT image FROM repo_digests WHERE digest=?1"
                    " UNION SELECT l.image FROM layer_blobs b JOIN image_layers l"
                    "  ON l.diff_id=b.diff_id WHERE b.digest=?1",
                    err);

    cb_bind(query, 1, digest);
    return cb_db_collect(db, query, images, err);
}
