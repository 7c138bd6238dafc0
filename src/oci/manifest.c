/* Image manifests: OCI manifest.md, and Docker's schema 2, which differs in media types
 * only. */
#include "oci/oci-priv.h"

void cb_manifest_free(struct cb_manifest *manifest)
{
    if (!manifest)
        return;
    free(manifest->media_type);
    cb_descriptor_free(&manifest->config);
    cb_vec_foreach (layer, &manifest->layers) {
        cb_descriptor_free(layer);
    }
    cb_vec_free(&manifest->layers);
    json_decref(manifest->annotations);
    free(manifest->bytes);
    free(manifest);
}

int cb_manifest_is_plain(const struct cb_manifest *manifest)
{
    cb_vec_foreach (layer, &manifest->layers) {
        enum cb_compression compression;

        if (cb_media_compression(layer->media_type, &compression) == 0 &&
            compression == CB_COMPRESSION_NONE)
            return 1;
    }
    return 0;
}

int cb_manifest_parse(struct cb_manifest **out, const char *bytes, size_t len,
                      const char *media_type, struct cb_error **err)
{
    static const char *const forbidden[] = {"manifests", "fsLayers", NULL};
    cb_auto(cb_manifest) manifest = xcalloc(1, sizeof(*manifest));
    cb_auto_json *json = NULL;
    struct cb_json root, config, layers, annotations;

    if (cb_json_parse(&json, "manifest", bytes, len, CB_MANIFEST_MAX_BYTES, err) < 0)
        return -1;
    root = cb_json_root(json, "manifest");
    if (cb_document_check(&root, media_type, CB_MEDIA_MANIFEST, CB_MT_OCI_MANIFEST,
                          forbidden, &manifest->media_type, err) < 0)
        return -1;
    config = cb_json_member(&root, "config");
    layers = cb_json_member(&root, "layers");
    annotations = cb_json_member(&root, "annotations");
    if (cb_descriptor_read(&manifest->config, &config, err) < 0 ||
        cb_descriptor_list_read(&manifest->layers, &layers, CB_MAX_LAYERS, err) < 0 ||
        cb_annotations_read(&manifest->annotations, &annotations, err) < 0)
        return -1;
    manifest->bytes = cb_document_bytes(bytes, len);
    manifest->len = len;
    manifest->digest = cb_digest_of(bytes, len);
    *out = cb_steal(&manifest);
    return 0;
}

static void copy_translated(struct cb_descriptor *to, const struct cb_descriptor *from,
                            int docker)
{
    cb_descriptor_copy(to, from);
    free(to->media_type);
    to->media_type = xstrdup(cb_media_translate(from->media_type, docker));
}

static void emit(struct cb_manifest *manifest)
{
    cb_auto_value(cb_strbuf) text = {0};
    struct cb_writer writer = {.out = &text};

    cb_writer_open(&writer, NULL, '{');
    cb_writer_int(&writer, "schemaVersion", 2);
    cb_writer_string(&writer, "mediaType", manifest->media_type);
    cb_descriptor_write(&writer, "config", &manifest->config);
    cb_writer_open(&writer, "layers", '[');
    cb_vec_foreach (layer, &manifest->layers) {
        cb_descriptor_write(&writer, NULL, layer);
    }
    cb_writer_close(&writer, ']');
    cb_writer_sorted(&writer, "annotations", manifest->annotations);
    cb_writer_close(&writer, '}');
    manifest->len = text.len;
    manifest->digest = cb_digest_of(text.text, text.len);
    manifest->bytes = cb_strbuf_steal(&text);
}

struct cb_manifest *cb_manifest_make(const struct cb_descriptor *config,
                                     const struct cb_descriptor *layers,
                                     size_t layer_count, json_t *annotations, int docker)
{
    struct cb_manifest *manifest = xcalloc(1, sizeof(*manifest));

    manifest->media_type = xstrdup(docker ? CB_MT_DOCKER_MANIFEST : CB_MT_OCI_MANIFEST);
    copy_translated(&manifest->config, config, docker);
    for (size_t i = 0; i < layer_count; i++) {
        struct cb_descriptor layer;

        copy_translated(&layer, &layers[i], docker);
        cb_vec_push(&manifest->layers, layer);
    }
    manifest->annotations = json_incref(annotations);
    emit(manifest);
    return manifest;
}
