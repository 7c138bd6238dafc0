/* cbuild untag: an image loses names and stays, unlike with rmi. */
#include "commands/commands.h"
#include "store/journal.h"

static const struct cb_option options[] = {{0}};

/* The name of IMAGE that TEXT means, as the store has it. Caller frees. */
static int find_name(const struct cb_image *image, const char *text, char **out,
                     struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *canonical = NULL;

    if (cb_reference_parse(&reference, text, err) < 0)
        return -1;
    cb_reference_default_tag(reference);
    canonical = cb_reference_canonical(reference);
    if (!cb_strings_contain(&image->names, canonical))
        return cb_error_set(err, CB_ERR_NOT_FOUND, "%s: no name of the image", text);
    *out = cb_steal(&canonical);
    return 0;
}

/* All are looked at before the first is taken away. */
static int list_names(const struct cb_image *image, const struct cb_strings *args,
                      struct cb_strings *out, struct cb_error **err)
{
    for (size_t i = 1; i < args->count; i++) {
        char *name = NULL;

        if (find_name(image, args->items[i], &name, err) < 0)
            return -1;
        cb_strings_add_once(out, name);
        free(name);
    }
    if (args->count == 1)
        cb_strings_copy(out, &image->names);
    return 0;
}

static int run(struct cb_app *app, void *values, const struct cb_strings *args,
               struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_image) image = NULL;
    cb_auto_value(cb_strings) names = {0};

    if (cb_app_store(app, CB_STORE_EXISTING, &store, err) < 0 ||
        cb_image_get_for(store, args->items[0], NULL, &image, NULL, err) < 0 ||
        list_names(image, args, &names, err) < 0)
        return -1;
    cb_vec_foreach (name, &names) {
        if (cb_ref_remove(store, *name, err) < 0)
            return -1;
        cb_journal_image(store, "untag", image, *name);
    }
    return 0;
}

const struct cb_cli_command cb_untag_command = {
    .name = "untag",
    .summary = "Take names from an image, which stays",
    .usage = "untag IMAGE [NAME[:TAG]...]",
    .about =
        "Without NAME it loses all. `cbuild rmi` removes an image with its last name.",
    .options = options,
    .min_args = 1,
    .max_args = -1,
    .act = run,
};
