/* The compressed forms of a layer. They are made when something asks for them, never at
 * build time, and remembered for the diff id; what was pulled is kept as it came. */
#include "store/layer.h"

#include "base/lockfile.h"
#include "store/blob-feed.h"
#include "store/content-priv.h"
#include "store/db-snapshots.h"
#include "store/decompress.h"
#include "store/outline.h"
#include "store/tar.h"

#include <errno.h>
#include <stdio.h>

static void rows_free(struct cb_layer_blob_rows *rows)
{
    cb_vec_free(rows);
}

int cb_layer_blob_find(struct cb_store *store, const struct cb_digest *diff_id,
                       int compression, struct cb_descriptor *out, struct cb_error **err)
{
    __attribute__((cleanup(rows_free))) struct cb_layer_blob_rows rows = {0};

    if (cb_db_layer_blobs(store->db, diff_id, compression, &rows, err) < 0)
        return -1;
    cb_vec_foreach (row, &rows) {
        int64_t size;

        if (!cb_content_has(store, &row->digest, &size) || size != row->size)
            continue;
        *out = (struct cb_descriptor){
            .media_type = xstrdup(row->media_type), .digest = row->digest, .size = size};
        return 1;
    }
    return 0;
}

int cb_layer_blob_add(struct cb_store *store, const struct cb_digest *diff_id,
                      const struct cb_descriptor *blob, struct cb_error **err)
{
    enum cb_compression compression = CB_COMPRESSION_NONE;

    if (cb_store_check_writable(store, err) < 0)
        return -1;
    if (!blob->media_type || cb_media_compression(blob->media_type, &compression) < 0)
        return cb_error_set(err, CB_ERR_UNSUPPORTED, "media type `%s`: not a layer",
                            blob->media_type ? blob->media_type : "");
    return cb_db_layer_blob_add(store->db, diff_id, blob, (int)compression, err);
}

int cb_layer_blob_known(struct cb_store *store, const struct cb_digest *diff_id,
                        const struct cb_digest *blob, struct cb_error **err)
{
    __attribute__((cleanup(rows_free))) struct cb_layer_blob_rows rows = {0};

    if (cb_db_layer_blobs(store->db, diff_id, -1, &rows, err) < 0)
        return -1;
    cb_vec_foreach (row, &rows) {
        if (cb_digest_equal(&row->digest, blob))
            return 1;
    }
    return 0;
}

/* ── The uncompressed stream ── */

struct verified {
    int (*write)(void *arg, const void *bytes, size_t len, struct cb_error **err);
    void *arg;
    struct cb_hasher *hasher;
    struct cb_cancel *cancel;
};

static int write_verified(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    struct verified *verified = arg;

    if (cb_cancel_check(verified->cancel, err) < 0)
        return -1;
    cb_hasher_update(verified->hasher, bytes, len);
    return verified->write ? verified->write(verified->arg, bytes, len, err) : 0;
}

static ssize_t read_blob(void *arg, void *buffer, size_t len, struct cb_error **err)
{
    ssize_t got;

    do
        got = read(*(int *)arg, buffer, len);
    while (got < 0 && errno == EINTR);
    return got < 0 ? cb_error_errno(err, errno, "read blob") : got;
}

static int stream_blob(struct cb_store *store, const struct cb_descriptor *blob,
                       struct verified *to, struct cb_error **err)
{
    cb_auto(cb_decoder) decoder = NULL;
    cb_autofd int fd = -1;
    const void *bytes;
    ssize_t len;

    if (cb_content_open(store, &blob->digest, &fd, NULL, err) < 0 ||
        cb_decoder_new(&decoder, read_blob, &fd, CB_TAR_GZIP | CB_TAR_ZSTD,
                       CB_LAYER_MAX_BYTES, err) < 0)
        return -1;
    cb_decoder_any_ratio(decoder);
    while ((len = cb_decoder_next(decoder, &bytes, err)) > 0) {
        if (write_verified(to, bytes, (size_t)len, err) < 0)
            return -1;
    }
    return len < 0 ? -1 : 0;
}

/* The blob comes first: a layer that was pulled may have been written by another tar, and
 * then only its own bytes have its diff id; or its outline with its files. A layer that
 * was made on nothing (COPY --link) is the same tar wherever it is stacked; its own chain
 * id is its diff id. */
static int stream_any(struct cb_store *store, const struct cb_digest *chain_id,
                      const struct cb_digest *diff_id, struct verified *to,
                      struct cb_error **err)
{
    cb_auto_value(cb_descriptor) blob = {0};
    cb_auto(cb_snapshot) snapshot = NULL;
    char text[CB_DIGEST_MAX_TEXT];
    int found = cb_layer_blob_find(store, diff_id, -1, &blob, err);

    if (found < 0)
        return -1;
    if (found)
        return stream_blob(store, &blob, to, err);
    found = chain_id ? cb_chain_find(store, chain_id, &snapshot, err) : 0;
    if (found == 0)
        found = cb_chain_find(store, diff_id, &snapshot, err);
    if (found < 0)
        return -1;
    if (!found)
        return cb_error_set(err, CB_ERR_NOT_FOUND,
                            "layer `%s`: neither unpacked nor as a blob in the store",
                            cb_digest_text(diff_id, text));
    if (cb_outline_exists(snapshot))
        return cb_outline_play(snapshot, CB_LAYER_MAX_BYTES, write_verified, to, err) < 0
                   ? cb_error_wrap(err, "layer `%s`", cb_digest_text(diff_id, text))
                   : 0;
    return cb_layer_write_tar(snapshot, write_verified, to, err);
}

int cb_layer_stream_tar(struct cb_store *store, const struct cb_digest *chain_id,
                        const struct cb_digest *diff_id,
                        int (*write)(void *arg, const void *bytes, size_t len,
                                     struct cb_error **err),
                        void *arg, struct cb_error **err)
{
    cb_auto(cb_hasher) hasher = cb_hasher_new(CB_SHA256);
    struct verified verified = {.write = write, .arg = arg, .hasher = hasher};
    char want[CB_DIGEST_MAX_TEXT], have[CB_DIGEST_MAX_TEXT];
    struct cb_digest actual;

    if (stream_any(store, chain_id, diff_id, &verified, err) < 0)
        return -1;
    actual = cb_hasher_finish(hasher);
    if (cb_digest_equal(&actual, diff_id))
        return 0;
    cb_error_set(err, CB_ERR_INTEGRITY, "layer `%s`: its tar has digest %s",
                 cb_digest_text(diff_id, want), cb_digest_text(&actual, have));
    return cb_error_hint(err, "cbuild fsck --deep shows damaged layers");
}

int cb_layer_is_outlined(const struct cb_snapshot *committed)
{
    return cb_outline_exists(committed);
}

static int check_blob(struct cb_store *store, const struct cb_digest *diff_id,
                      const struct cb_descriptor *blob, struct cb_cancel *cancel,
                      struct cb_error **err)
{
    cb_auto(cb_hasher) hasher = cb_hasher_new(CB_SHA256);
    struct verified verified = {.hasher = hasher, .cancel = cancel};
    char want[CB_DIGEST_MAX_TEXT], have[CB_DIGEST_MAX_TEXT];
    struct cb_digest actual;

    if (stream_blob(store, blob, &verified, err) < 0)
        return -1;
    actual = cb_hasher_finish(hasher);
    if (cb_digest_equal(&actual, diff_id))
        return 0;
    return cb_error_set(err, CB_ERR_INTEGRITY,
                        "unpacked bytes have digest %s, the image says %s",
                        cb_digest_text(&actual, have), cb_digest_text(diff_id, want));
}

int cb_layer_blob_enter(struct cb_store *store, const struct cb_digest *diff_id,
                        const struct cb_descriptor *blob, struct cb_cancel *cancel,
                        struct cb_error **err)
{
    int known = cb_layer_blob_known(store, diff_id, &blob->digest, err);
    char text[CB_DIGEST_MAX_TEXT];

    if (known)
        return known < 0 ? -1 : 0;
    if (!cb_digest_equal(&blob->digest, diff_id) &&
        check_blob(store, diff_id, blob, cancel, err) < 0)
        return cb_error_wrap(err, "layer %s", cb_digest_text(&blob->digest, text));
    return cb_layer_blob_add(store, diff_id, blob, err);
}

/* ── Making ── */

struct cb_fresh_blob {
    struct cb_store *store;
    struct cb_digest diff_id;
    struct cb_descriptor blob;
    struct cb_blob_writer *writer;
    struct cb_lock *lock; /* two that want the same make it once */
    int fd;
};

void cb_fresh_blob_free(struct cb_fresh_blob *fresh)
{
    if (!fresh)
        return;
    cb_close(&fresh->fd);
    cb_blob_writer_close(fresh->writer);
    cb_lock_release_unlink(fresh->lock);
    cb_descriptor_free(&fresh->blob);
    free(fresh);
}

int cb_fresh_blob_fd(const struct cb_fresh_blob *fresh)
{
    return fresh->fd;
}

int cb_fresh_blob_take_fd(struct cb_fresh_blob *fresh)
{
    return cb_steal_fd(&fresh->fd);
}

int cb_fresh_blob_keep(struct cb_fresh_blob *fresh, struct cb_error **err)
{
    if (cb_blob_commit(&fresh->writer, NULL, NULL, err) < 0 ||
        cb_layer_blob_add(fresh->store, &fresh->diff_id, &fresh->blob, err) < 0)
        return -1;
    cb_lock_release_unlink(fresh->lock);
    fresh->lock = NULL;
    return 0;
}

static int to_blob(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    return cb_blob_writer_write(arg, bytes, len, err);
}

static int make_blob(const struct cb_layer_want *want, struct cb_fresh_blob *fresh,
                     struct cb_error **err)
{
    fresh->blob.media_type = xstrdup(cb_media_layer(want->form->compression, 0));
    if (cb_blob_writer_open(want->store,
                            &(struct cb_blob_wanted){
                                .size = -1, .cancel = want->cancel, .sink = want->sink},
                            &fresh->writer, NULL, err) < 0)
        return -1;
    if (want->feed)
        cb_blob_writer_feed(fresh->writer, want->feed);
    if (cb_layer_pack(want, to_blob, fresh->writer, err) < 0)
        return -1;
    return cb_blob_seal(fresh->writer, &fresh->blob.digest, &fresh->blob.size, &fresh->fd,
                        err);
}

/* 1: found after all. */
static int lock_or_find(const struct cb_layer_want *want, struct cb_lock **lock,
                        struct cb_descriptor *out, struct cb_error **err)
{
    char hex[CB_DIGEST_MAX_TEXT];
    int compression = (int)want->form->compression;
    cb_autofree char *name = NULL;
    int found = cb_layer_blob_find(want->store, want->diff_id, compression, out, err);

    if (found)
        return found;
    if (cb_store_check_writable(want->store, err) < 0 ||
        cb_store_lease_now(want->store, err) < 0)
        return -1;
    name =
        xasprintf("compress-%s.%d.lock", cb_digest_hex(want->diff_id, hex), compression);
    if (cb_lock_take(lock, want->store->ingest_fd, name, CB_LOCK_EXCLUSIVE,
                     &(struct cb_lock_wait){.cancel = want->cancel}, err) < 0)
        return -1;
    return cb_layer_blob_find(want->store, want->diff_id, compression, out, err);
}

static int make_or_find(const struct cb_layer_want *want, struct cb_descriptor *out,
                        struct cb_fresh_blob **fresh_out, struct cb_error **err)
{
    cb_auto(cb_fresh_blob) fresh = xcalloc(1, sizeof(*fresh));
    int found;

    fresh->store = want->store;
    fresh->diff_id = *want->diff_id;
    fresh->fd = -1;
    found = lock_or_find(want, &fresh->lock, out, err);
    if (found)
        return found < 0 ? -1 : 0;
    if (make_blob(want, fresh, err) < 0)
        return -1;
    cb_descriptor_copy(out, &fresh->blob);
    *fresh_out = cb_steal(&fresh);
    return 0;
}

int cb_layer_blob_make(const struct cb_layer_want *want, struct cb_descriptor *out,
                       struct cb_fresh_blob **fresh, struct cb_error **err)
{
    int wanted = want->form->any ? -1 : (int)want->form->compression;
    int64_t size;

    *fresh = NULL;
    if (!want->form->force &&
        cb_layer_blob_find(want->store, want->diff_id, wanted, out, NULL) > 0) {
        if (cb_content_has(want->store, &out->digest, &size) > 0)
            return 0;
        cb_descriptor_free(out);
        *out = (struct cb_descriptor){0};
    }
    return make_or_find(want, out, fresh, err);
}

int cb_layer_blob_get(const struct cb_layer_want *want, struct cb_descriptor *out,
                      struct cb_error **err)
{
    cb_auto(cb_fresh_blob) fresh = NULL;

    if (cb_layer_blob_make(want, out, &fresh, err) < 0)
        return -1;
    return fresh ? cb_fresh_blob_keep(fresh, err) : 0;
}
