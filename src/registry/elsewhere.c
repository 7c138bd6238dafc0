/* Layers that an image has and the store has not. A build that adds no more than
 * metadata, or layers made on nothing, needs no byte of its base: what is sent to a
 * registry names the base's blobs, and they get there by a mount. An image made like that
 * is known where it was sent to, and its layers come from there when somebody wants to
 * read them.
 *
 * That a blob is the layer is the word of the manifest that lists it. One that is mounted
 * is passed on with the same words; one that comes through here is compared first. */
#include "registry/registry-priv.h"

#include "registry/upload.h"
#include "store/layer.h"

#include <string.h>

static int same_repository(const struct cb_reference *a, const struct cb_reference *b)
{
    return strcmp(a->host, b->host) == 0 && strcmp(a->path, b->path) == 0;
}

/* ── Places ── */

/* A name that was only given to the image here leads nowhere. */
static int try_known(struct cb_registry *registry, const struct cb_resolved_image *image,
                     int own, cb_place_attempt *attempt, void *arg, struct cb_error **err)
{
    int result = -1;

    cb_vec_foreach (name, &image->known_at) {
        cb_auto(cb_reference) known = NULL;

        if (cb_reference_parse(&known, *name, NULL) < 0 ||
            own != (image->reference && same_repository(known, image->reference)))
            continue;
        cb_error_free(cb_steal(err));
        result = cb_places_try(registry, known, attempt, arg, err);
        if (result == 0 || cb_error_kind(*err) == CB_ERR_CANCELED)
            break;
    }
    return result;
}

int cb_image_places_try(struct cb_registry *registry,
                        const struct cb_resolved_image *image, cb_place_attempt *attempt,
                        void *arg, struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;

    if (!image->known_at.count)
        return cb_places_try(registry, image->reference, attempt, arg, err);
    if (try_known(registry, image, 1, attempt, arg, &error) == 0 ||
        (cb_error_kind(error) != CB_ERR_CANCELED &&
         try_known(registry, image, 0, attempt, arg, &error) == 0))
        return 0;
    if (error)
        return cb_error_move(err, &error);
    return cb_error_set(err, CB_ERR_NOT_FOUND, "no registry is known to have the image");
}

struct one_layer {
    struct cb_registry *registry;
    const struct cb_descriptor *blob;
    uint64_t event_id;
};

static int fetch_at(void *arg, const struct cb_repository *repository,
                    struct cb_error **err)
{
    const struct one_layer *layer = arg;

    return cb_blob_fetch(layer->registry, repository, layer->blob, NULL, layer->event_id,
                         err);
}

int cb_origin_take(struct cb_registry *registry, const struct cb_resolved_image *image,
                   size_t i, uint64_t event_id, struct cb_error **err)
{
    struct one_layer layer = {registry, &image->manifest->layers.items[i], event_id};

    if (cb_image_places_try(registry, image, fetch_at, &layer, err) < 0)
        return -1;
    return cb_layer_blob_enter(registry->store, &image->config->diff_ids.items[i],
                               &image->manifest->layers.items[i], registry->cancel, err);
}

/* ── Origins ── */

static int can_tell(const struct cb_resolved_image *image)
{
    return image->manifest && (image->reference || image->known_at.count) &&
           image->manifest->layers.count == image->config->diff_ids.count;
}

void cb_origins_open(struct cb_registry *registry, const struct cb_image *image,
                     const struct cb_resolved_image *base, struct cb_origins *out)
{
    struct cb_resolved_image *own = xcalloc(1, sizeof(*own));

    *out = (struct cb_origins){.config = image->config};
    if (base && can_tell(base))
        out->base = base;
    own->id = image->id;
    own->config = cb_image_config_copy(image->config);
    cb_strings_copy(&own->known_at, &image->repo_digests);
    cb_resolved_read_manifest(registry, &image->manifest, own);
    if (can_tell(own))
        out->own = own;
    else
        cb_resolved_image_free(own);
}

void cb_origins_clear(struct cb_origins *origins)
{
    cb_resolved_image_free(origins->own);
    origins->own = NULL;
}

/* A layer that stands alone may be there under no chain but its own. */
static int is_here(struct cb_store *store, const struct cb_digest *diff_id,
                   const struct cb_digest *chain_id)
{
    cb_auto(cb_snapshot) unpacked = NULL;
    cb_auto_value(cb_descriptor) blob = {0};

    return cb_chain_find(store, chain_id, &unpacked, NULL) > 0 ||
           cb_layer_blob_find(store, diff_id, -1, &blob, NULL) > 0 ||
           cb_chain_find(store, diff_id, &unpacked, NULL) > 0;
}

const struct cb_resolved_image *cb_origins_find(struct cb_registry *registry,
                                                const struct cb_origins *origins,
                                                size_t i,
                                                const struct cb_digest *chain_id)
{
    const struct cb_digest *diff_id = &origins->config->diff_ids.items[i];
    const struct cb_resolved_image *const who[] = {origins->own, origins->base};

    if ((!origins->own && !origins->base) || is_here(registry->store, diff_id, chain_id))
        return NULL;
    for (size_t k = 0; k < CB_ARRAY_SIZE(who); k++) {
        if (who[k] && i < who[k]->config->diff_ids.count &&
            cb_digest_equal(&who[k]->config->diff_ids.items[i], diff_id))
            return who[k];
    }
    return NULL;
}

/* ── All layers of an image ── */

struct asking {
    struct cb_registry *registry;
    const struct cb_resolved_image *image;
    const struct cb_repository *repository;
};

static int ask_for_one(void *arg, size_t i, struct cb_error **err)
{
    const struct asking *asking = arg;
    const struct cb_digest *digest = &asking->image->manifest->layers.items[i].digest;
    char text[CB_DIGEST_MAX_TEXT];
    int there;

    if (cb_cancel_check(asking->registry->cancel, err) < 0)
        return -1;
    there = cb_upload_exists(asking->registry, asking->repository, digest, err);
    if (there)
        return there < 0 ? -1 : 0;
    return cb_error_set(err, CB_ERR_NOT_FOUND, "blob %s is not there",
                        cb_digest_text(digest, text));
}

static int ask_at(void *arg, const struct cb_repository *repository,
                  struct cb_error **err)
{
    struct asking *asking = arg;
    struct cb_registry *registry = asking->registry;

    asking->repository = repository;
    return cb_pool_fan_out(registry->pool, cb_registry_downloads(registry),
                           asking->image->manifest->layers.count, ask_for_one, asking,
                           err);
}

int cb_registry_has_layers(struct cb_registry *registry,
                           const struct cb_resolved_image *image, struct cb_error **err)
{
    struct asking asking = {.registry = registry, .image = image};
    cb_auto(cb_error) error = NULL;

    if (cb_image_places_try(registry, image, ask_at, &asking, &error) == 0)
        return 1;
    return cb_error_kind(error) == CB_ERR_CANCELED ? cb_error_move(err, &error) : 0;
}

struct missing_layer {
    const struct cb_resolved_image *from;
    size_t index;
};

struct providing {
    struct cb_registry *registry;
    uint64_t event_id;
    CB_VEC(struct missing_layer) layers;
};

static int provide_one(void *arg, size_t i, struct cb_error **err)
{
    struct providing *providing = arg;
    const struct missing_layer *layer = &providing->layers.items[i];

    if (cb_cancel_check(providing->registry->cancel, err) < 0)
        return -1;
    return cb_origin_take(providing->registry, layer->from, layer->index,
                          providing->event_id, err);
}

int cb_registry_provide(struct cb_registry *registry, const struct cb_image *image,
                        const struct cb_resolved_image *base, uint64_t event_id,
                        struct cb_error **err)
{
    cb_auto_value(cb_origins) origins = {0};
    struct providing providing = {.registry = registry, .event_id = event_id};
    struct cb_digest chain_id = {0};
    int result;

    cb_origins_open(registry, image, base, &origins);
    for (size_t i = 0; i < image->config->diff_ids.count; i++) {
        struct missing_layer layer = {.index = i};

        chain_id = cb_chain_id(i ? &chain_id : NULL, &image->config->diff_ids.items[i]);
        layer.from = cb_origins_find(registry, &origins, i, &chain_id);
        if (layer.from)
            cb_vec_push(&providing.layers, layer);
    }
    result = cb_pool_fan_out(registry->pool, cb_registry_downloads(registry),
                             providing.layers.count, provide_one, &providing, err);
    cb_vec_free(&providing.layers);
    return result;
}
