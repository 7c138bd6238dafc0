/* Images out of the store: by id, by what a user typed, all of a repository. */
#include "store/refs.h"

#include "store/content-priv.h"
#include "store/db-images.h"
#include "store/db-names.h"
#include "store/store-priv.h"

#include <string.h>

/* ── Reading ── */

/* 1/0 */
static int load_to_use(struct cb_store *store, const struct cb_digest *id,
                       struct cb_image **out, struct cb_error **err)
{
    cb_auto(cb_image) image = NULL;
    struct cb_db_image row;
    int found = cb_db_image_get(store->db, id, &row, err);

    if (found <= 0)
        return found;
    image = xcalloc(1, sizeof(*image));
    image->id = row.id;
    image->manifest = row.manifest;
    image->created_ns = row.created_ns;
    found = cb_image_read_config(store, image, err);
    if (found <= 0)
        return found;
    if (cb_db_image_repo_digests(store->db, id, &image->repo_digests, err) < 0)
        return -1;
    *out = cb_steal(&image);
    return 1;
}

/* 1/0 */
static int load(struct cb_store *store, const struct cb_digest *id, struct cb_image **out,
                struct cb_error **err)
{
    cb_auto(cb_image) image = NULL;
    int found = load_to_use(store, id, &image, err);

    if (found <= 0)
        return found;
    if (cb_db_image_size(store->db, id, &image->size_bytes, err) < 0 ||
        cb_db_image_names(store->db, id, &image->names, err) < 0 ||
        cb_db_image_platform_names(store->db, id, &image->platform_names, err) < 0)
        return -1;
    *out = cb_steal(&image);
    return 1;
}

int cb_image_get(struct cb_store *store, const struct cb_digest *id,
                 struct cb_image **out, struct cb_error **err)
{
    char text[CB_DIGEST_MAX_TEXT];
    int found = load(store, id, out, err);

    if (found < 0)
        return -1;
    if (!found)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "image `%s`: not in the store",
                            cb_digest_text(id, text));
    return 0;
}

int cb_image_of_config(struct cb_store *store, const struct cb_digest *id,
                       struct cb_image **out, struct cb_error **err)
{
    cb_auto(cb_image) image = NULL;
    char text[CB_DIGEST_MAX_TEXT];
    int found = load(store, id, out, err);

    if (found)
        return found < 0 ? -1 : 0;
    image = xcalloc(1, sizeof(*image));
    image->id = *id;
    found = cb_image_read_config(store, image, err);
    if (!found)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "image `%s`: not in the store",
                            cb_digest_text(id, text));
    if (found < 0)
        return -1;
    *out = cb_steal(&image);
    return 0;
}

/* An image removed by another process between listing and loading is left out. */
static int load_all(struct cb_store *store, const struct cb_strings *ids,
                    struct cb_images *out, struct cb_error **err)
{
    cb_vec_foreach (text, ids) {
        struct cb_image *image = NULL;
        struct cb_digest id;
        int found;

        if (cb_digest_parse(&id, *text, err) < 0)
            return -1;
        found = load(store, &id, &image, err);
        if (found < 0)
            return -1;
        if (found)
            cb_vec_push(out, image);
    }
    return 0;
}

int cb_image_list_of(struct cb_store *store, const char *repository,
                     struct cb_images *out, struct cb_error **err)
{
    cb_auto_value(cb_strings) ids = {0};

    if (cb_db_image_ids_of(store->db, repository, &ids, err) < 0)
        return -1;
    return load_all(store, &ids, out, err);
}

/* ── Finding what a user typed ── */

static int is_hex(const char *text)
{
    size_t len = strlen(text);

    return len >= 1 && len <= 64 && strspn(text, "0123456789abcdef") == len;
}

static int find_by_name(struct cb_store *store, const char *text, struct cb_digest *id,
                        struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *canonical = NULL;
    struct cb_digest digest;

    if (cb_reference_parse(&reference, text, NULL) < 0)
        return 0;
    if (!cb_digest_is_set(&reference->digest)) {
        cb_reference_default_tag(reference);
        canonical = cb_reference_canonical(reference);
        return cb_db_name_get(store->db, canonical, id, err);
    }
    digest = reference->digest;
    canonical = xasprintf("%s/%s", reference->host, reference->path);
    return cb_db_repo_digest_find(store->db, canonical, &digest, id, err);
}

static int find_by_prefix(struct cb_store *store, const char *text, struct cb_digest *id,
                          struct cb_error **err)
{
    const char *hex = strncmp(text, "sha256:", 7) == 0 ? text + 7 : text;
    cb_autofree char *prefix = xasprintf("sha256:%s", hex);
    int found;

    if (!is_hex(hex))
        return 0;
    found = cb_db_image_prefix(store->db, prefix, id, err);
    if (found > 1)
        return cb_error_set(err, CB_ERR_EXISTS,
                            "image `%s`: multiple IDs found with provided prefix", text);
    return found;
}

/* As docker looks: a full id is an id; else names come before prefixes of ids. */
int cb_image_find_id(struct cb_store *store, const char *text, struct cb_digest *id,
                     int *by_id, struct cb_error **err)
{
    const char *hex = strncmp(text, "sha256:", 7) == 0 ? text + 7 : text;
    int found = 0;

    *by_id = 0;
    if (strlen(hex) != 64 || !is_hex(hex))
        found = find_by_name(store, text, id, err);
    if (found != 0)
        return found;
    *by_id = 1;
    return find_by_prefix(store, text, id, err);
}

typedef int loader(struct cb_store *store, const struct cb_digest *id,
                   struct cb_image **out, struct cb_error **err);

static int find_and(loader *load_one, struct cb_store *store, const char *text,
                    const struct cb_platform *platform, struct cb_image **out, int *by_id,
                    struct cb_error **err)
{
    struct cb_digest id;
    int as_id, found = cb_image_find_id(store, text, &id, &as_id, err);

    if (found > 0 && !as_id && platform &&
        cb_ref_choose(store, text, platform, &id, err) < 0)
        return -1;
    if (found > 0)
        found = load_one(store, &id, out, err);
    if (found > 0 && by_id)
        *by_id = as_id;
    return found;
}

int cb_image_find_for(struct cb_store *store, const char *text,
                      const struct cb_platform *platform, struct cb_image **out,
                      int *by_id, struct cb_error **err)
{
    return find_and(load, store, text, platform, out, by_id, err);
}

int cb_image_find_to_use(struct cb_store *store, const char *text,
                         const struct cb_platform *platform, struct cb_image **out,
                         int *by_id, struct cb_error **err)
{
    return find_and(load_to_use, store, text, platform, out, by_id, err);
}

int cb_image_find(struct cb_store *store, const char *text, struct cb_image **out,
                  int *by_id, struct cb_error **err)
{
    return cb_image_find_for(store, text, NULL, out, by_id, err);
}
