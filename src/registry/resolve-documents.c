/* An image's documents: through the indexes to the manifest for a platform, and from
 * there to the config. */
#include "registry/registry-priv.h"

#include <string.h>

#define MAX_INDEX_DEPTH 2

static void read_shape(const char *bytes, size_t len, enum cb_media_kind *kind,
                       int *schema1)
{
    cb_auto_json *document = NULL;
    const char *type;

    if (cb_json_parse(&document, "manifest", bytes, len, CB_MANIFEST_MAX_BYTES, NULL) < 0)
        return;
    type = json_string_value(json_object_get(document, "mediaType"));
    *kind = type ? cb_media_kind(type) : CB_MEDIA_UNKNOWN;
    if (*kind == CB_MEDIA_UNKNOWN && json_object_get(document, "manifests"))
        *kind = CB_MEDIA_INDEX;
    *schema1 = json_integer_value(json_object_get(document, "schemaVersion")) == 1;
}

int cb_document_kind(const struct cb_document *document, enum cb_media_kind *kind,
                     struct cb_error **err)
{
    int schema1 = 0;

    *kind = document->media_type ? cb_media_kind(document->media_type) : CB_MEDIA_UNKNOWN;
    if (*kind == CB_MEDIA_INDEX || *kind == CB_MEDIA_MANIFEST)
        return 0;
    read_shape(document->bytes, document->len, kind, &schema1);
    if (schema1 || (document->media_type && strstr(document->media_type, "manifest.v1+")))
        return cb_error_set(
            err, CB_ERR_UNSUPPORTED,
            "Docker manifests of schema 1 are not supported: the image has "
            "to be pushed anew");
    if (*kind != CB_MEDIA_INDEX)
        *kind = CB_MEDIA_MANIFEST; /* its parser says what is wrong */
    return 0;
}

static int no_platform(const struct cb_index *index, const struct cb_platform *platform,
                       struct cb_error **err)
{
    cb_autofree char *wanted = cb_platform_text(platform);
    cb_auto_value(cb_strbuf) others = {0};

    cb_vec_foreach (entry, &index->manifests) {
        cb_autofree char *text = cb_platform_text(&entry->platform);

        if (*entry->platform.os && strcmp(entry->platform.os, "unknown") != 0 &&
            others.len < 200)
            cb_strbuf_addf(&others, "%s%s", others.len ? ", " : "", text);
    }
    cb_error_set(err, CB_ERR_NOT_FOUND,
                 "no matching manifest for %s in the manifest list entries", wanted);
    return others.len ? cb_error_hint(err, "it has %s", cb_strbuf_text(&others)) : -1;
}

int cb_document_choose(const struct cb_document *document,
                       const struct cb_platform *platform, struct cb_descriptor *want,
                       struct cb_error **err)
{
    cb_auto(cb_index) index = NULL;
    const struct cb_descriptor *best;

    if (cb_index_parse(&index, document->bytes, document->len, document->media_type,
                       err) < 0)
        return -1;
    best = cb_index_choose(index, platform);
    if (!best)
        return no_platform(index, platform, err);
    cb_descriptor_free(want);
    cb_descriptor_copy(want, best);
    return 0;
}

static int read_config(struct cb_registry *registry,
                       const struct cb_repository *repository,
                       struct cb_resolved_image *image, struct cb_error **err)
{
    const struct cb_manifest *manifest = image->manifest;

    if (cb_media_kind(manifest->config.media_type) != CB_MEDIA_CONFIG)
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "not an image: its config is of type `%s`",
                            manifest->config.media_type);
    if (cb_document_config(registry, repository, &manifest->config, &image->config_bytes,
                           &image->config_len, err) < 0 ||
        cb_image_config_parse(&image->config, image->config_bytes, image->config_len,
                              err) < 0)
        return -1;
    if (image->config->diff_ids.count != manifest->layers.count)
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "the manifest has %zu layers, the config %zu",
                            manifest->layers.count, image->config->diff_ids.count);
    image->id = manifest->config.digest;
    return 0;
}

int cb_resolve_documents(struct cb_registry *registry,
                         const struct cb_repository *repository,
                         const struct cb_image_want *want,
                         struct cb_resolved_image *image, struct cb_error **err)
{
    cb_auto_value(cb_descriptor) next = {0};

    cb_descriptor_copy(&next, &want->root);
    for (int depth = 0;; depth++) {
        cb_auto_value(cb_document) document = {0};
        enum cb_media_kind kind;

        if (cb_document_get(registry, repository, want->tag,
                            cb_digest_is_set(&next.digest) ? &next : NULL, &document,
                            err) < 0 ||
            cb_document_kind(&document, &kind, err) < 0)
            return -1;
        if (depth == 0) {
            image->target.media_type = xstrdup(document.media_type);
            image->target.digest = document.digest;
            image->target.size = (int64_t)document.len;
        }
        if (kind == CB_MEDIA_MANIFEST) {
            if (cb_manifest_parse(&image->manifest, document.bytes, document.len,
                                  document.media_type, err) < 0)
                return -1;
            image->manifest_digest = document.digest;
            return read_config(registry, repository, image, err);
        }
        if (depth == MAX_INDEX_DEPTH)
            return cb_error_set(err, CB_ERR_INTEGRITY, "indexes nested more than %d deep",
                                MAX_INDEX_DEPTH);
        if (cb_document_choose(&document, want->platform, &next, err) < 0)
            return -1;
    }
}
