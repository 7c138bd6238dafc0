/* An image layout in a directory, in the place of a registry: the same documents are
 * looked for by the same code, verified and kept in the store alike; only where the bytes
 * come from differs. Layers are taken when a step needs them. */
#include "registry/registry-priv.h"

#include "store/layout-read.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

int cb_layout_repository_open(const char *path, struct cb_repository *out, int *fd,
                              struct cb_error **err)
{
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0)
        return cb_error_errno(err, errno, "open `%s`", path);
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

/* "registry.example/app:v1" has the tag "v1", too: some tools write whole names. */
static int has_tag(const struct cb_descriptor *entry, const char *tag)
{
    const char *name = cb_layout_tag(entry);
    const char *slash = name ? strrchr(name, '/') : NULL;
    const char *colon = name ? strrchr(slash ? slash : name, ':') : NULL;

    return name && (strcmp(name, tag) == 0 || (colon && strcmp(colon + 1, tag) == 0));
}

static int no_such_tag(const struct cb_index *index, const char *tag,
                       struct cb_error **err)
{
    cb_auto_value(cb_strbuf) tags = {0};

    cb_vec_foreach (entry, &index->manifests) {
        const char *name = cb_layout_tag(entry);

        if (name && tags.len < 200)
            cb_strbuf_addf(&tags, "%s%s", tags.len ? ", " : "", name);
    }
    cb_error_set(err, CB_ERR_NOT_FOUND, "no image with the tag `%s` in the layout", tag);
    return tags.len ? cb_error_hint(err, "it has %s", cb_strbuf_text(&tags))
                    : cb_error_hint(err, "its index.json names no tag: use "
                                         "`oci-layout://DIR@sha256:…`");
}

/* TAG NULL: latest, or else the only one there is. */
static int find_entry(const struct cb_index *index, const char *tag,
                      const struct cb_descriptor **out, struct cb_error **err)
{
    cb_vec_foreach (entry, &index->manifests) {
        if (has_tag(entry, tag ? tag : "latest")) {
            *out = entry;
            return 0;
        }
    }
    if (tag || index->manifests.count != 1)
        return no_such_tag(index, tag ? tag : "latest", err);
    *out = &index->manifests.items[0];
    return 0;
}

static int resolve(struct cb_registry *registry, const struct cb_repository *repository,
                   const char *tag, const struct cb_digest *digest,
                   const struct cb_platform *platform, struct cb_resolved_image *image,
                   struct cb_error **err)
{
    cb_auto(cb_index) index = NULL;
    cb_auto_value(cb_descriptor) want = {.digest = *digest, .size = -1};
    const struct cb_descriptor *entry = NULL;

    if (!cb_digest_is_set(digest)) {
        if (cb_layout_index(repository->layout_fd, &index, err) < 0 ||
            find_entry(index, tag, &entry, err) < 0)
            return -1;
        cb_descriptor_copy(&want, entry);
    }
    return cb_resolve_documents(registry, repository, NULL, &want, platform, image, err);
}

int cb_registry_resolve_layout(struct cb_registry *registry, const char *path,
                               const char *tag, const struct cb_digest *digest,
                               const struct cb_platform *platform,
                               struct cb_resolved_image **out, struct cb_error **err)
{
    cb_auto(cb_resolved_image) image = xcalloc(1, sizeof(*image));
    struct cb_repository repository;
    cb_autofd int fd = -1;

    if (cb_layout_repository_open(path, &repository, &fd, err) < 0 ||
        resolve(registry, &repository, tag, digest, platform, image, err) < 0)
        return cb_error_wrap(err, "oci-layout %s", path);
    image->layout = xstrdup(path);
    *out = cb_steal(&image);
    return 0;
}
