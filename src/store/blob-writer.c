/* Writing blobs: hashed on the way, verified before they get their name, on stable
 * storage before anything can refer to them. A short or wrong file never has a digest for
 * a name, not even after a power cut: data is synced, then renamed, then the directory
 * synced.
 *
 * A download goes to ingest/<hex>.part and stays there when interrupted; the next one
 * hashes what is there and goes on. Its lock file serves threads and processes alike. */
#include "store/content-priv.h"

#include "base/fs.h"
#include "base/lockfile.h"
#include "store/blob-feed.h"
#include "store/cap.h"
#include "store/zeros.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define REHASH_BUFFER (256u << 10)
#define FLUSH_BYTES   (8 << 20)
#define FORGET_BYTES  (64 << 20) /* of what is on disk; smaller blobs stay in memory */

struct cb_blob_writer {
    struct cb_store *store;
    struct cb_digest expected; /* unset: not known */
    struct cb_digest actual;   /* once it is verified */
    int64_t expected_size;     /* -1: not known */
    int64_t offset;
    int64_t flushed; /* below it the disk has been told */
    struct cb_hasher *hasher;
    struct cb_lock *lock;      /* of a download */
    struct cb_blob_feed *feed; /* borrowed, or NULL */
    int dir_fd;                /* borrowed: ingest/ or tmp/ */
    char *name;
    int fd;
};

static const char *writer_text(const struct cb_blob_writer *writer,
                               char buffer[CB_DIGEST_MAX_TEXT])
{
    return cb_digest_is_set(&writer->expected) ? cb_digest_text(&writer->expected, buffer)
                                               : "(being written)";
}

static int write_failed(const struct cb_blob_writer *writer, const char *what,
                        struct cb_error **err)
{
    char text[CB_DIGEST_MAX_TEXT];

    return cb_error_errno(err, errno, "%s blob `%s` at byte %lld", what,
                          writer_text(writer, text), (long long)writer->offset);
}

void cb_blob_writer_close(struct cb_blob_writer *writer)
{
    if (!writer)
        return;
    cb_blob_feed_break(writer->feed);
    cb_close(&writer->fd);
    if (writer->name && !cb_digest_is_set(&writer->expected))
        unlinkat(writer->dir_fd, writer->name, 0);
    cb_lock_release_unlink(writer->lock);
    cb_hasher_free(writer->hasher);
    free(writer->name);
    free(writer);
}

/* ── Opening ── */

static int open_temporary(struct cb_blob_writer *writer, struct cb_error **err)
{
    writer->hasher = cb_hasher_new(CB_SHA256);
    writer->dir_fd = writer->store->tmp_fd;
    if (cb_store_begin_temporary(writer->store, &writer->name, err) < 0)
        return -1;
    writer->fd = openat(writer->dir_fd, writer->name,
                        O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (writer->fd < 0)
        return cb_error_errno(err, errno, "create `%s/tmp/%s`", writer->store->root,
                              writer->name);
    return 0;
}

static int rehash(struct cb_blob_writer *writer, struct cb_error **err)
{
    cb_autofree char *buffer = xmalloc(REHASH_BUFFER);

    for (;;) {
        ssize_t len = read(writer->fd, buffer, REHASH_BUFFER);

        if (len < 0)
            return write_failed(writer, "read partial", err);
        if (len == 0)
            return 0;
        cb_hasher_update(writer->hasher, buffer, (size_t)len);
        writer->offset += len;
    }
}

static int open_partial(struct cb_blob_writer *writer,
                        const struct cb_blob_wanted *wanted, struct cb_error **err)
{
    char hex[CB_DIGEST_MAX_TEXT];
    struct stat st;

    writer->hasher = cb_hasher_new(writer->expected.algorithm);
    writer->name = xasprintf("%s.part", cb_digest_hex(&writer->expected, hex));
    writer->fd = openat(writer->dir_fd, writer->name,
                        O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (writer->fd < 0 || fstat(writer->fd, &st) < 0)
        return cb_error_errno(err, errno, "open `%s/ingest/%s`", writer->store->root,
                              writer->name);
    if ((st.st_size > 0 && wanted->from_start) ||
        (writer->expected_size >= 0 && st.st_size > writer->expected_size))
        return cb_blob_writer_reset(writer, err);
    return rehash(writer, err);
}

struct wait {
    struct cb_event_sink *sink;
    const struct cb_digest *digest;
};

static void tell_waiting(void *arg, pid_t holder)
{
    struct wait *wait = arg;
    char digest[CB_DIGEST_MAX_TEXT];

    cb_event_say(wait->sink, CB_EVENT_NOTICE, 0,
                 "waiting for %s, being fetched by process %d",
                 cb_digest_text(wait->digest, digest), (int)holder);
}

static int lock_ingest(struct cb_blob_writer *writer, const struct cb_blob_wanted *wanted,
                       struct cb_error **err)
{
    struct wait wait = {.sink = wanted->sink, .digest = &writer->expected};
    char hex[CB_DIGEST_MAX_TEXT];
    cb_autofree char *name = xasprintf("%s.lock", cb_digest_hex(&writer->expected, hex));

    if (cb_store_lease_now(writer->store, err) < 0)
        return -1;
    return cb_lock_take(&writer->lock, writer->dir_fd, name, CB_LOCK_EXCLUSIVE,
                        &(struct cb_lock_wait){wanted->cancel, tell_waiting, &wait}, err);
}

static int open_download(struct cb_blob_writer *writer,
                         const struct cb_blob_wanted *wanted, int *present,
                         struct cb_error **err)
{
    writer->dir_fd = writer->store->ingest_fd;
    *present = cb_content_has(writer->store, &writer->expected, NULL);
    if (*present)
        return 0;
    if (lock_ingest(writer, wanted, err) < 0)
        return -1;
    *present = cb_content_has(writer->store, &writer->expected, NULL);
    if (*present)
        return 0;
    return open_partial(writer, wanted, err);
}

int cb_blob_writer_open(struct cb_store *store, const struct cb_blob_wanted *wanted,
                        struct cb_blob_writer **out, int *present, struct cb_error **err)
{
    cb_auto(cb_blob_writer) writer = NULL;
    int found = 0;

    if (cb_store_check_writable(store, err) < 0)
        return -1;
    writer = xcalloc(1, sizeof(*writer));
    writer->store = store;
    writer->expected_size = wanted->size;
    writer->fd = -1;
    if (wanted->digest)
        writer->expected = *wanted->digest;
    if (wanted->digest ? open_download(writer, wanted, &found, err) < 0
                       : open_temporary(writer, err) < 0)
        return -1;
    if (present)
        *present = found;
    *out = found ? NULL : cb_steal(&writer);
    return 0;
}

/* ── Writing ── */

int64_t cb_blob_writer_offset(const struct cb_blob_writer *writer)
{
    return writer->offset;
}

void cb_blob_writer_feed(struct cb_blob_writer *writer, struct cb_blob_feed *feed)
{
    writer->feed = feed;
    cb_blob_feed_begin(feed, writer->fd, writer->offset, writer->expected_size);
}

int cb_blob_writer_reset(struct cb_blob_writer *writer, struct cb_error **err)
{
    cb_blob_feed_break(writer->feed);
    if (ftruncate(writer->fd, 0) < 0)
        return write_failed(writer, "restart", err);
    cb_hasher_finish(writer->hasher);
    writer->offset = writer->flushed = 0;
    return 0;
}

static int drop_partial(struct cb_blob_writer *writer)
{
    unlinkat(writer->dir_fd, writer->name, 0);
    return -1;
}

/* A large blob that is unpacked while it comes is not read again soon: what is on disk
 * and was read gives its memory back, which what follows takes. Pages that are not on
 * disk yet stay, and are looked at again. */
static void forget_written(const struct cb_blob_writer *writer)
{
    int64_t end = cb_blob_feed_consumed(writer->feed);
    int64_t from;

    end = end < writer->flushed ? end : writer->flushed;
    from = end > FORGET_BYTES ? end - FORGET_BYTES : 0;
    if (writer->expected_size >= FORGET_BYTES && end > 0)
        posix_fadvise(writer->fd, from, end - from, POSIX_FADV_DONTNEED);
}

/* The disk works while more comes in, so that the sync at the end finds little to do. */
static void start_writing(struct cb_blob_writer *writer)
{
    if (writer->store->no_sync || writer->offset - writer->flushed < FLUSH_BYTES)
        return;
    forget_written(writer);
    sync_file_range(writer->fd, writer->flushed, writer->offset - writer->flushed,
                    SYNC_FILE_RANGE_WRITE);
    writer->flushed = writer->offset;
}

int cb_blob_writer_write(struct cb_blob_writer *writer, const void *bytes, size_t len,
                         struct cb_error **err)
{
    char text[CB_DIGEST_MAX_TEXT];

    if (writer->expected_size >= 0 &&
        (int64_t)len > writer->expected_size - writer->offset) {
        cb_error_set(err, CB_ERR_INTEGRITY, "blob `%s`: longer than its %lld bytes",
                     writer_text(writer, text), (long long)writer->expected_size);
        return drop_partial(writer);
    }
    if (cb_zeros_append(writer->fd, bytes, len, writer->offset) < 0)
        return write_failed(writer, "write", err);
    cb_hasher_update(writer->hasher, bytes, len);
    writer->offset += (int64_t)len;
    cb_blob_feed_reach(writer->feed, writer->offset);
    start_writing(writer);
    return 0;
}

/* ── Publishing ── */

static int verify(struct cb_blob_writer *writer, struct cb_error **err)
{
    char want[CB_DIGEST_MAX_TEXT], have[CB_DIGEST_MAX_TEXT];

    if (cb_digest_is_set(&writer->actual))
        return 0;
    if (writer->expected_size >= 0 && writer->offset != writer->expected_size)
        return cb_error_set(err, CB_ERR_INTEGRITY, "blob `%s`: %lld bytes of %lld",
                            writer_text(writer, want), (long long)writer->offset,
                            (long long)writer->expected_size);
    writer->actual = cb_hasher_finish(writer->hasher);
    if (!cb_digest_is_set(&writer->expected) ||
        cb_digest_equal(&writer->actual, &writer->expected))
        return 0;
    cb_error_set(err, CB_ERR_INTEGRITY, "blob `%s`: the bytes received have digest %s",
                 cb_digest_text(&writer->expected, want),
                 cb_digest_text(&writer->actual, have));
    return drop_partial(writer);
}

int cb_blob_seal(struct cb_blob_writer *writer, struct cb_digest *digest, int64_t *size,
                 int *fd, struct cb_error **err)
{
    if (verify(writer, err) < 0)
        return -1;
    *fd = openat(writer->dir_fd, writer->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd < 0)
        return write_failed(writer, "open", err);
    *digest = writer->actual;
    *size = writer->offset;
    cb_blob_feed_complete(writer->feed);
    writer->feed = NULL;
    return 0;
}

static int sync_directory(struct cb_store *store, const char *path)
{
    cb_autofree char *directory = xstrdup(path);
    cb_autofd int fd = -1;

    *strrchr(directory, '/') = '\0';
    fd = openat(store->root_fd, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -1 : fsync(fd);
}

static int give_name(struct cb_blob_writer *writer, const struct cb_digest *digest,
                     struct cb_error **err)
{
    struct cb_store *store = writer->store;
    cb_autofree char *path = cb_content_path(digest);

    if (digest->algorithm == CB_SHA512 &&
        mkdirat(store->root_fd, "blobs/sha512", 0700) < 0 && errno != EEXIST)
        return write_failed(writer, "name", err);
    if (renameat(writer->dir_fd, writer->name, store->root_fd, path) < 0 ||
        (!store->no_sync && sync_directory(store, path) < 0))
        return write_failed(writer, "name", err);
    return 0;
}

static int publish(struct cb_blob_writer *writer, const struct cb_digest *digest,
                   struct cb_error **err)
{
    cb_auto(cb_lock) room = NULL;
    cb_gc_shared held = NULL;
    struct stat st = {0};

    /* In ingest/ its bytes are counted already, in tmp/ not. */
    if (writer->dir_fd == writer->store->tmp_fd && fstat(writer->fd, &st) < 0)
        return write_failed(writer, "stat", err);
    if (cb_store_make_room(writer->store, (uint64_t)st.st_blocks * 512, &room, err) < 0)
        return -1;
    if (fchmod(writer->fd, 0444) < 0 ||
        (!writer->store->no_sync && fdatasync(writer->fd) < 0))
        return write_failed(writer, "sync", err);
    if (cb_gc_lock_shared(writer->store, err) < 0)
        return -1;
    held = writer->store;
    if (cb_content_lease(held, digest, err) < 0)
        return -1;
    return give_name(writer, digest, err);
}

int cb_blob_commit(struct cb_blob_writer **writer, struct cb_digest *digest,
                   int64_t *size, struct cb_error **err)
{
    if (verify(*writer, err) < 0 || publish(*writer, &(*writer)->actual, err) < 0)
        return -1;
    if (digest)
        *digest = (*writer)->actual;
    if (size)
        *size = (*writer)->offset;
    cb_blob_feed_complete((*writer)->feed);
    (*writer)->feed = NULL;
    free((*writer)->name);
    (*writer)->name = NULL;
    cb_blob_writer_close(*writer);
    *writer = NULL;
    return 0;
}
