/* cbuild rmi: names go first; an image goes with its last name. */
#include "commands/commands.h"
#include "store/journal.h"

#include <stdio.h>
#include <string.h>

struct values {
    const char *platform;
    int force, no_prune;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"force", 'f', CB_OPTION_FLAG, AT(force), NULL,
     "Remove all names of an image given by id; a missing image is no error"},
    {"no-prune", 0, CB_OPTION_FLAG, AT(no_prune), NULL,
     "Keep the layers for the next gc"},
    {"platform", 0, CB_OPTION_TEXT, AT(platform), "OS/ARCH",
     "Remove only this one of a name's images"},
    {0},
};

static int untag(struct cb_store *store, const struct cb_image *image,
                 const char *canonical, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *familiar = NULL;

    if (cb_ref_remove(store, canonical, err) < 0)
        return -1;
    if (cb_reference_parse(&reference, canonical, err) < 0)
        return -1;
    familiar = cb_reference_familiar(reference);
    printf("Untagged: %s\n", familiar);
    cb_journal_image(store, "untag", image, canonical);
    return 0;
}

static int delete_image(struct cb_store *store, const struct cb_image *image, int prune,
                        struct cb_error **err)
{
    char text[CB_DIGEST_MAX_TEXT];

    if (cb_image_remove(store, &image->id, prune, err) < 0)
        return -1;
    printf("Deleted: %s\n", cb_digest_text(&image->id, text));
    cb_journal_image(store, "delete", image, NULL);
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

static int delete_unnamed(struct cb_store *store, const struct cb_digest *id, int prune,
                          struct cb_error **err)
{
    cb_auto(cb_image) image = NULL;

    /* One image may serve two platforms, and be gone already. */
    if (cb_image_get(store, id, &image, NULL) < 0 || cb_image_is_named(image))
        return 0;
    return delete_image(store, image, prune, err);
}

/* A name of several platforms goes with all of its images that have no other. */
static int remove_platforms(struct cb_store *store, const struct cb_image *image,
                            const char *name, const struct cb_platform_images *images,
                            int prune, struct cb_error **err)
{
    if (untag(store, image, name, err) < 0)
        return -1;
    cb_vec_foreach (entry, images) {
        if (delete_unnamed(store, &entry->id, prune, err) < 0)
            return -1;
    }
    return 0;
}

/* Of a name of several platforms one that is PLATFORM's; the name goes with the last. */
static int remove_platform(struct cb_store *store, const struct cb_image *image,
                           const char *name, const struct cb_platform_images *images,
                           const struct cb_platform *platform, int prune,
                           struct cb_error **err)
{
    const struct cb_platform_image *gone = cb_platform_images_chosen(images, platform);
    cb_auto_value(cb_platform_images) kept = {0};

    cb_vec_foreach (entry, images) {
        if (entry != gone)
            cb_vec_push(&kept, *entry);
    }
    if (!kept.count)
        return remove_platforms(store, image, name, images, prune, err);
    if (cb_ref_set_platforms(store, name, &kept, err) < 0)
        return -1;
    return delete_unnamed(store, &gone->id, prune, err);
}

static int refuse_many_names(const struct cb_image *image, struct cb_error **err)
{
    char short_id[13];

    cb_short_id(&image->id, short_id);
    cb_error_set(err, CB_ERR_EXISTS,
                 "conflict: unable to delete %s (must be forced) - image is referenced "
                 "in multiple repositories",
                 short_id);
    return cb_error_hint(err, "remove it by name, or use -f");
}

static int remove_image(struct cb_store *store, const struct cb_image *image,
                        const char *name, const struct values *values,
                        struct cb_error **err)
{
    size_t names = image->names.count + image->platform_names.count;

    if (name && names > 1)
        return untag(store, image, name, err);
    if (names > 1 && !values->force)
        return refuse_many_names(image, err);
    for (size_t i = 0; i < image->names.count; i++) {
        if (untag(store, image, image->names.items[i], err) < 0)
            return -1;
    }
    return delete_image(store, image, !values->no_prune, err);
}

static int remove_one(struct cb_store *store, const char *text,
                      const struct values *values, const struct cb_platform *platform,
                      struct cb_error **err)
{
    cb_auto(cb_image) image = NULL;
    cb_auto_value(cb_platform_images) platforms = {0};
    int by_id = 0, found = cb_image_find(store, text, &image, &by_id, err);
    const char *name;

    if (found < 0)
        return -1;
    if (!found && values->force)
        return 0;
    if (!found || platform) {
        cb_auto(cb_image) wanted = NULL; /* here, and for this platform */

        if (cb_image_get_for(store, text, platform, &wanted, &by_id, err) < 0)
            return -1;
        if (!image)
            image = cb_steal(&wanted);
    }
    name = meant_name(image, text, by_id);
    if (name && cb_ref_platforms(store, name, &platforms, err) < 0)
        return -1;
    if (platforms.count && platform)
        return remove_platform(store, image, name, &platforms, platform,
                               !values->no_prune, err);
    if (platforms.count)
        return remove_platforms(store, image, name, &platforms, !values->no_prune, err);
    return remove_image(store, image, name, values, err);
}

static int run(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_error) first = NULL;
    struct values values = {0};
    struct cb_platform buffer;
    const struct cb_platform *platform;
    int status = cb_options_parse(&cb_rmi_command, argc, argv, 0, &values, &args, err);

    if (status)
        return status < 0 ? -1 : 0;
    if (cb_app_arguments(&cb_rmi_command, &args, 1, -1, err) < 0 ||
        cb_app_platform(values.platform, &buffer, &platform, err) < 0 ||
        cb_app_store(app, 0, &store, err) < 0)
        return -1;
    for (size_t i = 0; i < args.count; i++) {
        struct cb_error *error = NULL;

        if (remove_one(store, args.items[i], &values, platform, &error) < 0)
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
