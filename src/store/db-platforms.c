/* Names of several platforms: a row for each image, beside the one of `names` that a
 * plain look-up finds. */
#include "store/db-names.h"

#include "store/db-priv.h"

#include <stdio.h>
#include <string.h>

static int list_platforms(struct cb_db *db, const char *name, struct cb_db_platforms *out,
                          struct cb_error **err)
{
    cb_auto_value(cb_strings) pairs = {0};

    if (cb_db_look_up(
            db,
            "SELECT platform,image FROM name_platforms WHERE name=?1 ORDER BY position",
            name, &pairs, err) < 0)
        return -1;
    for (size_t i = 0; i + 1 < pairs.count; i += 2) {
        struct cb_db_platform entry = {.image = cb_db_text_digest(pairs.items[i + 1])};

        snprintf(entry.platform, sizeof(entry.platform), "%s", pairs.items[i]);
        cb_vec_push(out, entry);
    }
    return 0;
}

int cb_db_name_platforms(struct cb_db *db, const char *name, struct cb_db_platforms *out,
                         struct cb_error **err)
{
    cb_db_hold(db);

    return list_platforms(db, name, out, err);
}

int cb_db_image_platform_names(struct cb_db *db, const struct cb_digest *id,
                               struct cb_strings *names, struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query = cb_db_query(
        db,
        "SELECT DISTINCT p.name FROM name_platforms p WHERE image=?1 AND NOT "
        "EXISTS(SELECT 1 FROM names n WHERE n.name=p.name AND n.image=p.image)"
        " ORDER BY 1",
        err);

    cb_bind_digest(query, 1, id);
    return cb_db_collect(db, query, names, err);
}

static int leads_to(struct cb_db *db, const char *name, const struct cb_digest *id,
                    struct cb_error **err)
{
    cb_query query =
        cb_db_query(db, "SELECT 1 FROM names WHERE name=?1 AND image=?2", err);

    cb_bind(query, 1, name);
    cb_bind_digest(query, 2, id);
    return cb_db_step(db, query, err);
}

static int put_platform(struct cb_db *db, const char *name, size_t position,
                        const struct cb_db_platform *entry, struct cb_error **err)
{
    cb_query query = cb_db_query(
        db,
        "INSERT INTO name_platforms(name,position,platform,image) SELECT ?1,?2,?3,id"
        " FROM images WHERE id=?4",
        err);
    char text[CB_DIGEST_MAX_TEXT];

    cb_bind(query, 1, name);
    cb_bind_int(query, 2, (int64_t)position);
    cb_bind(query, 3, entry->platform);
    cb_bind(query, 4, cb_digest_text(&entry->image, text));
    if (cb_db_run(db, query, err) < 0)
        return -1;
    if (sqlite3_changes(db->handle) == 1)
        return 0;
    return cb_error_set(err, CB_ERR_NOT_FOUND, "image `%s`: not in the store", text);
}

static int same_platforms(struct cb_db *db, const char *name,
                          const struct cb_digest *chosen,
                          const struct cb_db_platform *entries, size_t count,
                          struct cb_error **err)
{
    struct cb_db_platforms have = {0};
    int same = leads_to(db, name, chosen, err);

    if (same > 0 && list_platforms(db, name, &have, err) < 0)
        same = -1;
    if (same > 0)
        same = have.count == count;
    for (size_t i = 0; same > 0 && i < count; i++)
        same = strcmp(have.items[i].platform, entries[i].platform) == 0 &&
               cb_digest_equal(&have.items[i].image, &entries[i].image);
    cb_vec_free(&have);
    return same;
}

int cb_db_name_set_platforms(struct cb_db *db, const char *name,
                             const struct cb_digest *chosen,
                             const struct cb_db_platform *entries, size_t count,
                             struct cb_error **err)
{
    cb_db_hold(db);
    cb_transaction transaction = {0};
    char text[CB_DIGEST_MAX_TEXT];
    int same = same_platforms(db, name, chosen, entries, count, err);

    if (same)
        return same < 0 ? -1 : 0;
    if (cb_db_begin(db, 1, &transaction, err) < 0 ||
        cb_db_name_put(db, name, cb_digest_text(chosen, text), err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (put_platform(db, name, i, &entries[i], err) < 0)
            return -1;
    }
    return cb_db_commit(&transaction, err);
}
