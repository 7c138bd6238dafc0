/* Statements become blobs, and a manifest of these. In the form of an artifact the
 * manifest says what it is and names the image's as its subject, so that registries can
 * list it as a referrer; the older form is made like an image, with a config that nobody
 * reads, for what copies nothing else. */
#include "oci/attestation.h"

#include "oci/oci-priv.h"

#define REFERENCE_TYPE   "vnd.docker.reference.type"
#define REFERENCE_DIGEST "vnd.docker.reference.digest"
#define IS_ATTESTATION   "attestation-manifest"
#define ARTIFACT_TYPE    "application/vnd.docker.attestation.manifest.v1+json"
#define EMPTY_TYPE       "application/vnd.oci.empty.v1+json"
#define STATEMENT_TYPE   "https://in-toto.io/Statement/v1"

void cb_subjects_free(struct cb_subjects *subjects)
{
    cb_vec_foreach (subject, subjects)
        free(subject->name);
    cb_vec_free(subjects);
}

void cb_statements_free(struct cb_statements *statements)
{
    cb_vec_foreach (statement, statements)
        json_decref(statement->predicate);
    cb_vec_free(statements);
}

/* ── Statements ── */

static json_t *digest_set(const struct cb_digest *digest)
{
    char hex[CB_DIGEST_MAX_TEXT];
    json_t *set = json_object();

    json_object_set_new(set, digest->algorithm == CB_SHA512 ? "sha512" : "sha256",
                        json_string(cb_digest_hex(digest, hex)));
    return set;
}

/* Names of files may be anything; JSON is UTF-8. */
static json_t *any_text(const char *text)
{
    cb_auto_value(cb_strbuf) shown = {0};
    json_t *json = json_string(text);

    if (json)
        return json;
    cb_strbuf_add_escaped(&shown, text, strlen(text), 0);
    return json_string(cb_strbuf_text(&shown));
}

char *cb_statement_text(const struct cb_statement *statement,
                        const struct cb_subjects *subjects, size_t indent)
{
    cb_auto_json *json = json_object();
    json_t *list = json_array();

    cb_vec_foreach (subject, subjects) {
        json_t *item = json_object();

        json_object_set_new(item, "name", any_text(subject->name));
        json_object_set_new(item, "digest", digest_set(&subject->digest));
        json_array_append_new(list, item);
    }
    json_object_set_new(json, "_type", json_string(STATEMENT_TYPE));
    json_object_set_new(json, "predicateType", json_string(statement->type));
    json_object_set_new(json, "subject", list);
    json_object_set(json, "predicate", statement->predicate);
    return indent ? json_dumps(json, JSON_INDENT(indent)) : cb_json_dump(json);
}

/* ── The manifest ── */

void cb_attestation_free(struct cb_attestation *attestation)
{
    if (!attestation)
        return;
    cb_vec_foreach (blob, &attestation->blobs)
        free(blob->bytes);
    cb_vec_free(&attestation->blobs);
    cb_manifest_free(attestation->manifest);
    cb_descriptor_free(&attestation->entry);
    free(attestation);
}

void cb_attestations_free(struct cb_attestations *attestations)
{
    cb_vec_foreach (attestation, attestations)
        cb_attestation_free(*attestation);
    cb_vec_free(attestations);
}

/* Takes BYTES. */
static void add_blob(struct cb_attestation *attestation, char *bytes, const char *type,
                     struct cb_descriptor *out)
{
    struct cb_attestation_blob blob = {.bytes = bytes, .len = strlen(bytes)};

    blob.digest = cb_digest_of(bytes, blob.len);
    *out = (struct cb_descriptor){
        .media_type = xstrdup(type), .digest = blob.digest, .size = (int64_t)blob.len};
    cb_vec_push(&attestation->blobs, blob);
}

static void write_empty_config(struct cb_attestation *attestation,
                               struct cb_writer *writer)
{
    cb_auto_value(cb_descriptor) config = {0};

    add_blob(attestation, xstrdup("{}"), EMPTY_TYPE, &config);
    cb_writer_open(writer, "config", '{');
    cb_writer_string(writer, "mediaType", config.media_type);
    cb_writer_digest(writer, "digest", &config.digest);
    cb_writer_int(writer, "size", config.size);
    cb_writer_string(writer, "data", "e30=");
    cb_writer_close(writer, '}');
}

static void write_image_config(struct cb_attestation *attestation,
                               const struct cb_descriptor *layers, size_t count,
                               struct cb_writer *writer)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_value(cb_descriptor) config = {0};
    struct cb_writer inner = {.out = &text};

    cb_writer_open(&inner, NULL, '{');
    cb_writer_string(&inner, "architecture", "unknown");
    cb_writer_string(&inner, "os", "unknown");
    cb_writer_open(&inner, "config", '{');
    cb_writer_close(&inner, '}');
    cb_writer_open(&inner, "rootfs", '{');
    cb_writer_string(&inner, "type", "layers");
    cb_writer_open(&inner, "diff_ids", '[');
    for (size_t i = 0; i < count; i++)
        cb_writer_digest(&inner, NULL, &layers[i].digest);
    cb_writer_close(&inner, ']');
    cb_writer_close(&inner, '}');
    cb_writer_close(&inner, '}');
    add_blob(attestation, cb_strbuf_steal(&text), CB_MT_OCI_CONFIG, &config);
    cb_descriptor_write(writer, "config", &config);
}

static void write_subject(struct cb_writer *writer, const struct cb_manifest *about)
{
    const struct cb_descriptor subject = {.media_type = about->media_type,
                                          .digest = about->digest,
                                          .size = (int64_t)about->len};

    cb_descriptor_write(writer, "subject", &subject);
}

static void write_manifest(struct cb_attestation *attestation,
                           const struct cb_manifest *about,
                           const struct cb_descriptor *layers, size_t count, int artifact,
                           struct cb_strbuf *out)
{
    struct cb_writer writer = {.out = out};

    cb_writer_open(&writer, NULL, '{');
    cb_writer_int(&writer, "schemaVersion", 2);
    cb_writer_string(&writer, "mediaType", CB_MT_OCI_MANIFEST);
    if (artifact) {
        cb_writer_string(&writer, "artifactType", ARTIFACT_TYPE);
        write_empty_config(attestation, &writer);
    } else {
        write_image_config(attestation, layers, count, &writer);
    }
    cb_writer_open(&writer, "layers", '[');
    for (size_t i = 0; i < count; i++)
        cb_descriptor_write(&writer, NULL, &layers[i]);
    cb_writer_close(&writer, ']');
    if (artifact)
        write_subject(&writer, about);
    cb_writer_close(&writer, '}');
}

static void describe(struct cb_attestation *attestation, const struct cb_digest *about)
{
    struct cb_descriptor *entry = &attestation->entry;
    char text[CB_DIGEST_MAX_TEXT];

    entry->media_type = xstrdup(CB_MT_OCI_MANIFEST);
    entry->digest = attestation->manifest->digest;
    entry->size = (int64_t)attestation->manifest->len;
    entry->platform = (struct cb_platform){.os = "unknown", .arch = "unknown"};
    entry->annotations = json_object();
    json_object_set_new(entry->annotations, REFERENCE_DIGEST,
                        json_string(cb_digest_text(about, text)));
    json_object_set_new(entry->annotations, REFERENCE_TYPE, json_string(IS_ATTESTATION));
}

struct cb_attestation *cb_attestation_make(const struct cb_manifest *about,
                                           const struct cb_subjects *subjects,
                                           const struct cb_statements *statements,
                                           int artifact)
{
    struct cb_attestation *attestation = xcalloc(1, sizeof(*attestation));
    size_t count = statements->count;
    cb_autofree struct cb_descriptor *layers = xcalloc(count + 1, sizeof(*layers));
    cb_auto_value(cb_strbuf) text = {0};

    for (size_t i = 0; i < count; i++) {
        const struct cb_statement *statement = &statements->items[i];

        add_blob(attestation, cb_statement_text(statement, subjects, 0), CB_MT_IN_TOTO,
                 &layers[i]);
        layers[i].annotations = json_object();
        json_object_set_new(layers[i].annotations, CB_ANNOTATION_OF_TYPE,
                            json_string(statement->type));
    }
    write_manifest(attestation, about, layers, count, artifact, &text);
    for (size_t i = 0; i < count; i++)
        cb_descriptor_free(&layers[i]);
    if (cb_manifest_parse(&attestation->manifest, cb_strbuf_text(&text), text.len, NULL,
                          NULL) < 0)
        abort(); /* it is our own */
    describe(attestation, &about->digest);
    return attestation;
}

/* ── In an index ── */

static const char *annotation(const struct cb_descriptor *entry, const char *name)
{
    return json_string_value(json_object_get(entry->annotations, name));
}

int cb_descriptor_is_attestation(const struct cb_descriptor *entry)
{
    const char *type = annotation(entry, REFERENCE_TYPE);

    return strcmp(entry->platform.os, "unknown") == 0 ||
           (type && strcmp(type, IS_ATTESTATION) == 0);
}

int cb_descriptor_about(const struct cb_descriptor *entry, struct cb_digest *about)
{
    const char *digest = annotation(entry, REFERENCE_DIGEST);

    return digest && cb_digest_parse(about, digest, NULL) == 0;
}
