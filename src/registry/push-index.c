/* An image for several platforms to a registry. The manifests go by digest and the index
 * last, so that its name never leads to something incomplete: until then it is what it
 * was. */
#include "registry/registry-priv.h"

#include "registry/upload.h"
#include "store/content.h"

/* Of the index. */
struct entries {
    struct cb_descriptor *items;
    size_t count, capacity;
};

static void entries_clear(struct entries *entries)
{
    cb_vec_foreach (entry, entries)
        cb_descriptor_free(entry);
    cb_vec_free(entries);
}
CB_AUTO_VALUE_DEFINE(entries, entries_clear)

static int push_manifests(struct cb_registry *registry,
                          const struct cb_platform_images *images, const char *name,
                          const struct cb_push_options *options, struct entries *out,
                          struct cb_error **err)
{
    struct cb_push_options untagged = *options;

    untagged.untagged = 1;
    for (size_t i = 0; i < images->count; i++) {
        const struct cb_platform_image *image = &images->items[i];
        struct cb_descriptor entry = {0};

        untagged.platform = &image->platform;
        untagged.bases = options->bases ? &options->bases[i] : NULL;
        untagged.manifests = options->manifests ? &options->manifests[i] : NULL;
        if (cb_cancel_check(registry->cancel, err) < 0 ||
            cb_registry_push(registry, &image->id, name, &untagged, &entry, err) < 0)
            return -1;
        entry.platform = image->platform;
        entry.annotations = cb_annotations_json(
            options->annotations, CB_ANNOTATION_MANIFEST_ENTRY, &image->platform);
        cb_vec_push(out, entry);
    }
    return 0;
}

/* ── What is said of them ── */

int cb_attestation_keep(struct cb_store *store, const struct cb_attestation *attestation,
                        struct cb_error **err)
{
    struct cb_digest kept;

    cb_vec_foreach (blob, &attestation->blobs) {
        if (cb_content_put(store, blob->bytes, blob->len, &kept, err) < 0)
            return -1;
    }
    return 0;
}

static int send_blob(struct cb_registry *registry, const struct cb_repository *repository,
                     const struct cb_descriptor *blob, struct cb_error **err)
{
    int exists = cb_upload_exists(registry, repository, &blob->digest, err);

    if (exists)
        return exists < 0 ? -1 : 0;
    return cb_upload_blob(registry, repository, blob, NULL, 0, err);
}

static int send_attestation(struct cb_registry *registry,
                            const struct cb_repository *repository,
                            const struct cb_attestation *attestation,
                            struct cb_error **err)
{
    const struct cb_manifest *manifest = attestation->manifest;
    const struct cb_document_text text = cb_manifest_text(manifest);

    if (cb_attestation_keep(registry->store, attestation, err) < 0 ||
        send_blob(registry, repository, &manifest->config, err) < 0)
        return -1;
    cb_vec_foreach (layer, &manifest->layers) {
        if (send_blob(registry, repository, layer, err) < 0)
            return -1;
    }
    return cb_document_put(registry, repository, NULL, &text, err);
}

/* About the IMAGEth of ENTRIES, which is pushed; what is said goes behind them. */
static int attest(struct cb_registry *registry, const struct cb_repository *repository,
                  const struct cb_attester *attester, size_t image,
                  struct entries *entries, struct cb_error **err)
{
    const struct cb_digest pushed = entries->items[image].digest;
    cb_auto_value(cb_strbuf) bytes = {0};
    cb_auto(cb_manifest) manifest = NULL;
    cb_auto_value(cb_attestations) said = {0};

    if (cb_content_read(registry->store, &pushed, CB_MANIFEST_MAX_BYTES, &bytes, err) <
            0 ||
        cb_manifest_parse(&manifest, cb_strbuf_text(&bytes), bytes.len, NULL, err) < 0 ||
        attester->attest(attester->arg, image, manifest, &said, err) < 0)
        return -1;
    cb_vec_foreach (attestation, &said) {
        struct cb_descriptor entry;

        if (send_attestation(registry, repository, *attestation, err) < 0)
            return -1;
        cb_descriptor_copy(&entry, &(*attestation)->entry);
        cb_vec_push(entries, entry);
    }
    return 0;
}

/* What is said of the images, behind them. */
static int attest_all(struct cb_registry *registry, const char *name,
                      const struct cb_attester *attester, struct entries *entries,
                      struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_auto_value(cb_place) place = {0};
    struct cb_repository repository;
    size_t images = entries->count;

    if (!attester)
        return 0;
    if (cb_reference_parse(&reference, name, err) < 0 ||
        cb_place_own(registry, reference, "pull,push", &place, err) < 0 ||
        cb_place_open(registry, &place, &repository, err) < 0)
        return -1;
    for (size_t i = 0; i < images; i++) {
        if (attest(registry, &repository, attester, i, entries, err) < 0)
            return -1;
    }
    return 0;
}

/* ── The index ── */

/* The index is remembered for the image that the plain name means. */
static int remember(struct cb_registry *registry, const struct cb_platform_images *images,
                    const struct cb_reference *reference, const struct cb_index *index,
                    int loose, struct cb_error **err)
{
    cb_autofree char *repository = xasprintf("%s/%s", reference->host, reference->path);
    struct cb_digest kept;

    if (cb_content_put(registry->store, index->bytes, index->len, &kept, err) < 0)
        return -1;
    if (loose)
        return 0;
    return cb_image_add_repo_digest(registry->store,
                                    &cb_platform_images_chosen(images, NULL)->id,
                                    repository, &index->digest, err);
}

static int push_index(struct cb_registry *registry, const char *name,
                      const struct cb_push_options *options, const struct cb_index *index,
                      const struct cb_platform_images *images, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_auto_value(cb_place) place = {0};
    struct cb_repository repository;
    const struct cb_document_text text = {.media_type = index->media_type,
                                          .bytes = index->bytes,
                                          .len = index->len,
                                          .digest = &index->digest};

    if (cb_reference_parse(&reference, name, err) < 0)
        return -1;
    cb_reference_default_tag(reference);
    if (cb_place_own(registry, reference, "pull,push", &place, err) < 0 ||
        cb_place_open(registry, &place, &repository, err) < 0 ||
        cb_document_put(registry, &repository, options->untagged ? NULL : reference->tag,
                        &text, err) < 0)
        return -1;
    return remember(registry, images, reference, index, options->loose, err);
}

/* As it came, if that has the same entries and nothing was asked to be otherwise. */
static struct cb_index *make_index(const struct entries *entries,
                                   const struct cb_push_options *options)
{
    const struct cb_index *came = options->attester ? options->attester->index : NULL;
    cb_auto_json *annotations =
        cb_annotations_json(options->annotations, CB_ANNOTATION_INDEX, NULL);
    struct cb_index *index = NULL;

    if (came && !options->docker_types &&
        (!options->annotations || !options->annotations->count) &&
        cb_index_is_of(came, entries->items, entries->count) &&
        cb_index_parse(&index, came->bytes, came->len, came->media_type, NULL) == 0)
        return index;
    return cb_index_make(entries->items, entries->count, annotations,
                         options->docker_types);
}

int cb_registry_push_index(struct cb_registry *registry,
                           const struct cb_platform_images *images, const char *name,
                           const struct cb_push_options *options,
                           struct cb_descriptor *out, struct cb_error **err)
{
    cb_auto_value(entries) entries = {0};
    cb_auto(cb_index) index = NULL;

    if (push_manifests(registry, images, name, options, &entries, err) < 0 ||
        attest_all(registry, name, options->attester, &entries, err) < 0)
        return -1;
    index = make_index(&entries, options);
    if (push_index(registry, name, options, index, images, err) < 0)
        return -1;
    cb_descriptor_free(out);
    *out = (struct cb_descriptor){.media_type = xstrdup(index->media_type),
                                  .digest = index->digest,
                                  .size = (int64_t)index->len};
    return 0;
}
