/* cbuild search: repositories of docker.io or of another registry, and their tags. */
#include "commands/commands.h"

#include "commands/access.h"
#include "commands/filter.h"
#include "commands/listing.h"
#include "registry/search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DESCRIPTION_WIDTH 45
#define LIMIT_MAX         10000 /* rows */

struct values {
    struct cb_access_values access;
    const char *format;
    struct cb_strings filters, insecure;
    unsigned limit;
    int list_tags, no_trunc, tls_verify;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_listing_field hit_fields[] = {{"Name", "NAME"},
                                                     {"Description", "DESCRIPTION"},
                                                     {"StarCount", "STARS"},
                                                     {"IsOfficial", "OFFICIAL"},
                                                     {0}};
static const struct cb_listing hit_listing = {
    hit_fields, "{{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}", NULL};
static const struct cb_listing_field tag_fields[] = {
    {"Name", "NAME"}, {"Tag", "TAG"}, {0}};
static const struct cb_listing tag_listing = {tag_fields, "{{.Name}}\t{{.Tag}}", NULL};

static int has_stars(const void *thing, const char *value)
{
    const struct cb_search_hit *hit = thing;

    return hit->stars >= strtoll(value, NULL, 10);
}

static int is_official(const void *thing, const char *value)
{
    const struct cb_search_hit *hit = thing;

    return hit->official == cb_filter_is_true(value);
}

static const struct cb_filter_key filters[] = {
    {"is-automated", NULL, CB_FILTER_LISTS | CB_FILTER_BOOL,
     NULL}, /* registries do not tell */
    {"is-official", is_official, CB_FILTER_LISTS | CB_FILTER_BOOL, NULL},
    {"stars", has_stars, CB_FILTER_LISTS | CB_FILTER_NUMBER | CB_FILTER_ALL_HOLD, NULL},
    {0},
};

/* "host/term", "term": docker.io. Caller frees HOST. */
static const char *split_host(const char *text, char **host)
{
    const char *slash = strchr(text, '/');
    cb_autofree char *first = slash ? xstrndup(text, (size_t)(slash - text)) : NULL;

    if (first && (strpbrk(first, ".:") || strcmp(first, "localhost") == 0)) {
        *host = cb_steal(&first);
        return slash + 1;
    }
    *host = xstrdup("docker.io");
    return text;
}

/* One line, cut at a width as docker does. */
static json_t *description_of(const struct cb_search_hit *hit, int no_trunc)
{
    cb_auto_value(cb_strbuf) escaped = {0};
    size_t points = 0;
    char *text;

    cb_strbuf_add_escaped(&escaped, hit->description, strlen(hit->description), 1);
    text = escaped.text ? escaped.text : (char *)"";

    for (char *p = text; *p; p++) {
        if (*p == '\n' || *p == '\r' || *p == '\t')
            *p = ' ';
        if (((unsigned char)*p & 0xc0) != 0x80 && ++points > DESCRIPTION_WIDTH &&
            !no_trunc) {
            cb_autofree char *cut = xasprintf("%.*s…", (int)(p - text - 1), text);

            return json_string(cut);
        }
    }
    return json_string(text);
}

static json_t *hits_json(const struct cb_search_hits *hits, const char *host,
                         const struct cb_strings *given, int no_trunc)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < hits->count; i++) {
        const struct cb_search_hit *hit = &hits->items[i];
        cb_autofree char *stars = xasprintf("%lld", (long long)hit->stars);
        cb_autofree char *name = strcmp(host, "docker.io") == 0
                                     ? xstrdup(hit->name)
                                     : xasprintf("%s/%s", host, hit->name);
        json_t *description;

        if (!cb_filter_takes(filters, given, hit))
            continue;
        description = description_of(hit, no_trunc);
        json_array_append_new(
            rows, json_pack("{s:s*,s:o*,s:s,s:s}", "Name", name, "Description",
                            description ? description : json_string(""), "StarCount",
                            stars, "IsOfficial", hit->official ? "[OK]" : ""));
    }
    return rows;
}

static int search(struct cb_registry *registry, const struct values *values,
                  const char *text, struct cb_error **err)
{
    cb_auto_value(cb_search_hits) hits = {0};
    cb_auto_json *rows = NULL;
    cb_autofree char *host = NULL;
    const char *term = split_host(text, &host);

    if (cb_filter_check(filters, CB_FILTER_LISTS, &values->filters, err) < 0 ||
        cb_listing_check(&hit_listing, values->format, err) < 0 ||
        cb_registry_search(registry, host, term, values->limit, &hits, err) < 0)
        return -1;
    rows = hits_json(&hits, host, &values->filters, values->no_trunc);
    if (cb_listing_print(&hit_listing, values->format, rows, err) < 0)
        return -1;
    if (hits.are_more)
        fprintf(stderr, "there are more than these %zu: --limit shows others\n",
                hits.count);
    return 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_tags(struct cb_registry *registry, const struct values *values,
                     const char *name, struct cb_error **err)
{
    cb_auto_value(cb_strings) tags = {0};
    cb_auto_json *rows = json_array();

    if (cb_listing_check(&tag_listing, values->format, err) < 0 ||
        cb_registry_tags(registry, name, &tags, err) < 0)
        return -1;
    /* The order that the specification asks for and not every registry keeps. */
    qsort(tags.items, tags.count, sizeof(*tags.items), compare);
    for (size_t i = 0; i < tags.count && i < values->limit; i++)
        json_array_append_new(rows,
                              json_pack("{s:s,s:s}", "Name", name, "Tag", tags.items[i]));
    if (cb_listing_print(&tag_listing, values->format, rows, err) < 0)
        return -1;
    if (tags.count > values->limit)
        fprintf(stderr, "%u of %zu tags: --limit %zu shows all\n", values->limit,
                tags.count, tags.count);
    return 0;
}

static const struct cb_option options[] = {
    CB_ACCESS_AUTHFILE(struct values, access),
    CB_ACCESS_CERT_DIR(struct values, access),
    CB_ACCESS_CREDS(struct values, access),
    {"filter", 'f', CB_OPTION_LIST, AT(filters), "FILTER",
     "stars=NUMBER (at least), is-official=true|false"},
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT",
     "table, json, or a Go template: {{.Name}}"},
    {"insecure-registry", 0, CB_OPTION_LIST, AT(insecure), "HOST",
     "Reach this registry by plain http or with an unverified certificate"},
    {"limit", 0, CB_OPTION_UNSIGNED, AT(limit), "N", "Show at most so many (default 25)"},
    {"list-tags", 0, CB_OPTION_FLAG, AT(list_tags), NULL,
     "List the tags of the repository TERM instead"},
    {"no-trunc", 0, CB_OPTION_FLAG, AT(no_trunc), NULL, "Do not shorten descriptions"},
    {"tls-verify", 0, CB_OPTION_FLAG, AT(tls_verify), NULL,
     "Verify certificates (default true)"},
    {0},
};

/* --creds are for the registry that is searched, and no other. */
static int apply_access(struct cb_app *app, const struct values *values, const char *term,
                        struct cb_error **err)
{
    cb_autofree char *host = NULL;

    if (cb_access_apply(&values->access, app, err) < 0)
        return -1;
    if (!values->access.creds)
        return 0;
    split_host(term, &host);
    return cb_access_login(app, "--creds", values->access.creds, host, err);
}

static int search_or_list(struct cb_app *app, const struct values *values,
                          const char *term, struct cb_error **err)
{
    cb_auto(cb_registry) registry = NULL;
    const struct cb_registry_options how = {.insecure = &values->insecure,
                                            .tls_verify = values->tls_verify};
    char limit[16];

    if (values->limit < 1 || values->limit > LIMIT_MAX) {
        snprintf(limit, sizeof(limit), "%u", values->limit);
        return cb_error_argument(err, limit, "--limit", "expected a number from 1 to %d",
                                 LIMIT_MAX);
    }
    if (apply_access(app, values, term, err) < 0 ||
        cb_app_registry(app, &how, &registry, err) < 0)
        return -1;
    return values->list_tags ? list_tags(registry, values, term, err)
                             : search(registry, values, term, err);
}

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    struct values *values = given;

    return search_or_list(app, values, args->items[0], err);
}

const struct cb_cli_command cb_search_command = {
    .name = "search",
    .summary = "Look for images in a registry",
    .usage = "search [OPTIONS] [HOST/]TERM",
    .about = "Without HOST docker.io is searched. A registry that has no search shows\n"
             "what of its catalog holds TERM.",
    .options = options,
    .filters = filters,
    .filter_flag = CB_FILTER_LISTS,
    .values_size = sizeof(struct values),
    .defaults = &(const struct values){.tls_verify = 1, .limit = 25},
    .min_args = 1,
    .max_args = 1,
    .act = run,
    .stays_out = 1,
};
