/* Writes the planned archive as one tar stream. The documents come first, so that a
 * reader of a pipe knows what follows; every member has the same owner, mode and time, so
 * that the same images give the same bytes. */
#include "exporter/archive.h"

#include "exporter/buffered.h"
#include "store/compress.h"
#include "store/content.h"
#include "store/layer.h"
#include "store/layout-read.h"
#include "store/layout.h"

#include <string.h>
#include <sys/stat.h>

struct writer {
    struct cb_saved *saved;
    struct cb_tar_writer *tar;
    struct cb_map *written; /* digests */
};

static int add_member(struct writer *writer, const char *path, mode_t mode, int64_t size,
                      struct cb_error **err)
{
    struct cb_tar_entry entry = {.path = (char *)path, .mode = mode, .size = size};

    return cb_tar_writer_entry(writer->tar, &entry, err);
}

static int add_text(struct writer *writer, const char *path, const char *text, size_t len,
                    struct cb_error **err)
{
    if (add_member(writer, path, S_IFREG | 0644, (int64_t)len, err) < 0)
        return -1;
    return cb_tar_writer_data(writer->tar, text, len, err);
}

/* Takes TEXT. */
static int add_document(struct writer *writer, const char *path, char *text,
                        struct cb_error **err)
{
    cb_autofree char *owned = text;

    return add_text(writer, path, owned, strlen(owned), err);
}

/* 1 when DIGEST is in the archive already; remembers it. */
static int seen(struct writer *writer, const struct cb_digest *digest)
{
    char text[CB_DIGEST_MAX_TEXT];

    cb_digest_text(digest, text);
    if (cb_map_has(writer->written, text))
        return 1;
    cb_map_set(writer->written, text, writer);
    return 0;
}

static int add_blob(struct writer *writer, const struct cb_digest *digest,
                    struct cb_error **err)
{
    cb_autofree char *path = cb_layout_blob_path(digest);
    cb_autofd int fd = -1;
    int64_t size;

    if (seen(writer, digest))
        return 0;
    if (cb_content_open(writer->saved->env->store, digest, &fd, &size, err) < 0 ||
        add_member(writer, path, S_IFREG | 0644, size, err) < 0)
        return -1;
    return cb_tar_writer_data_fd(writer->tar, fd, size, err);
}

static int write_tar(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    struct writer *writer = arg;

    if (cb_cancel_check(writer->saved->env->cancel, err) < 0)
        return -1;
    return cb_tar_writer_data(writer->tar, bytes, len, err);
}

static int stream_layer(struct writer *writer, const struct cb_saved_image *entry,
                        size_t i, struct cb_error **err)
{
    const struct cb_digest *diff_id = &entry->image->config->diff_ids.items[i];
    cb_autofree char *path = cb_layout_blob_path(diff_id);

    if (seen(writer, diff_id))
        return 0;
    if (add_member(writer, path, S_IFREG | 0644, entry->layers[i].size, err) < 0)
        return -1;
    return cb_layer_stream_tar(writer->saved->env->store, &entry->chain_ids[i], diff_id,
                               write_tar, writer, err);
}

static int add_image(struct writer *writer, const struct cb_saved_image *entry,
                     struct cb_error **err)
{
    cb_autofree char *manifest = cb_layout_blob_path(&entry->manifest->digest);

    for (size_t i = 0; i < entry->image->config->diff_ids.count; i++) {
        if (cb_cancel_check(writer->saved->env->cancel, err) < 0)
            return -1;
        if ((entry->streamed[i] ? stream_layer(writer, entry, i, err)
                                : add_blob(writer, &entry->layers[i].digest, err)) < 0)
            return -1;
    }
    if (add_blob(writer, &entry->image->id, err) < 0)
        return -1;
    if (seen(writer, &entry->manifest->digest))
        return 0;
    return add_text(writer, manifest, entry->manifest->bytes, entry->manifest->len, err);
}

static int add_index(struct writer *writer, const struct cb_index *index,
                     struct cb_error **err)
{
    cb_autofree char *path = cb_layout_blob_path(&index->digest);

    if (seen(writer, &index->digest))
        return 0;
    return add_text(writer, path, index->bytes, index->len, err);
}

static int write_archive(struct writer *writer, struct cb_error **err)
{
    const struct cb_saved *saved = writer->saved;

    if (add_text(writer, "oci-layout", CB_OCI_LAYOUT, strlen(CB_OCI_LAYOUT), err) < 0 ||
        add_document(writer, "index.json", cb_saved_index_json(saved), err) < 0)
        return -1;
    if (saved->format == CB_ARCHIVE_DOCKER &&
        (add_document(writer, "manifest.json", cb_saved_manifest_json(saved), err) < 0 ||
         add_document(writer, "repositories", cb_saved_repositories(saved), err) < 0))
        return -1;
    if (add_member(writer, "blobs/", S_IFDIR | 0755, 0, err) < 0 ||
        add_member(writer, "blobs/sha256/", S_IFDIR | 0755, 0, err) < 0)
        return -1;
    cb_vec_foreach (image, &saved->images) {
        if (add_image(writer, *image, err) < 0)
            return -1;
    }
    cb_vec_foreach (several, &saved->indexes) {
        if (add_index(writer, several->index, err) < 0)
            return -1;
    }
    return cb_tar_writer_finish(writer->tar, err);
}

static int compress(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    return cb_compressor_write(arg, bytes, len, err);
}

static int write_saved(struct cb_saved *saved, enum cb_compression compression, int fd,
                       struct cb_error **err)
{
    cb_auto_value(cb_buffered) buffered = {.fd = fd, .what = "the archive"};
    cb_auto(cb_compressor) compressor = NULL;
    cb_auto(cb_tar_writer) tar = NULL;
    cb_auto(cb_map) written = cb_map_new(NULL);
    struct writer writer = {.saved = saved, .written = written};

    if (cb_compressor_new(&compressor, compression, 0, saved->env->pool,
                          cb_buffered_write, &buffered, err) < 0 ||
        cb_tar_writer_new(&tar, compress, compressor, err) < 0)
        return -1;
    writer.tar = tar;
    if (write_archive(&writer, err) < 0 || cb_compressor_finish(compressor, err) < 0)
        return -1;
    return cb_buffered_flush(&buffered, err);
}

int cb_archive_save(struct cb_archive_env *env, const struct cb_strings *images,
                    const struct cb_platform *platform, enum cb_archive_format format,
                    enum cb_compression compression, int fd, struct cb_error **err)
{
    cb_auto_value(cb_saved)
        saved = {.env = env,
                 .format = format,
                 .layers = {.compression = CB_COMPRESSION_GZIP, .any = 1}};

    if (cb_saved_plan(&saved, images, platform, err) < 0)
        return -1;
    return write_saved(&saved, compression, fd, err);
}

int cb_archive_write(struct cb_archive_env *env, const struct cb_archive_image *image,
                     enum cb_archive_format format, int fd, struct cb_descriptor *target,
                     struct cb_error **err)
{
    cb_auto_value(cb_saved) saved = {.env = env, .format = format};

    if (cb_saved_plan_archive(&saved, image, target, err) < 0)
        return -1;
    return write_saved(&saved, CB_COMPRESSION_NONE, fd, err);
}
