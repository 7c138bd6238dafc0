/* An image layout, a directory or a tar of it, in the place of a registry: the same
 * documents are looked for by the same code, verified and kept in the store alike; only
 * where the bytes come from differs. Layers are taken when a step needs them. */
#include "registry/registry-priv.h"

#include "store/layout-read.h"

#include <string.h>

int cb_layout_repository_open(struct cb_registry *registry, const char *path,
                              struct cb_repository *out, int *fd, struct cb_error **err)
{
    if (cb_layout_open(path, registry->store, registry->cancel, fd, err) < 0)
        return -1;
    *out = (struct cb_repository){.path = path, .layout = 1, .layout_fd = *fd};
    return 0;
}

int cb_layout_provide(struct cb_registry *registry,
                      const struct cb_repository *repository,
                      const struct cb_descriptor *want, struct cb_error **err)
{
    if (!repository || !repository->layout)
        return 0;
    return cb_layout_take_blob(repository->layout_fd, registry->store, want,
                               registry->cancel, err);
}

static int resolve(struct cb_registry *registry, const struct cb_repository *repository,
                   const struct cb_layout_image *from, const struct cb_platform *platform,
                   struct cb_resolved_image *image, struct cb_error **err)
{
    cb_auto(cb_index) index = NULL;
    struct cb_image_want want = {.root = {.digest = from->digest, .size = -1},
                                 .platform = platform};
    const struct cb_descriptor *entry = NULL;

    if (!cb_digest_is_set(&from->digest)) {
        if (cb_layout_index(repository->layout_fd, &index, err) < 0 ||
            cb_layout_find(index, from->tag, &entry, err) < 0)
            return -1;
        want.root = *entry;
    }
    return cb_resolve_documents(registry, repository, &want, image, err);
}

int cb_registry_resolve_layout(struct cb_registry *registry,
                               const struct cb_layout_image *from,
                               const struct cb_platform *platform,
                               struct cb_resolved_image **out, struct cb_error **err)
{
    cb_auto(cb_resolved_image) image = xcalloc(1, sizeof(*image));
    struct cb_repository repository;
    cb_autofd int fd = -1;

    if (cb_layout_repository_open(registry, from->path, &repository, &fd, err) < 0 ||
        resolve(registry, &repository, from, platform, image, err) < 0)
        return cb_error_wrap(err, "oci-layout %s", from->path);
    image->layout = xstrdup(from->path);
    *out = cb_steal(&image);
    return 0;
}
