/* cbuild rmi: names go first; an image goes with its last name. */
#include "commands/commands.h"

#include <stdio.h>
#include <string.h>

struct values {
    int force, no_prune;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"force", 'f', CB_OPTION_FLAG, AT(force), NULL,
     "Remove all names of an image given by id; a missing image is no error"},
    {"no-prune", 0, CB_OPTION_FLAG, AT(no_prune), NULL,
     "Keep the layers for the next gc"},
    {0},
};

static int untag(struct cb_store *store, const char *canonical, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *familiar = NULL;

    if (cb_ref_remove(store, canonical, err) < 0)
        return -1;
    if (cb_reference_parse(&reference, canonical, err) < 0)
        return -1;
    familiar = cb_reference_familiar(reference);
    printf("Untagged: %s\n", familiar);
    return 0;
}

static int delete_image(struct cb_store *store, const struct cb_image *image, int prune,
                        struct cb_error **err)
{
    char text[CB_DIGEST_MAX_TEXT];

    if (cb_image_remove(store, &image->id, prune, err) < 0)
        return -1;
    printf("Deleted: %s\n", cb_digest_text(&image->id, text));
    return 0;
}

/* Which of the image's names TEXT means; NULL when it was given by id. */
static const char *meant_name(const struct cb_image *image, const char *text, int by_id)
{
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *canonical = NULL;

    if (by_id || cb_reference_parse(&reference, text, NULL) < 0)
        return NULL;
    cb_reference_default_tag(reference);
    canonical = cb_reference_canonical(reference);
    for (size_t i = 0; i < image->names.count; i++)
        if (strcmp(image->names.items[i], canonical) == 0)
            return image->names.items[i];
    return NULL;
}

/* A name of several platforms goes with all of its images that have no other. */
static int remove_platforms(struct cb_store *store, const char *name,
                            const struct cb_platform_images *images, int prune,
                            struct cb_error **err)
{
    if (untag(store, name, err) < 0)
        return -1;
    cb_vec_foreach (entry, images) {
        cb_auto(cb_image) image = NULL;

        /* One image may serve two platforms. */
        if (cb_image_get(store, &entry->id, &image, NULL) == 0 &&
            !cb_image_is_named(image) && delete_image(store, image, prune, err) < 0)
            return -1;
    }
    return 0;
}

static int remove_one(struct cb_store *store, const char *text,
                      const struct values *values, struct cb_error **err)
{
    cb_auto(cb_image) image = NULL;
    cb_auto_value(cb_platform_images) platforms = {0};
    int by_id = 0, found = cb_image_find(store, text, &image, &by_id, err);
    const char *name;
    char short_id[13];

    if (found < 0)
        return -1;
    if (!found) {
        if (values->force)
            return 0;
        cb_error_set(err, CB_ERR_NOT_FOUND, "no such image: %s", text);
        return cb_error_hint(err, "`cbuild images` lists what is here");
    }
    name = meant_name(image, text, by_id);
    if (name && cb_ref_platforms(store, name, &platforms, err) < 0)
        return -1;
    if (platforms.count)
        return remove_platforms(store, name, &platforms, !values->no_prune, err);
    if (name && image->names.count + image->platform_names.count > 1)
        return untag(store, name, err);
    cb_short_id(&image->id, short_id);
    if (!name && image->names.count + image->platform_names.count > 1 && !values->force) {
        cb_error_set(
            err, CB_ERR_EXISTS,
            "conflict: unable to delete %s (must be forced) - image is referenced in "
            "multiple repositories",
            short_id);
        return cb_error_hint(err, "remove it by name, or use -f");
    }
    for (size_t i = 0; i < image->names.count; i++)
        if (untag(store, image->names.items[i], err) < 0)
            return -1;
    return delete_image(store, image, !values->no_prune, err);
}

static int run(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_error) first = NULL;
    struct values values = {0};
    int status = cb_options_parse(&cb_rmi_command, argc, argv, 0, &values, &args, err);

    if (status)
        return status < 0 ? -1 : 0;
    if (cb_app_arguments(&cb_rmi_command, &args, 1, -1, err) < 0 ||
        cb_app_store(app, 0, &store, err) < 0)
        return -1;
    for (size_t i = 0; i < args.count; i++) {
        struct cb_error *error = NULL;

        if (remove_one(store, args.items[i], &values, &error) < 0)
            cb_error_append(&first, error);
    }
    return first ? cb_error_move(err, &first) : 0;
}

const struct cb_cli_command cb_rmi_command = {
    .name = "rmi",
    .summary = "Remove images",
    .usage = "rmi [OPTIONS] IMAGE...",
    .options = options,
    .run = run,
};
