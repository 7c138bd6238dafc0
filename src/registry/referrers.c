/* Whom a manifest is about (its `subject`, OCI 1.1) a registry tells in a list of its
 * own, and says OCI-Subject when it takes the manifest. For one that does not, the list
 * is an index under the tag sha256-<hex> of the subject, kept by those who push
 * (distribution-spec, "Pushing Manifests with Subject"). Two who do so at once may lose
 * an entry; the specification takes that into account. */
#include "registry/referrers.h"

#include "base/json.h"

#include <string.h>

/* The member `subject` of DOCUMENT has a digest: 1. */
static int read_subject(const json_t *document, struct cb_digest *out)
{
    const char *text = json_string_value(
        json_object_get(json_object_get(document, "subject"), "digest"));

    return text && cb_digest_parse(out, text, NULL) == 0;
}

/* What a list says of a manifest. */
static json_t *make_entry(const struct cb_document_text *text, const json_t *document)
{
    char digest[CB_DIGEST_MAX_TEXT];
    json_t *kind = json_object_get(document, "artifactType");
    json_t *annotations = json_object_get(document, "annotations");
    json_t *entry =
        json_pack("{s:s, s:s, s:I}", "mediaType", text->media_type, "digest",
                  cb_digest_text(text->digest, digest), "size", (json_int_t)text->len);

    /* Of what is no artifact the config tells. */
    if (!json_is_string(kind))
        kind = json_object_get(json_object_get(document, "config"), "mediaType");
    if (json_is_string(kind))
        json_object_set(entry, "artifactType", kind);
    if (json_is_object(annotations) && json_object_size(annotations))
        json_object_set(entry, "annotations", annotations);
    return entry;
}

static int has_entry(const json_t *manifests, const struct cb_digest *digest)
{
    char text[CB_DIGEST_MAX_TEXT];
    const json_t *entry;
    size_t i;

    cb_digest_text(digest, text);
    json_array_foreach(manifests, i, entry)
    {
        const char *known = json_string_value(json_object_get(entry, "digest"));

        if (known && strcmp(known, text) == 0)
            return 1;
    }
    return 0;
}

/* The list under TAG, or a new one. It is about nothing itself: a `subject` in it would
 * have the next list be kept when this one is sent, and so on. */
static int get_list(struct cb_registry *registry, const struct cb_repository *repository,
                    const char *tag, json_t **out, struct cb_error **err)
{
    cb_auto_value(cb_document) document = {0};
    cb_auto(cb_error) error = NULL;

    if (cb_document_get(registry, repository, tag, NULL, &document, &error) < 0) {
        if (cb_error_kind(error) != CB_ERR_NOT_FOUND)
            return cb_error_move(err, &error);
        *out = json_pack("{s:i, s:s, s:[]}", "schemaVersion", 2, "mediaType",
                         CB_MT_OCI_INDEX, "manifests");
        return 0;
    }
    if (cb_json_parse(out, tag, document.bytes, document.len, CB_MANIFEST_MAX_BYTES,
                      err) < 0)
        return -1;
    json_object_del(*out, "subject");
    if (json_is_array(json_object_get(*out, "manifests")))
        return 0;
    return cb_error_set(err, CB_ERR_INTEGRITY, "the tag `%s` is no list", tag);
}

static int put_list(struct cb_registry *registry, const struct cb_repository *repository,
                    const char *tag, const json_t *list, struct cb_error **err)
{
    cb_autofree char *bytes = cb_json_dump(list);
    struct cb_document_text text = {.media_type = CB_MT_OCI_INDEX, .bytes = bytes};
    struct cb_digest digest;

    text.len = bytes ? strlen(bytes) : 0;
    if (!bytes || text.len > CB_MANIFEST_MAX_BYTES ||
        json_array_size(json_object_get(list, "manifests")) > CB_MAX_INDEX_ENTRIES)
        return cb_error_set(err, CB_ERR_INTEGRITY, "the list `%s` would be too long",
                            tag);
    digest = cb_digest_of(bytes, text.len);
    text.digest = &digest;
    return cb_document_put(registry, repository, tag, &text, err);
}

static int add_to_list(struct cb_registry *registry,
                       const struct cb_repository *repository,
                       const struct cb_document_text *text, const json_t *document,
                       const struct cb_digest *subject, struct cb_error **err)
{
    char hex[CB_DIGEST_MAX_TEXT];
    cb_auto_json *list = NULL;
    cb_autofree char *tag =
        xasprintf("%s-%s", subject->algorithm == CB_SHA512 ? "sha512" : "sha256",
                  cb_digest_hex(subject, hex));
    json_t *manifests;

    tag[strnlen(tag, 128)] = '\0';
    if (get_list(registry, repository, tag, &list, err) < 0)
        return -1;
    manifests = json_object_get(list, "manifests");
    if (has_entry(manifests, text->digest))
        return 0;
    json_array_append_new(manifests, make_entry(text, document));
    return put_list(registry, repository, tag, list, err);
}

int cb_referrers_note(struct cb_registry *registry,
                      const struct cb_repository *repository,
                      const struct cb_document_text *text,
                      const struct cb_http_response *response, struct cb_error **err)
{
    cb_auto_json *document = NULL;
    cb_auto(cb_error) error = NULL;
    struct cb_digest subject;

    if (cb_http_header(response, "OCI-Subject") ||
        cb_json_parse(&document, "manifest", text->bytes, text->len,
                      CB_MANIFEST_MAX_BYTES, NULL) < 0 ||
        !read_subject(document, &subject))
        return 0;
    if (add_to_list(registry, repository, text, document, &subject, &error) == 0)
        return 0;
    if (cb_error_kind(error) == CB_ERR_CANCELED)
        return cb_error_move(err, &error);
    cb_event_say(
        registry->sink, CB_EVENT_WARNING, 0,
        "the registry `%s` lists no referrers, and the list cannot be kept under "
        "a tag: %s",
        repository->endpoint->host, cb_error_message(error));
    return 0;
}
