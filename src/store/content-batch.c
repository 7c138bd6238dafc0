/* Many small blobs at once. Each is written under a temporary name; then all are synced
 * together, and only after that get the names of their digests. As with a single one
 * (blob-writer.c) a short file never has a digest for a name; but a disk that takes
 * milliseconds for a sync is asked once for a thousand blobs. */
#include "store/content-priv.h"

#include "base/fs.h"
#include "base/map.h"
#include "store/cap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_PENDING 1024

struct pending {
    struct cb_digest digest;
    char *name; /* in tmp/ */
};

struct cb_blob_batch {
    struct cb_store *store;
    CB_VEC(struct pending) pending;
    struct cb_map *known; /* digests of those */
    uint64_t bytes;
};

struct cb_blob_batch *cb_blob_batch_new(struct cb_store *store)
{
    struct cb_blob_batch *batch = xcalloc(1, sizeof(*batch));

    batch->store = store;
    batch->known = cb_map_new(NULL);
    return batch;
}

static void forget(struct cb_blob_batch *batch)
{
    cb_vec_foreach (blob, &batch->pending)
        free(blob->name);
    cb_vec_free(&batch->pending);
    cb_map_free(batch->known);
    batch->known = NULL;
    batch->bytes = 0;
}

void cb_blob_batch_free(struct cb_blob_batch *batch)
{
    if (!batch)
        return;
    /* Those that have their name already are not there any more. */
    cb_vec_foreach (blob, &batch->pending)
        unlinkat(batch->store->tmp_fd, blob->name, 0);
    forget(batch);
    free(batch);
}

static int write_temporary(struct cb_store *store, const char *name, const void *bytes,
                           size_t len, struct cb_error **err)
{
    cb_autofd int fd = openat(store->tmp_fd, name,
                              O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0 || cb_fs_write_all(fd, bytes, len) < 0 || fchmod(fd, 0444) < 0)
        return cb_error_errno(err, errno, "write `%s/tmp/%s`", store->root, name);
    return 0;
}

int cb_blob_batch_put(struct cb_blob_batch *batch, const void *bytes, size_t len,
                      struct cb_digest *digest, struct cb_error **err)
{
    struct pending blob = {.digest = cb_digest_of(bytes, len)};
    char text[CB_DIGEST_MAX_TEXT];
    int64_t size;

    *digest = blob.digest;
    cb_digest_text(&blob.digest, text);
    if (cb_map_has(batch->known, text) ||
        (cb_content_has(batch->store, digest, &size) && size == (int64_t)len))
        return 0;
    if (cb_store_begin_temporary(batch->store, &blob.name, err) < 0)
        return -1;
    cb_vec_push(&batch->pending, blob);
    cb_map_set(batch->known, text, batch);
    batch->bytes += (len + 4095) / 4096 * 4096;
    if (write_temporary(batch->store, blob.name, bytes, len, err) < 0)
        return -1;
    return batch->pending.count < MAX_PENDING ? 0 : cb_blob_batch_flush(batch, err);
}

/* Under the shared gc.lock. */
static int give_names(struct cb_blob_batch *batch, struct cb_error **err)
{
    struct cb_store *store = batch->store;
    cb_autofd int directory =
        openat(store->root_fd, "blobs/sha256", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (directory < 0)
        return cb_error_errno(err, errno, "open `%s/blobs/sha256`", store->root);
    cb_vec_foreach (blob, &batch->pending) {
        cb_autofree char *path = cb_content_path(&blob->digest);

        if (cb_content_lease(store, &blob->digest, err) < 0)
            return -1;
        if (renameat(store->tmp_fd, blob->name, store->root_fd, path) < 0)
            return cb_error_errno(err, errno, "name blob `%s`", path);
    }
    if (!store->no_sync && fsync(directory) < 0)
        return cb_error_errno(err, errno, "sync `%s/blobs/sha256`", store->root);
    return 0;
}

int cb_blob_batch_flush(struct cb_blob_batch *batch, struct cb_error **err)
{
    struct cb_store *store = batch->store;
    cb_auto(cb_lock) room = NULL;
    cb_gc_shared held = NULL;

    if (!batch->pending.count)
        return 0;
    if (cb_store_make_room(store, batch->bytes, &room, err) < 0)
        return -1;
    if (!store->no_sync && syncfs(store->tmp_fd) < 0)
        return cb_error_errno(err, errno, "sync `%s`", store->root);
    if (cb_gc_lock_shared(store, err) < 0)
        return -1;
    held = store;
    if (give_names(batch, err) < 0)
        return -1;
    forget(batch);
    batch->known = cb_map_new(NULL);
    return 0;
}
