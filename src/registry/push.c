/* An image to a registry: its layers (compressed here if they never were, each on its way
 * as soon as it is ready), its config, then the manifest, so that the tag never points to
 * something incomplete. */
#include "registry/push-priv.h"

#include "registry/upload.h"
#include "store/content.h"
#include "store/layer.h"

#include <string.h>

static void push_clear(struct cb_push *push)
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

static void add_chain_ids(struct cb_push *push)
{
    const struct cb_image_config *config = push->image->config;

    push->chain_ids = xcalloc(config->diff_ids.count, sizeof(*push->chain_ids));
    push->layers = xcalloc(config->diff_ids.count, sizeof(*push->layers));
    push->elsewhere = xcalloc(config->diff_ids.count, sizeof(*push->elsewhere));
    for (size_t i = 0; i < config->diff_ids.count; i++)
        push->chain_ids[i] =
            cb_chain_id(i ? &push->chain_ids[i - 1] : NULL, &config->diff_ids.items[i]);
}

static void find_elsewhere(struct cb_push *push)
{
    for (size_t i = 0; i < push->image->config->diff_ids.count; i++)
        push->elsewhere[i] =
            cb_origins_find(push->registry, &push->origins, i, &push->chain_ids[i]);
}

/* ── Config and manifest ── */

static int push_config(struct cb_push *push, struct cb_descriptor *config,
                       struct cb_error **err)
{
    struct cb_store *store = push->registry->store;
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
                          err);
}

static int push_documents(struct cb_push *push, struct cb_descriptor *out,
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

static int set_up(struct cb_push *push, const struct cb_digest *image_id,
                  const char *name, struct cb_error **err)
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
    cb_push_find_original(push);
    return 0;
}

static int push_everything(struct cb_push *push, struct cb_descriptor *manifest,
                           struct cb_error **err)
{
    cb_autofree char *name =
        xasprintf("%s/%s", push->reference->host, push->reference->path);

    if (cb_pool_fan_out(push->registry->pool, cb_registry_uploads(push->registry),
                        push->image->config->diff_ids.count, cb_push_layer, push,
                        err) < 0 ||
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
    struct cb_push push = {.registry = registry,
                           .options = options ? options : &defaults};
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
