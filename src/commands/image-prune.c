/* cbuild image prune: images that no container uses. */
#include "commands/image-prune.h"

#include "base/timestamp.h"
#include "container/users.h"
#include "store/gc.h"
#include "store/journal.h"

#include <stdio.h>

struct image_prune_values {
    struct cb_strings filters;
    int all, force;
};

static const struct cb_option image_prune_options[] = {
    {"all", 'a', CB_OPTION_FLAG, offsetof(struct image_prune_values, all), NULL,
     "Remove all that no container uses, not only those without a name"},
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

int cb_images_prune(struct cb_store *store, const struct cb_image_filter *filter, int all,
                    int *any, struct cb_error **err)
{
    cb_auto_value(cb_images) images = {0};
    cb_auto_value(cb_containers) containers = {0};
    char text[CB_DIGEST_MAX_TEXT];

    if (cb_image_list(store, &images, err) < 0 ||
        cb_containers_list(store, &containers, err) < 0)
        return -1;
    cb_vec_foreach (slot, &images) {
        const struct cb_image *image = *slot;
        int removed;

        if ((cb_image_is_named(image) && !all) || !cb_image_filter_takes(filter, image) ||
            cb_containers_find_user(&containers, &image->id, 0))
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
    if (cb_images_prune(store, &filter, all, &any, err) < 0 ||
        cb_store_gc(store, &freed, err) < 0)
        return -1;
    cb_journal_prune(store, "image", freed);
    size = cb_total_human(freed);
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
    .summary = "Remove images without a name, or all that no container uses",
    .usage = "image prune [OPTIONS]",
    .about = "Layers that the build cache still has stay until `cbuild prune`.",
    .options = image_prune_options,
    .run = run_image_prune,
};
