/* What a registry has to say of an image beside its manifest. Only what a template speaks
 * of is fetched. Of an attestation's statements the predicates are shown, under the names
 * buildx has for them: {"SLSA": …} and {"SPDX": …, "AdditionalSPDXs": […]}. */
#include "commands/imagetools.h"

#include "base/json.h"
#include "oci/attestation.h"

#include <string.h>

/* An index may name very many statements, each of them large; and what has no bytes is
 * asked for all the same. */
#define MAX_BYTES          (12 << 20)
#define MIN_DOCUMENT_BYTES (16 << 10)

struct said {
    struct cb_transfer *transfer;
    const struct cb_reference *reference;
    int wants_image, wants_provenance, wants_sbom;
    json_t *images, *provenance, *sbom; /* by platform */
    int64_t bytes;                      /* fetched so far */
};

static void said_clear(struct said *said)
{
    json_decref(said->images);
    json_decref(said->provenance);
    json_decref(said->sbom);
}
CB_AUTO_VALUE_DEFINE(said, said_clear)

static int count(struct said *said, int64_t size, struct cb_error **err)
{
    if (size <= MAX_BYTES) {
        said->bytes += size > MIN_DOCUMENT_BYTES ? size : MIN_DOCUMENT_BYTES;
        if (said->bytes <= MAX_BYTES)
            return 0;
    }
    cb_error_set(err, CB_ERR_INTEGRITY,
                 "more than %d MiB, or %d documents, are said of the image",
                 MAX_BYTES >> 20, MAX_BYTES / MIN_DOCUMENT_BYTES);
    return cb_error_hint(err, "`cbuild copy` brings all of it into a directory");
}

static int get_manifest(struct said *said, const struct cb_descriptor *entry,
                        struct cb_manifest **out, struct cb_error **err)
{
    struct cb_reference at = {.host = said->reference->host,
                              .path = said->reference->path,
                              .digest = entry->digest};
    cb_auto_value(cb_strbuf) bytes = {0};

    if (count(said, entry->size, err) < 0 ||
        cb_registry_document(said->transfer->registry, &at, &bytes, err) < 0)
        return -1;
    return cb_manifest_parse(out, cb_strbuf_text(&bytes), bytes.len, NULL, err);
}

static int get_json(struct said *said, const struct cb_descriptor *blob, size_t max,
                    json_t **out, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) bytes = {0};

    if (count(said, blob->size, err) < 0 ||
        cb_registry_blob(said->transfer->registry, said->reference, blob, max, &bytes,
                         err) < 0)
        return -1;
    return cb_json_parse(out, "blob", cb_strbuf_text(&bytes), bytes.len, max, err);
}

/* ── Statements ── */

/* {"SPDX": …}; further ones are "AdditionalSPDXs". */
static void add_spdx(json_t *list, const char *platform, json_t *predicate)
{
    json_t *known = json_object_get(list, platform), *others;

    if (!known) {
        json_object_set_new(list, platform, json_pack("{s:O}", "SPDX", predicate));
        return;
    }
    others = json_object_get(known, "AdditionalSPDXs");
    if (!others) {
        others = json_array();
        json_object_set_new(known, "AdditionalSPDXs", others);
    }
    json_array_append(others, predicate);
}

static int add_statement(struct said *said, const char *platform,
                         const struct cb_descriptor *layer, struct cb_error **err)
{
    const char *type =
        json_string_value(json_object_get(layer->annotations, CB_ANNOTATION_OF_TYPE));
    int is_spdx = type && strcmp(type, CB_PREDICATE_SPDX) == 0;
    int is_slsa =
        type && strncmp(type, CB_PREDICATE_SLSA, strlen(CB_PREDICATE_SLSA)) == 0;
    cb_auto_json *statement = NULL;
    json_t *predicate;

    if (strcmp(layer->media_type, CB_MT_IN_TOTO) != 0 || !(is_spdx || is_slsa) ||
        !(is_spdx ? said->wants_sbom : said->wants_provenance))
        return 0;
    if (get_json(said, layer, MAX_BYTES, &statement, err) < 0)
        return -1;
    predicate = json_object_get(statement, "predicate");
    if (predicate && is_spdx)
        add_spdx(said->sbom, platform, predicate);
    else if (predicate && !json_object_get(said->provenance, platform))
        json_object_set_new(said->provenance, platform,
                            json_pack("{s:O}", "SLSA", predicate));
    return 0;
}

static int add_attestation(struct said *said, const char *platform,
                           const struct cb_descriptor *entry, struct cb_error **err)
{
    cb_auto(cb_manifest) manifest = NULL;

    if (get_manifest(said, entry, &manifest, err) < 0)
        return -1;
    cb_vec_foreach (layer, &manifest->layers) {
        if (add_statement(said, platform, layer, err) < 0)
            return -1;
    }
    return 0;
}

/* ── Images ── */

static int add_config(struct said *said, const char *platform,
                      const struct cb_manifest *manifest, struct cb_error **err)
{
    json_t *config = NULL;

    if (get_json(said, &manifest->config, CB_MANIFEST_MAX_BYTES, &config, err) < 0)
        return -1;
    json_object_set_new(said->images, platform, config);
    return 0;
}

static int add_image(struct said *said, const struct cb_index *index,
                     const struct cb_descriptor *entry, struct cb_error **err)
{
    cb_autofree char *platform = cb_platform_text(&entry->platform);
    cb_auto(cb_manifest) manifest = NULL;

    if (said->wants_image && (get_manifest(said, entry, &manifest, err) < 0 ||
                              add_config(said, platform, manifest, err) < 0))
        return -1;
    if (!said->wants_provenance && !said->wants_sbom)
        return 0;
    cb_vec_foreach (other, &index->manifests) {
        struct cb_digest about;

        if (cb_descriptor_is_attestation(other) && cb_descriptor_about(other, &about) &&
            cb_digest_equal(&about, &entry->digest) &&
            add_attestation(said, platform, other, err) < 0)
            return -1;
    }
    return 0;
}

static int add_index(struct said *said, const struct cb_index *index, size_t *images,
                     struct cb_error **err)
{
    cb_vec_foreach (entry, &index->manifests) {
        if (cb_media_kind(entry->media_type) != CB_MEDIA_MANIFEST ||
            cb_descriptor_is_attestation(entry))
            continue;
        ++*images;
        if (add_image(said, index, entry, err) < 0)
            return -1;
    }
    return 0;
}

/* Of one image it is that image's, not a list by platforms; nothing is an empty object.
 */
static void set(json_t *document, const char *key, json_t *by_platform, size_t images)
{
    void *first = json_object_iter(by_platform);

    if (images > 1)
        json_object_set(document, key, by_platform);
    else
        json_object_set_new(document, key,
                            first ? json_incref(json_object_iter_value(first))
                                  : json_object());
}

int cb_imagetools_add_said(struct cb_transfer *transfer,
                           const struct cb_reference *reference,
                           const struct cb_strbuf *bytes, const char *format,
                           json_t *document, struct cb_error **err)
{
    int all = strcmp(format, "json") == 0 || strstr(format, "json .}") ||
              strstr(format, "json . ");
    cb_auto_value(said) said = {.transfer = transfer,
                                .reference = reference,
                                .wants_image = all || strstr(format, ".Image"),
                                .wants_provenance = strstr(format, ".Provenance") != NULL,
                                .wants_sbom = strstr(format, ".SBOM") != NULL,
                                .images = json_object(),
                                .provenance = json_object(),
                                .sbom = json_object()};
    cb_auto(cb_index) index = NULL;
    cb_auto(cb_manifest) manifest = NULL;
    size_t images = 1;

    if (cb_index_parse(&index, cb_strbuf_text(bytes), bytes->len, NULL, NULL) == 0) {
        images = 0;
        if (add_index(&said, index, &images, err) < 0)
            return -1;
    } else if (said.wants_image) {
        if (cb_manifest_parse(&manifest, cb_strbuf_text(bytes), bytes->len, NULL, err) <
                0 ||
            add_config(&said, "image", manifest, err) < 0)
            return -1;
    }
    if (said.wants_image)
        set(document, "Image", said.images, images);
    if (said.wants_provenance)
        set(document, "Provenance", said.provenance, images);
    if (said.wants_sbom)
        set(document, "SBOM", said.sbom, images);
    return 0;
}
