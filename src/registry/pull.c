/* Layers into the store, and the `pull` command. A layer that is already unpacked below
 * the same chain needs no blob; of the others, any blob known for the diff id will do. */
#include "registry/registry-priv.h"

#include "store/content.h"
#include "store/layer.h"
#include "store/refs.h"

#include <string.h>

#define CONCURRENT_DOWNLOADS 4

struct fetch {
    struct cb_registry *registry;
    const struct cb_resolved_image *image;
    const struct cb_repository *repository; /* NULL: no registry to ask */
    uint64_t event_id;
    size_t first;                /* layers below are unpacked */
    struct cb_descriptor *blobs; /* all layers; those below `first` may be empty */
};

static void fetch_clear(struct fetch *fetch)
{
    for (size_t i = 0; fetch->blobs && i < fetch->image->config->diff_ids.count; i++)
        cb_descriptor_free(&fetch->blobs[i]);
    free(fetch->blobs);
}

/* How many layers from the bottom are unpacked already; *TOP is the last of them. */
static int find_unpacked(struct cb_store *store, const struct cb_image_config *config,
                         size_t *count, struct cb_snapshot **top, struct cb_error **err)
{
    size_t total = config->diff_ids.count;
    CB_VEC(struct cb_digest) chain = {0};
    int found = 0;

    for (size_t i = 0; i < total; i++) {
        struct cb_digest id =
            cb_chain_id(i ? &chain.items[i - 1] : NULL, &config->diff_ids.items[i]);

        cb_vec_push(&chain, id);
    }
    for (*count = total; *count > 0; (*count)--) {
        found = cb_chain_find(store, &chain.items[*count - 1], top, err);
        if (found != 0)
            break;
    }
    cb_vec_free(&chain);
    return found < 0 ? -1 : 0;
}

static int fetch_layer(void *arg, size_t index, struct cb_error **err)
{
    struct fetch *fetch = arg;
    struct cb_registry *registry = fetch->registry;
    size_t i = fetch->first + index;
    const struct cb_image_config *config = fetch->image->config;
    char text[CB_DIGEST_MAX_TEXT];
    int64_t size;

    if (cb_cancel_check(registry->cancel, err) < 0)
        return -1;
    if (cb_layer_blob_find(registry->store, &config->diff_ids.items[i], -1,
                           &fetch->blobs[i], NULL) > 0) {
        if (cb_content_has(registry->store, &fetch->blobs[i].digest, &size) > 0)
            return 0;
        cb_descriptor_free(&fetch->blobs[i]);
        memset(&fetch->blobs[i], 0, sizeof(fetch->blobs[i]));
    }
    if (fetch->image->manifest) {
        cb_descriptor_copy(&fetch->blobs[i], &fetch->image->manifest->layers.items[i]);
        if (fetch->repository)
            return cb_blob_fetch(registry, fetch->repository, &fetch->blobs[i],
                                 fetch->event_id, err);
        if (cb_content_has(registry->store, &fetch->blobs[i].digest, &size) > 0)
            return 0;
    }
    return cb_error_set(err, CB_ERR_NOT_FOUND, "layer %s is not in the store",
                        cb_digest_text(&config->diff_ids.items[i], text));
}

/* Docker's first lines: what is there, and what is going to be fetched. */
static void announce(struct fetch *fetch)
{
    const struct cb_manifest *manifest = fetch->image->manifest;

    for (size_t i = 0; manifest && i < manifest->layers.count; i++) {
        int there = i < fetch->first;

        cb_registry_status(fetch->registry, fetch->event_id,
                           &manifest->layers.items[i].digest,
                           there ? "Already exists" : "Pulling fs layer", 0,
                           manifest->layers.items[i].size, there);
    }
}

static void announce_end(struct fetch *fetch)
{
    for (size_t i = fetch->first; i < fetch->image->config->diff_ids.count; i++)
        cb_registry_status(fetch->registry, fetch->event_id, &fetch->blobs[i].digest,
                           "Pull complete", fetch->blobs[i].size, fetch->blobs[i].size,
                           1);
}

static int fetch_missing(struct fetch *fetch, struct cb_snapshot **top,
                         struct cb_error **err)
{
    struct cb_registry *registry = fetch->registry;
    const struct cb_image_config *config = fetch->image->config;
    size_t total = config->diff_ids.count;

    fetch->blobs = xcalloc(total, sizeof(*fetch->blobs));
    announce(fetch);
    if (cb_fan_out(registry->pool, CONCURRENT_DOWNLOADS, total - fetch->first,
                   fetch_layer, fetch, err) < 0)
        return -1;
    if (cb_layers_unpack(registry->store, fetch->blobs, config->diff_ids.items, total,
                         NULL, registry->pool, registry->cancel, registry->sink,
                         fetch->event_id, top, err) < 0)
        return -1;
    announce_end(fetch);
    return 0;
}

int cb_registry_fetch(struct cb_registry *registry, const struct cb_resolved_image *image,
                      uint64_t event_id, struct cb_snapshot **top, struct cb_error **err)
{
    struct fetch fetch = {.registry = registry, .image = image, .event_id = event_id};
    struct cb_repository repository = {0};
    cb_auto(cb_snapshot) unpacked = NULL;
    cb_autofree char *scope = NULL;
    cb_autofd int layout = -1;
    size_t total = image->config->diff_ids.count;
    int result;

    if (find_unpacked(registry->store, image->config, &fetch.first, &unpacked, err) < 0)
        return -1;
    if (fetch.first == total) {
        announce(&fetch);
        *top = cb_steal(&unpacked);
        return 0;
    }
    if (image->reference && image->manifest) {
        scope = xasprintf("repository:%s:pull", image->reference->path);
        repository.path = image->reference->path;
        repository.scope = scope;
        if (cb_endpoint_get(registry, image->reference->host, &repository.endpoint, err) <
            0)
            return -1;
        fetch.repository = &repository;
    } else if (image->layout) {
        if (cb_layout_repository_open(image->layout, &repository, &layout, err) < 0)
            return cb_error_wrap(err, "oci-layout %s", image->layout);
        fetch.repository = &repository;
    }
    result = fetch_missing(&fetch, top, err);
    fetch_clear(&fetch);
    return result;
}

/* ── The command ── */

static int register_image(struct cb_registry *registry, struct cb_resolved_image *image,
                          int *changed, struct cb_error **err)
{
    cb_autofree char *canonical = cb_reference_canonical(image->reference);
    cb_autofree char *name =
        xasprintf("%s/%s", image->reference->host, image->reference->path);
    cb_auto_value(cb_strings) names = {0};
    struct cb_digest before, id;
    int had;

    if (!cb_digest_is_set(&image->reference->digest))
        cb_strings_add(&names, canonical);
    if (names.count) {
        had = cb_ref_get(registry->store, canonical, &before, err);
    } else {
        cb_auto(cb_image) there = NULL;

        had = cb_image_get(registry->store, &image->id, &there, NULL) == 0 && there;
        before = image->id;
    }
    if (had < 0)
        return -1;
    if (cb_image_put(registry->store, image->config_bytes, image->config_len,
                     &image->manifest_digest, &names, &id, err) < 0 ||
        cb_image_add_repo_digest(registry->store, &id, name, &image->target.digest, err) <
            0)
        return -1;
    *changed = !had || !cb_digest_equal(&before, &id);
    return 0;
}

static void emit_step(struct cb_registry *registry, enum cb_event_kind kind, uint64_t id,
                      const char *name, const struct cb_error *error)
{
    struct cb_event event = {.kind = kind, .id = id, .name = name, .error = error};

    cb_event_emit(registry->sink, event);
}

static int fetch_as_step(struct cb_registry *registry,
                         const struct cb_resolved_image *image, struct cb_error **err)
{
    cb_auto(cb_snapshot) top = NULL;
    cb_auto(cb_error) error = NULL;
    char digest[CB_DIGEST_MAX_TEXT];
    const struct cb_reference *reference = image->reference;
    cb_autofree char *name = xasprintf(
        "%s: Pulling from %s",
        reference->tag ? reference->tag : cb_digest_text(&reference->digest, digest),
        reference->path);
    uint64_t id = cb_event_next_id();

    emit_step(registry, CB_EVENT_STEP_START, id, name, NULL);
    if (cb_registry_fetch(registry, image, id, &top, &error) < 0) {
        emit_step(registry, CB_EVENT_STEP_ERROR, id, name, error);
        return cb_error_move(err, &error);
    }
    emit_step(registry, CB_EVENT_STEP_DONE, id, name, NULL);
    return 0;
}

int cb_registry_pull(struct cb_registry *registry, const char *name,
                     const struct cb_platform *platform, struct cb_digest *digest,
                     struct cb_digest *id, int *changed, struct cb_error **err)
{
    cb_auto(cb_resolved_image) image = NULL;

    if (cb_registry_resolve(registry, name, platform, CB_PULL_ALWAYS, &image, err) < 0 ||
        fetch_as_step(registry, image, err) < 0 ||
        register_image(registry, image, changed, err) < 0)
        return -1;
    *digest = image->target.digest;
    *id = image->id;
    return 0;
}
