/* Attestations that an index brings with an image. They are text, and small: kept are
 * their bytes, since a signature or a digest somewhere may be of these. A manifest of
 * another digest (an image that is compressed anew) gets their predicates instead, in
 * statements about itself. */
#include "registry/brought.h"

#include "base/json.h"
#include "store/content.h"

#include <string.h>

/* What a document costs that has no bytes: it is asked for, stored and named. */
#define MIN_DOCUMENT_BYTES 16384

int cb_brought_count(int64_t *bytes, int64_t size, struct cb_error **err)
{
    if (size >= 0 && size <= CB_BROUGHT_MAX_BYTES) {
        *bytes += size > MIN_DOCUMENT_BYTES ? size : MIN_DOCUMENT_BYTES;
        if (*bytes <= CB_BROUGHT_MAX_BYTES)
            return 0;
    }
    return cb_error_set(
        err, CB_ERR_UNSUPPORTED, "it is more than %u MiB, or %u documents",
        CB_BROUGHT_MAX_BYTES >> 20, CB_BROUGHT_MAX_BYTES / MIN_DOCUMENT_BYTES);
}

int cb_brought_each(const struct cb_index *index, const struct cb_digest *about,
                    int (*visit)(void *arg, const struct cb_descriptor *entry,
                                 struct cb_error **err),
                    void *arg, struct cb_error **err)
{
    cb_vec_foreach (entry, &index->manifests) {
        struct cb_digest of;

        if (cb_descriptor_is_attestation(entry) && cb_descriptor_about(entry, &of) &&
            cb_digest_equal(&of, about) && visit(arg, entry, err) < 0)
            return -1;
    }
    return 0;
}

/* ── Reading ── */

struct reading {
    struct cb_store *store;
    json_t *documents;
    int64_t bytes;
};

/* No JSON has other control characters, and each would be kept as six bytes. */
static int is_text(const struct cb_strbuf *bytes)
{
    for (size_t i = 0; i < bytes->len; i++) {
        unsigned char c = (unsigned char)bytes->text[i];

        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r')
            return 0;
    }
    return 1;
}

/* What is no text is not of the kind that is kept. */
static int read_document(struct reading *reading, const struct cb_digest *digest,
                         struct cb_strbuf *bytes, struct cb_error **err)
{
    char text[CB_DIGEST_MAX_TEXT];
    json_t *json;

    cb_digest_text(digest, text);
    if (cb_content_read(reading->store, digest, CB_BROUGHT_MAX_BYTES, bytes, err) < 0 ||
        cb_brought_count(&reading->bytes, (int64_t)bytes->len, err) < 0)
        return -1;
    json = is_text(bytes) ? json_string(cb_strbuf_text(bytes)) : NULL;
    if (!json)
        return cb_error_set(err, CB_ERR_UNSUPPORTED, "%s is no text", text);
    json_object_set_new(reading->documents, text, json);
    return 0;
}

static int read_attestation(void *arg, const struct cb_descriptor *entry,
                            struct cb_error **err)
{
    struct reading *reading = arg;
    cb_auto_value(cb_strbuf) bytes = {0};
    cb_auto(cb_manifest) manifest = NULL;

    if (read_document(reading, &entry->digest, &bytes, err) < 0 ||
        cb_manifest_parse(&manifest, cb_strbuf_text(&bytes), bytes.len, entry->media_type,
                          err) < 0)
        return -1;
    for (size_t i = 0; i <= manifest->layers.count; i++) {
        const struct cb_descriptor *blob =
            i ? &manifest->layers.items[i - 1] : &manifest->config;
        cb_auto_value(cb_strbuf) text = {0};

        if (read_document(reading, &blob->digest, &text, err) < 0)
            return -1;
    }
    return 0;
}

int cb_brought_read(struct cb_store *store, const struct cb_index *index,
                    const struct cb_digest *about, json_t **out, struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;
    cb_auto_json *documents = json_object();
    struct reading reading = {
        .store = store, .documents = documents, .bytes = (int64_t)index->len};
    char text[CB_DIGEST_MAX_TEXT];

    if (cb_brought_each(index, about, read_attestation, &reading, &error) < 0)
        return cb_error_kind(error) == CB_ERR_UNSUPPORTED ? cb_error_move(err, &error)
                                                          : 0;
    if (!json_object_size(documents))
        return 0;
    *out = json_pack("{s:s, s:s, s:s, s:O}", "type", index->media_type, "index",
                     index->bytes, "about", cb_digest_text(about, text), "documents",
                     documents);
    return *out != NULL;
}

/* ── What is made of it ── */

static const char *member(const json_t *brought, const char *key)
{
    const char *text = json_string_value(json_object_get(brought, key));

    return text ? text : "";
}

struct cb_index *cb_brought_index(const json_t *brought)
{
    const char *text = member(brought, "index");
    struct cb_index *index = NULL;

    return cb_index_parse(&index, text, strlen(text), member(brought, "type"), NULL) < 0
               ? NULL
               : index;
}

struct making {
    const json_t *documents;
    struct cb_attestations *out; /* or NULL */
    json_t *statements;          /* or NULL */
    int artifact;
};

static const char *document(const struct making *making, const struct cb_digest *digest)
{
    char text[CB_DIGEST_MAX_TEXT];

    return json_string_value(
        json_object_get(making->documents, cb_digest_text(digest, text)));
}

static struct cb_manifest *manifest_of(const struct making *making,
                                       const struct cb_descriptor *entry)
{
    const char *text = document(making, &entry->digest);
    struct cb_manifest *manifest = NULL;

    if (!text ||
        cb_manifest_parse(&manifest, text, strlen(text), entry->media_type, NULL) < 0)
        return NULL;
    return manifest;
}

static void add_blob(const struct making *making, struct cb_attestation *attestation,
                     const struct cb_descriptor *blob)
{
    const char *text = document(making, &blob->digest);

    if (text)
        cb_vec_push(&attestation->blobs,
                    ((struct cb_attestation_blob){.digest = blob->digest,
                                                  .bytes = xstrdup(text),
                                                  .len = strlen(text)}));
}

static int make_attestation(void *arg, const struct cb_descriptor *entry,
                            struct cb_error **err)
{
    struct making *making = arg;
    cb_auto(cb_attestation) attestation = xcalloc(1, sizeof(*attestation));

    (void)err;
    attestation->manifest = manifest_of(making, entry);
    if (!attestation->manifest)
        return 0;
    cb_descriptor_copy(&attestation->entry, entry);
    add_blob(making, attestation, &attestation->manifest->config);
    cb_vec_foreach (layer, &attestation->manifest->layers)
        add_blob(making, attestation, layer);
    cb_vec_push(making->out, cb_steal(&attestation));
    return 0;
}

int cb_brought_attest(const json_t *brought, const struct cb_manifest *manifest,
                      struct cb_attestations *out)
{
    struct making making = {.documents = json_object_get(brought, "documents"),
                            .out = out};
    cb_auto(cb_index) index = NULL;
    struct cb_digest about;

    if (cb_digest_parse(&about, member(brought, "about"), NULL) < 0 ||
        !cb_digest_equal(&about, &manifest->digest))
        return 0;
    index = cb_brought_index(brought);
    return index && cb_brought_each(index, &about, make_attestation, &making, NULL) == 0;
}

static void add_statement(struct making *making, const char *text)
{
    cb_auto_json *statement = NULL;
    json_t *predicate;
    const char *type;

    if (!text || cb_json_parse(&statement, "statement", text, strlen(text),
                               CB_BROUGHT_MAX_BYTES, NULL) < 0)
        return;
    type = json_string_value(json_object_get(statement, "predicateType"));
    predicate = json_object_get(statement, "predicate");
    if (type && predicate)
        json_array_append_new(making->statements, json_pack("{s:s, s:O}", "type", type,
                                                            "predicate", predicate));
}

static int take_statements(void *arg, const struct cb_descriptor *entry,
                           struct cb_error **err)
{
    struct making *making = arg;
    cb_auto(cb_manifest) manifest = manifest_of(making, entry);

    (void)err;
    if (!manifest)
        return 0;
    making->artifact |= cb_media_kind(manifest->config.media_type) != CB_MEDIA_CONFIG;
    cb_vec_foreach (layer, &manifest->layers) {
        if (strcmp(layer->media_type, CB_MT_IN_TOTO) == 0)
            add_statement(making, document(making, &layer->digest));
    }
    return 0;
}

json_t *cb_brought_statements(const json_t *brought, int *artifact)
{
    struct making making = {.documents = json_object_get(brought, "documents"),
                            .statements = json_array()};
    cb_auto(cb_index) index = cb_brought_index(brought);
    struct cb_digest about;

    if (index && cb_digest_parse(&about, member(brought, "about"), NULL) == 0)
        cb_brought_each(index, &about, take_statements, &making, NULL);
    *artifact = making.artifact;
    return making.statements;
}
