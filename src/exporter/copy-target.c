/* Where a copy goes. To a registry blob by blob; everywhere else all of the image is in
 * the store first. */
#include "exporter/copy-priv.h"

#include "base/out-file.h"
#include "exporter/archive-writer.h"
#include "exporter/load-priv.h"
#include "store/content.h"
#include "store/layout.h"

#include <string.h>

#define REF_NAME "org.opencontainers.image.ref.name"

/* ── Layouts ── */

/* What index.json says of it. */
static void describe(const struct cb_copy *copy, const struct cb_tree *tree,
                     struct cb_descriptor *entry)
{
    cb_descriptor_copy(entry, &tree->root);
    json_decref(entry->annotations);
    entry->annotations =
        copy->to->tag ? json_pack("{s:s}", REF_NAME, copy->to->tag) : NULL;
}

static int write_layout(const struct cb_copy *copy, const struct cb_tree *tree,
                        struct cb_error **err)
{
    cb_auto_value(cb_descriptor) entry = {0};
    struct cb_layout_write what = {
        .entry = &entry,
        .manifests = (const struct cb_manifest *const *)tree->manifests.items,
        .manifest_count = tree->manifests.count,
        .index = tree->index,
        .keep = 1};

    describe(copy, tree, &entry);
    return cb_layout_write(copy->to->path, &what, copy->env->store, copy->env->cancel,
                           err);
}

static int add_manifest(struct cb_archive_writer *writer,
                        const struct cb_manifest *manifest, struct cb_error **err)
{
    cb_vec_foreach (layer, &manifest->layers) {
        if (cb_archive_add_blob(writer, &layer->digest, err) < 0)
            return -1;
    }
    if (cb_archive_add_blob(writer, &manifest->config.digest, err) < 0)
        return -1;
    return cb_archive_add_document(writer, &manifest->digest, manifest->bytes,
                                   manifest->len, err);
}

static int write_members(struct cb_archive_writer *writer, const struct cb_copy *copy,
                         const struct cb_tree *tree, struct cb_error **err)
{
    cb_auto_value(cb_descriptor) entry = {0};
    cb_auto(cb_index) top = NULL;

    describe(copy, tree, &entry);
    top = cb_index_make(&entry, 1, NULL, 0);
    if (cb_archive_add_head(writer, xstrndup(top->bytes, top->len), err) < 0 ||
        cb_archive_add_directories(writer, err) < 0)
        return -1;
    cb_vec_foreach (manifest, &tree->manifests) {
        if (add_manifest(writer, *manifest, err) < 0)
            return -1;
    }
    if (tree->index &&
        cb_archive_add_document(writer, &tree->index->digest, tree->index->bytes,
                                tree->index->len, err) < 0)
        return -1;
    return cb_archive_writer_finish(writer, err);
}

static int write_oci_archive(const struct cb_copy *copy, const struct cb_tree *tree,
                             int fd, struct cb_error **err)
{
    struct cb_archive_writer writer;
    int result = cb_archive_writer_open(&writer, copy->env, CB_COMPRESSION_NONE, fd, err);

    if (result == 0)
        result = write_members(&writer, copy, tree, err);
    cb_archive_writer_clear(&writer);
    return result;
}

/* ── Docker archives ── */

/* The layers become known by what they unpack to, as docker archives need them. */
static int enter_layers(const struct cb_copy *copy, const struct cb_manifest *manifest,
                        struct cb_platform *platform, struct cb_error **err)
{
    struct cb_store *store = copy->env->store;
    cb_auto_value(cb_strbuf) bytes = {0};
    cb_auto(cb_image_config) config = NULL;

    if (cb_media_kind(manifest->config.media_type) != CB_MEDIA_CONFIG)
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "not an image: its config is of type `%s`",
                            manifest->config.media_type);
    if (cb_content_read(store, &manifest->config.digest, CB_MANIFEST_MAX_BYTES, &bytes,
                        err) < 0 ||
        cb_image_config_parse(&config, cb_strbuf_text(&bytes), bytes.len, err) < 0)
        return -1;
    if (config->diff_ids.count != manifest->layers.count)
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "the manifest has %zu layers, the config %zu",
                            manifest->layers.count, config->diff_ids.count);
    for (size_t i = 0; i < config->diff_ids.count; i++) {
        if (cb_layer_blob_enter(store, &config->diff_ids.items[i],
                                &manifest->layers.items[i], copy->env->cancel, err) < 0)
            return -1;
    }
    *platform = config->platform;
    return 0;
}

static int write_docker_archive(const struct cb_copy *copy, const struct cb_tree *tree,
                                int fd, struct cb_error **err)
{
    const struct cb_manifest *manifest = tree->manifests.items[0];
    struct cb_platform_image image = {.id = manifest->config.digest};
    struct cb_platform_images images = {.items = &image, .count = 1};
    cb_auto_value(cb_strings) names = {0};
    struct cb_archive_image what = {.images = &images, .names = &names};

    if (enter_layers(copy, manifest, &image.platform, err) < 0)
        return -1;
    if (copy->to->reference)
        cb_strings_take(&names, cb_reference_canonical(copy->to->reference));
    return cb_archive_write(copy->env, &what, CB_ARCHIVE_DOCKER, fd, NULL, err);
}

static int write_archive(const struct cb_copy *copy, const struct cb_tree *tree,
                         struct cb_error **err)
{
    cb_auto(cb_out_file) file = NULL;

    if (cb_out_file_open(&file, copy->to->path, err) < 0 ||
        (copy->to->kind == CB_COPY_OCI_ARCHIVE
             ? write_oci_archive
             : write_docker_archive)(copy, tree, cb_out_file_fd(file), err) < 0)
        return -1;
    return cb_out_file_commit(&file, err);
}

/* ── The store ── */

/* The image can be found by the digest it has where it comes from. */
static int remember(const struct cb_copy *copy, const struct cb_tree *tree,
                    const char *canonical, struct cb_error **err)
{
    const struct cb_reference *from = copy->from->reference;
    cb_autofree char *repository = NULL;
    struct cb_digest id;
    int found;

    if (copy->from->kind != CB_COPY_REGISTRY)
        return 0;
    repository = xasprintf("%s/%s", from->host, from->path);
    found = cb_ref_get(copy->env->store, canonical, &id, err);
    if (found <= 0)
        return found;
    return cb_image_add_repo_digest(copy->env->store, &id, repository, &tree->root.digest,
                                    err);
}

static int put_in_store(const struct cb_copy *copy, const struct cb_tree *tree,
                        struct cb_error **err)
{
    cb_auto_value(cb_strings) messages = {0};
    struct cb_load load = {.env = copy->env, .messages = &messages};
    cb_autofree char *canonical = cb_reference_canonical(copy->to->reference);

    if (cb_load_entry(&load, &tree->root, canonical, err) < 0)
        return -1;
    return remember(copy, tree, canonical, err);
}

int cb_copy_target(const struct cb_copy *copy, const struct cb_tree_source *source,
                   const struct cb_tree *tree, struct cb_error **err)
{
    if (copy->to->kind == CB_COPY_REGISTRY) {
        cb_autofree char *name = cb_reference_canonical(copy->to->reference);

        return cb_tree_push(copy->registry, source, tree, name, err);
    }
    if (cb_tree_fetch(copy->registry, source, tree, err) < 0)
        return -1;
    switch (copy->to->kind) {
    case CB_COPY_LAYOUT:
        return write_layout(copy, tree, err);
    case CB_COPY_DIR:
        return cb_copy_write_dir(copy, tree, err);
    case CB_COPY_STORE:
        return put_in_store(copy, tree, err);
    default:
        return write_archive(copy, tree, err);
    }
}
