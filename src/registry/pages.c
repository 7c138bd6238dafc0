/* Link leads on from page to page, a thousand times at most and never to another origin:
 * a registry behind a proxy may not know its own name, so only the path and the query of
 * what it says are taken. */
#include "registry/pages.h"

#include "base/json.h"
#include "registry/challenge.h"

#include <string.h>

#define MAX_PAGES 1000
#define MAX_NAMES 100000

static int read_page(const struct cb_http_response *response, const char *member,
                     struct cb_strings *out, struct cb_error **err)
{
    cb_auto_json *document = NULL;
    struct cb_json root, list;

    if (cb_json_parse(&document, member, cb_strbuf_text(&response->body),
                      response->body.len, CB_MANIFEST_MAX_BYTES, err) < 0)
        return -1;
    root = cb_json_root(document, member);
    list = cb_json_member(&root, member);
    if (cb_json_expect_object(&root, err) < 0)
        return -1;
    return cb_json_strings(&list, MAX_NAMES, out, err);
}

/* The next page's URL; NULL at the end. */
static char *next_page(const struct cb_http_response *response, const char *url)
{
    const char *link = cb_http_header(response, "Link");
    cb_autofree char *target = link ? cb_link_next(link) : NULL;
    cb_autofree char *next = target ? cb_url_resolve(url, target) : NULL;
    cb_auto_value(cb_url) parts = {0};
    size_t origin = (size_t)(strstr(url, "://") + 3 - url);

    if (!next || cb_url_same_origin(url, next))
        return cb_steal(&next);
    if (cb_url_parse(&parts, next, NULL) < 0)
        return NULL;
    origin += strcspn(url + origin, "/?");
    return xasprintf("%.*s%s", (int)origin, url, parts.rest);
}

int cb_registry_pages(const struct cb_access *access, const char *first,
                      const char *member, struct cb_strings *out, struct cb_error **err)
{
    cb_autofree char *url = xstrdup(first);

    for (int page = 0; page < MAX_PAGES && out->count < MAX_NAMES; page++) {
        cb_auto_value(cb_http_response) response = {0};
        struct cb_http_request request = {
            .method = "GET", .url = url, .max_body = CB_MANIFEST_MAX_BYTES};
        char *next;

        if (cb_registry_call(access->registry, access->endpoint, access->scope, &request,
                             &response, err) < 0)
            return -1;
        if (response.status != 200)
            return cb_registry_refused(access->endpoint, &response, err);
        if (read_page(&response, member, out, err) < 0)
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
    return cb_error_set(err, CB_ERR_INTEGRITY, "the list of %s does not end", member);
}

int cb_repository_tags(struct cb_registry *registry,
                       const struct cb_repository *repository, struct cb_strings *out,
                       struct cb_error **err)
{
    const struct cb_access access = {registry, repository->endpoint, repository->scope};
    cb_autofree char *url =
        xasprintf("%s/v2/%s/tags/list", repository->endpoint->base, repository->path);

    return cb_registry_pages(&access, url, "tags", out, err);
}
