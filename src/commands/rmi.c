/* cbuild rmi: names go first; an image goes with its last name, unless a container uses
 * it. What its layers took is collected once, when all images are gone. */
#include "commands/commands.h"

#include "commands/repo-digests.h"
#include "container/users.h"
#include "store/gc.h"
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

/* What every step needs. */
struct removal {
    struct cb_store *store;
    const struct values *values;
    const struct cb_platform *platform; /* --platform, or NULL */
    struct cb_containers containers;
    int deleted; /* an image, at least */
};
static void removal_clear(struct removal *removal)
{
    cb_containers_free(&removal->containers);
    cb_store_close(removal->store);
}
CB_AUTO_VALUE_DEFINE(removal, removal_clear)

/* ── Containers that use it ── */

static int refuse(const struct cb_digest *id, int hard, const char *why,
                  const struct cb_container *container, struct cb_error **err)
{
    char short_id[13];

    cb_short_id(id, short_id);
    return cb_error_set(err, CB_ERR_EXISTS,
                        "conflict: unable to delete %s (%s be forced) - image is being "
                        "used by %s container %.12s",
                        short_id, hard ? "cannot" : "must", why, container->id);
}

static int check_unused(const struct removal *removal, const struct cb_digest *id,
                        struct cb_error **err)
{
    const struct cb_container *user =
        cb_containers_find_user(&removal->containers, id, 1);

    if (user)
        return refuse(id, 1, "running", user, err);
    user = cb_containers_find_user(&removal->containers, id, 0);
    if (!user || removal->values->force)
        return 0;
    refuse(id, 0, "stopped", user, err);
    return cb_error_hint(err, "the container stays as it is with -f");
}

/* The last name of an image goes. */
static int check_last_name(const struct removal *removal, const struct cb_digest *id,
                           const char *text, struct cb_error **err)
{
    const struct cb_container *user =
        cb_containers_find_user(&removal->containers, id, 0);
    char short_id[13];

    if (!user || removal->values->force)
        return 0;
    cb_short_id(id, short_id);
    return cb_error_set(err, CB_ERR_EXISTS,
                        "conflict: unable to remove repository reference \"%s\" (must "
                        "force) - container %.12s is using its referenced image %s",
                        text, user->id, short_id);
}

/* ── Removing ── */

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

/* What registries know it by goes with the image. */
static void tell_digests(const struct cb_image *image)
{
    for (size_t i = 0; i < image->repo_digests.count; i++) {
        cb_autofree char *familiar =
            cb_repo_digest_familiar(image->repo_digests.items[i]);

        printf("Untagged: %s\n", familiar);
    }
}

static int delete_image(struct removal *removal, const struct cb_image *image,
                        struct cb_error **err)
{
    char text[CB_DIGEST_MAX_TEXT];

    if (cb_image_remove(removal->store, &image->id, err) < 0)
        return -1;
    removal->deleted = 1;
    tell_digests(image);
    printf("Deleted: %s\n", cb_digest_text(&image->id, text));
    cb_journal_image(removal->store, "delete", image, NULL);
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

/* One that runs keeps it. */
static int delete_unnamed(struct removal *removal, const struct cb_digest *id,
                          struct cb_error **err)
{
    cb_auto(cb_image) image = NULL;

    /* One image may serve two platforms, and be gone already. */
    if (cb_image_get(removal->store, id, &image, NULL) < 0 || cb_image_is_named(image) ||
        cb_containers_find_user(&removal->containers, id, 1))
        return 0;
    return delete_image(removal, image, err);
}

/* A name of several platforms goes with all of its images that have no other. */
static int remove_platforms(struct removal *removal, const struct cb_image *image,
                            const char *name, const char *text,
                            const struct cb_platform_images *images,
                            struct cb_error **err)
{
    cb_vec_foreach (entry, images) {
        if (check_last_name(removal, &entry->id, text, err) < 0)
            return -1;
    }
    if (untag(removal->store, image, name, err) < 0)
        return -1;
    cb_vec_foreach (entry, images) {
        if (delete_unnamed(removal, &entry->id, err) < 0)
            return -1;
    }
    return 0;
}

/* Of a name of several platforms the one that is asked for; the name goes with the last.
 */
static int remove_platform(struct removal *removal, const struct cb_image *image,
                           const char *name, const char *text,
                           const struct cb_platform_images *images, struct cb_error **err)
{
    const struct cb_platform_image *gone =
        cb_platform_images_chosen(images, removal->platform);
    cb_auto_value(cb_platform_images) kept = {0};

    cb_vec_foreach (entry, images) {
        if (entry != gone)
            cb_vec_push(&kept, *entry);
    }
    if (!kept.count)
        return remove_platforms(removal, image, name, text, images, err);
    if (check_last_name(removal, &gone->id, text, err) < 0 ||
        cb_ref_set_platforms(removal->store, name, &kept, err) < 0)
        return -1;
    return delete_unnamed(removal, &gone->id, err);
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

/* A tag and the digests of its repository are one. */
static int has_many_names(const struct cb_image *image)
{
    size_t names = image->names.count + image->platform_names.count;
    const char *first = image->names.count            ? image->names.items[0]
                        : image->platform_names.count ? image->platform_names.items[0]
                        : image->repo_digests.count   ? image->repo_digests.items[0]
                                                      : NULL;
    cb_autofree char *repository = first ? cb_repository_of(first) : NULL;

    return names > 1 || (repository && cb_repo_digests_elsewhere(image, repository) > 0);
}

static int remove_by_id(struct removal *removal, const struct cb_image *image,
                        struct cb_error **err)
{
    if (has_many_names(image) && !removal->values->force)
        return refuse_many_names(image, err);
    if (check_unused(removal, &image->id, err) < 0)
        return -1;
    for (size_t i = 0; i < image->names.count; i++) {
        if (untag(removal->store, image, image->names.items[i], err) < 0)
            return -1;
    }
    return delete_image(removal, image, err);
}

/* NAME: which of its names TEXT means. */
static int remove_name(struct removal *removal, const struct cb_image *image,
                       const char *name, const char *text, struct cb_error **err)
{
    cb_autofree char *repository = cb_repository_of(name);
    int last_name = image->names.count + image->platform_names.count == 1;
    int last = last_name && !cb_repo_digests_elsewhere(image, repository);

    if (last && check_last_name(removal, &image->id, text, err) < 0)
        return -1;
    if (untag(removal->store, image, name, err) < 0 ||
        (cb_names_of(image, repository) == 1 &&
         cb_repo_digests_remove(removal->store, image, repository, NULL, err) < 0))
        return -1;
    return last ? delete_unnamed(removal, &image->id, err) : 0;
}

/* TEXT is x@sha256:…: 1 if registries know the image by that, which it is now without. */
static int remove_digest(struct removal *removal, const struct cb_image *image,
                         const char *text, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *repository = NULL;
    int last = !cb_image_is_named(image) && image->repo_digests.count == 1, removed;

    if (cb_reference_parse(&reference, text, NULL) < 0 ||
        !cb_digest_is_set(&reference->digest))
        return 0;
    repository = xasprintf("%s/%s", reference->host, reference->path);
    if (last && check_last_name(removal, &image->id, text, err) < 0)
        return -1;
    removed = cb_repo_digests_remove(removal->store, image, repository,
                                     &reference->digest, err);
    if (removed > 0 && last && delete_unnamed(removal, &image->id, err) < 0)
        return -1;
    return removed;
}

/* The image that TEXT means; NULL in *OUT for one that is not there with -f. */
static int find_meant(const struct removal *removal, const char *text,
                      struct cb_image **out, int *by_id, struct cb_error **err)
{
    cb_auto(cb_image) image = NULL;
    cb_auto(cb_image) wanted = NULL; /* here, and for the platform */
    int found = cb_image_find(removal->store, text, &image, by_id, err);

    if (found < 0)
        return -1;
    if (!found && removal->values->force) {
        fprintf(stderr, "Error: No such image: %s\n", text);
        return 0;
    }
    if ((!found || removal->platform) &&
        cb_image_get_for(removal->store, text, removal->platform, &wanted, by_id, err) <
            0)
        return -1;
    *out = image ? cb_steal(&image) : cb_steal(&wanted);
    return 0;
}

static int remove_one(void *arg, const char *text, struct cb_error **err)
{
    struct removal *removal = arg;
    cb_auto(cb_image) image = NULL;
    cb_auto_value(cb_platform_images) platforms = {0};
    const char *name;
    int by_id = 0, removed;

    if (find_meant(removal, text, &image, &by_id, err) < 0)
        return -1;
    if (!image)
        return 0;
    removed = by_id ? 0 : remove_digest(removal, image, text, err);
    if (removed)
        return removed < 0 ? -1 : 0;
    name = meant_name(image, text, by_id);
    if (name && cb_ref_platforms(removal->store, name, &platforms, err) < 0)
        return -1;
    if (platforms.count && removal->platform)
        return remove_platform(removal, image, name, text, &platforms, err);
    if (platforms.count)
        return remove_platforms(removal, image, name, text, &platforms, err);
    return name ? remove_name(removal, image, name, text, err)
                : remove_by_id(removal, image, err);
}

/* Whatever became of the others. */
static void finish(const struct removal *removal, struct cb_error **first)
{
    struct cb_error *error = NULL;

    if (cb_refs_end_removal(removal->store, &error) < 0 ||
        (removal->deleted && !removal->values->no_prune &&
         cb_store_gc(removal->store, NULL, &error) < 0))
        cb_error_append(first, error);
}

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    cb_auto(cb_error) first = NULL;
    struct values *values = given;
    cb_auto_value(removal) removal = {.values = values};
    struct cb_platform buffer;

    if (cb_app_platform(values->platform, &buffer, &removal.platform, err) < 0 ||
        cb_app_store(app, CB_STORE_EXISTING, &removal.store, err) < 0 ||
        cb_containers_list(removal.store, &removal.containers, err) < 0)
        return -1;
    cb_refs_begin_removal(removal.store);
    cb_each_named(args, remove_one, &removal, &first);
    finish(&removal, &first);
    return first ? cb_error_move(err, &first) : 0;
}

const struct cb_cli_command cb_rmi_command = {
    .name = "rmi",
    .summary = "Remove images",
    .usage = "rmi [OPTIONS] IMAGE...",
    .options = options,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = -1,
    .act = run,
};
