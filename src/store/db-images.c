/* Images and the layers they have. */
#include "store/db-images.h"

#include "store/db-priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A store without syncing does not ask whether something was synced. */
static int row_is_put(struct cb_db *db, const char *id, const struct cb_digest *manifest,
                      struct cb_error **err)
{
    cb_query query = cb_db_query(
        db, "SELECT durable OR ?3 FROM images WHERE id=?1 AND (?2='' OR manifest=?2)",
        err);
    int found;

    cb_bind(query, 1, id);
    cb_bind_digest(query, 2, manifest);
    cb_bind_int(query, 3, db->options.no_sync);
    found = cb_db_step(db, query, err);
    return found > 0 ? sqlite3_column_int(query, 0) : found;
}

int cb_db_image_is_put(struct cb_db *db, const struct cb_digest *id,
                       const struct cb_digest *manifest, const struct cb_strings *names,
                       struct cb_error **err)
{
    char text[CB_DIGEST_MAX_TEXT];
    int found;

    cb_db_hold(db);
    found = row_is_put(db, cb_digest_text(id, text), manifest, err);
    cb_vec_foreach (name, names) {
        if (found <= 0)
            break;
        found = cb_db_name_leads_to(db, *name, text, err);
    }
    return found;
}

static int put_row(struct cb_db *db, const struct cb_db_image *image,
                   struct cb_error **err)
{
    cb_query query = cb_db_query(
        db,
        "INSERT INTO images(id,manifest,created_ns,durable) VALUES(?1,?2,?3,?4)"
        " ON CONFLICT(id) DO UPDATE SET durable=excluded.durable,"
        " manifest=CASE WHEN excluded.manifest='' THEN manifest ELSE excluded.manifest "
        "END",
        err);

    cb_bind_digest(query, 1, &image->id);
    cb_bind_digest(query, 2, &image->manifest);
    cb_bind_int(query, 3, image->created_ns);
    cb_bind_int(query, 4, !db->options.no_sync);
    return cb_db_run(db, query, err);
}

static int put_layer(struct cb_db *db, const struct cb_digest *image, size_t position,
                     const struct cb_digest *diff_id, const struct cb_digest *chain_id,
                     struct cb_error **err)
{
    cb_query query =
        cb_db_query(db,
                    "INSERT OR IGNORE INTO image_layers(image,position,diff_id,chain_id)"
                    " VALUES(?1,?2,?3,?4)",
                    err);

    cb_bind_digest(query, 1, image);
    cb_bind_int(query, 2, (int64_t)position);
    cb_bind_digest(query, 3, diff_id);
    cb_bind_digest(query, 4, chain_id);
    return cb_db_run(db, query, err);
}

int cb_db_image_put(struct cb_db *db, const struct cb_db_image *image,
                    const struct cb_db_layers *layers, const struct cb_strings *names,
                    const struct cb_strings *synced, struct cb_error **err)
{
    cb_db_hold(db);
    cb_transaction transaction = {0};
    char id[CB_DIGEST_MAX_TEXT];

    cb_digest_text(&image->id, id);
    if (cb_db_begin(db, 1, &transaction, err) < 0 || put_row(db, image, err) < 0)
        return -1;
    for (size_t i = 0; i < layers->count; i++) {
        if (put_layer(db, &image->id, i, &layers->diff_ids[i], &layers->chain_ids[i],
                      err) < 0)
            return -1;
    }
    cb_vec_foreach (snapshot, synced) {
        if (cb_db_tell(db, "UPDATE snapshots SET synced=1 WHERE id=?1", *snapshot, NULL,
                       err) < 0)
            return -1;
    }
    cb_vec_foreach (name, names) {
        if (cb_db_name_put(db, *name, id, err) < 0)
            return -1;
    }
    return cb_db_commit(&transaction, err);
}

int cb_db_image_get(struct cb_db *db, const struct cb_digest *id, struct cb_db_image *out,
                    struct cb_error **err)
{
    cb_db_hold(db);
    cb_auto_value(cb_strings) row = {0};
    char text[CB_DIGEST_MAX_TEXT];

    if (cb_db_look_up(db, "SELECT manifest, created_ns FROM images WHERE id=?1",
                      cb_db_digest_text(id, text), &row, err) < 0)
        return -1;
    if (row.count < 2)
        return 0;
    *out = (struct cb_db_image){.id = *id,
                                .manifest = cb_db_text_digest(row.items[0]),
                                .created_ns = strtoll(row.items[1], NULL, 10)};
    return 1;
}

int cb_db_image_size(struct cb_db *db, const struct cb_digest *id, int64_t *bytes,
                     struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query = cb_db_query(
        db,
        "SELECT COALESCE(SUM(MAX(s.size_bytes,0)),0) FROM image_layers l"
        " JOIN chains c ON c.chain_id=l.chain_id JOIN snapshots s ON s.id=c.snapshot"
        " WHERE l.image=?1",
        err);

    if (!query)
        return -1;
    cb_bind_digest(query, 1, id);
    if (cb_db_step(db, query, err) < 0)
        return -1;
    *bytes = sqlite3_column_int64(query, 0);
    return 0;
}

int cb_db_image_prefix(struct cb_db *db, const char *prefix, struct cb_digest *out,
                       struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query =
        cb_db_query(db, "SELECT id FROM images WHERE id>=?1 AND id<?1||'g' LIMIT 2", err);
    struct cb_digest first;
    int found, second;

    cb_bind(query, 1, prefix);
    found = cb_db_step(db, query, err);
    if (found <= 0)
        return found;
    first = cb_column_digest(query, 0);
    second = cb_db_step(db, query, err);
    if (second < 0)
        return -1;
    *out = first;
    return 1 + second;
}

int cb_db_image_ids(struct cb_db *db, struct cb_strings *ids, struct cb_error **err)
{
    cb_db_hold(db);
    return cb_db_list(db, "SELECT id FROM images ORDER BY created_ns DESC, id", NULL, ids,
                      err);
}

/* ';' comes next to ':'. */
int cb_db_image_ids_of(struct cb_db *db, const char *repository, struct cb_strings *ids,
                       struct cb_error **err)
{
    cb_db_hold(db);
    return cb_db_list(db,
                      "SELECT id FROM images WHERE id IN (SELECT image FROM image_names"
                      " WHERE name>=?1||':' AND name<?1||';' UNION SELECT image FROM"
                      " repo_digests WHERE name=?1) ORDER BY created_ns DESC, id",
                      repository, ids, err);
}

int cb_db_image_remove(struct cb_db *db, const struct cb_digest *id, int if_unnamed,
                       struct cb_error **err)
{
    static const char *const sql[] = {
        ("DELETE FROM name_platforms WHERE image=?1"
         " OR name IN (SELECT name FROM names WHERE image=?1)"),
        "DELETE FROM names WHERE image=?1",
        "DELETE FROM repo_digests WHERE image=?1",
        "DELETE FROM image_layers WHERE image=?1",
        "DELETE FROM images WHERE id=?1",
    };
    char text[CB_DIGEST_MAX_TEXT];
    int named = 0;

    cb_db_hold(db);
    cb_transaction transaction = {0};

    cb_digest_text(id, text);
    if (cb_db_begin(db, 1, &transaction, err) < 0)
        return -1;
    if (if_unnamed)
        named = cb_db_ask(db, "SELECT EXISTS(SELECT 1 FROM image_names WHERE image=?1)",
                          text, NULL, err);
    if (named)
        return named < 0 ? -1 : 0;
    for (size_t i = 0; i < CB_ARRAY_SIZE(sql); i++) {
        if (cb_db_tell(db, sql[i], text, NULL, err) < 0)
            return -1;
    }
    return cb_db_commit(&transaction, err) < 0 ? -1 : 1;
}

int cb_db_image_layers(struct cb_db *db, const struct cb_digest *id,
                       struct cb_strings *diff_ids, struct cb_strings *chain_ids,
                       struct cb_error **err)
{
    char text[CB_DIGEST_MAX_TEXT];

    cb_db_hold(db);
    cb_digest_text(id, text);
    if (cb_db_list(db,
                   "SELECT diff_id FROM image_layers WHERE image=?1 ORDER BY position",
                   text, diff_ids, err) < 0)
        return -1;
    return cb_db_list(
        db, "SELECT chain_id FROM image_layers WHERE image=?1 ORDER BY position", text,
        chain_ids, err);
}
