/* cbuild images. */
#include "commands/commands.h"

#include "base/glob.h"
#include "base/timestamp.h"
#include "commands/image-filter.h"
#include "commands/images-tree.h"
#include "commands/listing.h"
#include "commands/table.h"

#include <stdio.h>
#include <string.h>

struct values {
    const char *format;
    struct cb_strings filters;
    int all, quiet, no_trunc, digests, tree;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"all", 'a', CB_OPTION_FLAG, AT(all), NULL, "Show untagged images too"},
    {"digests", 0, CB_OPTION_FLAG, AT(digests), NULL,
     "Show the digests known to registries"},
    {"filter", 'f', CB_OPTION_LIST, AT(filters), "FILTER",
     "dangling=true|false, label=KEY[=VALUE], label!=KEY[=VALUE], before=IMAGE, "
     "since=IMAGE, until=TIME, reference=PATTERN"},
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT",
     "table, json, or a Go template: {{.Repository}}:{{.Tag}}"},
    {"no-trunc", 0, CB_OPTION_FLAG, AT(no_trunc), NULL, "Do not shorten ids"},
    {"quiet", 'q', CB_OPTION_FLAG, AT(quiet), NULL, "Print ids only"},
    {"tree", 0, CB_OPTION_FLAG, AT(tree), NULL,
     "Show the platforms of each name below it"},
    {0},
};

static const struct cb_listing_field fields[] = {{"Containers", "CONTAINERS"},
                                                 {"CreatedAt", "CREATED AT"},
                                                 {"CreatedSince", "CREATED"},
                                                 {"Digest", "DIGEST"},
                                                 {"ID", "IMAGE ID"},
                                                 {"Repository", "REPOSITORY"},
                                                 {"SharedSize", "SHARED SIZE"},
                                                 {"Size", "SIZE"},
                                                 {"Tag", "TAG"},
                                                 {"UniqueSize", "UNIQUE SIZE"},
                                                 {"VirtualSize", "SIZE"},
                                                 {0}};
#define RAW(digest)                                       \
    "repository: {{.Repository}}\ntag: {{.Tag}}\n" digest \
    "image_id: {{.ID}}\ncreated_at: {{.CreatedAt}}\n"     \
    "virtual_size: {{.Size}}\n"
static const struct cb_listing listing = {
    fields, "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}", RAW("")};
static const struct cb_listing listing_with_digests = {
    fields,
    "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}",
    RAW("digest: {{.Digest}}\n")};

/* What a row is of: "<none>" where there is nothing. */
struct row {
    const struct cb_image *image;
    const char *repository, *tag, *digest;
};

/* By which digests registries know it in REPOSITORY. */
static void digests_of(const struct cb_image *image, const char *repository,
                       struct cb_strings *out)
{
    for (size_t i = 0; i < image->repo_digests.count; i++) {
        cb_auto(cb_reference) reference = NULL;
        cb_autofree char *name = NULL;
        char text[CB_DIGEST_MAX_TEXT];

        if (cb_reference_parse(&reference, image->repo_digests.items[i], NULL) < 0)
            continue;
        name = cb_reference_familiar_name(reference);
        if (strcmp(name, repository) == 0)
            cb_strings_add(out, cb_digest_text(&reference->digest, text));
    }
}

/* The year 1 is Go's way to say that there is none. */
static int is_dated(const struct cb_image *image)
{
    const char *date = image->config ? image->config->created : NULL;

    return image->created_ns > 0 || (date && *date && strncmp(date, "0001-", 5) != 0);
}

/* "2026-01-02 03:04:05 +0000 UTC", and how long ago. */
static void add_times(json_t *row, const struct cb_image *image)
{
    int64_t created_ns = image->created_ns;
    int dated = is_dated(image);
    time_t seconds = (time_t)(created_ns / 1000000000);
    cb_autofree char *age = cb_duration_human(cb_timestamp_now().tv_sec - seconds);
    cb_autofree char *since = dated ? xasprintf("%s ago", age) : xstrdup("N/A");
    struct tm local;
    char text[64] = "N/A";

    if (dated && localtime_r(&seconds, &local))
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z %Z", &local);
    json_object_set_new(row, "CreatedAt", json_string(text));
    json_object_set_new(row, "CreatedSince", json_string(since));
}

/* The order of members is docker's. */
static void add_row(json_t *rows, const struct row *what, const struct values *values)
{
    const struct cb_image *image = what->image;
    cb_autofree char *size = cb_size_human((uint64_t)image->size_bytes);
    cb_autofree char *virtual = cb_total_human((uint64_t)image->size_bytes);
    char short_id[13], text[CB_DIGEST_MAX_TEXT];
    json_t *row = json_object();

    cb_short_id(&image->id, short_id);
    json_object_set_new(row, "Containers", json_string("N/A"));
    add_times(row, image);
    json_object_set_new(row, "Digest", json_string(what->digest));
    json_object_set_new(
        row, "ID",
        json_string(values->no_trunc ? cb_digest_text(&image->id, text) : short_id));
    json_object_set_new(row, "Repository", json_string(what->repository));
    json_object_set_new(row, "SharedSize", json_string("N/A"));
    json_object_set_new(row, "Size", json_string(size));
    json_object_set_new(row, "Tag", json_string(what->tag));
    json_object_set_new(row, "UniqueSize", json_string("N/A"));
    json_object_set_new(row, "VirtualSize", json_string(virtual));
    json_array_append_new(rows, row);
}

/* With --digests a row for each, as in docker. */
static void add_named(json_t *rows, const struct cb_image *image, const char *name,
                      const struct values *values)
{
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *repository = NULL;
    cb_auto_value(cb_strings) digests = {0};
    struct row row = {.image = image, .tag = "<none>", .digest = "<none>"};

    if (cb_reference_parse(&reference, name, NULL) < 0)
        return;
    row.repository = repository = cb_reference_familiar_name(reference);
    if (reference->tag)
        row.tag = reference->tag;
    digests_of(image, repository, &digests);
    for (size_t i = 0; i == 0 || (values->digests && i < digests.count); i++) {
        if (digests.count)
            row.digest = digests.items[i];
        add_row(rows, &row, values);
    }
}

/* NAME[:TAG] given as argument, or a pattern. */
static int is_wanted(const char *argument, const char *canonical)
{
    cb_auto(cb_reference) want = NULL;
    cb_auto(cb_reference) have = NULL;

    if (!argument)
        return 1;
    if (cb_glob_has_meta(argument))
        return cb_image_name_matches(argument, canonical);
    if (cb_reference_parse(&want, argument, NULL) < 0 ||
        cb_reference_parse(&have, canonical, NULL) < 0)
        return 0;
    return strcmp(want->host, have->host) == 0 && strcmp(want->path, have->path) == 0 &&
           (!want->tag || (have->tag && strcmp(want->tag, have->tag) == 0));
}

static void add_names(json_t *rows, const struct cb_image *image,
                      const struct cb_strings *names, const char *argument,
                      const struct cb_image_filter *filter, const struct values *values)
{
    for (size_t i = 0; i < names->count; i++)
        if (is_wanted(argument, names->items[i]) &&
            cb_image_filter_takes_name(filter->given, names->items[i]))
            add_named(rows, image, names->items[i], values);
}

/* Fetched by its digest, or its tags are others' now: one row for each repository. */
static void add_unnamed(json_t *rows, const struct cb_image *image, const char *argument,
                        const struct cb_image_filter *filter, const struct values *values)
{
    static const struct row nothing = {
        .repository = "<none>", .tag = "<none>", .digest = "<none>"};
    const char *dangling = cb_filter_value(filter->given, "dangling");
    struct row row = nothing;
    cb_auto_value(cb_strings) seen = {0};

    for (size_t i = 0; i < image->repo_digests.count; i++) {
        const char *name = image->repo_digests.items[i];
        cb_autofree char *repository = xstrndup(name, strcspn(name, "@"));

        if (cb_strings_contain(&seen, repository) || !is_wanted(argument, repository) ||
            !cb_image_filter_takes_name(filter->given, repository))
            continue;
        cb_strings_add(&seen, repository);
        add_named(rows, image, repository, values);
    }
    row.image = image;
    if (!image->repo_digests.count && !argument &&
        (values->all || (dangling && cb_filter_is_true(dangling))) &&
        !cb_filter_value(filter->given, "reference"))
        add_row(rows, &row, values);
}

static json_t *rows_of(const struct cb_images *images, const char *argument,
                       const struct cb_image_filter *filter, const struct values *values)
{
    json_t *rows = json_array();

    cb_vec_foreach (slot, images) {
        const struct cb_image *image = *slot;

        if (!cb_image_filter_takes(filter, image))
            continue;
        add_names(rows, image, &image->names, argument, filter, values);
        if (values->all)
            add_names(rows, image, &image->platform_names, argument, filter, values);
        if (!cb_image_is_named(image))
            add_unnamed(rows, image, argument, filter, values);
    }
    return rows;
}

/* Each image once, however many names it has. */
static void print_ids(const json_t *rows)
{
    const char *last = "";

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const char *id =
            json_string_value(json_object_get(json_array_get(rows, i), "ID"));

        if (strcmp(id, last) != 0)
            printf("%s\n", id);
        last = id;
    }
}

/* Of ten thousand images, those of one repository are found by their names. */
static int images_for(struct cb_store *store, const char *argument, struct cb_images *out,
                      struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *repository = NULL;

    if (!argument || cb_glob_has_meta(argument) ||
        cb_reference_parse(&reference, argument, NULL) < 0)
        return cb_image_list_bare(store, out, err);
    repository = xasprintf("%s/%s", reference->host, reference->path);
    return cb_image_list_of(store, repository, out, err);
}

/* What the index does not say: labels, and whether the beginning of 1970 is meant. */
static int read_configs(struct cb_store *store, const struct cb_image_filter *filter,
                        struct cb_images *images, struct cb_error **err)
{
    int all = cb_filter_value(filter->given, "label") ||
              cb_filter_value(filter->given, "label!");
    size_t kept = 0;

    cb_vec_foreach (slot, images) {
        int there =
            all || (*slot)->created_ns <= 0 ? cb_image_read_config(store, *slot, err) : 1;

        if (there < 0)
            return -1;
        if (there)
            continue;
        cb_image_free(*slot);
        *slot = NULL;
    }
    cb_vec_foreach (slot, images) {
        if (*slot)
            images->items[kept++] = *slot;
    }
    images->count = kept;
    return 0;
}

/* `cbuild images ls`, where `cbuild image ls` was meant. */
static void hint_verb(const char *argument)
{
    const char *verb, *summary;

    for (size_t at = 0; (verb = cb_command_next_verb("image", &at, &summary));)
        if (strcmp(verb, argument) == 0)
            fprintf(stderr,
                    "No images found matching \"%s\": did you mean `cbuild image %s`?\n",
                    argument, argument);
}

static int list(struct cb_app *app, const struct values *values, const char *argument,
                struct cb_error **err)
{
    cb_auto_value(cb_images) images = {0};
    struct cb_image_filter filter;
    cb_auto(cb_store) store = NULL;
    cb_auto_json *rows = NULL;
    const struct cb_listing *how = values->digests ? &listing_with_digests : &listing;

    if ((values->tree
             ? cb_images_tree_check(values->format, values->quiet, values->digests, err)
             : cb_listing_check(how, values->format, err)) < 0 ||
        cb_app_store(app, CB_STORE_CREATE, &store, err) < 0 ||
        cb_image_filter_parse(&filter, &values->filters, store, err) < 0 ||
        images_for(store, argument, &images, err) < 0 ||
        read_configs(store, &filter, &images, err) < 0)
        return -1;
    rows = rows_of(&images, argument, &filter, values);
    if (values->tree)
        return cb_images_tree_print(store, rows, values->format, err);
    if (argument && !json_array_size(rows))
        hint_verb(argument);
    if (values->quiet && !values->format) {
        print_ids(rows);
        return 0;
    }
    return cb_listing_print(how, values->format, rows, err);
}

/* Docker's own default, if there is one. */
static const struct values *with_format(struct cb_app *app, struct values *values)
{
    if (values->quiet)
        values->format = cb_listing_quiet(values->format, NULL, "image_id: {{.ID}}");
    else if (!values->tree)
        values->format = cb_docker_config_format(app, values->format, "imagesFormat");
    return values;
}

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    struct values *values = given;

    return list(app, with_format(app, values), args->count ? args->items[0] : NULL, err);
}

const struct cb_cli_command cb_images_command = {
    .name = "images",
    .summary = "List images",
    .usage = "images [OPTIONS] [NAME[:TAG]]",
    .about =
        "NAME may be a pattern, of which * does not match a slash. See TEMPLATES in\n"
        "cbuild(1) for --format.",
    .options = options,
    .filters = cb_image_filters,
    .filter_flag = CB_FILTER_LISTS,
    .values_size = sizeof(struct values),
    .max_args = 1,
    .act = run,
};
