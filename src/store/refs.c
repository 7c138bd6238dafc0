/* Images and names into the index, with their config blobs.
 *
 * Putting an image is the moment at which derived state becomes truth: what the image
 * needs and only a snapshot has (layers built here, not yet compressed) is synced before
 * the row that refers to it. Putting it again changes nothing and costs a few reads. */
#include "store/refs.h"

#include "base/timestamp.h"
#include "store/content-priv.h"
#include "store/db-images.h"
#include "store/db-names.h"
#include "store/db-snapshots.h"
#include "store/store-priv.h"

#include <errno.h>

void cb_image_free(struct cb_image *image)
{
    if (!image)
        return;
    cb_image_config_free(image->config);
    cb_strings_free(&image->names);
    cb_strings_free(&image->platform_names);
    cb_strings_free(&image->repo_digests);
    free(image);
}

void cb_images_free(struct cb_images *images)
{
    cb_vec_foreach (image, images) {
        cb_image_free(*image);
    }
    cb_vec_free(images);
}

/* ── Putting ── */

#define MOST_SECONDS 9000000000LL /* before or after 1970, that fit as nanoseconds */

struct chain {
    CB_VEC(struct cb_digest) chain_ids;
};

static void chain_of(const struct cb_image_config *config, struct chain *out)
{
    const struct cb_digest *below = NULL;
    size_t i;

    for (i = 0; i < config->diff_ids.count; i++) {
        struct cb_digest id = cb_chain_id(below, &config->diff_ids.items[i]);

        cb_vec_push(&out->chain_ids, id);
        below = &out->chain_ids.items[i];
    }
}

static int has_blob(struct cb_store *store, const struct cb_digest *diff_id,
                    struct cb_error **err)
{
    struct cb_layer_blob_rows rows = {0};
    int result = cb_db_layer_blobs(store->db, diff_id, -1, &rows, err);

    if (result == 0) {
        cb_vec_foreach (row, &rows) {
            result = result || cb_content_has(store, &row->digest, NULL);
        }
    }
    cb_vec_free(&rows);
    return result;
}

/* Adds the ids of this layer's snapshot and all below it that are not synced. */
static int collect_unsynced(struct cb_store *store, const struct cb_digest *chain_id,
                            struct cb_strings *out, struct cb_error **err)
{
    cb_auto_value(cb_snapshot_rows) rows = {0};
    char id[41];
    int found = cb_db_chain_get(store->db, chain_id, id, err);

    if (found <= 0)
        return found;
    if (cb_db_snapshot_stack(store->db, id, &rows, err) < 0)
        return -1;
    cb_vec_foreach (row, &rows) {
        if (!row->synced)
            cb_strings_add(out, row->id);
    }
    return 0;
}

/* The topmost layer that only a snapshot has decides: what is below it is needed with it.
 */
static int find_unsynced(struct cb_store *store, const struct cb_image_config *config,
                         const struct chain *chain, struct cb_strings *out,
                         struct cb_error **err)
{
    size_t i;

    for (i = chain->chain_ids.count; i-- > 0;) {
        int known = has_blob(store, &config->diff_ids.items[i], err);

        if (known < 0)
            return -1;
        if (!known)
            return collect_unsynced(store, &chain->chain_ids.items[i], out, err);
    }
    return 0;
}

static int sync_snapshots(struct cb_store *store, const struct cb_strings *unsynced,
                          struct cb_error **err)
{
    if (unsynced->count == 0 || store->no_sync)
        return 0;
    if (syncfs(store->root_fd) < 0)
        return cb_error_errno(err, errno, "sync `%s`", store->root);
    return 0;
}

static int64_t created_of(const struct cb_image_config *config)
{
    struct timespec created;

    if (!config->created || cb_timestamp_parse(&created, config->created, NULL) < 0 ||
        llabs((long long)created.tv_sec) > MOST_SECONDS)
        return 0;
    return (int64_t)created.tv_sec * 1000000000 + created.tv_nsec;
}

static int put_new(struct cb_store *store, const struct cb_image_config *config,
                   const struct cb_db_image *image, const struct cb_strings *names,
                   struct cb_error **err)
{
    struct chain chain = {0};
    struct cb_db_layers layers = {.diff_ids = config->diff_ids.items};
    cb_auto_value(cb_strings) unsynced = {0};
    cb_gc_shared held =
        NULL; /* what is found below is not swept before the row is there */
    int result;

    if (cb_gc_lock_shared(store, err) < 0)
        return -1;
    held = store;
    chain_of(config, &chain);
    layers.chain_ids = chain.chain_ids.items;
    layers.count = chain.chain_ids.count;
    result = find_unsynced(held, config, &chain, &unsynced, err);
    if (result == 0)
        result = sync_snapshots(store, &unsynced, err);
    if (result == 0)
        result = cb_db_image_put(store->db, image, &layers, names, &unsynced, err);
    cb_vec_free(&chain.chain_ids);
    return result;
}

/* From here on the image keeps its blobs, not our lease. */
static void forget_leases(struct cb_store *store, const struct cb_image_config *config,
                          const struct cb_db_image *image)
{
    char text[CB_DIGEST_MAX_TEXT];

    cb_lease_forget(store->lease, CB_LEASE_BLOB, cb_digest_text(&image->id, text));
    if (cb_digest_is_set(&image->manifest))
        cb_lease_forget(store->lease, CB_LEASE_BLOB,
                        cb_digest_text(&image->manifest, text));
    cb_vec_foreach (diff_id, &config->diff_ids) {
        struct cb_layer_blob_rows rows = {0};

        cb_db_layer_blobs(store->db, diff_id, -1, &rows, NULL);
        cb_vec_foreach (row, &rows) {
            cb_lease_forget(store->lease, CB_LEASE_BLOB,
                            cb_digest_text(&row->digest, text));
        }
        cb_vec_free(&rows);
    }
}

int cb_image_put(struct cb_store *store, const struct cb_new_image *image,
                 struct cb_digest *id, struct cb_error **err)
{
    static const struct cb_strings none = {0};
    const struct cb_strings *names = image->names ? image->names : &none;
    struct cb_db_image row = {.id = cb_digest_of(image->config, image->config_len)};
    cb_auto(cb_image_config) config = NULL;
    int put;

    if (cb_store_check_writable(store, err) < 0)
        return -1;
    if (image->manifest)
        row.manifest = *image->manifest;
    put = cb_db_image_is_put(store->db, &row.id, image->manifest, names, err);
    if (put < 0)
        return -1;
    if (put && cb_content_has(store, &row.id, NULL)) {
        *id = row.id;
        return 0;
    }
    if (cb_image_config_parse(&config, image->config, image->config_len, err) < 0 ||
        cb_content_put(store, image->config, image->config_len, &row.id, err) < 0)
        return -1;
    row.created_ns = created_of(config);
    if (put_new(store, config, &row, names, err) < 0)
        return -1;
    forget_leases(store, config, &row);
    *id = row.id;
    return 0;
}

int cb_image_add_repo_digest(struct cb_store *store, const struct cb_digest *id,
                             const char *canonical_name, const struct cb_digest *manifest,
                             struct cb_error **err)
{
    if (cb_store_check_writable(store, err) < 0)
        return -1;
    return cb_db_repo_digest_add(store->db, id, canonical_name, manifest, err);
}

int cb_image_remove_repo_digest(struct cb_store *store, const struct cb_digest *id,
                                const char *repository, const struct cb_digest *digest,
                                struct cb_error **err)
{
    if (cb_store_check_writable(store, err) < 0)
        return -1;
    return cb_db_repo_digest_remove(store->db, id, repository, digest, err);
}

int cb_image_remove(struct cb_store *store, const struct cb_digest *id,
                    struct cb_error **err)
{
    if (cb_store_check_writable(store, err) < 0)
        return -1;
    return cb_db_image_remove(store->db, id, 0, err) < 0 ? -1 : 0;
}

int cb_image_remove_unnamed(struct cb_store *store, const struct cb_digest *id,
                            struct cb_error **err)
{
    if (cb_store_check_writable(store, err) < 0)
        return -1;
    return cb_db_image_remove(store->db, id, 1, err);
}

void cb_refs_begin_removal(struct cb_store *store)
{
    cb_db_sync_later(store->db);
}

int cb_refs_end_removal(struct cb_store *store, struct cb_error **err)
{
    return cb_db_sync(store->db, err);
}

/* ── Names ── */

int cb_ref_set(struct cb_store *store, const char *canonical, const struct cb_digest *id,
               struct cb_error **err)
{
    if (cb_store_check_writable(store, err) < 0)
        return -1;
    return cb_db_name_set(store->db, canonical, id, err);
}

int cb_ref_remove(struct cb_store *store, const char *canonical, struct cb_error **err)
{
    if (cb_store_check_writable(store, err) < 0)
        return -1;
    return cb_db_name_remove(store->db, canonical, err);
}

int cb_ref_get(struct cb_store *store, const char *canonical, struct cb_digest *id,
               struct cb_error **err)
{
    return cb_db_name_get(store->db, canonical, id, err);
}

int cb_resolution_set(struct cb_store *store, const char *canonical, const char *platform,
                      const struct cb_digest *manifest, struct cb_error **err)
{
    struct cb_digest known;
    int64_t when_s = 0, now_s = cb_now_ns() / 1000000000;
    int found;

    if (store->read_only)
        return 0;
    found = cb_db_resolution_get(store->db, canonical, platform, &known, &when_s, err);
    if (found < 0)
        return -1;
    if (found && cb_digest_equal(&known, manifest) && now_s - when_s < 3600)
        return 0;
    return cb_db_resolution_set(store->db, canonical, platform, manifest, now_s, err);
}

int cb_resolution_get(struct cb_store *store, const char *canonical, const char *platform,
                      struct cb_digest *manifest, int64_t *when_s, struct cb_error **err)
{
    return cb_db_resolution_get(store->db, canonical, platform, manifest, when_s, err);
}
