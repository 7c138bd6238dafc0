/* What images are called. Names are the store's truth: whatever sets or removes one is
 * durable. */
#include "store/db-names.h"

#include "store/db-priv.h"

int cb_db_name_leads_to(struct cb_db *db, const char *name, const char *id,
                        struct cb_error **err)
{
    return cb_db_ask(db,
                     "SELECT 1 FROM names n WHERE name=?1 AND image=?2 AND NOT EXISTS("
                     " SELECT 1 FROM name_platforms p WHERE p.name=n.name)",
                     name, id, err);
}

int cb_db_name_put(struct cb_db *db, const char *name, const char *id,
                   struct cb_error **err)
{
    if (cb_db_tell(db, "DELETE FROM name_platforms WHERE name=?1", name, NULL, err) < 0)
        return -1;
    return cb_db_tell(db,
                      "INSERT INTO names(name,image) VALUES(?1,?2)"
                      " ON CONFLICT(name) DO UPDATE SET image=excluded.image",
                      name, id, err);
}

int cb_db_image_names(struct cb_db *db, const struct cb_digest *id,
                      struct cb_strings *names, struct cb_error **err)
{
    char text[CB_DIGEST_MAX_TEXT];

    cb_db_hold(db);
    return cb_db_list(db, "SELECT name FROM names WHERE image=?1 ORDER BY name",
                      cb_digest_text(id, text), names, err);
}

int cb_db_image_repo_digests(struct cb_db *db, const struct cb_digest *id,
                             struct cb_strings *out, struct cb_error **err)
{
    char text[CB_DIGEST_MAX_TEXT];

    cb_db_hold(db);
    return cb_db_look_up(
        db, "SELECT name||'@'||digest FROM repo_digests WHERE image=?1 ORDER BY 1",
        cb_digest_text(id, text), out, err);
}

int cb_db_name_set(struct cb_db *db, const char *name, const struct cb_digest *id,
                   struct cb_error **err)
{
    char text[CB_DIGEST_MAX_TEXT];
    int found;

    cb_db_hold(db);
    cb_transaction transaction = {0};

    cb_digest_text(id, text);
    found = cb_db_name_leads_to(db, name, text, err);
    if (found)
        return found < 0 ? -1 : 0;
    if (cb_db_begin(db, 1, &transaction, err) < 0)
        return -1;
    found = cb_db_ask(db, "SELECT 1 FROM images WHERE id=?1", text, NULL, err);
    if (found < 0)
        return -1;
    if (!found)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "image `%s`: not in the store", text);
    if (cb_db_name_put(db, name, text, err) < 0)
        return -1;
    return cb_db_commit(&transaction, err);
}

int cb_db_name_get(struct cb_db *db, const char *name, struct cb_digest *id,
                   struct cb_error **err)
{
    cb_db_hold(db);
    cb_auto_value(cb_strings) image = {0};

    if (cb_db_look_up(db, "SELECT image FROM names WHERE name=?1", name, &image, err) < 0)
        return -1;
    if (image.count)
        *id = cb_db_text_digest(image.items[0]);
    return image.count > 0;
}

int cb_db_name_remove(struct cb_db *db, const char *name, struct cb_error **err)
{
    cb_db_hold(db);
    cb_transaction transaction = {0};
    int found;

    if (cb_db_begin(db, 1, &transaction, err) < 0)
        return -1;
    found = cb_db_ask(db, "SELECT 1 FROM names WHERE name=?1", name, NULL, err);
    if (found <= 0)
        return found;
    if (cb_db_tell(db, "DELETE FROM names WHERE name=?1", name, NULL, err) < 0 ||
        cb_db_tell(db, "DELETE FROM name_platforms WHERE name=?1", name, NULL, err) < 0 ||
        cb_db_commit(&transaction, err) < 0)
        return -1;
    return 1;
}

int cb_db_repo_digest_add(struct cb_db *db, const struct cb_digest *id, const char *name,
                          const struct cb_digest *digest, struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query = cb_db_query(
        db, "SELECT 1 FROM repo_digests WHERE image=?1 AND name=?2 AND digest=?3", err);
    cb_query insert = cb_db_query(
        db, "INSERT OR IGNORE INTO repo_digests(image,name,digest) VALUES(?1,?2,?3)",
        err);
    cb_transaction transaction = {0};
    int found;

    if (!query || !insert)
        return -1;
    cb_bind_digest(query, 1, id);
    cb_bind(query, 2, name);
    cb_bind_digest(query, 3, digest);
    found = cb_db_step(db, query, err);
    sqlite3_reset(query);
    if (found)
        return found < 0 ? -1 : 0;
    if (cb_db_begin(db, 1, &transaction, err) < 0)
        return -1;
    cb_bind_digest(insert, 1, id);
    cb_bind(insert, 2, name);
    cb_bind_digest(insert, 3, digest);
    if (cb_db_run(db, insert, err) < 0)
        return -1;
    return cb_db_commit(&transaction, err);
}

int cb_db_repo_digest_remove(struct cb_db *db, const struct cb_digest *id,
                             const char *name, const struct cb_digest *digest,
                             struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query = cb_db_query(
        db, "DELETE FROM repo_digests WHERE image=?1 AND name=?2 AND digest=?3", err);
    cb_transaction transaction = {0};

    if (!query || cb_db_begin(db, 1, &transaction, err) < 0)
        return -1;
    cb_bind_digest(query, 1, id);
    cb_bind(query, 2, name);
    cb_bind_digest(query, 3, digest);
    if (cb_db_run(db, query, err) < 0)
        return -1;
    return cb_db_commit(&transaction, err);
}

int cb_db_repo_digest_find(struct cb_db *db, const char *name,
                           const struct cb_digest *digest, struct cb_digest *id,
                           struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query = cb_db_query(
        db, "SELECT image FROM repo_digests WHERE digest=?1 AND name=?2 LIMIT 1", err);
    int found;

    cb_bind_digest(query, 1, digest);
    cb_bind(query, 2, name);
    found = cb_db_step(db, query, err);
    if (found > 0)
        *id = cb_column_digest(query, 0);
    return found;
}

int cb_db_resolution_set(struct cb_db *db, const char *name, const char *platform,
                         const struct cb_digest *manifest, int64_t when_s,
                         struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query =
        cb_db_query(db,
                    "INSERT OR REPLACE INTO resolutions(name,platform,manifest,when_s)"
                    " VALUES(?1,?2,?3,?4)",
                    err);

    cb_bind(query, 1, name);
    cb_bind(query, 2, platform);
    cb_bind_digest(query, 3, manifest);
    cb_bind_int(query, 4, when_s);
    return cb_db_run(db, query, err);
}

int cb_db_resolution_get(struct cb_db *db, const char *name, const char *platform,
                         struct cb_digest *manifest, int64_t *when_s,
                         struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query = cb_db_query(
        db, "SELECT manifest,when_s FROM resolutions WHERE name=?1 AND platform=?2", err);
    int found;

    cb_bind(query, 1, name);
    cb_bind(query, 2, platform);
    found = cb_db_step(db, query, err);
    if (found > 0) {
        *manifest = cb_column_digest(query, 0);
        if (when_s)
            *when_s = sqlite3_column_int64(query, 1);
    }
    return found;
}
