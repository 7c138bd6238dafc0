/* Attestations on their way in with an image that is pulled. */
#include "registry/registry-priv.h"

#include "registry/brought.h"
#include "registry/said.h"
#include "store/content.h"

struct fetch {
    struct cb_registry *registry;
    const struct cb_resolved_image *image;
    const struct cb_index *index;
    const struct cb_repository *repository; /* of the attempt */
    int64_t bytes;
};

static int fetch_blob(struct fetch *fetch, const struct cb_descriptor *blob,
                      struct cb_error **err)
{
    if (cb_brought_count(&fetch->bytes, blob->size, err) < 0)
        return -1;
    return cb_blob_fetch(fetch->registry, fetch->repository, blob, NULL, 0, err);
}

static int fetch_attestation(void *arg, const struct cb_descriptor *entry,
                             struct cb_error **err)
{
    struct fetch *fetch = arg;
    cb_auto_value(cb_document) document = {0};
    cb_auto(cb_manifest) manifest = NULL;

    if (cb_cancel_check(fetch->registry->cancel, err) < 0 ||
        cb_brought_count(&fetch->bytes, entry->size, err) < 0 ||
        cb_document_get(fetch->registry, fetch->repository, NULL, entry, &document, err) <
            0 ||
        cb_manifest_parse(&manifest, document.bytes, document.len, document.media_type,
                          err) < 0 ||
        fetch_blob(fetch, &manifest->config, err) < 0)
        return -1;
    cb_vec_foreach (layer, &manifest->layers) {
        if (cb_cancel_check(fetch->registry->cancel, err) < 0 ||
            fetch_blob(fetch, layer, err) < 0)
            return -1;
    }
    return 0;
}

static int fetch_at(void *arg, const struct cb_repository *repository,
                    struct cb_error **err)
{
    struct fetch *fetch = arg;

    fetch->repository = repository;
    fetch->bytes = (int64_t)fetch->index->len;
    return cb_brought_each(fetch->index, &fetch->image->manifest_digest,
                           fetch_attestation, fetch, err);
}

static int is_any(void *arg, const struct cb_descriptor *entry, struct cb_error **err)
{
    (void)entry;
    (void)err;
    *(int *)arg = 1;
    return 0;
}

/* The index that the image was found in; NULL: none, or it says nothing of the image. */
static struct cb_index *index_of(struct cb_registry *registry,
                                 const struct cb_resolved_image *image)
{
    cb_auto_value(cb_strbuf) bytes = {0};
    cb_auto(cb_index) index = NULL;
    int any = 0;

    if (cb_digest_equal(&image->target.digest, &image->manifest_digest) ||
        cb_content_read(registry->store, &image->target.digest, CB_MANIFEST_MAX_BYTES,
                        &bytes, NULL) < 0 ||
        cb_index_parse(&index, cb_strbuf_text(&bytes), bytes.len,
                       image->target.media_type, NULL) < 0)
        return NULL;
    cb_brought_each(index, &image->manifest_digest, is_any, &any, NULL);
    return any ? cb_steal(&index) : NULL;
}

static int bring(struct fetch *fetch, struct cb_error **err)
{
    const struct cb_resolved_image *image = fetch->image;
    const struct cb_said_source source = {.image = &image->id,
                                          .platform = &image->config->platform,
                                          .index = fetch->index,
                                          .about = &image->manifest_digest};
    struct cb_store *store = fetch->registry->store;

    if (cb_said_is_kept(store, &source))
        return 0;
    if (cb_places_try(fetch->registry, image->reference, fetch_at, fetch, err) < 0)
        return -1;
    return cb_said_bring(store, &source, err);
}

int cb_said_pull(struct cb_registry *registry, const struct cb_resolved_image *image,
                 struct cb_error **err)
{
    cb_auto(cb_index) index = index_of(registry, image);
    struct fetch fetch = {.registry = registry, .image = image, .index = index};
    cb_auto(cb_error) error = NULL;
    cb_autofree char *name = NULL;

    if (!index || bring(&fetch, &error) >= 0)
        return 0;
    if (cb_error_kind(error) == CB_ERR_CANCELED)
        return cb_error_move(err, &error);
    name = cb_reference_familiar(image->reference);
    cb_event_say(registry->sink, CB_EVENT_WARNING, 0,
                 "%s: what its index says of the image is not kept: %s", name,
                 cb_error_message(error));
    return 0;
}
