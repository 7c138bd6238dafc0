/* Snapshots in the index. All of it is derived state: written without any sync, and a row
 * of another boot that was never synced is not believed (snapshot.c). */
#include "store/db-snapshots.h"

#include "oci/oci.h"
#include "store/db-priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of two blocks of zeros. */
#define EMPTY_ARCHIVE \
    "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
#define COLUMNS "id,parent,depth,created_ns,boot,synced,committed,cut,diff_id"

int cb_snapshot_layer_is_empty(const struct cb_snapshot_layer *layer)
{
    char text[CB_DIGEST_MAX_TEXT];

    return strcmp(cb_digest_text(&layer->diff_id, text), EMPTY_ARCHIVE) == 0;
}

#define COLUMN_COUNT 9

static void read_row(char *const *column, struct cb_snapshot_row *row)
{
    snprintf(row->id, sizeof(row->id), "%s", column[0]);
    snprintf(row->parent, sizeof(row->parent), "%s", column[1]);
    row->depth = (unsigned)strtoul(column[2], NULL, 10);
    row->created_ns = strtoll(column[3], NULL, 10);
    snprintf(row->boot, sizeof(row->boot), "%s", column[4]);
    row->synced = atoi(column[5]);
    row->committed = atoi(column[6]);
    row->cut = atoi(column[7]);
    row->is_empty = strcmp(column[8], EMPTY_ARCHIVE) == 0;
}

int cb_db_snapshot_stack(struct cb_db *db, const char *id, struct cb_snapshot_rows *out,
                         struct cb_error **err)
{
    cb_db_hold(db);
    cb_auto_value(cb_strings) columns = {0};
    int status = cb_db_look_up(
        db,
        "WITH RECURSIVE up AS ("
        "  SELECT " COLUMNS " FROM snapshots WHERE id=?1"
        "  UNION ALL"
        "  SELECT s.id,s.parent,s.depth,s.created_ns,s.boot,s.synced,s.committed,s.cut,"
        "   s.diff_id FROM up JOIN snapshots s ON s.id=up.parent)"
        " SELECT * FROM up LIMIT 1000",
        id, &columns, err);

    if (status < 0)
        return -1;
    for (size_t i = 0; i + COLUMN_COUNT <= columns.count; i += COLUMN_COUNT) {
        struct cb_snapshot_row row = {0};

        read_row(columns.items + i, &row);
        cb_vec_push(out, row);
    }
    /* a stack that does not reach the ground is damaged: not found */
    return out->count > 0 && out->items[out->count - 1].parent[0] == '\0';
}

static int set_layer(struct cb_db *db, const char *id,
                     const struct cb_snapshot_layer *layer, struct cb_error **err)
{
    cb_query query = cb_db_query(
        db,
        "UPDATE snapshots SET diff_id=?2,tree=?3,tar_bytes=?4,size_bytes=?5 WHERE id=?1",
        err);

    cb_bind(query, 1, id);
    cb_bind_digest(query, 2, &layer->diff_id);
    cb_bind_digest(query, 3, &layer->tree);
    cb_bind_int(query, 4, layer->tar_bytes);
    cb_bind_int(query, 5, layer->size_bytes);
    return cb_db_run(db, query, err);
}

static int set_chain(struct cb_db *db, const struct cb_digest *chain_id, const char *id,
                     struct cb_error **err)
{
    cb_query query =
        cb_db_query(db,
                    "INSERT INTO chains(chain_id,snapshot) VALUES(?1,?2)"
                    " ON CONFLICT(chain_id) DO UPDATE SET snapshot=excluded.snapshot"
                    " WHERE NOT EXISTS(SELECT 1 FROM snapshots WHERE id=chains.snapshot)",
                    err);

    cb_bind_digest(query, 1, chain_id);
    cb_bind(query, 2, id);
    return cb_db_run(db, query, err);
}

static int put_row(struct cb_db *db, const struct cb_snapshot_row *row,
                   struct cb_error **err)
{
    cb_query query =
        cb_db_query(db,
                    "INSERT OR REPLACE INTO"
                    " snapshots(id,parent,depth,created_ns,boot,synced,committed,cut)"
                    " VALUES(?1,?2,?3,?4,?5,?6,?7,?8)",
                    err);

    cb_bind(query, 1, row->id);
    cb_bind(query, 2, row->parent);
    cb_bind_int(query, 3, row->depth);
    cb_bind_int(query, 4, row->created_ns);
    cb_bind(query, 5, row->boot);
    cb_bind_int(query, 6, row->synced);
    cb_bind_int(query, 7, row->committed);
    cb_bind_int(query, 8, row->cut);
    return cb_db_run(db, query, err);
}

int cb_db_snapshot_row(struct cb_db *db, const char *id, struct cb_snapshot_row *out,
                       struct cb_error **err)
{
    cb_db_hold(db);
    cb_auto_value(cb_strings) row = {0};

    if (cb_db_look_up(db, "SELECT " COLUMNS " FROM snapshots WHERE id=?1", id, &row,
                      err) < 0)
        return -1;
    if (row.count < COLUMN_COUNT)
        return 0;
    read_row(row.items, out);
    return 1;
}

static int set_fact(struct cb_db *db, const char *id, const char *key, const char *value,
                    struct cb_error **err)
{
    cb_query query = cb_db_query(
        db, "INSERT OR REPLACE INTO facts(snapshot,key,value) VALUES(?1,?2,?3)", err);

    cb_bind(query, 1, id);
    cb_bind(query, 2, key);
    cb_bind(query, 3, value);
    return cb_db_run(db, query, err);
}

int cb_db_snapshot_put(struct cb_db *db, const struct cb_snapshot_row *row,
                       const struct cb_snapshot_known *known, struct cb_error **err)
{
    cb_db_hold(db);
    cb_transaction transaction = {0};

    if (cb_db_begin(db, 0, &transaction, err) < 0 || put_row(db, row, err) < 0)
        return -1;
    if (known->layer && set_layer(db, row->id, known->layer, err) < 0)
        return -1;
    if (known->chain_id && set_chain(db, known->chain_id, row->id, err) < 0)
        return -1;
    if (known->identity && set_fact(db, row->id, "identity", known->identity, err) < 0)
        return -1;
    return cb_db_commit(&transaction, err);
}

int cb_db_snapshot_layer(struct cb_db *db, const char *id, struct cb_snapshot_layer *out,
                         struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query = cb_db_query(
        db, "SELECT diff_id,tree,tar_bytes,size_bytes FROM snapshots WHERE id=?1", err);
    int found;

    cb_bind(query, 1, id);
    found = cb_db_step(db, query, err);
    if (found <= 0)
        return found;
    out->diff_id = cb_column_digest(query, 0);
    out->tree = cb_column_digest(query, 1);
    out->tar_bytes = sqlite3_column_int64(query, 2);
    out->size_bytes = sqlite3_column_int64(query, 3);
    return 1;
}

int cb_db_snapshot_set_layer(struct cb_db *db, const char *id,
                             const struct cb_snapshot_layer *layer, struct cb_error **err)
{
    cb_db_hold(db);
    return set_layer(db, id, layer, err);
}

int cb_db_snapshot_set_created(struct cb_db *db, const char *id, int64_t created_ns,
                               struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query =
        cb_db_query(db, "UPDATE snapshots SET created_ns=?2 WHERE id=?1", err);

    cb_bind(query, 1, id);
    cb_bind_int(query, 2, created_ns);
    return cb_db_run(db, query, err);
}

int cb_db_snapshot_exists(struct cb_db *db, const char *id, struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query = cb_db_query(db, "SELECT 1 FROM snapshots WHERE id=?1", err);

    cb_bind(query, 1, id);
    return cb_db_step(db, query, err);
}

static int collect_dependents(struct cb_db *db, const char *id, struct cb_strings *out,
                              struct cb_error **err)
{
    cb_query query =
        cb_db_query(db,
                    "WITH RECURSIVE tree(id) AS ("
                    "  SELECT id FROM snapshots WHERE id=?1"
                    "  UNION SELECT s.id FROM tree JOIN snapshots s ON s.parent=tree.id)"
                    " SELECT id FROM tree",
                    err);

    cb_bind(query, 1, id);
    return cb_db_collect(db, query, out, err);
}

static int remove_one(struct cb_db *db, const char *id, struct cb_error **err)
{
    static const char *const sql[] = {
        "DELETE FROM records WHERE snapshot=?1", "DELETE FROM chains WHERE snapshot=?1",
        "DELETE FROM facts WHERE snapshot=?1",   "DELETE FROM pins WHERE snapshot=?1",
        "DELETE FROM snapshots WHERE id=?1",
    };
    size_t i;

    for (i = 0; i < CB_ARRAY_SIZE(sql); i++) {
        cb_query query = cb_db_query(db, sql[i], err);

        cb_bind(query, 1, id);
        if (cb_db_run(db, query, err) < 0)
            return -1;
    }
    return 0;
}

int cb_db_snapshot_remove(struct cb_db *db, const char *id, struct cb_strings *removed,
                          struct cb_error **err)
{
    cb_db_hold(db);
    cb_transaction transaction = {0};
    cb_auto_value(cb_strings) ids = {0};

    if (cb_db_begin(db, 0, &transaction, err) < 0 ||
        collect_dependents(db, id, &ids, err) < 0)
        return -1;
    cb_vec_foreach (each, &ids) {
        if (remove_one(db, *each, err) < 0)
            return -1;
    }
    if (cb_db_commit(&transaction, err) < 0)
        return -1;
    if (removed)
        cb_strings_copy(removed, &ids);
    return 0;
}

int cb_db_snapshot_ids(struct cb_db *db, struct cb_strings *ids, struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query = cb_db_query(db, "SELECT id FROM snapshots", err);

    return cb_db_collect(db, query, ids, err);
}

int cb_db_fact_get(struct cb_db *db, const char *id, const char *key, char **value,
                   struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query =
        cb_db_query(db, "SELECT value FROM facts WHERE snapshot=?1 AND key=?2", err);
    int found;

    cb_bind(query, 1, id);
    cb_bind(query, 2, key);
    found = cb_db_step(db, query, err);
    if (found > 0)
        *value = xstrdup(cb_column(query, 0));
    return found;
}

int cb_db_fact_set(struct cb_db *db, const char *id, const char *key, const char *value,
                   struct cb_error **err)
{
    cb_db_hold(db);
    return set_fact(db, id, key, value, err);
}

int cb_db_pin(struct cb_db *db, const char *id, const char *owner, struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query =
        cb_db_query(db, "INSERT OR IGNORE INTO pins(snapshot,owner) VALUES(?1,?2)", err);

    cb_bind(query, 1, id);
    cb_bind(query, 2, owner);
    return cb_db_run(db, query, err);
}

int cb_db_snapshot_set_synced(struct cb_db *db, const char *id, struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query = cb_db_query(db, "UPDATE snapshots SET synced=1 WHERE id=?1", err);

    cb_bind(query, 1, id);
    return cb_db_run(db, query, err);
}

int cb_db_unpin(struct cb_db *db, const char *owner, struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query = cb_db_query(db, "DELETE FROM pins WHERE owner=?1", err);

    cb_bind(query, 1, owner);
    return cb_db_run(db, query, err);
}

int cb_db_chain_get(struct cb_db *db, const struct cb_digest *chain_id, char id[41],
                    struct cb_error **err)
{
    cb_db_hold(db);
    cb_auto_value(cb_strings) snapshot = {0};
    char text[CB_DIGEST_MAX_TEXT];

    if (cb_db_look_up(db,
                      "SELECT snapshot FROM chains c WHERE chain_id=?1"
                      " AND EXISTS(SELECT 1 FROM snapshots s WHERE s.id=c.snapshot)",
                      cb_db_digest_text(chain_id, text), &snapshot, err) < 0)
        return -1;
    if (snapshot.count)
        snprintf(id, 41, "%s", snapshot.items[0]);
    return snapshot.count > 0;
}

int cb_db_chains_put(struct cb_db *db, const struct cb_digest *chain_ids,
                     const char *const *ids, size_t count, struct cb_error **err)
{
    cb_db_hold(db);
    cb_transaction transaction = {0};
    size_t i;

    if (cb_db_begin(db, 0, &transaction, err) < 0)
        return -1;
    for (i = 0; i < count; i++) {
        if (set_chain(db, &chain_ids[i], ids[i], err) < 0)
            return -1;
    }
    return cb_db_commit(&transaction, err);
}

int cb_db_layer_blob_add(struct cb_db *db, const struct cb_digest *diff_id,
                         const struct cb_descriptor *blob, int compression,
                         struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query = cb_db_query(
        db,
        "INSERT OR REPLACE INTO layer_blobs(diff_id,digest,media_type,compression,size)"
        " VALUES(?1,?2,?3,?4,?5)",
        err);

    cb_bind_digest(query, 1, diff_id);
    cb_bind_digest(query, 2, &blob->digest);
    cb_bind(query, 3, blob->media_type);
    cb_bind_int(query, 4, compression);
    cb_bind_int(query, 5, blob->size);
    return cb_db_run(db, query, err);
}

int cb_db_layer_blobs(struct cb_db *db, const struct cb_digest *diff_id, int compression,
                      struct cb_layer_blob_rows *out, struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query = cb_db_query(
        db,
        "SELECT digest,media_type,size FROM layer_blobs"
        " WHERE diff_id=?1 AND (?2<0 OR compression=?2) ORDER BY size, digest",
        err);
    int more;

    cb_bind_digest(query, 1, diff_id);
    cb_bind_int(query, 2, compression);
    while ((more = cb_db_step(db, query, err)) > 0) {
        struct cb_layer_blob_row row = {.digest = cb_column_digest(query, 0),
                                        .size = sqlite3_column_int64(query, 2)};

        snprintf(row.media_type, sizeof(row.media_type), "%s", cb_column(query, 1));
        cb_vec_push(out, row);
    }
    return more;
}
