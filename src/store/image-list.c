/* All images of the store, in a few queries, whatever their number. Their configs are
 * files of their own, which are read when somebody needs them. */
#include "store/refs.h"

#include "base/map.h"
#include "store/content.h"
#include "store/db-images.h"
#include "store/db-names.h"
#include "store/store-priv.h"

struct listing {
    struct cb_images *out;
    struct cb_map *by_id;
    enum cb_db_names kind;
};

static void add_image(void *arg, const char *id, const struct cb_db_image *row)
{
    struct listing *listing = arg;
    struct cb_image *image = xcalloc(1, sizeof(*image));

    image->id = row->id;
    image->manifest = row->manifest;
    image->created_ns = row->created_ns;
    image->size_bytes = row->size_bytes;
    cb_vec_push(listing->out, image);
    cb_map_set(listing->by_id, id, image);
}

/* Of an image that another process has made since the first query: passed over. */
static void add_name(void *arg, const char *id, const char *name)
{
    struct listing *listing = arg;
    struct cb_image *image = cb_map_get(listing->by_id, id);

    if (!image)
        return;
    cb_strings_add(listing->kind == CB_DB_NAMES            ? &image->names
                   : listing->kind == CB_DB_PLATFORM_NAMES ? &image->platform_names
                                                           : &image->repo_digests,
                   name);
}

int cb_image_list_bare(struct cb_store *store, struct cb_images *out,
                       struct cb_error **err)
{
    cb_auto(cb_map) by_id = cb_map_new(NULL);
    struct listing listing = {.out = out, .by_id = by_id};

    if (cb_db_images_each(store->db, add_image, &listing, err) < 0)
        return -1;
    for (listing.kind = CB_DB_NAMES; listing.kind <= CB_DB_REPO_DIGESTS; listing.kind++) {
        if (cb_db_names_each(store->db, listing.kind, add_name, &listing, err) < 0)
            return -1;
    }
    return 0;
}

static int read_config(struct cb_store *store, struct cb_image *image,
                       struct cb_error **err)
{
    cb_auto_value(cb_strbuf) bytes = {0};
    char text[CB_DIGEST_MAX_TEXT];

    if (cb_content_read(store, &image->id, CB_MANIFEST_MAX_BYTES, &bytes, err) < 0 ||
        cb_image_config_parse(&image->config, cb_strbuf_text(&bytes), bytes.len, err) < 0)
        return cb_error_wrap(err, "image `%s`", cb_digest_text(&image->id, text));
    return 0;
}

int cb_image_read_config(struct cb_store *store, struct cb_image *image,
                         struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;
    struct cb_db_image row;

    if (image->config || read_config(store, image, &error) == 0)
        return 1;
    if (cb_error_kind(error) == CB_ERR_NOT_FOUND &&
        cb_db_image_get(store->db, &image->id, &row, NULL) == 0)
        return 0;
    return cb_error_move(err, &error);
}

int cb_image_list(struct cb_store *store, struct cb_images *out, struct cb_error **err)
{
    cb_auto_value(cb_images) all = {0};

    if (cb_image_list_bare(store, &all, err) < 0)
        return -1;
    cb_vec_foreach (image, &all) {
        int there = cb_image_read_config(store, *image, err);

        if (there < 0)
            return -1;
        if (there)
            cb_vec_push(out, cb_steal(image));
    }
    return 0;
}
