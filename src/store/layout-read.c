/* Reading an image layout. What is taken goes through the blob writer, which hashes it
 * and bounds it by the descriptor's size; links are not followed out of the directory,
 * and those in a tar not at all. */
#include "store/layout-read.h"

#include "base/fs.h"
#include "store/content.h"
#include "store/layout-tar.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REF_NAME   "org.opencontainers.image.ref.name"
#define COPY_BYTES (256 * 1024)

char *cb_layout_blob_path(const struct cb_digest *digest)
{
    char text[CB_DIGEST_MAX_TEXT];
    const char *hex = cb_digest_hex(digest, text);

    return xasprintf("blobs/%s/%s", digest->algorithm == CB_SHA512 ? "sha512" : "sha256",
                     hex);
}

/* ── Files ── */

/* Bytes of a file, from AT on. */
struct part {
    int fd;
    int64_t at, size;
};

static int is_tar(int layout_fd)
{
    struct stat st;

    return fstat(layout_fd, &st) == 0 && S_ISREG(st.st_mode);
}

static int open_in_directory(int dir_fd, const char *path, struct part *out,
                             struct cb_error **err)
{
    cb_autofd int fd = -1;
    struct stat st;

    if (cb_fs_open_in_root(dir_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, &fd,
                           err) < 0)
        return -1;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return cb_error_set(err, CB_ERR_INTEGRITY, "`%s`: not a regular file", path);
    *out = (struct part){.fd = cb_steal_fd(&fd), .size = st.st_size};
    return 0;
}

static int open_in_tar(int tar_fd, const char *path, struct part *out,
                       struct cb_error **err)
{
    struct cb_layout_member member;
    int found = cb_layout_tar_find(tar_fd, path, &member, err);

    if (found < 0)
        return -1;
    if (!found)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "`%s` is not in the archive", path);
    *out = (struct part){
        .fd = fcntl(tar_fd, F_DUPFD_CLOEXEC, 0), .at = member.at, .size = member.size};
    return out->fd < 0 ? cb_error_errno(err, errno, "open `%s`", path) : 0;
}

/* LEN at most; 0 at the end. */
static ssize_t read_part(struct part *part, void *buffer, size_t len,
                         struct cb_error **err)
{
    size_t want = part->size < (int64_t)len ? (size_t)part->size : len;
    ssize_t got;

    do
        got = pread(part->fd, buffer, want, part->at);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return cb_error_errno(err, errno, "read the layout");
    part->at += got;
    part->size -= got;
    return got;
}

static int read_from_tar(int tar_fd, const char *path, size_t max, struct cb_strbuf *out,
                         struct cb_error **err)
{
    struct cb_layout_member member;
    struct part part = {.fd = tar_fd};
    int found = cb_layout_tar_find(tar_fd, path, &member, err);
    char buffer[4096];
    ssize_t got;

    if (found <= 0)
        return found;
    if (member.size > (int64_t)max)
        return cb_error_set(err, CB_ERR_INTEGRITY, "`%s`: over %zu bytes", path, max);
    part.at = member.at;
    part.size = member.size;
    while ((got = read_part(&part, buffer, sizeof(buffer), err)) > 0)
        cb_strbuf_add(out, buffer, (size_t)got);
    return got < 0 ? -1 : 1;
}

int cb_layout_read_file(int layout_fd, const char *path, size_t max,
                        struct cb_strbuf *out, struct cb_error **err)
{
    return is_tar(layout_fd) ? read_from_tar(layout_fd, path, max, out, err)
                             : cb_fs_read_in_root(layout_fd, path, max, out, err);
}

/* ── The index ── */

int cb_layout_index(int layout_fd, struct cb_index **out, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    int found =
        cb_layout_read_file(layout_fd, "index.json", CB_MANIFEST_MAX_BYTES, &text, err);

    if (found < 0)
        return -1;
    if (!found)
        return cb_error_set(err, CB_ERR_NOT_FOUND,
                            "not an image layout: there is no index.json");
    return cb_index_parse(out, cb_strbuf_text(&text), text.len, CB_MT_OCI_INDEX, err);
}

const char *cb_layout_tag(const struct cb_descriptor *entry)
{
    return json_string_value(json_object_get(entry->annotations, REF_NAME));
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

int cb_layout_find(const struct cb_index *index, const char *tag,
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

/* ── Blobs ── */

static int open_blob(int layout_fd, const struct cb_descriptor *blob, struct part *out,
                     struct cb_error **err)
{
    cb_autofree char *path = cb_layout_blob_path(&blob->digest);

    if ((is_tar(layout_fd) ? open_in_tar(layout_fd, path, out, err)
                           : open_in_directory(layout_fd, path, out, err)) < 0)
        return -1;
    if (blob->size < 0 && out->size > (int64_t)CB_MANIFEST_MAX_BYTES)
        return cb_error_set(err, CB_ERR_INTEGRITY, "`%s`: over %u bytes", path,
                            CB_MANIFEST_MAX_BYTES);
    return 0;
}

static int copy_to_store(struct part *part, struct cb_blob_writer *writer,
                         struct cb_cancel *cancel, struct cb_error **err)
{
    cb_autofree char *buffer = xmalloc(COPY_BYTES);

    for (;;) {
        ssize_t count = read_part(part, buffer, COPY_BYTES, err);

        if (count <= 0)
            return count < 0 ? -1 : 0;
        if (cb_cancel_check(cancel, err) < 0 ||
            cb_blob_writer_write(writer, buffer, (size_t)count, err) < 0)
            return -1;
    }
}

static void part_close(struct part *part)
{
    cb_close(&part->fd);
}

int cb_layout_take_blob(int layout_fd, struct cb_store *store,
                        const struct cb_descriptor *blob, struct cb_cancel *cancel,
                        struct cb_error **err)
{
    cb_auto(cb_blob_writer) writer = NULL;
    __attribute__((cleanup(part_close))) struct part part = {.fd = -1};
    int present = 0;
    int64_t size;

    if (cb_content_has(store, &blob->digest, &size) > 0)
        return 0;
    if (open_blob(layout_fd, blob, &part, err) < 0 ||
        cb_blob_writer_open(store,
                            &(struct cb_blob_wanted){.digest = &blob->digest,
                                                     .size = blob->size,
                                                     .cancel = cancel,
                                                     .from_start = 1},
                            &writer, &present, err) < 0)
        return -1;
    if (present)
        return 0;
    if (copy_to_store(&part, writer, cancel, err) < 0)
        return -1;
    return cb_blob_commit(&writer, NULL, NULL, err);
}
