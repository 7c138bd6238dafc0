/* Blobs: immutable files named by their digest, mode 0444 in blobs/sha256/. */
#ifndef CB_STORE_CONTENT_H
#define CB_STORE_CONTENT_H

#include "base/digest.h"
#include "base/strbuf.h"
#include "store/store.h"

int cb_content_has(struct cb_store *store, const struct cb_digest *digest, int64_t *size);
/* Opens for reading; NOT_FOUND. The bytes are not re-hashed. */
int cb_content_open(struct cb_store *store, const struct cb_digest *digest, int *fd,
                    int64_t *size, struct cb_error **err);
/* Reads whole (at most MAX bytes) and verifies. */
int cb_content_read(struct cb_store *store, const struct cb_digest *digest, size_t max,
                    struct cb_strbuf *out, struct cb_error **err);
/* Stores small bytes (configs, manifests). SYNC as truth. */
int cb_content_put(struct cb_store *store, const void *bytes, size_t len,
                   struct cb_digest *digest, struct cb_error **err);

/* Small blobs that come by the thousand: synced together. They are in the store after
 * cb_blob_batch_flush, which happens now and then by itself. */
struct cb_blob_batch;
struct cb_blob_batch *cb_blob_batch_new(struct cb_store *store);
int cb_blob_batch_put(struct cb_blob_batch *batch, const void *bytes, size_t len,
                      struct cb_digest *digest, struct cb_error **err);
int cb_blob_batch_flush(struct cb_blob_batch *batch, struct cb_error **err);
void cb_blob_batch_free(struct cb_blob_batch *batch);
CB_AUTO_DEFINE(cb_blob_batch, cb_blob_batch_free)

/* Writing a blob of which the digest is known (a download) or not (a compression). With
 * a digest, an unfinished earlier download is continued: cb_blob_writer_offset tells from
 * where, and the digest's ingest lock is held (others wait; *PRESENT set to 1 and no
 * writer made when the blob turned up meanwhile). */
struct cb_blob_writer;
struct cb_blob_wanted {
    const struct cb_digest *digest; /* or NULL */
    int64_t size;                   /* -1: unknown */
    struct cb_cancel *cancel;       /* of the wait for others; or NULL */
    struct cb_event_sink *sink;     /* is told for whom; or NULL */
    int from_start; /* an unfinished earlier download is of no use to this source */
};
int cb_blob_writer_open(struct cb_store *store, const struct cb_blob_wanted *wanted,
                        struct cb_blob_writer **out, int *present, struct cb_error **err);
int64_t cb_blob_writer_offset(const struct cb_blob_writer *writer);
/* Starts again at 0 (the server does not do ranges). */
int cb_blob_writer_reset(struct cb_blob_writer *writer, struct cb_error **err);
/* Fails with INTEGRITY as soon as more than the expected size arrives. */
int cb_blob_writer_write(struct cb_blob_writer *writer, const void *bytes, size_t len,
                         struct cb_error **err);
/* All has been written: its digest and size, before it has its name. FD reads it, and is
 * the caller's. A feed is complete. INTEGRITY as from cb_blob_commit, which must follow.
 */
int cb_blob_seal(struct cb_blob_writer *writer, struct cb_digest *digest, int64_t *size,
                 int *fd, struct cb_error **err);
/* Moves a finished blob into the store under its digest. On success *WRITER is NULL; on
 * failure the caller still owns it. INTEGRITY (both digests named, the partial file
 * removed) if the bytes do not match. */
int cb_blob_commit(struct cb_blob_writer **writer, struct cb_digest *digest,
                   int64_t *size, struct cb_error **err);
/* Keeps the partial file of a download for the next try; others are removed. */
void cb_blob_writer_close(struct cb_blob_writer *writer);
CB_AUTO_DEFINE(cb_blob_writer, cb_blob_writer_close)

#endif
