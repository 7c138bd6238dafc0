/* Manifests, indexes and configs: small, fetched whole, verified before anyone reads
 * them, and kept in the store. What is in the store under its digest is not fetched
 * again. */
#include "registry/registry-priv.h"

#include "registry/referrers.h"
#include "store/content.h"

#include <string.h>
#include <strings.h>

void cb_document_clear(struct cb_document *document)
{
    free(document->bytes);
    free(document->media_type);
    memset(document, 0, sizeof(*document));
}

static struct cb_digest digest_as(enum cb_digest_algorithm algorithm, const char *bytes,
                                  size_t len)
{
    cb_auto(cb_hasher) hasher = cb_hasher_new(algorithm);

    cb_hasher_update(hasher, bytes, len);
    return cb_hasher_finish(hasher);
}

static int verify(const struct cb_descriptor *want, const struct cb_strbuf *body,
                  struct cb_digest *digest, struct cb_error **err)
{
    enum cb_digest_algorithm algorithm =
        want && want->digest.algorithm ? want->digest.algorithm : CB_SHA256;
    char wanted[CB_DIGEST_MAX_TEXT], got[CB_DIGEST_MAX_TEXT];

    if (want && want->size >= 0 && (int64_t)body->len != want->size)
        return cb_error_set(err, CB_ERR_INTEGRITY, "%s: %zu bytes instead of %lld",
                            cb_digest_text(&want->digest, wanted), body->len,
                            (long long)want->size);
    *digest = digest_as(algorithm, cb_strbuf_text(body), body->len);
    if (want && !cb_digest_equal(digest, &want->digest))
        return cb_error_set(
            err, CB_ERR_INTEGRITY, "content does not match: wanted %s, got %s",
            cb_digest_text(&want->digest, wanted), cb_digest_text(digest, got));
    return 0;
}

/* Docker-Content-Digest is only a hint, but one that lies is not a registry to trust. */
static int verify_hint(const struct cb_http_response *response,
                       const struct cb_strbuf *body, struct cb_error **err)
{
    const char *hint = cb_http_header(response, "Docker-Content-Digest");
    struct cb_digest claimed, digest;
    char got[CB_DIGEST_MAX_TEXT];

    if (!hint)
        return 0;
    if (cb_digest_parse(&claimed, hint, err) < 0)
        return cb_error_wrap(err, "Docker-Content-Digest");
    digest = digest_as(claimed.algorithm, cb_strbuf_text(body), body->len);
    if (!cb_digest_equal(&claimed, &digest))
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "Docker-Content-Digest is %.200s, the content has %s", hint,
                            cb_digest_text(&digest, got));
    return 0;
}

static int from_store(struct cb_registry *registry, const struct cb_digest *digest,
                      struct cb_strbuf *out)
{
    int64_t size;

    return cb_content_has(registry->store, digest, &size) > 0 &&
           cb_content_read(registry->store, digest, CB_MANIFEST_MAX_BYTES, out, NULL) ==
               0;
}

/* Under the digest that it was asked for by: it is looked for by that again. */
static int keep(struct cb_registry *registry, const struct cb_digest *digest,
                const struct cb_strbuf *body, struct cb_error **err)
{
    cb_auto(cb_blob_writer) writer = NULL;
    struct cb_digest kept;
    int present;

    if (digest->algorithm == CB_SHA256)
        return cb_content_put(registry->store, cb_strbuf_text(body), body->len, &kept,
                              err);
    if (cb_blob_writer_open(registry->store,
                            &(struct cb_blob_wanted){.digest = digest,
                                                     .size = (int64_t)body->len,
                                                     .cancel = registry->cancel,
                                                     .from_start = 1},
                            &writer, &present, err) < 0)
        return -1;
    if (present)
        return 0;
    if (cb_blob_writer_write(writer, cb_strbuf_text(body), body->len, err) < 0)
        return -1;
    return cb_blob_commit(&writer, NULL, NULL, err);
}

/* "application/json; charset=utf-8" → NULL unless it is a type of a manifest. */
static char *manifest_type(const char *content_type)
{
    cb_autofree char *type = NULL;
    enum cb_media_kind kind;

    if (!content_type)
        return NULL;
    type = xstrndup(content_type, strcspn(content_type, "; \t"));
    kind = cb_media_kind(type);
    if (kind == CB_MEDIA_INDEX || kind == CB_MEDIA_MANIFEST ||
        strstr(type, "manifest.v1+"))
        return cb_steal(&type);
    return NULL;
}

static void add_accept(struct cb_strings *headers)
{
    cb_strings_add(headers, "Accept: " CB_MT_OCI_INDEX);
    cb_strings_add(headers, "Accept: " CB_MT_OCI_MANIFEST);
    cb_strings_add(headers, "Accept: " CB_MT_DOCKER_LIST);
    cb_strings_add(headers, "Accept: " CB_MT_DOCKER_MANIFEST);
    cb_strings_add(headers, "Accept: */*");
}

static int call_manifest(struct cb_registry *registry,
                         const struct cb_repository *repository, const char *method,
                         const char *name, struct cb_http_response *response,
                         struct cb_error **err)
{
    cb_auto_value(cb_strings) headers = {0};
    cb_autofree char *url = cb_repository_url(repository, "manifests", name);
    struct cb_http_request request = {.method = method,
                                      .url = url,
                                      .headers = &headers,
                                      .max_body = CB_MANIFEST_MAX_BYTES};

    add_accept(&headers);
    return cb_registry_call(registry, repository->endpoint, repository->scope, &request,
                            response, err);
}

/* Unless the server's own words say so already. */
static const char *not_found(const char *words)
{
    return strcasestr(words, "not found") ? "" : " not found";
}

/* The texts users know from docker. */
static int manifest_refused(const struct cb_repository *repository, const char *name,
                            const struct cb_http_response *response,
                            struct cb_error **err)
{
    cb_autofree char *code = cb_registry_error_code(response);
    struct cb_reference reference = {.host = repository->endpoint->host,
                                     .path = (char *)repository->path};
    cb_autofree char *familiar = cb_reference_familiar_name(&reference);
    cb_auto(cb_error) cause = NULL;

    cb_registry_refused(repository->endpoint, response, &cause);
    if (response->status == 401 || response->status == 403)
        return cb_error_set(err, CB_ERR_NOT_FOUND,
                            "pull access denied for %s, repository does not exist or may "
                            "require `cbuild login`: %s",
                            familiar, cb_error_message(cause));
    if (response->status == 404 && code && strcmp(code, "name unknown") == 0)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "repository %s%s: %s", familiar,
                            not_found(cb_error_message(cause)), cb_error_message(cause));
    if (response->status == 404) {
        const char *why = code ? cb_error_message(cause) : "manifest unknown";

        cb_error_set(err, CB_ERR_NOT_FOUND, "manifest for %s%s%s%s: %s", familiar,
                     strchr(name, ':') ? "@" : ":", name, not_found(why), why);
        return strncmp(name, "sha512:", 7) == 0
                   ? cb_error_hint(err, "many registries know manifests by their sha256 "
                                        "digests alone")
                   : -1;
    }
    return cb_error_move(err, &cause);
}

int cb_document_get(struct cb_registry *registry, const struct cb_repository *repository,
                    const char *tag, const struct cb_descriptor *want,
                    struct cb_document *out, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) kept = {0};
    cb_auto_value(cb_http_response) response = {0};
    char text[CB_DIGEST_MAX_TEXT];
    const char *name = want ? cb_digest_text(&want->digest, text) : tag;
    struct cb_digest digest;

    if (want && want->size > (int64_t)CB_MANIFEST_MAX_BYTES)
        return cb_error_set(err, CB_ERR_INTEGRITY, "manifest %s: over %u bytes", name,
                            CB_MANIFEST_MAX_BYTES);
    if (want && cb_layout_provide(registry, repository, want, err) < 0)
        return -1;
    if (want && from_store(registry, &want->digest, &kept)) {
        if (verify(want, &kept, &digest, err) < 0)
            return -1;
        out->media_type = xstrdup(want->media_type);
    } else {
        if (!repository || repository->layout)
            return cb_error_set(err, CB_ERR_NOT_FOUND, "%s is not in the store", name);
        if (call_manifest(registry, repository, "GET", name, &response, err) < 0)
            return -1;
        if (response.status != 200)
            return manifest_refused(repository, name, &response, err);
        if (verify(want, &response.body, &digest, err) < 0 ||
            verify_hint(&response, &response.body, err) < 0)
            return cb_error_wrap(err, "manifest %s", name);
        if (keep(registry, &digest, &response.body, err) < 0)
            return -1;
        out->media_type = manifest_type(cb_http_header(&response, "Content-Type"));
        if (!out->media_type && want)
            out->media_type = xstrdup(want->media_type);
    }
    out->len = kept.len ? kept.len : response.body.len;
    out->bytes = cb_strbuf_steal(kept.len ? &kept : &response.body);
    out->digest = digest;
    return 0;
}

int cb_document_head(struct cb_registry *registry, const struct cb_repository *repository,
                     const char *tag, struct cb_digest *out, struct cb_error **err)
{
    cb_auto_value(cb_http_response) response = {0};
    const char *digest;

    if (call_manifest(registry, repository, "HEAD", tag, &response, err) < 0)
        return -1;
    digest = cb_http_header(&response, "Docker-Content-Digest");
    return response.status == 200 && digest && cb_digest_parse(out, digest, NULL) == 0;
}

static int get_config(struct cb_registry *registry,
                      const struct cb_repository *repository,
                      const struct cb_descriptor *want, struct cb_http_response *response,
                      struct cb_error **err)
{
    struct cb_http_request request = {.method = "GET", .max_body = want->size};
    cb_autofree char *url = NULL;
    char text[CB_DIGEST_MAX_TEXT];

    cb_digest_text(&want->digest, text);
    if (!repository || repository->layout)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "%s is not in the store", text);
    url = cb_repository_url(repository, "blobs", text);
    request.url = url;
    if (cb_registry_call(registry, repository->endpoint, repository->scope, &request,
                         response, err) < 0)
        return -1;
    return response->status == 200
               ? 0
               : cb_registry_refused(repository->endpoint, response, err);
}

/* Of several that pull an image one asks, and the others wait for it. */
static int fetch_config(struct cb_registry *registry,
                        const struct cb_repository *repository,
                        const struct cb_descriptor *want, struct cb_error **err)
{
    cb_auto_value(cb_http_response) response = {0};
    cb_auto(cb_blob_writer) writer = NULL;
    struct cb_digest digest;
    int present;

    if (cb_blob_writer_open(registry->store,
                            &(struct cb_blob_wanted){.digest = &want->digest,
                                                     .size = want->size,
                                                     .cancel = registry->cancel,
                                                     .from_start = 1},
                            &writer, &present, err) < 0)
        return -1;
    if (present)
        return 0;
    if (get_config(registry, repository, want, &response, err) < 0 ||
        verify(want, &response.body, &digest, err) < 0 ||
        cb_blob_writer_write(writer, cb_strbuf_text(&response.body), response.body.len,
                             err) < 0)
        return -1;
    return cb_blob_commit(&writer, NULL, NULL, err);
}

int cb_document_config(struct cb_registry *registry,
                       const struct cb_repository *repository,
                       const struct cb_descriptor *want, char **bytes, size_t *len,
                       struct cb_error **err)
{
    cb_auto_value(cb_strbuf) body = {0};
    struct cb_digest digest;
    char text[CB_DIGEST_MAX_TEXT];

    cb_digest_text(&want->digest, text);
    if (want->size > (int64_t)CB_MANIFEST_MAX_BYTES)
        return cb_error_set(err, CB_ERR_INTEGRITY, "config %s: over %u bytes", text,
                            CB_MANIFEST_MAX_BYTES);
    if (cb_layout_provide(registry, repository, want, err) < 0 ||
        (!from_store(registry, &want->digest, &body) &&
         (fetch_config(registry, repository, want, err) < 0 ||
          cb_content_read(registry->store, &want->digest, CB_MANIFEST_MAX_BYTES, &body,
                          err) < 0)))
        return cb_error_wrap(err, "config %s", text);
    if (verify(want, &body, &digest, err) < 0)
        return cb_error_wrap(err, "config");
    *len = body.len;
    *bytes = cb_strbuf_steal(&body);
    return 0;
}

int cb_document_put(struct cb_registry *registry, const struct cb_repository *repository,
                    const char *tag, const struct cb_document_text *document,
                    struct cb_error **err)
{
    const struct cb_digest *digest = document->digest;
    char text[CB_DIGEST_MAX_TEXT];
    cb_autofree char *url = cb_repository_url(repository, "manifests",
                                              tag ? tag : cb_digest_text(digest, text));
    cb_auto_value(cb_strings) headers = {0};
    cb_auto_value(cb_http_response) response = {0};
    struct cb_http_request request = {.method = "PUT",
                                      .url = url,
                                      .headers = &headers,
                                      .body = document->bytes,
                                      .body_size = (int64_t)document->len};
    const char *stored;

    cb_strings_addf(&headers, "Content-Type: %s", document->media_type);
    if (cb_registry_call(registry, repository->endpoint, repository->scope, &request,
                         &response, err) < 0)
        return -1;
    if (response.status / 100 != 2)
        return cb_registry_refused(repository->endpoint, &response, err);
    stored = cb_http_header(&response, "Docker-Content-Digest");
    if (stored && strcmp(stored, cb_digest_text(digest, text)) != 0)
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "sent manifest %s, the registry stored %.200s", text, stored);
    return cb_referrers_note(registry, repository, document, &response, err);
}

struct named {
    struct cb_registry *registry;
    const struct cb_reference *reference;
    struct cb_strbuf *out;
};

static int get_named(void *arg, const struct cb_repository *repository,
                     struct cb_error **err)
{
    const struct named *named = arg;
    const struct cb_descriptor want = {.digest = named->reference->digest, .size = -1};
    cb_auto_value(cb_document) document = {0};

    if (cb_document_get(named->registry, repository, named->reference->tag,
                        cb_digest_is_set(&want.digest) ? &want : NULL, &document,
                        err) < 0)
        return -1;
    cb_strbuf_add(named->out, document.bytes, document.len);
    return 0;
}

int cb_registry_document(struct cb_registry *registry,
                         const struct cb_reference *reference, struct cb_strbuf *out,
                         struct cb_error **err)
{
    struct named named = {registry, reference, out};

    return cb_places_try(registry, reference, get_named, &named, err);
}
