/* One blob of an image that is known by its digest, once more. The manifest tells what
 * the blob is and how large; it may be what is missing itself. */
#include "registry/registry-priv.h"

struct restore {
    struct cb_registry *registry;
    const struct cb_reference *reference;
    const struct cb_digest *manifest, *blob;
};

static int fetch_part(const struct restore *restore,
                      const struct cb_repository *repository,
                      const struct cb_document *document, struct cb_error **err)
{
    cb_auto(cb_manifest) manifest = NULL;
    cb_autofree char *config = NULL;
    char text[CB_DIGEST_MAX_TEXT];
    size_t len;

    if (cb_manifest_parse(&manifest, document->bytes, document->len, document->media_type,
                          err) < 0)
        return -1;
    if (cb_digest_equal(&manifest->config.digest, restore->blob))
        return cb_document_config(restore->registry, repository, &manifest->config,
                                  &config, &len, err);
    cb_vec_foreach (layer, &manifest->layers) {
        if (cb_digest_equal(&layer->digest, restore->blob))
            return cb_blob_fetch(restore->registry, repository, layer, NULL, 0, err);
    }
    return cb_error_set(err, CB_ERR_NOT_FOUND, "the image has no blob %s",
                        cb_digest_text(restore->blob, text));
}

static int restore_from(void *arg, const struct cb_repository *repository,
                        struct cb_error **err)
{
    const struct restore *restore = arg;
    const struct cb_digest *own = &restore->reference->digest;
    cb_auto_value(cb_document) document = {0};
    struct cb_descriptor want = {.size = -1};

    want.digest = cb_digest_equal(own, restore->blob)   ? *own
                  : cb_digest_is_set(restore->manifest) ? *restore->manifest
                                                        : *own;
    if (cb_document_get(restore->registry, repository, NULL, &want, &document, err) < 0)
        return -1;
    return cb_digest_equal(&document.digest, restore->blob)
               ? 0
               : fetch_part(restore, repository, &document, err);
}

int cb_registry_restore(struct cb_registry *registry, const char *name,
                        const struct cb_digest *manifest, const struct cb_digest *blob,
                        struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    struct restore restore = {.registry = registry, .manifest = manifest, .blob = blob};

    if (cb_reference_parse(&reference, name, err) < 0)
        return -1;
    restore.reference = reference;
    return cb_places_try(registry, reference, restore_from, &restore, err);
}
