/* Which images, and each layer in which form. An image that was pulled keeps its manifest
 * and its blobs as they came, so that its digest survives save and load. Layers made here
 * are plain tars in a docker archive, streamed without a copy in the store, and gzip
 * blobs in an OCI one. */
#include "exporter/archive.h"

#include "store/content.h"
#include "store/layer.h"

#include <string.h>

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

/* ── Layers ── */

/* A plain tar that is no blob, but can be made again. */
static int is_outlined(const struct cb_saved *saved, const struct cb_saved_image *entry,
                       size_t i, const struct cb_descriptor *layer)
{
    cb_auto(cb_snapshot) snapshot = NULL;
    int64_t size;

    return cb_digest_equal(&layer->digest, &entry->image->config->diff_ids.items[i]) &&
           cb_content_has(saved->env->store, &layer->digest, &size) <= 0 &&
           cb_chain_find(saved->env->store, &entry->chain_ids[i], &snapshot, NULL) > 0 &&
           cb_layer_is_outlined(snapshot);
}

static int usable(const struct cb_saved *saved, const struct cb_saved_image *entry,
                  size_t i, const struct cb_descriptor *layer)
{
    enum cb_compression compression;
    int64_t size;

    if (cb_media_compression(layer->media_type, &compression) < 0 ||
        (cb_content_has(saved->env->store, &layer->digest, &size) <= 0 &&
         !is_outlined(saved, entry, i, layer)))
        return 0;
    /* Docker before 23 cannot load zstd. */
    return saved->format != CB_ARCHIVE_DOCKER || compression != CB_COMPRESSION_ZSTD;
}

static json_t *manifest_annotations(const struct cb_saved *saved,
                                    const struct cb_saved_image *entry)
{
    return cb_annotations_json(saved->annotations, CB_ANNOTATION_MANIFEST,
                               &entry->platform);
}

/* As its manifest has it. */
static int keep_layer(struct cb_saved *saved, struct cb_saved_image *entry, size_t i,
                      const struct cb_descriptor *layer, struct cb_error **err)
{
    static const struct cb_layer_form plain = {.compression = CB_COMPRESSION_NONE};
    struct cb_archive_env *env = saved->env;
    const struct cb_layer_want want = {.store = env->store,
                                       .chain_id = &entry->chain_ids[i],
                                       .diff_id =
                                           &entry->image->config->diff_ids.items[i],
                                       .form = &plain,
                                       .pool = env->pool,
                                       .cancel = env->cancel,
                                       .sink = env->sink};
    cb_auto_value(cb_descriptor) made = {0};

    cb_descriptor_copy(&entry->layers[i], layer);
    if (!is_outlined(saved, entry, i, layer))
        return 0;
    entry->streamed[i] = (char)saved->streams;
    return saved->streams ? 0 : cb_layer_blob_get(&want, &made, err);
}

static int is_in_registry(const struct cb_image *image)
{
    char text[CB_DIGEST_MAX_TEXT];

    cb_digest_text(&image->manifest, text);
    cb_vec_foreach (name, &image->repo_digests) {
        const char *at = strchr(*name, '@');

        if (at && strcmp(at + 1, text) == 0)
            return 1;
    }
    return 0;
}

/* 1 when the image goes out with the manifest it was pulled with. */
static int keep_manifest(struct cb_saved *saved, struct cb_saved_image *entry,
                         struct cb_error **err)
{
    const struct cb_image *image = entry->image;
    cb_auto_value(cb_strbuf) bytes = {0};
    cb_auto(cb_manifest) manifest = NULL;
    cb_auto_json *annotations = manifest_annotations(saved, entry);

    if (!cb_digest_is_set(&image->manifest) || saved->layers.force || annotations ||
        cb_content_read(saved->env->store, &image->manifest, CB_MANIFEST_MAX_BYTES,
                        &bytes, NULL) < 0 ||
        cb_manifest_parse(&manifest, cb_strbuf_text(&bytes), bytes.len, NULL, NULL) < 0 ||
        (saved->docker_types &&
         strcmp(manifest->media_type, CB_MT_DOCKER_MANIFEST) != 0) ||
        (saved->packs && cb_manifest_is_plain(manifest) && !is_in_registry(image)) ||
        manifest->layers.count != image->config->diff_ids.count)
        return 0;
    for (size_t i = 0; i < manifest->layers.count; i++) {
        if (!usable(saved, entry, i, &manifest->layers.items[i]))
            return 0;
    }
    for (size_t i = 0; i < manifest->layers.count; i++) {
        if (keep_layer(saved, entry, i, &manifest->layers.items[i], err) < 0)
            return -1;
    }
    entry->manifest = cb_steal(&manifest);
    return 1;
}

static int count_bytes(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    *(int64_t *)arg += (int64_t)len;
    return 0;
}

/* The length of the layer's tar, which its header in the archive needs beforehand. */
static int measure_tar(struct cb_saved *saved, const struct cb_saved_image *entry,
                       size_t i, int64_t *size, struct cb_error **err)
{
    const struct cb_digest *diff_id = &entry->image->config->diff_ids.items[i];
    cb_auto(cb_snapshot) snapshot = NULL;
    struct cb_digest actual;
    int found = cb_chain_find(saved->env->store, &entry->chain_ids[i], &snapshot, err);

    if (found < 0)
        return -1;
    if (found &&
        cb_layer_tar_bytes(snapshot, saved->env->pool, &actual, size, NULL) == 0 &&
        *size >= 0 && cb_digest_equal(&actual, diff_id))
        return 0;
    *size = 0;
    return cb_layer_stream_tar(saved->env->store, &entry->chain_ids[i], diff_id,
                               count_bytes, size, err);
}

/* Its bytes are read from where they are while the store makes a blob of them. */
static int make_layer(struct cb_saved *saved, const struct cb_layer_want *want,
                      struct cb_descriptor *layer, int *fd, struct cb_error **err)
{
    struct cb_fresh_blob *fresh;

    if (cb_layer_blob_make(want, layer, &fresh, err) < 0)
        return -1;
    if (!fresh)
        return 0;
    *fd = cb_fresh_blob_take_fd(fresh);
    cb_keeper_add(saved->keeper, fresh);
    return 0;
}

static int pass(struct cb_saved *saved, const struct cb_digest *digest, int64_t size,
                struct cb_error **err)
{
    return saved->place ? cb_inplace_pass(saved->place, digest, size, err) : 0;
}

/* As it is here, but a plain tar only if it would not get smaller. */
static struct cb_layer_form form_of(const struct cb_saved *saved,
                                    const struct cb_digest *diff_id,
                                    const struct cb_digest *chain_id)
{
    static const enum cb_compression kinds[] = {CB_COMPRESSION_GZIP, CB_COMPRESSION_ZSTD,
                                                CB_COMPRESSION_NONE};
    struct cb_store *store = saved->env->store;
    struct cb_layer_form form = saved->layers;
    cb_auto_value(cb_descriptor) blob = {0};

    if (!saved->packs)
        return form;
    form.any = 0;
    for (size_t i = 0; i < CB_ARRAY_SIZE(kinds); i++) {
        if (cb_layer_blob_find(store, diff_id, (int)kinds[i], &blob, NULL) <= 0)
            continue;
        if (kinds[i] != CB_COMPRESSION_NONE || cb_layer_blob_is_dense(store, &blob))
            form.compression = kinds[i];
        return form;
    }
    if (cb_layer_came_dense(store, chain_id))
        form.compression = CB_COMPRESSION_NONE;
    return form;
}

static int plan_layer(struct cb_saved *saved, struct cb_saved_image *entry, size_t i,
                      struct cb_error **err)
{
    struct cb_archive_env *env = saved->env;
    const struct cb_digest *diff_id = &entry->image->config->diff_ids.items[i];
    struct cb_descriptor *layer = &entry->layers[i];
    const struct cb_layer_form form = form_of(saved, diff_id, &entry->chain_ids[i]);
    const struct cb_layer_want want = {.store = env->store,
                                       .chain_id = &entry->chain_ids[i],
                                       .diff_id = diff_id,
                                       .form = &form,
                                       .pool = env->pool,
                                       .cancel = env->cancel,
                                       .sink = env->sink};
    int placed = 0;

    if (saved->place)
        placed = cb_inplace_layer(saved->place, &want, layer, err);
    if (placed)
        return placed < 0 ? -1 : 0;
    if (saved->format == CB_ARCHIVE_OCI)
        return make_layer(saved, &want, layer, &entry->fresh[i], err) < 0
                   ? -1
                   : pass(saved, &layer->digest, layer->size, err);
    layer->media_type = xstrdup(CB_MT_OCI_LAYER);
    layer->digest = *diff_id;
    if (cb_content_has(env->store, diff_id, &layer->size) > 0)
        return 0;
    entry->streamed[i] = 1;
    return measure_tar(saved, entry, i, &layer->size, err);
}

static int plan_image(struct cb_saved *saved, struct cb_saved_image *entry,
                      struct cb_error **err)
{
    const struct cb_image_config *config = entry->image->config;
    size_t count = config->diff_ids.count;
    cb_auto_value(cb_descriptor) document = {0};
    cb_auto_json *annotations = manifest_annotations(saved, entry);
    int kept;

    entry->layers = xcalloc(count, sizeof(*entry->layers));
    entry->streamed = xcalloc(count, 1);
    entry->chain_ids = xcalloc(count, sizeof(*entry->chain_ids));
    entry->fresh = xcalloc(count, sizeof(*entry->fresh));
    for (size_t i = 0; i < count; i++)
        entry->fresh[i] = -1;
    for (size_t i = 0; i < count; i++)
        entry->chain_ids[i] =
            cb_chain_id(i ? &entry->chain_ids[i - 1] : NULL, &config->diff_ids.items[i]);
    if (saved->env->registry &&
        cb_registry_provide(saved->env->registry, entry->image, NULL, 0, err) < 0)
        return -1;
    kept = keep_manifest(saved, entry, err);
    if (kept)
        return kept < 0 ? -1 : 0;
    for (size_t i = 0; i < count; i++) {
        if (cb_cancel_check(saved->env->cancel, err) < 0 ||
            plan_layer(saved, entry, i, err) < 0)
            return -1;
    }
    document.media_type = xstrdup(CB_MT_OCI_CONFIG);
    document.digest = entry->image->id;
    if (cb_content_has(saved->env->store, &document.digest, &document.size) <= 0)
        return cb_error_set(err, CB_ERR_NOT_FOUND,
                            "the image's config is not in the store");
    entry->manifest = cb_manifest_make(&document, entry->layers, count, annotations,
                                       saved->docker_types);
    return 0;
}

/* In the order of writing. */
static int pass_image(struct cb_saved *saved, const struct cb_saved_image *entry,
                      struct cb_error **err)
{
    const struct cb_manifest *manifest = entry->manifest;
    int64_t config_size;

    for (size_t i = 0; i < entry->image->config->diff_ids.count; i++) {
        if (pass(saved, &entry->layers[i].digest, entry->layers[i].size, err) < 0)
            return -1;
    }
    if (cb_content_has(saved->env->store, &entry->image->id, &config_size) > 0 &&
        pass(saved, &entry->image->id, config_size, err) < 0)
        return -1;
    return pass(saved, &manifest->digest, (int64_t)manifest->len, err);
}

static int plan_all(struct cb_saved *saved, struct cb_error **err)
{
    saved->keeper = cb_keeper_new(saved->env->pool);
    if (saved->place)
        cb_inplace_start(saved->place, cb_saved_top_guess(saved));
    cb_vec_foreach (image, &saved->images) {
        if (plan_image(saved, *image, err) < 0 || pass_image(saved, *image, err) < 0)
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
