/* GET /v1/search is docker.io's (at index.docker.io) and a few others'; distribution-spec
 * registries have /v2/_catalog at most, which is read page by page and searched here. */
#include "registry/search.h"

#include "base/json.h"
#include "registry/pages.h"
#include "registry/registry-priv.h"

#include <string.h>

#define SEARCH_MAX_BYTES (4 << 20)
#define MAX_HITS         1000
#define SEARCH_HOST      "index.docker.io"

void cb_search_hits_clear(struct cb_search_hits *hits)
{
    for (size_t i = 0; i < hits->count; i++) {
        free(hits->items[i].name);
        free(hits->items[i].description);
    }
    cb_vec_free(hits);
}

static int read_hit(const struct cb_json *item, struct cb_search_hits *hits,
                    struct cb_error **err)
{
    struct cb_json name = cb_json_member(item, "name");
    struct cb_json description = cb_json_member(item, "description");
    struct cb_json stars = cb_json_member(item, "star_count");
    struct cb_json official = cb_json_member(item, "is_official");
    struct cb_search_hit hit = {0};
    const char *name_text, *description_text;

    if (cb_json_expect_object(item, err) < 0 ||
        cb_json_required_string(&name, &name_text, err) < 0 ||
        cb_json_string(&description, &description_text, err) < 0 ||
        cb_json_int64(&stars, &hit.stars, err) < 0 ||
        cb_json_bool(&official, &hit.official, err) < 0)
        return -1;
    hit.name = xstrdup(name_text);
    hit.description = xstrdup(description_text ? description_text : "");
    cb_vec_push(hits, hit);
    return 0;
}

static int read_results(const struct cb_http_response *response, unsigned limit,
                        struct cb_search_hits *hits, struct cb_error **err)
{
    cb_auto_json *document = NULL;
    struct cb_json root, results, all;
    int64_t total = 0;
    size_t count;

    if (cb_json_parse(&document, "search", cb_strbuf_text(&response->body),
                      response->body.len, SEARCH_MAX_BYTES, err) < 0)
        return -1;
    root = cb_json_root(document, "search");
    results = cb_json_member(&root, "results");
    all = cb_json_member(&root, "num_results");
    if (cb_json_expect_object(&root, err) < 0 || cb_json_int64(&all, &total, err) < 0 ||
        cb_json_count(&results, MAX_HITS, &count, err) < 0)
        return -1;
    hits->are_more = count > limit || total > (int64_t)count;
    for (size_t i = 0; i < count && hits->count < limit; i++) {
        struct cb_json item = cb_json_item(&results, i);

        if (read_hit(&item, hits, err) < 0)
            return -1;
    }
    return 0;
}

/* 1 done, 0: this registry has no search, -1. */
static int ask_search(struct cb_registry *registry, const struct cb_endpoint *endpoint,
                      const char *term, unsigned limit, struct cb_search_hits *hits,
                      struct cb_error **err)
{
    cb_auto_value(cb_http_response) response = {0};
    cb_auto_value(cb_strbuf) url = {0};
    struct cb_http_request request = {.method = "GET", .max_body = SEARCH_MAX_BYTES};

    cb_strbuf_addf(&url, "%s/v1/search?n=%u&q=", endpoint->base, limit);
    cb_url_encode(&url, term);
    request.url = cb_strbuf_text(&url);
    if (cb_registry_call(registry, endpoint, "", &request, &response, err) < 0)
        return -1;
    if (response.status == 404 || response.status == 405)
        return 0;
    if (response.status != 200)
        return cb_registry_refused(endpoint, &response, err);
    return read_results(&response, limit, hits, err) < 0 ? -1 : 1;
}

static int search_catalog(struct cb_registry *registry,
                          const struct cb_endpoint *endpoint, const char *term,
                          unsigned limit, struct cb_search_hits *hits,
                          struct cb_error **err)
{
    const struct cb_access access = {registry, endpoint, "registry:catalog:*"};
    cb_auto_value(cb_strings) names = {0};
    cb_autofree char *url = xasprintf("%s/v2/_catalog", endpoint->base);

    if (cb_registry_pages(&access, url, "repositories", &names, err) < 0) {
        cb_error_wrap(err, "registry %s has no search and shows no catalog",
                      endpoint->host);
        return -1;
    }
    for (size_t i = 0; i < names.count && !hits->are_more; i++) {
        struct cb_search_hit hit = {0};

        if (!strstr(names.items[i], term))
            continue;
        hits->are_more = hits->count == limit;
        if (hits->are_more)
            break;
        hit.name = xstrdup(names.items[i]);
        hit.description = xstrdup("");
        cb_vec_push(hits, hit);
    }
    return 0;
}

int cb_registry_search(struct cb_registry *registry, const char *host, const char *term,
                       unsigned limit, struct cb_search_hits *hits, struct cb_error **err)
{
    const struct cb_endpoint *endpoint;
    int found;

    if (cb_endpoint_get(registry, strcmp(host, "docker.io") == 0 ? SEARCH_HOST : host,
                        &endpoint, err) < 0)
        return -1;
    found = ask_search(registry, endpoint, term, limit, hits, err);
    if (found)
        return found < 0 ? cb_error_wrap(err, "search %s", host) : 0;
    return search_catalog(registry, endpoint, term, limit, hits, err);
}
