/* As docker's (moby daemon/images/image_delete.go): a digest is a name that nobody gave
 * the image, so it does not outlive the tags of its repository; one that came without a
 * tag keeps the image as a tag would. */
#include "commands/repo-digests.h"

#include <stdio.h>
#include <string.h>

char *cb_repository_of(const char *canonical)
{
    cb_auto(cb_reference) reference = NULL;

    if (cb_reference_parse(&reference, canonical, NULL) < 0)
        return xstrdup(canonical);
    return xasprintf("%s/%s", reference->host, reference->path);
}

static int is_of(const char *canonical, const char *repository)
{
    cb_autofree char *own = cb_repository_of(canonical);

    return strcmp(own, repository) == 0;
}

static size_t count_elsewhere(const struct cb_strings *names, const char *repository)
{
    size_t count = 0;

    for (size_t i = 0; i < names->count; i++)
        count += !is_of(names->items[i], repository);
    return count;
}

size_t cb_repo_digests_elsewhere(const struct cb_image *image, const char *repository)
{
    return count_elsewhere(&image->repo_digests, repository);
}

size_t cb_names_of(const struct cb_image *image, const char *repository)
{
    return image->names.count + image->platform_names.count -
           count_elsewhere(&image->names, repository) -
           count_elsewhere(&image->platform_names, repository);
}

char *cb_repo_digest_familiar(const char *canonical)
{
    cb_auto(cb_reference) reference = NULL;

    if (cb_reference_parse(&reference, canonical, NULL) < 0)
        return xstrdup(canonical);
    return cb_reference_familiar(reference);
}

int cb_repo_digests_remove(struct cb_store *store, const struct cb_image *image,
                           const char *repository, const struct cb_digest *digest,
                           struct cb_error **err)
{
    int count = 0;

    cb_vec_foreach (name, &image->repo_digests) {
        cb_auto(cb_reference) reference = NULL;
        cb_autofree char *familiar = cb_repo_digest_familiar(*name);

        if (cb_reference_parse(&reference, *name, err) < 0)
            return -1;
        if (!is_of(*name, repository) ||
            (digest && !cb_digest_equal(digest, &reference->digest)))
            continue;
        if (cb_image_remove_repo_digest(store, &image->id, repository, &reference->digest,
                                        err) < 0)
            return -1;
        printf("Untagged: %s\n", familiar);
        count++;
    }
    return count;
}
