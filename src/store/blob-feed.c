/* The reader has a descriptor of its own for the file that is being written, and a count
 * of the bytes it may read; so the writer never waits for it, and the bytes go from one
 * to the other through the page cache. */
#include "store/blob-feed.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#define WORTH_WAKING (64 << 10)

struct cb_blob_feed {
    pthread_mutex_t mutex; /* all below but `position` */
    pthread_cond_t more;
    int fd; /* -1 before the first writer; then never changed */
    int64_t there, wanted, size;
    int ended, complete, broken;
    int64_t position; /* the reader's, which alone changes it */
};

struct cb_blob_feed *cb_blob_feed_new(void)
{
    struct cb_blob_feed *feed = xcalloc(1, sizeof(*feed));

    pthread_mutex_init(&feed->mutex, NULL);
    pthread_cond_init(&feed->more, NULL);
    feed->fd = -1;
    return feed;
}

void cb_blob_feed_free(struct cb_blob_feed *feed)
{
    if (!feed)
        return;
    cb_close(&feed->fd);
    pthread_cond_destroy(&feed->more);
    pthread_mutex_destroy(&feed->mutex);
    free(feed);
}

/* ── Writing ── */

void cb_blob_feed_begin(struct cb_blob_feed *feed, int fd, int64_t there, int64_t size)
{
    if (!feed)
        return;
    pthread_mutex_lock(&feed->mutex);
    if (feed->fd < 0)
        feed->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    else
        feed->broken = 1;
    feed->broken |= feed->fd < 0;
    feed->there = there;
    feed->size = size < 0 ? INT64_MAX : size;
    pthread_cond_signal(&feed->more);
    pthread_mutex_unlock(&feed->mutex);
}

void cb_blob_feed_reach(struct cb_blob_feed *feed, int64_t there)
{
    if (!feed)
        return;
    pthread_mutex_lock(&feed->mutex);
    feed->there = there;
    if (there >= feed->wanted || there >= feed->size)
        pthread_cond_signal(&feed->more);
    pthread_mutex_unlock(&feed->mutex);
}

int64_t cb_blob_feed_consumed(struct cb_blob_feed *feed)
{
    int64_t position;

    if (!feed)
        return 0;
    pthread_mutex_lock(&feed->mutex);
    position = feed->broken ? 0 : feed->position;
    pthread_mutex_unlock(&feed->mutex);
    return position;
}

static void stop(struct cb_blob_feed *feed, int broken, int complete)
{
    if (!feed)
        return;
    pthread_mutex_lock(&feed->mutex);
    feed->complete |= complete;
    feed->broken |= broken || !feed->complete;
    feed->ended = 1;
    pthread_cond_signal(&feed->more);
    pthread_mutex_unlock(&feed->mutex);
}

void cb_blob_feed_break(struct cb_blob_feed *feed)
{
    stop(feed, 1, 0);
}

void cb_blob_feed_complete(struct cb_blob_feed *feed)
{
    stop(feed, 0, 1);
}

void cb_blob_feed_end(struct cb_blob_feed *feed)
{
    stop(feed, 0, 0);
}

/* ── Reading ── */

int cb_blob_feed_is_broken(struct cb_blob_feed *feed)
{
    int broken;

    pthread_mutex_lock(&feed->mutex);
    broken = feed->broken;
    pthread_mutex_unlock(&feed->mutex);
    return broken;
}

static int must_wait(const struct cb_blob_feed *feed)
{
    if (feed->broken || feed->ended)
        return 0;
    return feed->fd < 0 || (feed->there < feed->wanted && feed->there < feed->size);
}

/* How many bytes may be read, once that is worth a look; 0 at the end, -1 broken. The end
 * is known from the size: syncing and verifying are not waited for. */
static int64_t wait_for_bytes(struct cb_blob_feed *feed)
{
    int64_t count;

    pthread_mutex_lock(&feed->mutex);
    feed->wanted = feed->position + WORTH_WAKING;
    while (must_wait(feed))
        pthread_cond_wait(&feed->more, &feed->mutex);
    count = feed->broken ? -1 : feed->there - feed->position;
    pthread_mutex_unlock(&feed->mutex);
    return count;
}

int cb_blob_feed_reaches(struct cb_blob_feed *feed, int64_t bytes)
{
    int reached;

    pthread_mutex_lock(&feed->mutex);
    feed->wanted = bytes;
    while (must_wait(feed))
        pthread_cond_wait(&feed->more, &feed->mutex);
    reached = !feed->broken && !feed->ended;
    pthread_mutex_unlock(&feed->mutex);
    return reached;
}

ssize_t cb_blob_feed_read(void *arg, void *buffer, size_t len, struct cb_error **err)
{
    struct cb_blob_feed *feed = arg;
    int64_t count = wait_for_bytes(feed);
    ssize_t got;

    if (count < 0)
        return cb_error_set(err, CB_ERR_CANCELED, "the download starts again");
    if ((int64_t)len > count)
        len = (size_t)count;
    do
        got = pread(feed->fd, buffer, len, feed->position);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return cb_error_errno(err, errno, "read a blob that is being written");
    pthread_mutex_lock(&feed->mutex);
    feed->position += got;
    pthread_mutex_unlock(&feed->mutex);
    return got;
}
