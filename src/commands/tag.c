/* cbuild tag. */
#include "commands/commands.h"
#include "store/journal.h"

#include <string.h>

static const struct cb_option options[] = {{0}};

/* CAUSE begins with the name, which is said here. */
static int refuse(const char *name, const struct cb_error *cause, struct cb_error **err)
{
    const char *message = cb_error_message(cause);
    const char *why = strstr(message, "invalid reference format");

    return cb_error_set(err, CB_ERR_USAGE, "`%s` is not a valid repository/tag: %s", name,
                        why ? why : message);
}

static int run(struct cb_app *app, void *values, const struct cb_strings *args,
               struct cb_error **err)
{
    cb_auto(cb_error) bad = NULL;
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_image) image = NULL;
    cb_auto(cb_reference) reference = NULL;
    cb_auto_value(cb_platform_images) platforms = {0};
    cb_autofree char *canonical = NULL;
    int by_id = 0;

    if (cb_reference_parse(&reference, args->items[1], &bad) < 0)
        return refuse(args->items[1], bad, err);
    if (cb_reference_check_tag(reference, err) < 0)
        return -1;
    cb_reference_default_tag(reference);
    canonical = cb_reference_canonical(reference);
    if (cb_app_store(app, CB_STORE_EXISTING, &store, err) < 0 ||
        cb_image_get_for(store, args->items[0], NULL, &image, &by_id, err) < 0 ||
        (!by_id && cb_image_find_platforms(store, args->items[0], &platforms, err) < 0))
        return -1;
    if ((platforms.count ? cb_ref_set_platforms(store, canonical, &platforms, err)
                         : cb_ref_set(store, canonical, &image->id, err)) < 0)
        return -1;
    cb_journal_image(store, "tag", image, canonical);
    return 0;
}

const struct cb_cli_command cb_tag_command = {
    .name = "tag",
    .summary = "Give an image another name",
    .usage = "tag IMAGE NAME[:TAG]",
    .options = options,
    .min_args = 2,
    .max_args = 2,
    .act = run,
};
