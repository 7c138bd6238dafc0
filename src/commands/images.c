/* cbuild images. */
#include "commands/commands.h"

#include "base/glob.h"
#include "base/timestamp.h"

#include <stdio.h>
#include <string.h>

struct values {
    int all, quiet, no_trunc, digests;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"all", 'a', CB_OPTION_FLAG, AT(all), NULL, "Show untagged images too"},
    {"digests", 0, CB_OPTION_FLAG, AT(digests), NULL,
     "Show the digests known to registries"},
    {"no-trunc", 0, CB_OPTION_FLAG, AT(no_trunc), NULL, "Do not shorten ids"},
    {"quiet", 'q', CB_OPTION_FLAG, AT(quiet), NULL, "Print ids only"},
    {0},
};

static const struct cb_absent_option absent[] = {
    {"filter", 'f',
     "name the image, as in `cbuild images NAME`; `cbuild image prune` removes "
     "untagged ones"},
    {"format", 0, "-q prints ids; `cbuild inspect` prints JSON"},
    {0},
};

struct row {
    char *cells[6];
};

struct rows {
    struct row *items;
    size_t count, capacity;
};

enum { REPOSITORY, TAG, DIGEST, ID, CREATED, SIZE, CELLS };

static void free_rows(struct rows *rows)
{
    cb_vec_foreach (row, rows)
        for (int i = 0; i < CELLS; i++)
            free(row->cells[i]);
    cb_vec_free(rows);
}

static char *digest_of_name(const struct cb_image *image, const char *repository)
{
    for (size_t i = 0; i < image->repo_digests.count; i++) {
        cb_auto(cb_reference) reference = NULL;
        cb_autofree char *name = NULL;
        char text[CB_DIGEST_MAX_TEXT];

        if (cb_reference_parse(&reference, image->repo_digests.items[i], NULL) < 0)
            continue;
        name = cb_reference_familiar_name(reference);
        if (strcmp(name, repository) == 0)
            return xstrdup(cb_digest_text(&reference->digest, text));
    }
    return xstrdup("<none>");
}

static void add_row(struct rows *rows, const struct cb_image *image, const char *name,
                    const struct values *values)
{
    cb_auto(cb_reference) reference = NULL;
    struct timespec now = cb_timestamp_now();
    cb_autofree char *age =
        cb_duration_human(now.tv_sec - image->created_ns / 1000000000);
    char short_id[13], text[CB_DIGEST_MAX_TEXT];
    struct row row = {{0}};

    if (name && cb_reference_parse(&reference, name, NULL) == 0) {
        row.cells[REPOSITORY] = cb_reference_familiar_name(reference);
        row.cells[TAG] = xstrdup(reference->tag ? reference->tag : "<none>");
        row.cells[DIGEST] = digest_of_name(image, row.cells[REPOSITORY]);
    } else {
        row.cells[REPOSITORY] = xstrdup("<none>");
        row.cells[TAG] = xstrdup("<none>");
        row.cells[DIGEST] = xstrdup("<none>");
    }
    cb_short_id(&image->id, short_id);
    row.cells[ID] =
        xstrdup(values->no_trunc ? cb_digest_text(&image->id, text) : short_id);
    row.cells[CREATED] =
        image->created_ns > 0 ? xasprintf("%s ago", age) : xstrdup("N/A");
    row.cells[SIZE] = cb_size_human((uint64_t)image->size_bytes);
    cb_vec_push(rows, row);
}

static void print_rows(const struct rows *rows, int digests)
{
    static const char *const titles[] = {"REPOSITORY", "TAG",     "DIGEST",
                                         "IMAGE ID",   "CREATED", "SIZE"};
    int width[CELLS];

    for (int i = 0; i < CELLS; i++) {
        width[i] = (int)strlen(titles[i]);
        cb_vec_foreach (row, rows)
            if ((int)strlen(row->cells[i]) > width[i])
                width[i] = (int)strlen(row->cells[i]);
    }
    for (size_t line = 0; line <= rows->count; line++) {
        for (int i = 0; i < CELLS; i++) {
            const char *cell = line ? rows->items[line - 1].cells[i] : titles[i];

            if (i == DIGEST && !digests)
                continue;
            if (i == SIZE)
                printf("%s\n", cell);
            else
                printf("%-*s   ", width[i], cell);
        }
    }
}

/* A pattern is for the name as it is shown, of which * does not match "/". */
static int matches(const char *pattern, const struct cb_reference *have)
{
    cb_autofree char *name = cb_reference_familiar_name(have);
    cb_autofree char *tagged = cb_reference_familiar(have);

    return cb_glob_match(pattern, name, NULL) > 0 ||
           cb_glob_match(pattern, tagged, NULL) > 0;
}

/* NAME[:TAG] given as argument. */
static int wanted(const char *filter, const char *canonical)
{
    cb_auto(cb_reference) want = NULL;
    cb_auto(cb_reference) have = NULL;

    if (!filter)
        return 1;
    if (cb_glob_has_meta(filter))
        return cb_reference_parse(&have, canonical, NULL) == 0 && matches(filter, have);
    if (cb_reference_parse(&want, filter, NULL) < 0 ||
        cb_reference_parse(&have, canonical, NULL) < 0)
        return 0;
    return strcmp(want->host, have->host) == 0 && strcmp(want->path, have->path) == 0 &&
           (!want->tag || (have->tag && strcmp(want->tag, have->tag) == 0));
}

static void print_ids(const struct cb_images *images, const char *filter,
                      const struct values *values)
{
    char text[CB_DIGEST_MAX_TEXT], short_id[13];

    for (size_t i = 0; i < images->count; i++) {
        const struct cb_image *image = images->items[i];
        int show = !filter && (image->names.count || values->all);

        for (size_t n = 0; filter && n < image->names.count; n++)
            show |= wanted(filter, image->names.items[n]);
        if (!show)
            continue;
        cb_short_id(&image->id, short_id);
        printf("%s\n", values->no_trunc ? cb_digest_text(&image->id, text) : short_id);
    }
}

static int run(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    cb_auto_value(cb_images) images = {0};
    cb_auto(cb_store) store = NULL;
    struct values values = {0};
    struct rows rows = {0};
    const char *filter;
    int status = cb_options_parse(&cb_images_command, argc, argv, 0, &values, &args, err);

    if (status)
        return status < 0 ? -1 : 0;
    if (cb_app_arguments(&cb_images_command, &args, 0, 1, err) < 0 ||
        cb_app_store(app, 1, &store, err) < 0 || cb_image_list(store, &images, err) < 0)
        return -1;
    filter = args.count ? args.items[0] : NULL;
    if (values.quiet) {
        print_ids(&images, filter, &values);
        return 0;
    }
    for (size_t i = 0; i < images.count; i++) {
        const struct cb_image *image = images.items[i];

        for (size_t n = 0; n < image->names.count; n++)
            if (wanted(filter, image->names.items[n]))
                add_row(&rows, image, image->names.items[n], &values);
        for (size_t n = 0; values.all && n < image->platform_names.count; n++)
            if (wanted(filter, image->platform_names.items[n]))
                add_row(&rows, image, image->platform_names.items[n], &values);
        if (!cb_image_is_named(image) && values.all && !filter)
            add_row(&rows, image, NULL, &values);
    }
    print_rows(&rows, values.digests);
    free_rows(&rows);
    return 0;
}

const struct cb_cli_command cb_images_command = {
    .name = "images",
    .summary = "List images",
    .usage = "images [OPTIONS] [NAME[:TAG]]",
    .options = options,
    .absent = absent,
    .run = run,
};
