/* Manifests that are no image: fetched as two documents, sent as blobs and a manifest.
 * What the blobs mean is the caller's business. */
#include "registry/registry-priv.h"

#include "registry/upload.h"
#include "store/content.h"

void cb_artifact_free(struct cb_artifact *artifact)
{
    if (!artifact)
        return;
    cb_reference_free(artifact->reference);
    cb_manifest_free(artifact->manifest);
    free(artifact->config);
    free(artifact);
}

/* A name and where it is. */
struct place {
    struct cb_reference *reference;
    struct cb_place at;
    struct cb_repository repository;
};

static void place_clear(struct place *place)
{
    cb_reference_free(place->reference);
    cb_place_clear(&place->at);
}

static int place_open(struct place *place, struct cb_registry *registry, const char *name,
                      const char *actions, struct cb_error **err)
{
    if (cb_reference_parse(&place->reference, name, err) < 0)
        return -1;
    if (!cb_digest_is_set(&place->reference->digest))
        cb_reference_default_tag(place->reference);
    return cb_place_own(registry, place->reference, actions, &place->at, err) < 0
               ? -1
               : cb_place_open(registry, &place->at, &place->repository, err);
}

static int is_index(const struct cb_document *document)
{
    return document->media_type && cb_media_kind(document->media_type) == CB_MEDIA_INDEX;
}

static int get_documents(struct cb_registry *registry, struct place *place,
                         struct cb_artifact **out, struct cb_error **err)
{
    cb_auto(cb_artifact) artifact = xcalloc(1, sizeof(*artifact));
    cb_auto_value(cb_document) document = {0};
    struct cb_descriptor want = {.digest = place->reference->digest, .size = -1};

    if (cb_document_get(registry, &place->repository, place->reference->tag,
                        cb_digest_is_set(&want.digest) ? &want : NULL, &document,
                        err) < 0)
        return -1;
    if (is_index(&document))
        return 0;
    if (cb_manifest_parse(&artifact->manifest, document.bytes, document.len,
                          document.media_type, err) < 0 ||
        cb_document_config(registry, &place->repository, &artifact->manifest->config,
                           &artifact->config, &artifact->config_len, err) < 0)
        return -1;
    artifact->reference = cb_steal(&place->reference);
    *out = cb_steal(&artifact);
    return 0;
}

int cb_registry_get_artifact(struct cb_registry *registry, const char *name,
                             struct cb_artifact **out, struct cb_error **err)
{
    struct place place = {0};
    int result = place_open(&place, registry, name, "pull", err);

    *out = NULL;
    if (result == 0)
        result = get_documents(registry, &place, out, err);
    place_clear(&place);
    return result;
}

struct upload {
    struct cb_registry *registry;
    const struct cb_repository *repository;
    const struct cb_manifest *manifest;
    uint64_t event_id;
};

/* The config comes after the layers in number. */
static int send_blob(void *arg, size_t i, struct cb_error **err)
{
    struct upload *upload = arg;
    const struct cb_manifest *manifest = upload->manifest;
    const struct cb_descriptor *blob =
        i < manifest->layers.count ? &manifest->layers.items[i] : &manifest->config;
    char text[CB_DIGEST_MAX_TEXT];
    int64_t size;
    int exists;

    if (cb_cancel_check(upload->registry->cancel, err) < 0)
        return -1;
    exists = cb_upload_exists(upload->registry, upload->repository, &blob->digest, err);
    if (exists != 0)
        return exists < 0 ? -1 : 0;
    if (cb_content_has(upload->registry->store, &blob->digest, &size) <= 0)
        return cb_error_set(err, CB_ERR_NOT_FOUND,
                            "blob %s is neither in the registry nor in the store",
                            cb_digest_text(&blob->digest, text));
    return cb_upload_blob(upload->registry, upload->repository, blob, NULL,
                          upload->event_id, err);
}

int cb_registry_put_artifact(struct cb_registry *registry, const char *name,
                             const struct cb_manifest *manifest, uint64_t event_id,
                             struct cb_error **err)
{
    struct place place = {0};
    struct upload upload = {.registry = registry,
                            .repository = &place.repository,
                            .manifest = manifest,
                            .event_id = event_id};
    const struct cb_document_text text = cb_manifest_text(manifest);
    int result = place_open(&place, registry, name, "pull,push", err);

    if (result == 0 && !place.reference->tag)
        result = cb_error_set(err, CB_ERR_USAGE, "cannot push to a digest: `%s`", name);
    if (result == 0)
        result = cb_pool_fan_out(registry->pool, cb_registry_uploads(registry),
                                 manifest->layers.count + 1, send_blob, &upload, err);
    if (result == 0)
        result = cb_document_put(registry, &place.repository, place.reference->tag, &text,
                                 err);
    place_clear(&place);
    return result;
}

/* ── A blob alone ── */

struct wanted {
    struct cb_registry *registry;
    const struct cb_descriptor *blob;
};

static int fetch_wanted(void *arg, const struct cb_repository *repository,
                        struct cb_error **err)
{
    const struct wanted *wanted = arg;

    return cb_blob_fetch(wanted->registry, repository, wanted->blob, NULL, 0, err);
}

int cb_registry_blob(struct cb_registry *registry, const struct cb_reference *reference,
                     const struct cb_descriptor *want, size_t max, struct cb_strbuf *out,
                     struct cb_error **err)
{
    struct wanted wanted = {registry, want};
    char text[CB_DIGEST_MAX_TEXT];

    if (want->size < 0 || (uint64_t)want->size > max)
        return cb_error_set(err, CB_ERR_INTEGRITY, "blob %s: over %zu bytes",
                            cb_digest_text(&want->digest, text), max);
    if (cb_places_try(registry, reference, fetch_wanted, &wanted, err) < 0)
        return -1;
    return cb_content_read(registry->store, &want->digest, max, out, err);
}
