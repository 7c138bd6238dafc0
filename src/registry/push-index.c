/* An image for several platforms to a registry. The manifests go by digest and the index
 * last, so that its name never leads to something incomplete: until then it is what it
 * was. */
#include "registry/registry-priv.h"

#include "store/content.h"

static int push_manifests(struct cb_registry *registry,
                          const struct cb_platform_images *images, const char *name,
                          const struct cb_push_options *options,
                          struct cb_descriptor *out, struct cb_error **err)
{
    struct cb_push_options untagged = *options;

    untagged.untagged = 1;
    for (size_t i = 0; i < images->count; i++) {
        const struct cb_platform_image *image = &images->items[i];

        untagged.platform = &image->platform;
        untagged.bases = options->bases ? &options->bases[i] : NULL;
        untagged.manifests = options->manifests ? &options->manifests[i] : NULL;
        if (cb_cancel_check(registry->cancel, err) < 0 ||
            cb_registry_push(registry, &image->id, name, &untagged, &out[i], err) < 0)
            return -1;
        out[i].platform = image->platform;
        out[i].annotations = cb_annotations_json(
            options->annotations, CB_ANNOTATION_MANIFEST_ENTRY, &image->platform);
    }
    return 0;
}

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

int cb_registry_push_index(struct cb_registry *registry,
                           const struct cb_platform_images *images, const char *name,
                           const struct cb_push_options *options,
                           struct cb_descriptor *out, struct cb_error **err)
{
    cb_autofree struct cb_descriptor *manifests =
        xcalloc(images->count + 1, sizeof(*manifests));
    cb_auto(cb_index) index = NULL;
    int result = push_manifests(registry, images, name, options, manifests, err);

    if (result == 0) {
        cb_auto_json *annotations =
            cb_annotations_json(options->annotations, CB_ANNOTATION_INDEX, NULL);

        index =
            cb_index_make(manifests, images->count, annotations, options->docker_types);
        result = push_index(registry, name, options, index, images, err);
    }
    for (size_t i = 0; i < images->count; i++)
        cb_descriptor_free(&manifests[i]);
    if (result < 0)
        return -1;
    cb_descriptor_free(out);
    *out = (struct cb_descriptor){.media_type = xstrdup(index->media_type),
                                  .digest = index->digest,
                                  .size = (int64_t)index->len};
    return 0;
}
