/* Deleting on a registry. Not every registry can delete a tag alone; then the manifest
 * goes, and every tag that leads to it. Blobs are the registry's business. */
#include "registry/registry-priv.h"

#include <string.h>

static int call_delete(struct cb_registry *registry,
                       const struct cb_repository *repository, const char *name,
                       struct cb_http_response *response, struct cb_error **err)
{
    cb_autofree char *url = cb_repository_url(repository, "manifests", name);
    struct cb_http_request request = {.method = "DELETE", .url = url};

    return cb_registry_call(registry, repository->endpoint, repository->scope, &request,
                            response, err);
}

static int refused(const struct cb_repository *repository,
                   const struct cb_http_response *response, struct cb_error **err)
{
    cb_registry_refused(repository->endpoint, response, err);
    if (response->status == 405)
        return cb_error_hint(err, "the registry `%s` does not allow to delete",
                             repository->endpoint->host);
    return -1;
}

/* 1 deleted, 0 the registry cannot delete tags. */
static int delete_tag(struct cb_registry *registry,
                      const struct cb_repository *repository, const char *tag,
                      struct cb_error **err)
{
    cb_auto_value(cb_http_response) response = {0};

    if (call_delete(registry, repository, tag, &response, err) < 0)
        return -1;
    if (response.status / 100 == 2)
        return 1;
    if (response.status == 400 || response.status == 404 || response.status == 405)
        return 0;
    return refused(repository, &response, err);
}

int cb_registry_delete(struct cb_registry *registry, const char *name,
                       struct cb_digest *digest, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_auto_value(cb_place) place = {0};
    cb_auto_value(cb_http_response) response = {0};
    cb_auto_value(cb_document) document = {0};
    struct cb_repository repository;
    char text[CB_DIGEST_MAX_TEXT];
    int done;

    if (cb_reference_parse(&reference, name, err) < 0 ||
        cb_place_own(registry, reference, "pull,push,delete", &place, err) < 0 ||
        cb_place_open(registry, &place, &repository, err) < 0)
        return -1;
    if (!reference->tag && !cb_digest_is_set(&reference->digest)) {
        cb_error_set(err, CB_ERR_USAGE, "`%s`: say which tag or digest", name);
        return cb_error_hint(err, "`cbuild search --list-tags %s` lists the tags", name);
    }
    *digest = reference->digest;
    if (!cb_digest_is_set(digest)) {
        if (cb_document_get(registry, &repository, reference->tag, NULL, &document, err) <
            0)
            return -1;
        *digest = document.digest;
        done = delete_tag(registry, &repository, reference->tag, err);
        if (done)
            return done < 0 ? -1 : 0;
    }
    if (call_delete(registry, &repository, cb_digest_text(digest, text), &response, err) <
        0)
        return -1;
    if (response.status / 100 != 2)
        return refused(&repository, &response, err);
    return reference->tag && !cb_digest_is_set(&reference->digest);
}
