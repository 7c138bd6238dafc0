/* A blob that is read while it is written: what of a download has come is there for
 * another thread to unpack. Nothing that was read counts before the writer's commit has
 * verified all of it. */
#ifndef CB_STORE_BLOB_FEED_H
#define CB_STORE_BLOB_FEED_H

#include "store/content.h"

struct cb_blob_feed;
struct cb_blob_feed *cb_blob_feed_new(void);
void cb_blob_feed_free(struct cb_blob_feed *feed);
CB_AUTO_DEFINE(cb_blob_feed, cb_blob_feed_free)

/* For the one thread that reads; ARG is a feed. Waits for bytes. CANCELED when they will
 * not come, or when those given out already are not the blob's. */
ssize_t cb_blob_feed_read(void *arg, void *buffer, size_t len, struct cb_error **err);
/* For the same thread: waits until BYTES are there. 0: the writer ended before, or right
 * with them. */
int cb_blob_feed_reaches(struct cb_blob_feed *feed, int64_t bytes);
/* No writer tells FEED more. Unless one has committed, the feed is broken now. */
void cb_blob_feed_end(struct cb_blob_feed *feed);
/* 1: what was read is no whole blob, and is to be forgotten. */
int cb_blob_feed_is_broken(struct cb_blob_feed *feed);

/* WRITER tells FEED, which must live as long, what it has. A second writer, or one that
 * starts again, breaks the feed. */
void cb_blob_writer_feed(struct cb_blob_writer *writer, struct cb_blob_feed *feed);

/* ── For the writer; FEED may be NULL ── */

/* SIZE: -1 unknown. */
void cb_blob_feed_begin(struct cb_blob_feed *feed, int fd, int64_t there, int64_t size);
void cb_blob_feed_reach(struct cb_blob_feed *feed, int64_t there);
/* How much was read. */
int64_t cb_blob_feed_consumed(struct cb_blob_feed *feed);
void cb_blob_feed_break(struct cb_blob_feed *feed);
void cb_blob_feed_complete(struct cb_blob_feed *feed);

#endif
