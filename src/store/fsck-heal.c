/* An image that was pulled or pushed is known by "repository@digest", and that names
 * every byte of it: what is lost can be asked for there, whatever its tag has become. */
#include "store/fsck-heal.h"

#include "store/content-priv.h"
#include "store/db-gc.h"
#include "store/db-images.h"
#include "store/db-names.h"
#include "store/db-snapshots.h"

static int fetch_for(struct cb_store *store, const struct cb_fsck_source *source,
                     const char *image, const struct cb_digest *blob)
{
    cb_auto_value(cb_strings) names = {0};
    struct cb_db_image row;
    struct cb_digest id;

    if (cb_digest_parse(&id, image, NULL) < 0 ||
        cb_db_image_get(store->db, &id, &row, NULL) <= 0 ||
        cb_db_image_repo_digests(store->db, &id, &names, NULL) < 0)
        return 0;
    cb_vec_foreach (name, &names) {
        if (source->fetch(source->arg, *name, &row.manifest, blob, NULL) == 0 &&
            cb_content_has(store, blob, NULL) > 0)
            return 1;
    }
    return 0;
}

int cb_fsck_refetch(struct cb_store *store, const struct cb_fsck_source *source,
                    const char *digest)
{
    cb_auto_value(cb_strings) images = {0};
    struct cb_digest blob;

    if (!source || cb_digest_parse(&blob, digest, NULL) < 0 ||
        cb_db_blob_users(store->db, digest, &images, NULL) < 0)
        return 0;
    cb_vec_foreach (image, &images) {
        if (fetch_for(store, source, *image, &blob))
            return 1;
    }
    return 0;
}

int cb_fsck_refetch_layer(struct cb_store *store, const struct cb_fsck_source *source,
                          const char *diff_id)
{
    struct cb_layer_blob_rows rows = {0};
    struct cb_digest diff;
    char text[CB_DIGEST_MAX_TEXT];
    int fetched = 0;

    if (cb_digest_parse(&diff, diff_id, NULL) < 0 ||
        cb_db_layer_blobs(store->db, &diff, -1, &rows, NULL) < 0)
        return 0;
    cb_vec_foreach (row, &rows) {
        fetched =
            fetched || cb_fsck_refetch(store, source, cb_digest_text(&row->digest, text));
    }
    cb_vec_free(&rows);
    return fetched;
}
