/* Reading blobs, and storing small ones. */
#include "store/content.h"

#include "base/fs.h"
#include "store/content-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

char *cb_content_path(const struct cb_digest *digest)
{
    char hex[CB_DIGEST_MAX_TEXT];

    return xasprintf("blobs/%s/%s", digest->algorithm == CB_SHA512 ? "sha512" : "sha256",
                     cb_digest_hex(digest, hex));
}

static int stat_blob(struct cb_store *store, const struct cb_digest *digest,
                     int64_t *size)
{
    cb_autofree char *path = cb_content_path(digest);
    struct stat st;

    if (fstatat(store->root_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISREG(st.st_mode))
        return 0;
    if (size)
        *size = st.st_size;
    return 1;
}

int cb_content_lease(struct cb_store *store, const struct cb_digest *digest,
                     struct cb_error **err)
{
    char text[CB_DIGEST_MAX_TEXT];
    const char *name = cb_digest_text(digest, text);

    if (store->read_only)
        return 0;
    return cb_lease_add(store->lease, CB_LEASE_BLOB, &name, 1, err);
}

/* Whoever asks relies on the answer: the blob is in the lease before the sweep may come.
 */
int cb_content_has(struct cb_store *store, const struct cb_digest *digest, int64_t *size)
{
    cb_gc_shared held = NULL;

    if (!cb_digest_is_set(digest) || cb_gc_lock_shared(store, NULL) < 0)
        return 0;
    held = store;
    if (!stat_blob(held, digest, size))
        return 0;
    cb_content_lease(store, digest, NULL);
    return 1;
}

int cb_content_open(struct cb_store *store, const struct cb_digest *digest, int *fd,
                    int64_t *size, struct cb_error **err)
{
    cb_autofree char *path = cb_content_path(digest);
    char text[CB_DIGEST_MAX_TEXT];
    cb_autofd int blob =
        openat(store->root_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;

    if (blob < 0 && errno == ENOENT)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "blob `%s`: not in the store",
                            cb_digest_text(digest, text));
    if (blob < 0 || fstat(blob, &st) < 0)
        return cb_error_errno(err, errno, "open blob `%s`", cb_digest_text(digest, text));
    if (!S_ISREG(st.st_mode))
        return cb_error_set(err, CB_ERR_INTEGRITY, "blob `%s`: not a regular file",
                            cb_digest_text(digest, text));
    if (size)
        *size = st.st_size;
    *fd = cb_steal_fd(&blob);
    return 0;
}

int cb_content_read(struct cb_store *store, const struct cb_digest *digest, size_t max,
                    struct cb_strbuf *out, struct cb_error **err)
{
    cb_auto(cb_hasher) hasher = NULL;
    cb_auto_value(cb_strbuf) bytes = {0};
    char text[CB_DIGEST_MAX_TEXT], actual_text[CB_DIGEST_MAX_TEXT];
    struct cb_digest actual;
    cb_autofd int fd = -1;

    if (cb_content_open(store, digest, &fd, NULL, err) < 0)
        return -1;
    if (cb_fs_read_fd(fd, max, &bytes, err) < 0)
        return cb_error_wrap(err, "read blob `%s`", cb_digest_text(digest, text));
    hasher = cb_hasher_new(digest->algorithm);
    cb_hasher_update(hasher, cb_strbuf_text(&bytes), bytes.len);
    actual = cb_hasher_finish(hasher);
    if (!cb_digest_equal(&actual, digest)) {
        cb_error_set(err, CB_ERR_INTEGRITY, "blob `%s`: its bytes have digest %s",
                     cb_digest_text(digest, text), cb_digest_text(&actual, actual_text));
        return cb_error_hint(err,
                             "cbuild fsck --repair removes damaged blobs; pull again");
    }
    cb_strbuf_add(out, cb_strbuf_text(&bytes), bytes.len);
    return 0;
}

int cb_content_put(struct cb_store *store, const void *bytes, size_t len,
                   struct cb_digest *digest, struct cb_error **err)
{
    cb_auto(cb_blob_writer) writer = NULL;
    struct cb_digest expected = cb_digest_of(bytes, len);
    int64_t size = -1;

    if (cb_content_has(store, &expected, &size) && size == (int64_t)len) {
        *digest = expected;
        return 0;
    }
    if (cb_blob_writer_open(store, &(struct cb_blob_wanted){.size = (int64_t)len},
                            &writer, NULL, err) < 0 ||
        cb_blob_writer_write(writer, bytes, len, err) < 0)
        return -1;
    return cb_blob_commit(&writer, digest, NULL, err);
}
