/* Pieces of a blob, each by a request of its own to a file of its own,
 * ingest/<hex>.<first byte>.piece, which the next process goes on with. They begin at
 * multiples of their size, but for the first, which begins where the blob is. Whoever
 * brings the lowest one that is missing moves it, and all that follow it and are there,
 * into the blob's writer, which hashes; so what is verified is the blob, and pieces need
 * no trust. */
#include "registry/ranges.h"

#include "base/fs.h"
#include "store/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE      (16 << 20)
#define WIDTH      4
#define COPY_BYTES (256 << 10)

struct ranges {
    struct cb_registry *registry;
    const struct cb_repository *repository;
    const struct cb_descriptor *blob;
    uint64_t event_id;
    int64_t first; /* of the first piece */
    size_t count;
    pthread_mutex_t mutex; /* what follows */
    struct cb_blob_writer *writer;
    char *ready; /* by piece */
    size_t next; /* to be moved */
    int moving;
    struct cb_error *error; /* of moving */
    int unfit;              /* the server does not do ranges as it should */
};

int cb_ranges_fit(const struct cb_descriptor *blob)
{
    return blob->size >= 2 * (int64_t)CB_RANGES_MIN &&
           (uint64_t)blob->size <= CB_LAYER_MAX_BYTES;
}

/* Where piece I begins: the first anywhere, the others at multiples of PIECE. */
static int64_t start_of(int64_t first, size_t i)
{
    return i ? (first / PIECE + (int64_t)i) * PIECE : first;
}

static int64_t end_of(const struct ranges *ranges, size_t i)
{
    int64_t end = start_of(ranges->first, i + 1);

    return end < ranges->blob->size ? end : ranges->blob->size;
}

static char *file_of(const struct cb_descriptor *blob, int64_t start)
{
    char hex[CB_DIGEST_MAX_TEXT];

    return xasprintf("ingest/%s.%lld.piece", cb_digest_hex(&blob->digest, hex),
                     (long long)start);
}

int cb_ranges_left(struct cb_registry *registry, const struct cb_descriptor *blob,
                   int64_t offset)
{
    if (offset <= 0)
        return 0;
    for (int64_t start = start_of(offset, 1); start < blob->size; start += PIECE) {
        cb_autofree char *file = file_of(blob, start);

        if (faccessat(cb_store_root_fd(registry->store), file, F_OK,
                      AT_SYMLINK_NOFOLLOW) == 0)
            return 1;
    }
    return 0;
}

/* ── Fetching ── */

struct piece {
    struct ranges *ranges;
    int64_t start, end, position;
    int fd;
};

static int is_unfit(struct ranges *ranges, const char *why, struct cb_error **err)
{
    pthread_mutex_lock(&ranges->mutex);
    ranges->unfit = 1;
    pthread_mutex_unlock(&ranges->mutex);
    return cb_error_set(err, CB_ERR_INTEGRITY, "the server %s", why);
}

static int on_response(void *arg, int status, int range_ok, struct cb_error **err)
{
    struct piece *piece = arg;

    return range_ok ? 0 : is_unfit(piece->ranges, "sends no ranges", err);
}

static int on_bytes(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    struct piece *piece = arg;

    if ((int64_t)len > piece->end - piece->position)
        return is_unfit(piece->ranges, "sends more than was asked for", err);
    if (cb_fs_write_all(piece->fd, bytes, len) < 0)
        return cb_error_errno(err, errno, "write a piece of a blob");
    piece->position += (int64_t)len;
    return 0;
}

static int open_piece(struct piece *piece, struct cb_error **err)
{
    struct ranges *ranges = piece->ranges;
    cb_autofree char *file = file_of(ranges->blob, piece->start);
    struct stat st;

    piece->fd = openat(cb_store_root_fd(ranges->registry->store), file,
                       O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (piece->fd < 0 || fstat(piece->fd, &st) < 0)
        return cb_error_errno(err, errno, "open `%s`", file);
    if (st.st_size > piece->end - piece->start && ftruncate(piece->fd, 0) < 0)
        return cb_error_errno(err, errno, "restart `%s`", file);
    piece->position = lseek(piece->fd, 0, SEEK_END) + piece->start;
    return piece->position < piece->start ? cb_error_errno(err, errno, "seek `%s`", file)
                                          : 0;
}

static int fetch_piece(struct piece *piece, struct cb_error **err)
{
    struct ranges *ranges = piece->ranges;
    const struct cb_repository *repository = ranges->repository;
    char digest[CB_DIGEST_MAX_TEXT];
    cb_autofree char *url = cb_repository_url(
        repository, "blobs", cb_digest_text(&ranges->blob->digest, digest));
    cb_auto_value(cb_http_response) response = {0};
    struct cb_http_request request = {.method = "GET",
                                      .url = url,
                                      .offset = piece->position,
                                      .end = piece->end,
                                      .write_body = on_bytes,
                                      .on_response = on_response,
                                      .write_arg = piece};

    if (piece->position == piece->end)
        return 0;
    if (cb_registry_call(ranges->registry, repository->endpoint, repository->scope,
                         &request, &response, err) < 0)
        return -1;
    if (response.status != 206)
        return cb_registry_refused(repository->endpoint, &response, err);
    return piece->position == piece->end
               ? 0
               : is_unfit(ranges, "sends less than was asked for", err);
}

/* ── Moving ── */

static int move_piece(struct ranges *ranges, size_t i, struct cb_error **err)
{
    cb_autofree char *file = file_of(ranges->blob, start_of(ranges->first, i));
    cb_autofree char *buffer = xmalloc(COPY_BYTES);
    int dir = cb_store_root_fd(ranges->registry->store);
    cb_autofd int fd = openat(dir, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return cb_error_errno(err, errno, "open `%s`", file);
    for (;;) {
        ssize_t count = read(fd, buffer, COPY_BYTES);

        if (count < 0)
            return cb_error_errno(err, errno, "read `%s`", file);
        if (count == 0)
            break;
        if (cb_blob_writer_write(ranges->writer, buffer, (size_t)count, err) < 0)
            return -1;
    }
    unlinkat(dir, file, 0);
    cb_registry_status(ranges->registry, ranges->event_id, &ranges->blob->digest,
                       "Downloading", cb_blob_writer_offset(ranges->writer),
                       ranges->blob->size, 0);
    return 0;
}

/* One thread at a time moves; the others fetch on. */
static void move_ready(struct ranges *ranges, size_t i)
{
    pthread_mutex_lock(&ranges->mutex);
    ranges->ready[i] = 1;
    while (!ranges->moving && !ranges->error && ranges->next < ranges->count &&
           ranges->ready[ranges->next]) {
        struct cb_error *error = NULL;
        size_t next = ranges->next;

        ranges->moving = 1;
        pthread_mutex_unlock(&ranges->mutex);
        move_piece(ranges, next, &error);
        pthread_mutex_lock(&ranges->mutex);
        ranges->moving = 0;
        ranges->next++;
        ranges->error = error;
    }
    pthread_mutex_unlock(&ranges->mutex);
}

static int check_going(struct ranges *ranges, struct cb_error **err)
{
    int failed;

    pthread_mutex_lock(&ranges->mutex);
    failed = ranges->error != NULL;
    pthread_mutex_unlock(&ranges->mutex);
    if (failed)
        return cb_error_set(err, CB_ERR_SYSTEM, "another piece failed");
    return cb_cancel_check(ranges->registry->cancel, err);
}

static int bring_piece(void *arg, size_t i, struct cb_error **err)
{
    struct ranges *ranges = arg;
    struct piece piece = {.ranges = ranges,
                          .start = start_of(ranges->first, i),
                          .end = end_of(ranges, i),
                          .fd = -1};
    int result = check_going(ranges, err);

    if (result == 0)
        result = open_piece(&piece, err);
    if (result == 0)
        result = fetch_piece(&piece, err);
    cb_close(&piece.fd);
    if (result == 0)
        move_ready(ranges, i);
    return result;
}

/* What no one stream will use. */
static void drop_pieces(const struct ranges *ranges)
{
    for (size_t i = 0; i < ranges->count; i++) {
        cb_autofree char *file = file_of(ranges->blob, start_of(ranges->first, i));

        unlinkat(cb_store_root_fd(ranges->registry->store), file, 0);
    }
}

int cb_ranges_receive(struct cb_registry *registry,
                      const struct cb_repository *repository,
                      const struct cb_descriptor *blob, struct cb_blob_writer *writer,
                      uint64_t event_id, struct cb_error **err)
{
    struct ranges ranges = {.registry = registry,
                            .repository = repository,
                            .blob = blob,
                            .event_id = event_id,
                            .writer = writer,
                            .first = cb_blob_writer_offset(writer),
                            .mutex = PTHREAD_MUTEX_INITIALIZER};
    unsigned width = cb_registry_downloads(registry);
    cb_auto(cb_error) error = NULL;
    int result;

    while (start_of(ranges.first, ranges.count) < blob->size)
        ranges.count++;
    ranges.ready = xcalloc(ranges.count + 1, 1);
    result = cb_pool_fan_out(registry->pool, width < WIDTH ? width : WIDTH, ranges.count,
                             bring_piece, &ranges, &error);
    if (ranges.error) {
        result = cb_error_move(err, &ranges.error);
    } else if (ranges.unfit) {
        drop_pieces(&ranges);
        result = 0;
    } else if (result < 0) {
        result = cb_error_move(err, &error);
    }
    free(ranges.ready);
    cb_error_free(ranges.error);
    pthread_mutex_destroy(&ranges.mutex);
    return result;
}
