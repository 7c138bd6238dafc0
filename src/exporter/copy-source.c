/* Where a copy comes from. Registries and directories are read as the blobs are needed;
 * of an archive all members are, once, since they come in any order; an image of the
 * store gets the manifest it came with, or one of its own. */
#include "exporter/copy-priv.h"

#include "exporter/archive.h"
#include "exporter/load-priv.h"
#include "store/content.h"
#include "store/layout-read.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* ── Archives ── */

struct found {
    struct cb_load load; /* first: what load-docker.c hands out */
    const struct cb_copy_end *from;
    struct cb_digest root; /* unset: none yet */
    /* Of a docker archive that is unpacked into the store: the image. */
    struct cb_load_image image;
};

static int open_members(struct found *found, int leave_tars, struct cb_error **err)
{
    const char *path = found->from->path;
    struct cb_archive_env *env = found->load.env;
    int directory = found->from->kind == CB_COPY_DIR;
    cb_autofd int fd = open(path, O_RDONLY | O_CLOEXEC | (directory ? O_DIRECTORY : 0));

    if (fd < 0)
        return cb_error_errno(err, errno, "open `%s`", path);
    return directory ? cb_members_read_dir(env, fd, &found->load.members, err)
                     : cb_members_read(env, fd, leave_tars, &found->load.members, err);
}

static const struct cb_member *document(const struct found *found, const char *name)
{
    const struct cb_member *member = cb_members_find(&found->load.members, name);

    return member && member->text ? member : NULL;
}

static int no_document(const char *name, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_INTEGRITY, "there is no %s in it", name);
}

static int find_in_layout(struct found *found, struct cb_error **err)
{
    const struct cb_member *member = document(found, "index.json");
    cb_auto(cb_index) index = NULL;
    const struct cb_descriptor *entry;

    if (cb_digest_is_set(&found->from->digest)) {
        found->root = found->from->digest;
        return 0;
    }
    if (!member)
        return no_document("index.json", err);
    if (cb_index_parse(&index, member->text, (size_t)member->size, CB_MT_OCI_INDEX, err) <
            0 ||
        cb_layout_find(index, found->from->tag, &entry, err) < 0)
        return -1;
    found->root = entry->digest;
    return 0;
}

/* The manifest of the image, that a directory of skopeo's has beside its blobs. */
static int find_bare(struct found *found, struct cb_error **err)
{
    const struct cb_member *member = document(found, "manifest.json");

    if (!member)
        return no_document("manifest.json", err);
    return cb_content_put(found->load.env->store, member->text, (size_t)member->size,
                          &found->root, err);
}

/* A layer as it goes on: a plain tar, as docker archives have them, is compressed. */
static int pack_layer(struct found *found, struct cb_load_image *image, size_t i,
                      struct cb_descriptor *out, struct cb_error **err)
{
    static const struct cb_layer_form form = {.compression = CB_COMPRESSION_GZIP};
    struct cb_archive_env *env = found->load.env;
    const struct cb_digest *diff_id = &image->config->diff_ids.items[i];
    const struct cb_descriptor *layer = &image->layers[i];
    const struct cb_layer_want want = {.store = env->store,
                                       .diff_id = diff_id,
                                       .form = &form,
                                       .pool = env->pool,
                                       .cancel = env->cancel,
                                       .sink = env->sink};
    enum cb_compression compression = CB_COMPRESSION_NONE;
    char text[CB_DIGEST_MAX_TEXT];

    if (!cb_digest_is_set(&layer->digest))
        return cb_error_set(err, CB_ERR_NOT_FOUND, "layer %s is not in the archive",
                            cb_digest_text(diff_id, text));
    if (cb_layer_blob_enter(env->store, diff_id, layer, env->cancel, err) < 0)
        return -1;
    cb_media_compression(layer->media_type, &compression);
    if (compression != CB_COMPRESSION_NONE) {
        cb_descriptor_copy(out, layer);
        return 0;
    }
    return cb_layer_blob_get(&want, out, err);
}

static int make_manifest(struct found *found, struct cb_load_image *image,
                         struct cb_error **err)
{
    size_t count = image->config->diff_ids.count;
    struct cb_descriptor *layers = xcalloc(count + 1, sizeof(*layers));
    cb_auto_value(cb_descriptor) config = {.media_type = xstrdup(CB_MT_OCI_CONFIG)};
    int result = 0;

    for (size_t i = 0; result == 0 && i < count; i++)
        result = pack_layer(found, image, i, &layers[i], err);
    if (result == 0) {
        cb_auto(cb_manifest) manifest = NULL;

        config.size = (int64_t)image->config_bytes.len;
        config.digest =
            cb_digest_of(cb_strbuf_text(&image->config_bytes), image->config_bytes.len);
        manifest = cb_manifest_make(&config, layers, count, NULL, 0);
        result = cb_content_put(found->load.env->store, manifest->bytes, manifest->len,
                                &found->root, err);
    }
    for (size_t i = 0; i < count; i++)
        cb_descriptor_free(&layers[i]);
    free(layers);
    return result;
}

/* Docker's own archives have a manifest, of plain tars. */
static int has_plain_layers(const struct cb_load_image *image)
{
    for (size_t i = 0; i < image->config->diff_ids.count; i++) {
        enum cb_compression compression = CB_COMPRESSION_NONE;
        const char *type = image->layers[i].media_type;

        if (!type || cb_media_compression(type, &compression) < 0 ||
            compression == CB_COMPRESSION_NONE)
            return 1;
    }
    return 0;
}

/* Is it the one image of a docker archive that is asked for, or the only one? */
static int is_meant(const struct found *found, const struct cb_load_image *image,
                    struct cb_error **err)
{
    if (found->from->reference) {
        cb_autofree char *name = cb_reference_canonical(found->from->reference);

        return cb_strings_contain(&image->names, name);
    }
    if (!cb_digest_is_set(&found->root))
        return 1;
    cb_error_set(err, CB_ERR_USAGE, "several images are in it");
    return cb_error_hint(err, "say which: docker-archive:%s:NAME", found->from->path);
}

static int take_image(struct cb_load *load, struct cb_load_image *image,
                      struct cb_error **err)
{
    struct found *found = (struct found *)load;
    int meant = is_meant(found, image, err);

    if (meant <= 0)
        return meant;
    if (cb_digest_is_set(&image->manifest) && !has_plain_layers(image)) {
        found->root = image->manifest;
        return 0;
    }
    return make_manifest(found, image, err);
}

/* It is unpacked once it is known that no other is meant. */
static int keep_image(struct cb_load *load, struct cb_load_image *image,
                      struct cb_error **err)
{
    struct found *found = (struct found *)load;
    int meant = is_meant(found, image, err);

    if (meant <= 0)
        return meant;
    cb_load_image_clear(&found->image);
    found->image = *image;
    memset(image, 0, sizeof(*image));
    found->root = cb_digest_of(cb_strbuf_text(&found->image.config_bytes),
                               found->image.config_bytes.len);
    return 0;
}

static int find_in_docker(struct found *found,
                          int (*take)(struct cb_load *load, struct cb_load_image *image,
                                      struct cb_error **err),
                          struct cb_error **err)
{
    const struct cb_member *member = document(found, "manifest.json");

    if (!member)
        return no_document("manifest.json", err);
    found->load.take = take;
    if (cb_load_docker(&found->load, member, err) < 0)
        return -1;
    if (!cb_digest_is_set(&found->root))
        return cb_error_set(err, CB_ERR_NOT_FOUND, "no such image is in it");
    return 0;
}

static int find_in_archive(const struct cb_copy *copy, struct cb_digest *root,
                           struct cb_error **err)
{
    struct found found = {.load = {.env = copy->env}, .from = copy->from};
    int result = open_members(&found, 0, err);

    if (result == 0)
        result = copy->from->kind == CB_COPY_OCI_ARCHIVE ? find_in_layout(&found, err)
                 : copy->from->kind == CB_COPY_DOCKER_ARCHIVE
                     ? find_in_docker(&found, take_image, err)
                     : find_bare(&found, err);
    cb_members_clear(&found.load.members);
    *root = found.root;
    return result;
}

static int put_image(struct found *found, const struct cb_copy *copy,
                     struct cb_descriptor *root, struct cb_error **err)
{
    struct cb_load_image *image = &found->image;
    struct cb_digest id;

    cb_strings_free(&image->names);
    image->names = (struct cb_strings){0};
    cb_strings_take(&image->names, cb_reference_canonical(copy->to->reference));
    if (cb_load_put(&found->load, image, &id, err) < 0)
        return -1;
    root->digest = cb_digest_is_set(&image->manifest) ? image->manifest : id;
    return 0;
}

int cb_copy_unpack(const struct cb_copy *copy, struct cb_descriptor *root,
                   struct cb_error **err)
{
    struct found found = {.load = {.env = copy->env}, .from = copy->from};
    int result = open_members(&found, 1, err);

    if (result == 0)
        result = find_in_docker(&found, keep_image, err);
    if (result == 0)
        result = put_image(&found, copy, root, err);
    cb_load_image_clear(&found.image);
    cb_members_clear(&found.load.members);
    return result < 0 ? cb_error_wrap(err, "%s", copy->from->path) : 0;
}

/* ── The store ── */

static int keep_documents(struct cb_store *store, const struct cb_saved *saved,
                          struct cb_digest *root, struct cb_error **err)
{
    cb_vec_foreach (image, &saved->images) {
        if (cb_content_put(store, (*image)->manifest->bytes, (*image)->manifest->len,
                           root, err) < 0)
            return -1;
    }
    cb_vec_foreach (several, &saved->indexes) {
        cb_vec_foreach (said, &several->attestations) {
            if (cb_attestation_keep(store, *said, err) < 0 ||
                cb_content_put(store, (*said)->manifest->bytes, (*said)->manifest->len,
                               root, err) < 0)
                return -1;
        }
        if (cb_content_put(store, several->index->bytes, several->index->len, root, err) <
            0)
            return -1;
    }
    return 0;
}

static int find_in_store(const struct cb_copy *copy, struct cb_digest *root,
                         struct cb_error **err)
{
    cb_auto_value(cb_saved)
        saved = {.env = copy->env,
                 .format = CB_ARCHIVE_OCI,
                 .packs = copy->to->kind != CB_COPY_STORE &&
                          copy->to->kind != CB_COPY_DOCKER_ARCHIVE,
                 .layers = {.compression = CB_COMPRESSION_GZIP, .any = 1}};
    struct cb_platform host = cb_platform_host();
    const struct cb_platform *platform = copy->platform;
    cb_auto_value(cb_platform_images) several = {0};
    cb_auto_value(cb_strings) names = {0};
    cb_auto(cb_image) image = NULL;

    if (cb_image_find_platforms(copy->env->store, copy->from->name, &several, err) < 0)
        return -1;
    /* The index says more of the image than the image does: it is chosen from that. */
    if (platform && cb_image_get_for(copy->env->store, copy->from->name, platform, &image,
                                     NULL, err) < 0)
        return -1;
    if (copy->all || platform)
        platform = NULL;
    else if (!platform && several.count > 1)
        platform = &host;
    cb_strings_add(&names, copy->from->name);
    if (cb_saved_plan(&saved, &names, platform, err) < 0 ||
        cb_keeper_wait(saved.keeper, err) < 0)
        return -1;
    return keep_documents(copy->env->store, &saved, root, err);
}

int cb_copy_source(const struct cb_copy *copy, struct cb_tree_source *out,
                   struct cb_error **err)
{
    const struct cb_copy_end *from = copy->from;

    *out = (struct cb_tree_source){.digest = from->digest};
    switch (from->kind) {
    case CB_COPY_REGISTRY:
        out->reference = from->reference;
        return 0;
    case CB_COPY_LAYOUT:
        out->layout = from->path;
        out->tag = from->tag;
        return 0;
    case CB_COPY_STORE:
        if (find_in_store(copy, &out->digest, err) == 0)
            return 0;
        return err && cb_error_kind(*err) == CB_ERR_NOT_FOUND
                   ? cb_error_hint_instead(err,
                                           "`cbuild images` lists what is here; "
                                           "docker://%s is what a registry has",
                                           from->name)
                   : -1;
    default:
        if (find_in_archive(copy, &out->digest, err) < 0)
            return cb_error_wrap(err, "%s", from->path);
        return 0;
    }
}
