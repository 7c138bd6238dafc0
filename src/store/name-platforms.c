/* Names of images for several platforms: what an index is on a registry. The plain name
 * goes on leading to one image, so that who asks for no platform needs to know nothing of
 * the others. */
#include "store/refs.h"

#include "store/db-names.h"
#include "store/store-priv.h"

#include <stdio.h>

const struct cb_platform_image *
cb_platform_images_chosen(const struct cb_platform_images *images,
                          const struct cb_platform *platform)
{
    struct cb_platform host = cb_platform_host();
    const struct cb_platform_image *best = NULL;
    int best_score = 0;

    cb_vec_foreach (image, images) {
        int score = cb_platform_score(&image->platform, platform ? platform : &host);

        if (best && score <= best_score)
            continue;
        best = image;
        best_score = score;
    }
    return best;
}

int cb_ref_set_platforms(struct cb_store *store, const char *canonical,
                         const struct cb_platform_images *images, struct cb_error **err)
{
    cb_autofree struct cb_db_platform *entries =
        xcalloc(images->count + 1, sizeof(*entries));
    const struct cb_platform_image *chosen = cb_platform_images_chosen(images, NULL);

    if (cb_store_check_writable(store, err) < 0)
        return -1;
    for (size_t i = 0; i < images->count; i++) {
        cb_autofree char *text = cb_platform_text(&images->items[i].platform);

        snprintf(entries[i].platform, sizeof(entries[i].platform), "%s", text);
        entries[i].image = images->items[i].id;
    }
    return cb_db_name_set_platforms(store->db, canonical, &chosen->id, entries,
                                    images->count, err);
}

int cb_ref_platforms(struct cb_store *store, const char *canonical,
                     struct cb_platform_images *out, struct cb_error **err)
{
    struct cb_db_platforms rows = {0};
    int result = cb_db_name_platforms(store->db, canonical, &rows, err);

    for (size_t i = 0; result == 0 && i < rows.count; i++) {
        struct cb_platform_image image = {.id = rows.items[i].image};

        result = cb_platform_parse(&image.platform, rows.items[i].platform, err);
        if (result == 0)
            cb_vec_push(out, image);
    }
    cb_vec_free(&rows);
    return result;
}

/* NULL: TEXT is no name with a tag. Caller frees. */
static char *canonical_of(const char *text)
{
    cb_auto(cb_reference) reference = NULL;

    if (cb_reference_parse(&reference, text, NULL) < 0 ||
        cb_digest_is_set(&reference->digest))
        return NULL;
    cb_reference_default_tag(reference);
    return cb_reference_canonical(reference);
}

int cb_image_find_platforms(struct cb_store *store, const char *text,
                            struct cb_platform_images *out, struct cb_error **err)
{
    cb_autofree char *canonical = canonical_of(text);

    return canonical ? cb_ref_platforms(store, canonical, out, err) : 0;
}

int cb_ref_choose(struct cb_store *store, const char *text,
                  const struct cb_platform *platform, struct cb_digest *id,
                  struct cb_error **err)
{
    cb_auto_value(cb_platform_images) images = {0};
    const struct cb_platform_image *chosen;

    if (cb_image_find_platforms(store, text, &images, err) < 0)
        return -1;
    chosen = cb_platform_images_chosen(&images, platform);
    if (chosen)
        *id = chosen->id;
    return 0;
}

int cb_image_serves(struct cb_store *store, const char *text,
                    const struct cb_image *image, const struct cb_platform *platform,
                    struct cb_error **err)
{
    cb_auto_value(cb_platform_images) images = {0};

    if (cb_platform_score(&image->config->platform, platform) > 0)
        return 1;
    if (cb_image_find_platforms(store, text, &images, err) < 0)
        return -1;
    cb_vec_foreach (entry, &images) {
        if (cb_digest_equal(&entry->id, &image->id) &&
            cb_platform_score(&entry->platform, platform) > 0)
            return 1;
    }
    return 0;
}

int cb_image_get_for(struct cb_store *store, const char *text,
                     const struct cb_platform *platform, struct cb_image **out,
                     int *by_id, struct cb_error **err)
{
    cb_auto(cb_image) image = NULL;
    cb_auto(cb_reference) reference = NULL;
    cb_auto(cb_error) no_name = NULL;
    cb_autofree char *wanted = platform ? cb_platform_text(platform) : NULL;
    int found = cb_image_find_for(store, text, platform, &image, by_id, err);
    int serves = 1;

    if (found < 0)
        return -1;
    if (!found) {
        cb_error_set(err, CB_ERR_NOT_FOUND, "No such image: %s", text);
        if (cb_reference_parse(&reference, text, &no_name) < 0)
            return cb_error_hint(err, "%s", cb_error_message(no_name));
        return cb_error_hint(err, "`cbuild images` lists what is here");
    }
    if (platform)
        serves = cb_image_serves(store, text, image, platform, err);
    if (serves < 0)
        return -1;
    if (!serves)
        return cb_error_set(err, CB_ERR_NOT_FOUND,
                            "image with reference %s was found but does not provide the "
                            "specified platform (%s)",
                            text, wanted);
    *out = cb_steal(&image);
    return 0;
}
