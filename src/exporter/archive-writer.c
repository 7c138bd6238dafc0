/* Members are written as they come; what was written under a digest is not written twice.
 */
#include "exporter/archive-writer.h"

#include "store/content.h"
#include "store/layout-read.h"
#include "store/layout.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int compress(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    return cb_compressor_write(arg, bytes, len, err);
}

int cb_archive_writer_open(struct cb_archive_writer *writer, struct cb_archive_env *env,
                           enum cb_compression compression, int fd, struct cb_error **err)
{
    *writer = (struct cb_archive_writer){
        .env = env,
        .buffered = {.fd = fd, .what = "the archive"},
        .written = cb_map_new(NULL),
    };
    if (cb_compressor_new(&writer->compressor, compression, 0, env->pool,
                          cb_buffered_write, &writer->buffered, err) < 0)
        return -1;
    return cb_tar_writer_new(&writer->tar, compress, writer->compressor, err);
}

int cb_archive_writer_finish(struct cb_archive_writer *writer, struct cb_error **err)
{
    if (cb_tar_writer_finish(writer->tar, err) < 0 ||
        cb_compressor_finish(writer->compressor, err) < 0)
        return -1;
    return cb_buffered_flush(&writer->buffered, err);
}

void cb_archive_writer_clear(struct cb_archive_writer *writer)
{
    cb_tar_writer_free(writer->tar);
    cb_compressor_free(writer->compressor);
    cb_map_free(writer->written);
    cb_buffered_clear(&writer->buffered);
}

static int add_entry(struct cb_archive_writer *writer, const char *path, mode_t mode,
                     int64_t size, struct cb_error **err)
{
    struct cb_tar_entry entry = {.path = (char *)path, .mode = mode, .size = size};

    return cb_tar_writer_entry(writer->tar, &entry, err);
}

int cb_archive_add_member(struct cb_archive_writer *writer, const char *path,
                          int64_t size, struct cb_error **err)
{
    return add_entry(writer, path, S_IFREG | 0644, size, err);
}

int cb_archive_add_data(struct cb_archive_writer *writer, const void *bytes, size_t len,
                        struct cb_error **err)
{
    return cb_tar_writer_data(writer->tar, bytes, len, err);
}

static int add_bytes(struct cb_archive_writer *writer, const char *path,
                     const char *bytes, size_t len, struct cb_error **err)
{
    if (cb_archive_add_member(writer, path, (int64_t)len, err) < 0)
        return -1;
    return cb_archive_add_data(writer, bytes, len, err);
}

int cb_archive_add_text(struct cb_archive_writer *writer, const char *path, char *text,
                        struct cb_error **err)
{
    cb_autofree char *owned = text;

    return add_bytes(writer, path, owned, strlen(owned), err);
}

int cb_archive_add_head(struct cb_archive_writer *writer, char *index,
                        struct cb_error **err)
{
    cb_autofree char *owned = index;

    if (add_bytes(writer, "oci-layout", CB_OCI_LAYOUT, strlen(CB_OCI_LAYOUT), err) < 0)
        return -1;
    return add_bytes(writer, "index.json", owned, strlen(owned), err);
}

int cb_archive_add_directories(struct cb_archive_writer *writer, struct cb_error **err)
{
    if (add_entry(writer, "blobs/", S_IFDIR | 0755, 0, err) < 0)
        return -1;
    return add_entry(writer, "blobs/sha256/", S_IFDIR | 0755, 0, err);
}

int cb_archive_seen(struct cb_archive_writer *writer, const struct cb_digest *digest)
{
    char text[CB_DIGEST_MAX_TEXT];

    cb_digest_text(digest, text);
    if (cb_map_has(writer->written, text))
        return 1;
    cb_map_set(writer->written, text, writer);
    return 0;
}

int cb_archive_add_blob(struct cb_archive_writer *writer, const struct cb_digest *digest,
                        struct cb_error **err)
{
    cb_autofree char *path = cb_layout_blob_path(digest);
    cb_autofd int fd = -1;
    int64_t size;

    if (cb_archive_seen(writer, digest))
        return 0;
    if (cb_cancel_check(writer->env->cancel, err) < 0 ||
        cb_content_open(writer->env->store, digest, &fd, &size, err) < 0 ||
        cb_archive_add_member(writer, path, size, err) < 0)
        return -1;
    return cb_tar_writer_data_fd(writer->tar, fd, size, err);
}

/* 1: its bytes are next; 0: it is there already. */
static int begin_blob(struct cb_archive_writer *writer, const struct cb_descriptor *blob,
                      struct cb_error **err)
{
    cb_autofree char *path = cb_layout_blob_path(&blob->digest);

    if (cb_archive_seen(writer, &blob->digest))
        return 0;
    return cb_archive_add_member(writer, path, blob->size, err) < 0 ? -1 : 1;
}

int cb_archive_add_blob_fd(struct cb_archive_writer *writer,
                           const struct cb_descriptor *blob, int fd,
                           struct cb_error **err)
{
    int begun = begin_blob(writer, blob, err);

    return begun <= 0 ? begun : cb_tar_writer_data_fd(writer->tar, fd, blob->size, err);
}

static int jump(struct cb_archive_writer *writer, const struct cb_descriptor *blob,
                int64_t at, struct cb_error **err)
{
    char text[CB_DIGEST_MAX_TEXT];

    if (cb_buffered_flush(&writer->buffered, err) < 0)
        return -1;
    if (lseek(writer->buffered.fd, 0, SEEK_CUR) != at)
        return cb_error_set(err, CB_ERR_INTEGRITY, "the archive has %s at another place",
                            cb_digest_text(&blob->digest, text));
    if (lseek(writer->buffered.fd, at + blob->size, SEEK_SET) < 0)
        return cb_error_errno(err, errno, "write the archive");
    return cb_tar_writer_data_there(writer->tar, err);
}

int cb_archive_add_placed(struct cb_archive_writer *writer,
                          const struct cb_descriptor *blob, int64_t at,
                          struct cb_error **err)
{
    int begun = begin_blob(writer, blob, err);

    return begun <= 0 ? begun : jump(writer, blob, at, err);
}

int cb_archive_add_document(struct cb_archive_writer *writer,
                            const struct cb_digest *digest, const char *bytes, size_t len,
                            struct cb_error **err)
{
    cb_autofree char *path = cb_layout_blob_path(digest);

    return cb_archive_seen(writer, digest) ? 0 : add_bytes(writer, path, bytes, len, err);
}
