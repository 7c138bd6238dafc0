/* cbuild df and image prune: what the store holds and needs. */
#include "commands/commands.h"

#include "base/timestamp.h"
#include "commands/image-filter.h"
#include "store/cache-mount.h"
#include "store/gc.h"
#include "store/journal.h"

#include <inttypes.h>
#include <stdio.h>

/* ── df ── */

static const struct cb_option no_options[] = {{0}};

static void print_usage_row(const char *type, const struct cb_usage_part *part)
{
    cb_autofree char *size = cb_size_human(part->bytes);
    cb_autofree char *free_size = cb_size_human(part->reclaimable);

    printf("%-14s  %-7" PRIu64 "  %-9s  %s\n", type, part->count, size, free_size);
}

static int run_df(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    cb_auto(cb_store) store = NULL;
    struct cb_usage usage;
    int status = cb_options_parse(&cb_df_command, argc, argv, 0, NULL, &args, err);

    if (status)
        return status < 0 ? -1 : 0;
    if (cb_app_arguments(&cb_df_command, &args, 0, 0, err) < 0 ||
        cb_app_store(app, 1, &store, err) < 0 || cb_store_usage(store, &usage, err) < 0)
        return -1;
    printf("%-14s  %-7s  %-9s  %s\n", "TYPE", "TOTAL", "SIZE", "RECLAIMABLE");
    print_usage_row("Images", &usage.images);
    print_usage_row("Build cache", &usage.cache);
    print_usage_row("Cache mounts", &usage.cache_mounts);
    print_usage_row("Build logs", &usage.logs);
    return 0;
}

const struct cb_cli_command cb_df_command = {
    .name = "df",
    .summary = "Show how much disk space is used",
    .usage = "df",
    .about =
        "RECLAIMABLE is what `cbuild image prune`, `cbuild prune`, `cbuild cache prune`\n"
        "and `cbuild builds rm --all` would free. `cbuild du` lists the cache.",
    .options = no_options,
    .run = run_df,
};

/* ── image prune ── */

struct image_prune_values {
    struct cb_strings filters;
    int all, force;
};

static const struct cb_option image_prune_options[] = {
    {"all", 'a', CB_OPTION_FLAG, offsetof(struct image_prune_values, all), NULL,
     "Remove all images, not only those without a name"},
    {"filter", 0, CB_OPTION_LIST, offsetof(struct image_prune_values, filters), "FILTER",
     "until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE], dangling=true|false"},
    {"force", 'f', CB_OPTION_FLAG, offsetof(struct image_prune_values, force), NULL,
     "Do not ask"},
    {0},
};

static const char *const image_prune_filters[] = {"until", "label", "label!", "dangling",
                                                  NULL};

/* Docker's heading, once there is something below it. */
static void print_deleted(int *any, const char *what, const char *name)
{
    if (!*any)
        printf("Deleted Images:\n");
    *any = 1;
    printf("%s: %s\n", what, name);
}

static int untag(struct cb_store *store, const struct cb_image *image, int *any,
                 struct cb_error **err)
{
    for (size_t i = 0; i < image->names.count; i++) {
        cb_auto(cb_reference) reference = NULL;
        cb_autofree char *familiar = NULL;

        if (cb_ref_remove(store, image->names.items[i], err) < 0)
            return -1;
        if (cb_reference_parse(&reference, image->names.items[i], NULL) == 0)
            familiar = cb_reference_familiar(reference);
        print_deleted(any, "untagged", familiar ? familiar : image->names.items[i]);
        cb_journal_image(store, "untag", image, image->names.items[i]);
    }
    return 0;
}

static int remove_images(struct cb_store *store, const struct cb_image_filter *filter,
                         int all, int *any, struct cb_error **err)
{
    cb_auto_value(cb_images) images = {0};
    char text[CB_DIGEST_MAX_TEXT];

    if (cb_image_list(store, &images, err) < 0)
        return -1;
    cb_vec_foreach (slot, &images) {
        const struct cb_image *image = *slot;
        int removed;

        if ((cb_image_is_named(image) && !all) || !cb_image_filter_takes(filter, image))
            continue;
        if (untag(store, image, any, err) < 0)
            return -1;
        removed = cb_image_remove_unnamed(store, &image->id, err);
        if (removed < 0)
            return -1;
        if (!removed)
            continue;
        print_deleted(any, "deleted", cb_digest_text(&image->id, text));
        cb_journal_image(store, "delete", image, NULL);
    }
    return 0;
}

static int prune_images(struct cb_app *app, const struct image_prune_values *values,
                        struct cb_error **err)
{
    cb_auto_value(cb_image_filter) filter = {0};
    cb_auto(cb_store) store = NULL;
    cb_autofree char *size = NULL;
    uint64_t freed = 0;
    int all, any = 0;

    if (cb_app_store(app, 0, &store, err) < 0 ||
        cb_image_filter_parse(&filter, &values->filters, image_prune_filters, store,
                              err) < 0)
        return -1;
    all = values->all || filter.dangling == 0;
    filter.dangling = -1; /* said by `all` from here on */
    if (!values->force &&
        !cb_confirmed(all ? "all images without at least one container associated to them"
                          : "all dangling images"))
        return 0;
    if (remove_images(store, &filter, all, &any, err) < 0 ||
        cb_store_gc(store, &freed, err) < 0)
        return -1;
    cb_journal_prune(store, "image", freed);
    size = cb_size_human(freed);
    printf(any ? "\nTotal reclaimed space: %s\n" : "Total reclaimed space: %s\n", size);
    return 0;
}

static int run_image_prune(struct cb_app *app, int argc, char **argv,
                           struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    struct image_prune_values values = {0};
    int status =
        cb_options_parse(&cb_image_prune_command, argc, argv, 0, &values, &args, err);

    if (status > 0)
        status = 0;
    else if (status == 0 &&
             (status = cb_app_arguments(&cb_image_prune_command, &args, 0, 0, err)) == 0)
        status = prune_images(app, &values, err);
    cb_strings_free(&values.filters);
    return status;
}

const struct cb_cli_command cb_image_prune_command = {
    .name = "image prune",
    .summary = "Remove images that have no name, or all",
    .usage = "image prune [OPTIONS]",
    .about = "Layers that the build cache still has stay until `cbuild prune`.",
    .options = image_prune_options,
    .run = run_image_prune,
};
