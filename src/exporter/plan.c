/* Which images an archive gets, each once under all its names, and which names stand for
 * several platforms. */
#include "exporter/archive.h"

static void saved_image_free(struct cb_saved_image *saved)
{
    for (size_t i = 0;
         saved->image && saved->layers && i < saved->image->config->diff_ids.count; i++)
        cb_descriptor_free(&saved->layers[i]);
    for (size_t i = 0; saved->fresh && i < saved->image->config->diff_ids.count; i++)
        cb_close(&saved->fresh[i]);
    free(saved->layers);
    free(saved->streamed);
    free(saved->fresh);
    free(saved->chain_ids);
    cb_manifest_free(saved->manifest);
    cb_strings_free(&saved->names);
    cb_image_free(saved->image);
    free(saved);
}

void cb_saved_clear(struct cb_saved *saved)
{
    cb_keeper_free(saved->keeper);
    cb_map_free(saved->left_out);
    cb_vec_foreach (image, &saved->images)
        saved_image_free(*image);
    cb_vec_free(&saved->images);
    cb_vec_foreach (several, &saved->indexes) {
        cb_strings_free(&several->names);
        cb_vec_free(&several->images);
        cb_index_free(several->index);
        cb_said_free(several->said);
        cb_attestations_free(&several->attestations);
    }
    cb_vec_free(&saved->indexes);
}

struct cb_saved_image *cb_saved_find(const struct cb_saved *saved,
                                     const struct cb_digest *id,
                                     const struct cb_platform *platform)
{
    cb_vec_foreach (image, &saved->images) {
        if (cb_digest_equal(&(*image)->image->id, id) &&
            cb_platform_equal(&(*image)->platform, platform))
            return *image;
    }
    return NULL;
}

static void add_name(struct cb_strings *names, const char *text)
{
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *canonical = NULL;

    if (cb_reference_parse(&reference, text, NULL) < 0 ||
        cb_digest_is_set(&reference->digest))
        return;
    cb_reference_default_tag(reference);
    canonical = cb_reference_canonical(reference);
    cb_strings_add_once(names, canonical);
}

/* Takes IMAGE, unless it is there already. */
static struct cb_saved_image *add_found(struct cb_saved *saved, struct cb_image *image,
                                        const struct cb_platform *platform)
{
    struct cb_saved_image *entry = cb_saved_find(saved, &image->id, platform);

    if (entry) {
        cb_image_free(image);
        return entry;
    }
    entry = xcalloc(1, sizeof(*entry));
    entry->image = image;
    entry->platform = *platform;
    cb_vec_push(&saved->images, entry);
    return entry;
}

static int add_index(struct cb_saved *saved, const struct cb_platform_images *images,
                     struct cb_saved_index **out, struct cb_error **err)
{
    struct cb_saved_index several = {0};

    cb_vec_foreach (image, images)
        cb_vec_push(&several.images, *image);
    cb_vec_push(&saved->indexes, several);
    cb_vec_foreach (image, images) {
        struct cb_image *found = NULL;

        if (cb_image_of_config(saved->env->store, &image->id, &found, err) < 0)
            return -1;
        add_found(saved, found, &image->platform)->in_index = 1;
    }
    *out = &saved->indexes.items[saved->indexes.count - 1];
    return 0;
}

/* 1: a name of several platforms, or of an image that something is said of. */
static int add_platforms(struct cb_saved *saved, const char *text,
                         const struct cb_image *image, struct cb_error **err)
{
    cb_auto_value(cb_platform_images) images = {0};
    cb_auto_value(cb_strings) names = {0};
    cb_auto(cb_said) said = NULL;
    struct cb_saved_index *several;

    if (saved->format != CB_ARCHIVE_OCI)
        return 0;
    if (cb_image_find_platforms(saved->env->store, text, &images, err) < 0)
        return -1;
    if (!images.count)
        cb_vec_push(&images, ((struct cb_platform_image){
                                 .id = image->id, .platform = image->config->platform}));
    add_name(&names, text);
    if (cb_said_open(&said, saved->env->store, &images, &names, err) < 0)
        return -1;
    if (images.count < 2 && !said)
        return 0;
    if (add_index(saved, &images, &several, err) < 0)
        return -1;
    several->said = cb_steal(&said);
    add_name(&several->names, text);
    return 1;
}

static int add_image(struct cb_saved *saved, const char *text,
                     const struct cb_platform *platform, struct cb_error **err)
{
    cb_auto(cb_image) image = NULL;
    struct cb_saved_image *entry;
    int by_id = 0, several = 0;

    if (cb_image_get_for(saved->env->store, text, platform, &image, &by_id, err) < 0)
        return -1;
    if (!by_id && !platform)
        several = add_platforms(saved, text, image, err);
    if (several)
        return several < 0 ? -1 : 0;
    entry = add_found(saved, image, &image->config->platform);
    image = NULL;
    if (!by_id)
        add_name(&entry->names, text);
    else
        entry->in_index = 0;
    return 0;
}

/* ── All of them ── */

static int plan_all(struct cb_saved *saved, struct cb_error **err)
{
    saved->keeper = cb_keeper_new(saved->env->pool);
    if (saved->place)
        cb_inplace_start(saved->place, cb_saved_top_guess(saved));
    cb_vec_foreach (image, &saved->images) {
        if (cb_saved_image_plan(saved, *image, err) < 0)
            return -1;
    }
    cb_vec_foreach (several, &saved->indexes) {
        if (cb_saved_index_make(saved, several, err) < 0)
            return -1;
    }
    return saved->place ? cb_inplace_settle(saved->place, cb_saved_top_bytes(saved), err)
                        : 0;
}

int cb_saved_plan(struct cb_saved *saved, const struct cb_strings *names,
                  const struct cb_platform *platform, struct cb_error **err)
{
    for (size_t i = 0; i < names->count; i++) {
        if (add_image(saved, names->items[i], platform, err) < 0)
            return -1;
    }
    return plan_all(saved, err);
}

int cb_saved_plan_images(struct cb_saved *saved, const struct cb_archive_image *wanted,
                         struct cb_error **err)
{
    const struct cb_platform_image *first = &wanted->images->items[0];
    struct cb_saved_index *several;
    struct cb_image *image = NULL;

    if (wanted->as_index) {
        if (add_index(saved, wanted->images, &several, err) < 0)
            return -1;
        cb_strings_copy(&several->names, wanted->names);
    } else {
        if (cb_image_of_config(saved->env->store, &first->id, &image, err) < 0)
            return -1;
        cb_strings_copy(&add_found(saved, image, &first->platform)->names, wanted->names);
    }
    return plan_all(saved, err);
}
