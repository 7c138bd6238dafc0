/* GET /v2/<name>/tags/list, page by page: Link leads on, a few hundred times at most. */
#include "registry/registry-priv.h"

#include "base/json.h"
#include "registry/challenge.h"

#include <string.h>

#define MAX_PAGES 1000
#define MAX_TAGS  100000

static int read_page(const struct cb_http_response *response, struct cb_strings *tags,
                     struct cb_error **err)
{
    cb_auto_json *document = NULL;
    struct cb_json root, list;

    if (cb_json_parse(&document, "tags", cb_strbuf_text(&response->body),
                      response->body.len, CB_MANIFEST_MAX_BYTES, err) < 0)
        return -1;
    root = cb_json_root(document, "tags");
    list = cb_json_member(&root, "tags");
    if (cb_json_expect_object(&root, err) < 0)
        return -1;
    return cb_json_strings(&list, MAX_TAGS, tags, err);
}

/* The next page's URL; NULL at the end. Only the registry itself is followed. */
static char *next_page(const struct cb_http_response *response, const char *url)
{
    const char *link = cb_http_header(response, "Link");
    cb_autofree char *target = link ? cb_link_next(link) : NULL;
    cb_autofree char *next = target ? cb_url_resolve(url, target) : NULL;

    return next && cb_url_same_origin(url, next) ? cb_steal(&next) : NULL;
}

static int read_pages(struct cb_registry *registry,
                      const struct cb_repository *repository, struct cb_strings *tags,
                      struct cb_error **err)
{
    cb_autofree char *url =
        xasprintf("%s/v2/%s/tags/list", repository->endpoint->base, repository->path);

    for (int page = 0; page < MAX_PAGES && tags->count < MAX_TAGS; page++) {
        cb_auto_value(cb_http_response) response = {0};
        struct cb_http_request request = {
            .method = "GET", .url = url, .max_body = CB_MANIFEST_MAX_BYTES};
        char *next;

        if (cb_registry_call(registry, repository->endpoint, repository->scope, &request,
                             &response, err) < 0)
            return -1;
        if (response.status != 200)
            return cb_registry_refused(repository->endpoint, &response, err);
        if (read_page(&response, tags, err) < 0)
            return -1;
        next = next_page(&response, url);
        if (next && strcmp(next, url) == 0) {
            free(next);
            break;
        }
        free(url);
        url = next;
        if (!url)
            return 0;
    }
    return cb_error_set(err, CB_ERR_INTEGRITY, "the list of tags does not end");
}

int cb_registry_tags(struct cb_registry *registry, const char *name,
                     struct cb_strings *tags, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_auto_value(cb_strings) found = {0};
    cb_auto_value(cb_place) place = {0};
    struct cb_repository repository;

    if (cb_reference_parse(&reference, name, err) < 0)
        return -1;
    if (cb_place_own(registry, reference, "pull", &place, err) < 0 ||
        cb_place_open(registry, &place, &repository, err) < 0)
        return -1;
    if (read_pages(registry, &repository, &found, err) < 0)
        return cb_error_wrap(err, "tags of %s", name);
    for (size_t i = 0; i < found.count; i++)
        cb_strings_add(tags, found.items[i]);
    return 0;
}
