/* Deleting on a registry. Not every registry can delete a tag alone; then the manifest
 * goes, unless other tags lead to it: these would go, too. Blobs are the registry's
 * business. */
#include "registry/pages.h"

#include <string.h>

#define MAX_NAMED 10

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

/* 1: TAG leads to DIGEST. */
static int leads_to(struct cb_registry *registry, const struct cb_repository *repository,
                    const char *tag, const struct cb_digest *digest,
                    struct cb_error **err)
{
    cb_auto_value(cb_document) document = {0};
    cb_auto(cb_error) error = NULL;
    struct cb_digest found;
    int said = cb_document_head(registry, repository, tag, &found, err);

    if (said < 0)
        return -1;
    if (said == 0 &&
        cb_document_get(registry, repository, tag, NULL, &document, &error) < 0)
        return cb_error_kind(error) == CB_ERR_NOT_FOUND ? 0 : cb_error_move(err, &error);
    return cb_digest_equal(said ? &found : &document.digest, digest);
}

/* Names at most MAX_NAMED of them. */
static int find_others(struct cb_registry *registry,
                       const struct cb_repository *repository, const char *tag,
                       const struct cb_digest *digest, struct cb_strbuf *others,
                       struct cb_error **err)
{
    cb_auto_value(cb_strings) tags = {0};
    unsigned count = 0;

    if (cb_repository_tags(registry, repository, &tags, err) < 0)
        return -1;
    cb_vec_foreach (other, &tags) {
        int same = strcmp(*other, tag) != 0
                       ? leads_to(registry, repository, *other, digest, err)
                       : 0;

        if (same < 0)
            return -1;
        if (!same)
            continue;
        if (++count > MAX_NAMED) {
            cb_strbuf_adds(others, " and more");
            break;
        }
        cb_strbuf_addf(others, "%s`%s`", count > 1 ? ", " : "", *other);
    }
    return 0;
}

/* The manifest of a tag that cannot be deleted alone. */
static int check_others(struct cb_registry *registry,
                        const struct cb_repository *repository,
                        const struct cb_reference *reference,
                        const struct cb_digest *digest, struct cb_error **err)
{
    cb_autofree char *name = cb_reference_familiar_name(reference);
    cb_auto_value(cb_strbuf) others = {0};
    char text[CB_DIGEST_MAX_TEXT];

    if (find_others(registry, repository, reference->tag, digest, &others, err) < 0)
        cb_error_wrap(err, "the registry deletes no tag alone, and what else leads to "
                           "the manifest is not known");
    else if (others.len)
        cb_error_set(err, CB_ERR_EXISTS,
                     "the registry deletes no tag alone, and %s would go with it",
                     others.text);
    else
        return 0;
    return cb_error_hint(err,
                         "`cbuild manifest delete %s@%s` deletes the manifest and all "
                         "its tags",
                         name, cb_digest_text(digest, text));
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
        if (check_others(registry, &repository, reference, digest, err) < 0)
            return -1;
    }
    if (call_delete(registry, &repository, cb_digest_text(digest, text), &response, err) <
        0)
        return -1;
    if (response.status / 100 != 2)
        return refused(&repository, &response, err);
    return 0;
}
