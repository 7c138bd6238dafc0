/* An image to a registry: its layers (compressed here if they never were, each on its way
 * as soon as it is ready), its config, then the manifest, so that the tag never points to
 * something incomplete. An image that was pulled and has all its blobs goes out with the
 * manifest it came with: same bytes, same digest. */
#include "registry/registry-priv.h"

#include "registry/upload.h"
#include "store/content.h"
#include "store/layer.h"
#include "store/refs.h"

#include <string.h>

struct push {
    struct cb_registry *registry;
    struct cb_image *image;
    struct cb_reference *reference;
    struct cb_place place;
    struct cb_repository repository;
    const struct cb_push_options *options;
    json_t *annotations;          /* of the manifest, or NULL */
    struct cb_manifest *original; /* to be pushed as it is, or NULL */
    struct cb_digest *chain_ids;  /* by layer */
    struct cb_descriptor *layers; /* by layer; made or found by its job */
    struct cb_origins origins;
    const struct cb_resolved_image *
        *elsewhere;                   /* by layer: who has it; NULL: the store */
    pthread_mutex_t neighbours_mutex; /* neighbours */
    struct cb_map *neighbours; /* diff id → path of a repository there; NULL: not made */
    uint64_t event_id;
};

static void push_clear(struct push *push)
{
    for (size_t i = 0; push->layers && i < push->image->config->diff_ids.count; i++)
        cb_descriptor_free(&push->layers[i]);
    free(push->layers);
    free(push->elsewhere);
    cb_origins_clear(&push->origins);
    free(push->chain_ids);
    cb_map_free(push->neighbours);
    json_decref(push->annotations);
    cb_manifest_free(push->original);
    cb_reference_free(push->reference);
    cb_image_free(push->image);
    pthread_mutex_destroy(&push->neighbours_mutex);
    cb_place_clear(&push->place);
}

static void add_chain_ids(struct push *push)
{
    const struct cb_image_config *config = push->image->config;

    push->chain_ids = xcalloc(config->diff_ids.count, sizeof(*push->chain_ids));
    push->layers = xcalloc(config->diff_ids.count, sizeof(*push->layers));
    push->elsewhere = xcalloc(config->diff_ids.count, sizeof(*push->elsewhere));
    for (size_t i = 0; i < config->diff_ids.count; i++)
        push->chain_ids[i] =
            cb_chain_id(i ? &push->chain_ids[i - 1] : NULL, &config->diff_ids.items[i]);
}

static void find_elsewhere(struct push *push)
{
    for (size_t i = 0; i < push->image->config->diff_ids.count; i++)
        push->elsewhere[i] =
            cb_origins_find(push->registry, &push->origins, i, &push->chain_ids[i]);
}

/* The manifest the image was pulled with, or sent with before, if every blob of it is
 * here, or left where that manifest is. It may claim that any blob is a layer: of those
 * here the ones count that were unpacked as what the config names. */
static void find_original(struct push *push)
{
    struct cb_store *store = push->registry->store;
    cb_auto_value(cb_strbuf) bytes = {0};
    cb_auto(cb_manifest) manifest = NULL;
    int64_t size;

    if (!cb_digest_is_set(&push->image->manifest) || push->options->layers.force ||
        push->annotations ||
        cb_content_read(store, &push->image->manifest, CB_MANIFEST_MAX_BYTES, &bytes,
                        NULL) < 0 ||
        cb_manifest_parse(&manifest, cb_strbuf_text(&bytes), bytes.len, NULL, NULL) < 0)
        return;
    if (push->options->docker_types &&
        strcmp(manifest->media_type, CB_MT_DOCKER_MANIFEST) != 0)
        return;
    if (manifest->layers.count != push->image->config->diff_ids.count)
        return;
    for (size_t i = 0; i < manifest->layers.count; i++) {
        const struct cb_digest *blob = &manifest->layers.items[i].digest;

        if (push->elsewhere[i] && push->elsewhere[i] == push->origins.own)
            continue;
        if (cb_content_has(store, blob, &size) <= 0 ||
            cb_layer_blob_known(store, &push->image->config->diff_ids.items[i], blob,
                                NULL) <= 0)
            return;
    }
    push->original = cb_steal(&manifest);
}

/* ── Neighbours: repositories on the same registry that have the same layers ── */

static void add_neighbour(struct push *push, const struct cb_image *image)
{
    for (size_t i = 0; i < image->repo_digests.count; i++) {
        cb_auto(cb_reference) other = NULL;

        if (cb_reference_parse(&other, image->repo_digests.items[i], NULL) < 0 ||
            strcmp(other->host, push->reference->host) != 0 ||
            strcmp(other->path, push->reference->path) == 0)
            continue;
        for (size_t j = 0; j < image->config->diff_ids.count; j++) {
            char text[CB_DIGEST_MAX_TEXT];

            cb_digest_text(&image->config->diff_ids.items[j], text);
            if (!cb_map_has(push->neighbours, text))
                cb_map_set(push->neighbours, text, xstrdup(other->path));
        }
    }
}

/* Borrowed; NULL if no neighbour is known to have the layer. */
static const char *find_neighbour(struct push *push, const struct cb_digest *diff_id)
{
    char text[CB_DIGEST_MAX_TEXT];
    const char *path;

    pthread_mutex_lock(&push->neighbours_mutex);
    if (!push->neighbours) {
        cb_auto_value(cb_images) images = {0};

        push->neighbours = cb_map_new(free);
        cb_image_list(push->registry->store, &images, NULL);
        for (size_t i = 0; i < images.count; i++)
            add_neighbour(push, images.items[i]);
    }
    path = cb_map_get(push->neighbours, cb_digest_text(diff_id, text));
    pthread_mutex_unlock(&push->neighbours_mutex);
    return path;
}

/* ── Layers ── */

/* A compressed blob the layer came with: 1. Plain tars, which archives bring, and zstd
 * under Docker's types, which docker does not read, are not for registries unless they
 * are asked for. */
static int find_packed(struct push *push, const struct cb_digest *diff_id,
                       struct cb_descriptor *out)
{
    static const enum cb_compression kinds[] = {CB_COMPRESSION_GZIP, CB_COMPRESSION_ZSTD};
    const struct cb_layer_form *form = &push->options->layers;

    if (form->force || !form->any)
        return 0;
    for (size_t i = 0; i < (push->options->docker_types ? 1 : CB_ARRAY_SIZE(kinds));
         i++) {
        if (cb_layer_blob_find(push->registry->store, diff_id, (int)kinds[i], out, NULL) >
            0)
            return 1;
    }
    return 0;
}

/* Is what is elsewhere good as it is? The same is asked of what is here. */
static int passes(const struct push *push, const struct cb_descriptor *blob)
{
    const struct cb_layer_form *form = &push->options->layers;
    enum cb_compression compression;

    return !form->force && form->any &&
           cb_media_compression(blob->media_type, &compression) == 0 &&
           (compression == CB_COMPRESSION_GZIP ||
            (compression == CB_COMPRESSION_ZSTD && !push->options->docker_types));
}

/* *FRESH (or NULL) is a blob that was made now, and is not kept yet. */
static int get_blob(struct push *push, size_t i, struct cb_fresh_blob **fresh,
                    struct cb_error **err)
{
    const struct cb_resolved_image *elsewhere = push->elsewhere[i];

    struct cb_registry *registry = push->registry;
    const struct cb_digest *diff_id = &push->image->config->diff_ids.items[i];
    struct cb_layer_form form = push->options->layers;
    const struct cb_layer_want want = {.store = registry->store,
                                       .chain_id = &push->chain_ids[i],
                                       .diff_id = diff_id,
                                       .form = &form,
                                       .pool = registry->pool,
                                       .cancel = registry->cancel,
                                       .sink = registry->sink,
                                       .event_id = push->event_id};

    if (push->original) {
        cb_descriptor_copy(&push->layers[i], &push->original->layers.items[i]);
        return 0;
    }
    if (elsewhere && passes(push, &elsewhere->manifest->layers.items[i])) {
        cb_descriptor_copy(&push->layers[i], &elsewhere->manifest->layers.items[i]);
        return 0;
    }
    push->elsewhere[i] = NULL;
    if (elsewhere && cb_origin_take(registry, elsewhere, i, push->event_id, err) < 0)
        return -1;
    if (find_packed(push, diff_id, &push->layers[i]))
        return 0;
    form.any = 0;
    cb_registry_status(registry, push->event_id, diff_id, "Preparing", 0, 0, 0);
    return cb_layer_blob_make(&want, &push->layers[i], fresh, err);
}

static void report_layer(struct push *push, const struct cb_descriptor *blob,
                         enum cb_upload_result result, const char *neighbour)
{
    cb_autofree char *text = NULL;

    if (result == CB_UPLOAD_EXISTS)
        text = xstrdup("Layer already exists");
    else if (result == CB_UPLOAD_MOUNTED)
        text = xasprintf("Mounted from %s", neighbour);
    else
        text = xstrdup("Pushed");
    cb_registry_status(push->registry, push->event_id, &blob->digest, text,
                       result == CB_UPLOAD_SENT ? blob->size : 0, blob->size, 1);
}

/* A repository of the target's registry where IMAGE is. Caller frees; NULL: none. */
static char *find_mount(struct push *push, const struct cb_resolved_image *image)
{
    char *path = NULL;

    if (image->reference)
        path = cb_place_neighbour(push->registry, image->reference, &push->place);
    for (size_t i = 0; !path && i < image->known_at.count; i++) {
        cb_auto(cb_reference) known = NULL;

        if (cb_reference_parse(&known, image->known_at.items[i], NULL) == 0)
            path = cb_place_neighbour(push->registry, known, &push->place);
    }
    return path;
}

/* What the store has not: by a mount, or through it. */
static int pass_on(struct push *push, size_t i, struct cb_error **err)
{
    struct cb_registry *registry = push->registry;
    const struct cb_descriptor *blob = &push->layers[i];
    cb_autofree char *neighbour = find_mount(push, push->elsewhere[i]);
    enum cb_upload_result result = CB_UPLOAD_MOUNTED;

    if (!neighbour ||
        !cb_upload_mount(registry, &push->repository, &blob->digest, neighbour)) {
        if (cb_origin_take(registry, push->elsewhere[i], i, push->event_id, err) < 0 ||
            cb_upload_blob(registry, &push->repository, blob, NULL, push->event_id,
                           &result, err) < 0)
            return -1;
    }
    report_layer(push, blob, result, neighbour);
    return 0;
}

/* A layer on its way. */
struct outgoing {
    struct push *push;
    size_t layer;
    struct cb_fresh_blob *fresh; /* or NULL: it is in the store */
};

static int send_layer(const struct outgoing *outgoing, struct cb_error **err)
{
    struct push *push = outgoing->push;
    const struct cb_descriptor *blob = &push->layers[outgoing->layer];
    const struct cb_digest *diff_id =
        &push->image->config->diff_ids.items[outgoing->layer];
    struct cb_upload_source source = {
        .fd = outgoing->fresh ? cb_fresh_blob_fd(outgoing->fresh) : -1};
    enum cb_upload_result result = CB_UPLOAD_EXISTS;
    int exists = cb_upload_exists(push->registry, &push->repository, &blob->digest, err);

    if (exists < 0)
        return -1;
    if (!exists && push->elsewhere[outgoing->layer])
        return pass_on(push, outgoing->layer, err);
    if (!exists) {
        source.mount_from = find_neighbour(push, diff_id);
        if (cb_upload_blob(push->registry, &push->repository, blob, &source,
                           push->event_id, &result, err) < 0)
            return -1;
    }
    report_layer(push, blob, result, source.mount_from);
    return 0;
}

/* Waiting for the disk here and for the registry there are one wait. */
static int keep_or_send(void *arg, size_t part, struct cb_error **err)
{
    const struct outgoing *outgoing = arg;

    return part == 0 ? cb_fresh_blob_keep(outgoing->fresh, err)
                     : send_layer(outgoing, err);
}

static int push_layer(void *arg, size_t i, struct cb_error **err)
{
    struct push *push = arg;
    cb_auto(cb_fresh_blob) fresh = NULL;
    struct outgoing outgoing = {.push = push, .layer = i};

    if (cb_cancel_check(push->registry->cancel, err) < 0 ||
        get_blob(push, i, &fresh, err) < 0)
        return -1;
    outgoing.fresh = fresh;
    return fresh ? cb_fan_out(push->registry->pool, 2, 2, keep_or_send, &outgoing, err)
                 : send_layer(&outgoing, err);
}

/* ── Config and manifest ── */

static int push_config(struct push *push, struct cb_descriptor *config,
                       struct cb_error **err)
{
    struct cb_store *store = push->registry->store;
    enum cb_upload_result result;
    int exists;

    config->media_type =
        xstrdup(push->options->docker_types ? CB_MT_DOCKER_CONFIG : CB_MT_OCI_CONFIG);
    config->digest = push->image->id;
    if (cb_content_has(store, &push->image->id, &config->size) <= 0)
        return cb_error_set(err, CB_ERR_NOT_FOUND,
                            "the image's config is not in the store");
    exists = cb_upload_exists(push->registry, &push->repository, &config->digest, err);
    if (exists != 0)
        return exists < 0 ? -1 : 0;
    return cb_upload_blob(push->registry, &push->repository, config, NULL, push->event_id,
                          &result, err);
}

static int push_documents(struct push *push, struct cb_descriptor *out,
                          struct cb_error **err)
{
    cb_auto(cb_manifest) made = NULL;
    cb_auto_value(cb_descriptor) config = {0};
    const struct cb_manifest *manifest = push->original;
    struct cb_document_text text;
    struct cb_digest kept;

    if (push_config(push, &config, err) < 0)
        return -1;
    if (!manifest)
        manifest = made =
            cb_manifest_make(&config, push->layers, push->image->config->diff_ids.count,
                             push->annotations, push->options->docker_types);
    text = cb_manifest_text(manifest);
    if (cb_document_put(push->registry, &push->repository,
                        push->options->untagged ? NULL : push->reference->tag, &text,
                        err) < 0 ||
        cb_content_put(push->registry->store, manifest->bytes, manifest->len, &kept,
                       err) < 0)
        return -1;
    cb_descriptor_free(out);
    *out = (struct cb_descriptor){.media_type = xstrdup(manifest->media_type),
                                  .digest = manifest->digest,
                                  .size = (int64_t)manifest->len,
                                  .platform = push->image->config->platform};
    return 0;
}

static int set_up(struct push *push, const struct cb_digest *image_id, const char *name,
                  struct cb_error **err)
{
    if (cb_reference_parse(&push->reference, name, err) < 0)
        return -1;
    if (cb_digest_is_set(&push->reference->digest))
        return cb_error_set(err, CB_ERR_USAGE, "cannot push a digest reference: `%s`",
                            name);
    cb_reference_default_tag(push->reference);
    if ((push->options->loose ? cb_image_of_config : cb_image_get)(
            push->registry->store, image_id, &push->image, err) < 0 ||
        cb_place_own(push->registry, push->reference, "pull,push", &push->place, err) <
            0 ||
        cb_place_open(push->registry, &push->place, &push->repository, err) < 0)
        return -1;
    push->annotations =
        cb_annotations_json(push->options->annotations, CB_ANNOTATION_MANIFEST,
                            push->options->platform ? push->options->platform
                                                    : &push->image->config->platform);
    add_chain_ids(push);
    cb_origins_open(push->registry, push->image,
                    push->options->bases ? push->options->bases[0] : NULL,
                    &push->origins);
    find_elsewhere(push);
    find_original(push);
    return 0;
}

static int push_everything(struct push *push, struct cb_descriptor *manifest,
                           struct cb_error **err)
{
    cb_autofree char *name =
        xasprintf("%s/%s", push->reference->host, push->reference->path);

    if (cb_fan_out(push->registry->pool, cb_registry_uploads(push->registry),
                   push->image->config->diff_ids.count, push_layer, push, err) < 0 ||
        push_documents(push, manifest, err) < 0)
        return -1;
    if (push->options->manifests)
        push->options->manifests[0] = manifest->digest;
    if (push->options->loose)
        return 0;
    return cb_image_add_repo_digest(push->registry->store, &push->image->id, name,
                                    &manifest->digest, err);
}

int cb_registry_push(struct cb_registry *registry, const struct cb_digest *image_id,
                     const char *name, const struct cb_push_options *options,
                     struct cb_descriptor *manifest, struct cb_error **err)
{
    static const struct cb_push_options defaults = {.layers.compression =
                                                        CB_COMPRESSION_GZIP};
    struct push push = {.registry = registry, .options = options ? options : &defaults};
    cb_autofree char *title = NULL;
    int status;

    pthread_mutex_init(&push.neighbours_mutex, NULL);
    status = set_up(&push, image_id, name, err);
    if (status == 0) {
        struct cb_error *error = NULL;

        title = xasprintf("The push refers to repository [%s/%s]", push.reference->host,
                          push.reference->path);
        push.event_id = cb_event_step_start(registry->sink, title);
        status = push_everything(&push, manifest, &error);
        cb_event_step_end(registry->sink, push.event_id, status, &error, err);
    }
    push_clear(&push);
    return status;
}
