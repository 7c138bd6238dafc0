/* Each layer of an image in which form. One that was pulled keeps its manifest and its
 * blobs as they came, so that its digest survives save and load. Layers made here are
 * plain tars in a docker archive, streamed without a copy in the store, and gzip blobs in
 * an OCI one. */
#include "exporter/archive.h"

#include "store/content.h"
#include "store/layer.h"

#include <string.h>

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

int cb_saved_image_plan(struct cb_saved *saved, struct cb_saved_image *image,
                        struct cb_error **err)
{
    if (plan_image(saved, image, err) < 0)
        return -1;
    return pass_image(saved, image, err);
}
