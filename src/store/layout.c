/* Layout directories. Blobs are written beside their names and moved there, the index
 * last: a reader sees the old content or the new, and a writer that was killed leaves at
 * most blobs nobody names. All of it is on the disk before the index is, by one sync for
 * any number of blobs. So a power cut may leave blobs that are not what their names say,
 * but none that the index leads to: only those are taken as they are by the next writer.
 */
#include "store/layout.h"

#include "base/atomic-file.h"
#include "base/fs.h"
#include "base/lockfile.h"
#include "base/map.h"
#include "store/content.h"
#include "store/layout-read.h"
#include "store/store-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ── Reading ── */

static const struct cb_descriptor *find_manifest(const struct cb_index *index,
                                                 const char *tag,
                                                 const struct cb_digest *digest)
{
    cb_vec_foreach (manifest, &index->manifests) {
        const char *name = cb_layout_tag(manifest);

        if (cb_digest_is_set(digest) ? cb_digest_equal(&manifest->digest, digest)
                                     : name && strcmp(name, tag) == 0)
            return manifest;
    }
    return NULL;
}

/* A document, verified against its descriptor. */
static int read_document(int dir_fd, const struct cb_descriptor *want,
                         struct cb_strbuf *out, struct cb_error **err)
{
    cb_autofree char *path = cb_layout_blob_path(&want->digest);
    cb_auto(cb_hasher) hasher = cb_hasher_new(want->digest.algorithm);
    struct cb_digest got;
    int found = cb_layout_read_file(dir_fd, path, CB_MANIFEST_MAX_BYTES, out, err);

    if (found < 0)
        return -1;
    if (!found)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "`%s` is not there", path);
    cb_hasher_update(hasher, cb_strbuf_text(out), out->len);
    got = cb_hasher_finish(hasher);
    if (!cb_digest_equal(&got, &want->digest) || (int64_t)out->len != want->size)
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "`%s`: its content is not what its name says", path);
    return 0;
}

int cb_layout_read(int dir_fd, const char *tag, const struct cb_digest *digest,
                   struct cb_manifest **manifest, struct cb_strbuf *config,
                   struct cb_error **err)
{
    cb_auto(cb_index) index = NULL;
    cb_auto(cb_manifest) found = NULL;
    cb_auto_value(cb_strbuf) text = {0};
    const struct cb_descriptor *descriptor;

    if (cb_layout_index(dir_fd, &index, err) < 0)
        return -1;
    descriptor = find_manifest(index, tag, digest);
    if (!descriptor)
        return cb_error_set(err, CB_ERR_NOT_FOUND,
                            "`index.json` names nothing with this %s",
                            cb_digest_is_set(digest) ? "digest" : "tag");
    if (read_document(dir_fd, descriptor, &text, err) < 0 ||
        cb_manifest_parse(&found, cb_strbuf_text(&text), text.len, CB_MT_OCI_MANIFEST,
                          err) < 0 ||
        read_document(dir_fd, &found->config, config, err) < 0)
        return -1;
    *manifest = cb_steal(&found);
    return 0;
}

/* ── What the index leads to ── */

static void mark(struct cb_map *used, const struct cb_digest *digest)
{
    char text[CB_DIGEST_MAX_TEXT];

    cb_map_set(used, cb_digest_hex(digest, text), used);
}

static int mark_manifest(const struct cb_strbuf *text, struct cb_map *used)
{
    cb_auto(cb_manifest) manifest = NULL;

    if (cb_manifest_parse(&manifest, cb_strbuf_text(text), text->len, NULL, NULL) < 0)
        return 0;
    mark(used, &manifest->config.digest);
    cb_vec_foreach (layer, &manifest->layers)
        mark(used, &layer->digest);
    return 1;
}

/* DEPTH: how many indexes may follow one another. 0: something cannot be read, and what
 * it leads to is not known. */
static int mark_entry(int dir_fd, const struct cb_descriptor *entry, int depth,
                      struct cb_map *used)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto(cb_index) index = NULL;

    if (read_document(dir_fd, entry, &text, NULL) < 0)
        return 0;
    mark(used, &entry->digest);
    if (cb_media_kind(entry->media_type) != CB_MEDIA_INDEX)
        return mark_manifest(&text, used);
    if (!depth || cb_index_parse(&index, cb_strbuf_text(&text), text.len,
                                 entry->media_type, NULL) < 0)
        return 0;
    cb_vec_foreach (manifest, &index->manifests)
        if (!mark_entry(dir_fd, manifest, depth - 1, used))
            return 0;
    return 1;
}

static int mark_all(int dir_fd, const struct cb_index *index, struct cb_map *used)
{
    int known = 1;

    cb_vec_foreach (entry, &index->manifests)
        known &= mark_entry(dir_fd, entry, 1, used);
    return known;
}

/* ── Writing ── */

struct writing {
    int dir_fd;
    struct cb_store *store;
    struct cb_cancel *cancel;
    const struct cb_map *trusted;  /* blobs that are what their names say */
    const struct cb_map *left_out; /* or NULL */
};

static int open_directory(const char *path, int *fd, struct cb_error **err)
{
    cb_autofree char *blobs = xasprintf("%s/blobs/sha256", path);

    if (cb_fs_mkdirs(blobs, 0755, err) < 0)
        return -1;
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0)
        return cb_error_errno(err, errno, "open `%s`", path);
    return 0;
}

static int is_there(const struct writing *writing, const struct cb_descriptor *blob,
                    const char *path)
{
    char text[CB_DIGEST_MAX_TEXT];
    struct stat stat;

    return cb_map_has(writing->trusted, cb_digest_hex(&blob->digest, text)) &&
           fstatat(writing->dir_fd, path, &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(stat.st_mode) && stat.st_size == blob->size;
}

static int put_blob(const struct writing *writing, const struct cb_descriptor *blob,
                    struct cb_error **err)
{
    cb_autofree char *path = cb_layout_blob_path(&blob->digest);
    cb_auto(cb_atomic_file) file = NULL;
    cb_autofd int from = -1;
    int64_t size;

    if (is_there(writing, blob, path))
        return 0;
    if (cb_content_open(writing->store, &blob->digest, &from, &size, err) < 0 ||
        cb_atomic_file_open(&file, writing->dir_fd, path, 0644, err) < 0 ||
        cb_fs_copy_data(from, cb_atomic_file_fd(file), -1, err) < 0)
        return -1;
    return cb_atomic_file_commit(&file, 0, err);
}

static int put_document(int dir_fd, const struct cb_digest *digest, const char *bytes,
                        size_t len, struct cb_error **err)
{
    cb_autofree char *path = cb_layout_blob_path(digest);

    return cb_atomic_file_write(dir_fd, path, bytes, len, 0644, 0, err);
}

static int is_left_out(const struct writing *writing, const struct cb_digest *blob)
{
    char text[CB_DIGEST_MAX_TEXT];

    return writing->left_out && cb_map_has(writing->left_out, cb_digest_hex(blob, text));
}

static int put_manifest(const struct writing *writing, const struct cb_manifest *manifest,
                        struct cb_error **err)
{
    cb_vec_foreach (layer, &manifest->layers) {
        if (cb_cancel_check(writing->cancel, err) < 0 ||
            (!is_left_out(writing, &layer->digest) && put_blob(writing, layer, err) < 0))
            return -1;
    }
    if (put_blob(writing, &manifest->config, err) < 0)
        return -1;
    return put_document(writing->dir_fd, &manifest->digest, manifest->bytes,
                        manifest->len, err);
}

static int put_all(const struct writing *writing, const struct cb_layout_write *what,
                   struct cb_error **err)
{
    for (size_t i = 0; i < what->manifest_count; i++) {
        if (put_manifest(writing, what->manifests[i], err) < 0)
            return -1;
    }
    if (what->index && put_document(writing->dir_fd, &what->index->digest,
                                    what->index->bytes, what->index->len, err) < 0)
        return -1;
    if (cb_atomic_file_write(writing->dir_fd, "oci-layout", CB_OCI_LAYOUT,
                             strlen(CB_OCI_LAYOUT), 0644, 0, err) < 0)
        return -1;
    if (!writing->store->no_sync && syncfs(writing->dir_fd) < 0)
        return cb_error_errno(err, errno, "sync the blobs");
    return 0;
}

static const char *full_name(const struct cb_descriptor *entry)
{
    return json_string_value(
        json_object_get(entry->annotations, "io.containerd.image.name"));
}

/* ENTRY takes OTHER's place: by the full name where both have one, so that two images
 * called `latest` may lie in one directory; else by the tag. */
static int replaces(const struct cb_descriptor *entry, const struct cb_descriptor *other)
{
    const char *tag = cb_layout_tag(entry);
    const char *other_tag = cb_layout_tag(other);

    if (!tag)
        return cb_digest_equal(&other->digest, &entry->digest);
    if (full_name(entry) && full_name(other))
        return strcmp(full_name(entry), full_name(other)) == 0;
    return other_tag && strcmp(other_tag, tag) == 0;
}

/* What else is in the directory stays. */
static int write_index(const struct writing *writing, const struct cb_index *old,
                       const struct cb_descriptor *entry, struct cb_index **out,
                       struct cb_error **err)
{
    size_t old_count = old ? old->manifests.count : 0;
    cb_autofree struct cb_descriptor *list = xcalloc(old_count + 1, sizeof(*list));
    size_t count = 0;

    for (size_t i = 0; i < old_count; i++) {
        const struct cb_descriptor *other = &old->manifests.items[i];

        if (!replaces(entry, other))
            list[count++] = *other;
    }
    if (count == CB_MAX_INDEX_ENTRIES)
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "`index.json` names %d manifests already", (int)count);
    list[count++] = *entry;
    *out = cb_index_make(list, count, NULL, 0);
    return cb_atomic_file_write(writing->dir_fd, "index.json", (*out)->bytes, (*out)->len,
                                0644, !writing->store->no_sync, err);
}

/* Removes what no manifest needs. Nothing depends on it: trouble is passed over. */
static void sweep(int dir_fd, const struct cb_index *index)
{
    cb_auto(cb_map) used = cb_map_new(NULL);
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int blobs_fd =
        openat(dir_fd, "blobs/sha256", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (!mark_all(dir_fd, index, used) || blobs_fd < 0 ||
        cb_fs_list(blobs_fd, &names, NULL) < 0)
        return;
    for (size_t i = 0; i < names.count; i++) {
        if (!cb_map_has(used, names.items[i]))
            unlinkat(blobs_fd, names.items[i], 0);
    }
}

int cb_layout_write(const char *path, const struct cb_layout_write *what,
                    struct cb_store *store, struct cb_cancel *cancel,
                    struct cb_error **err)
{
    cb_auto(cb_index) old = NULL;
    cb_auto(cb_index) index = NULL;
    cb_auto(cb_map) trusted = cb_map_new(NULL);
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int dir_fd = -1;
    struct writing writing = {
        .store = store, .cancel = cancel, .trusted = trusted, .left_out = what->left_out};

    if (open_directory(path, &dir_fd, err) < 0 ||
        cb_lock_take(&lock, dir_fd, ".lock", CB_LOCK_EXCLUSIVE,
                     &(struct cb_lock_wait){.cancel = cancel}, err) < 0)
        return -1;
    if (faccessat(dir_fd, "index.json", F_OK, 0) == 0 &&
        cb_layout_index(dir_fd, &old, err) < 0)
        return cb_error_wrap(err, "`%s` holds something else", path);
    if (old)
        mark_all(dir_fd, old, trusted);
    writing.dir_fd = dir_fd;
    if (put_all(&writing, what, err) < 0 ||
        write_index(&writing, old, what->entry, &index, err) < 0)
        return -1;
    if (!what->keep)
        sweep(dir_fd, index);
    cb_lock_release_unlink(cb_steal(&lock));
    return 0;
}
