/* All images at once. One by one each would cost four queries with their locks, and ten
 * thousand of them be slow to list. */
#include "store/db-images.h"
#include "store/db-names.h"

#include "store/db-priv.h"

int cb_db_images_each(struct cb_db *db,
                      void (*each)(void *arg, const char *id,
                                   const struct cb_db_image *image),
                      void *arg, struct cb_error **err)
{
    cb_db_hold(db);
    cb_query query = cb_db_query(
        db,
        "SELECT id, manifest, created_ns,"
        " (SELECT COALESCE(SUM(MAX(s.size_bytes,0)),0) FROM image_layers l"
        "  JOIN chains c ON c.chain_id=l.chain_id JOIN snapshots s ON s.id=c.snapshot"
        "  WHERE l.image=images.id)"
        " FROM images ORDER BY created_ns DESC, id",
        err);
    int more;

    while ((more = cb_db_step(db, query, err)) > 0) {
        struct cb_db_image image = {.id = cb_column_digest(query, 0),
                                    .manifest = cb_column_digest(query, 1),
                                    .created_ns = sqlite3_column_int64(query, 2),
                                    .size_bytes = sqlite3_column_int64(query, 3)};

        each(arg, cb_column(query, 0), &image);
    }
    return more;
}

int cb_db_names_each(struct cb_db *db, enum cb_db_names kind,
                     void (*each)(void *arg, const char *id, const char *name), void *arg,
                     struct cb_error **err)
{
    static const char *const sql[] = {
        [CB_DB_NAMES] = "SELECT image, name FROM names ORDER BY name",
        [CB_DB_PLATFORM_NAMES] =
            "SELECT DISTINCT p.image, p.name FROM name_platforms p WHERE NOT "
            "EXISTS(SELECT 1 FROM names n WHERE n.name=p.name AND n.image=p.image)"
            " ORDER BY p.name",
        [CB_DB_REPO_DIGESTS] =
            "SELECT image, name||'@'||digest FROM repo_digests ORDER BY 2",
    };
    cb_db_hold(db);
    cb_query query = cb_db_query(db, sql[kind], err);

    return cb_db_each_pair(db, query, each, arg, err);
}
