/* cbuild image prune: images that no container uses. */
#include "commands/pruning.h"

#include "commands/image-filter.h"
#include "commands/prompt.h"
#include "commands/repo-digests.h"
#include "container/users.h"
#include "store/gc.h"
#include "store/journal.h"

#include <stdio.h>

struct values {
    struct cb_strings filters;
    int all, force;
};

static const struct cb_option options[] = {
    {"all", 'a', CB_OPTION_FLAG, offsetof(struct values, all), NULL,
     "Remove all that no container uses, not only those without a name"},
    {"filter", 0, CB_OPTION_LIST, offsetof(struct values, filters), "FILTER",
     "until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE], dangling=true|false"},
    {"force", 'f', CB_OPTION_FLAG, offsetof(struct values, force), NULL, "Do not ask"},
    {0},
};

#define HEADING "Deleted Images:"

static int untag(struct cb_store *store, const struct cb_image *image,
                 struct cb_pruned *out, struct cb_error **err)
{
    for (size_t i = 0; i < image->names.count; i++) {
        cb_auto(cb_reference) reference = NULL;
        cb_autofree char *familiar = NULL;
        cb_autofree char *line = NULL;

        if (cb_ref_remove(store, image->names.items[i], err) < 0)
            return -1;
        if (cb_reference_parse(&reference, image->names.items[i], NULL) == 0)
            familiar = cb_reference_familiar(reference);
        line = xasprintf("untagged: %s", familiar ? familiar : image->names.items[i]);
        cb_pruned_tell(out, HEADING, line);
        cb_journal_image(store, "untag", image, image->names.items[i]);
    }
    for (size_t i = 0; i < image->repo_digests.count; i++) {
        cb_autofree char *familiar =
            cb_repo_digest_familiar(image->repo_digests.items[i]);
        cb_autofree char *line = xasprintf("untagged: %s", familiar);

        cb_pruned_tell(out, HEADING, line);
    }
    return 0;
}

static int remove_images(struct cb_store *store, const struct cb_strings *filters,
                         int all, struct cb_pruned *out, struct cb_error **err)
{
    cb_auto_value(cb_images) images = {0};
    cb_auto_value(cb_containers) containers = {0};
    char text[CB_DIGEST_MAX_TEXT];

    if (cb_image_list(store, &images, err) < 0 ||
        cb_containers_list(store, &containers, err) < 0)
        return -1;
    cb_vec_foreach (slot, &images) {
        const struct cb_image *image = *slot;
        cb_autofree char *line = NULL;
        int removed;

        if ((cb_image_is_named(image) && !all) ||
            !cb_filter_takes(cb_image_filters, filters, image) ||
            cb_containers_find_user(&containers, &image->id, 0))
            continue;
        if (untag(store, image, out, err) < 0)
            return -1;
        removed = cb_image_remove_unnamed(store, &image->id, err);
        if (removed < 0)
            return -1;
        if (!removed)
            continue;
        line = xasprintf("deleted: %s", cb_digest_text(&image->id, text));
        cb_pruned_tell(out, HEADING, line);
        cb_journal_image(store, "delete", image, NULL);
    }
    return 0;
}

int cb_prune_images(struct cb_store *store, const struct cb_strings *filters, int all,
                    struct cb_pruned *out, struct cb_error **err)
{
    int result;

    cb_refs_begin_removal(store);
    result = remove_images(store, filters, all, out, err);
    return cb_refs_end_removal(store, result < 0 ? NULL : err) < 0 ? -1 : result;
}

/* Layers that builds made are the cache's, too: who wants room is told where it is. */
static int tell_cached(struct cb_store *store, struct cb_error **err)
{
    struct cb_usage usage = {0};
    cb_autofree char *size = NULL;

    if (cb_store_usage(store, &usage, err) < 0)
        return -1;
    if (!usage.cache.reclaimable)
        return 0;
    size = cb_total_human(usage.cache.reclaimable);
    fprintf(stderr,
            "hint: the build cache keeps %s that no image has; `cbuild builder prune` "
            "frees it\n",
            size);
    return 0;
}

static int prune_images(struct cb_app *app, void *given, const struct cb_strings *args,
                        struct cb_error **err)
{
    const struct values *values = given;
    cb_auto(cb_store) store = NULL;
    struct cb_pruned pruned = {0};
    const char *dangling;
    int all;

    if (cb_filter_check(cb_image_filters, CB_FILTER_PRUNES, &values->filters, err) < 0 ||
        cb_app_store(app, CB_STORE_EXISTING, &store, err) < 0)
        return -1;
    dangling = cb_filter_value(&values->filters, "dangling");
    all = values->all || (dangling && !cb_filter_is_true(dangling));
    if (!values->force &&
        !cb_confirmed(all ? "all images without at least one container associated to them"
                          : "all dangling images"))
        return 0;
    if (cb_prune_images(store, &values->filters, all, &pruned, err) < 0 ||
        cb_store_gc(store, &pruned.freed_bytes, err) < 0)
        return -1;
    cb_journal_prune(store, "image", pruned.freed_bytes);
    cb_pruned_print_total(&pruned);
    fflush(stdout);
    return pruned.any ? tell_cached(store, err) : 0;
}

const struct cb_cli_command cb_image_prune_command = {
    .name = "image prune",
    .summary = "Remove images without a name, or all that no container uses",
    .usage = "image prune [OPTIONS]",
    .about = "Layers that the build cache still has stay until `cbuild builder prune`:\n"
             "how much that is, is said.",
    .options = options,
    .filters = cb_image_filters,
    .filter_flag = CB_FILTER_PRUNES,
    .values_size = sizeof(struct values),
    .act = prune_images,
};
