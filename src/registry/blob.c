/* A layer's way into the store: bytes go from the connection through the blob writer,
 * which hashes them, bounds them by the descriptor's size, and keeps an unfinished file
 * for the next try. `urls` of foreign layers are ignored: only the registry is asked. */
#include "registry/registry-priv.h"

#include "base/clock.h"
#include "registry/ranges.h"
#include "store/blob-feed.h"

#define REPORT_EVERY_MS 100

/* A stream that would take longer than this is given up for several. */
#define LOOK_AFTER_MS 2000
#define SLOW_MS       4000

struct download {
    struct cb_registry *registry;
    const struct cb_repository *repository;
    const struct cb_descriptor *blob;
    uint64_t event_id;
    struct cb_blob_writer *writer;
    int64_t received, reported_ms;
    int64_t first, started_ms; /* of this stream */
    int may_split;             /* the blob is one for ranges */
    int split;                 /* … and this stream too slow for it */
    int pieced;                /* not all of it came in one answer */
};

static int on_response(void *arg, int status, int range_ok, struct cb_error **err)
{
    struct download *download = arg;

    download->started_ms = cb_clock_ms();
    if (range_ok) {
        download->pieced = 1;
        return 0;
    }
    download->received = download->first = 0;
    if (cb_blob_writer_offset(download->writer) == 0)
        return 0;
    return cb_blob_writer_reset(download->writer, err);
}

static int is_slow(const struct download *download, int64_t now)
{
    int64_t spent = now - download->started_ms;
    int64_t got = download->received - download->first;
    int64_t left = download->blob->size - download->received;

    return download->may_split && spent >= LOOK_AFTER_MS && left >= CB_RANGES_MIN &&
           left / SLOW_MS > got / spent;
}

static int on_bytes(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    struct download *download = arg;
    int64_t now = cb_clock_ms();

    if (cb_blob_writer_write(download->writer, bytes, len, err) < 0)
        return -1;
    download->received += (int64_t)len;
    if (now - download->reported_ms >= REPORT_EVERY_MS) {
        download->reported_ms = now;
        cb_registry_status(download->registry, download->event_id,
                           &download->blob->digest, "Downloading", download->received,
                           download->blob->size, 0);
    }
    download->split = is_slow(download, now);
    return download->split ? cb_error_set(err, CB_ERR_NETWORK, "one stream is too slow")
                           : 0;
}

static int receive(struct download *download, struct cb_error **err)
{
    const struct cb_repository *repository = download->repository;
    char digest[CB_DIGEST_MAX_TEXT];
    cb_autofree char *url = cb_repository_url(
        repository, "blobs", cb_digest_text(&download->blob->digest, digest));
    cb_auto_value(cb_http_response) response = {0};
    struct cb_http_request request = {
        .method = "GET",
        .url = url,
        .offset = cb_blob_writer_offset(download->writer),
        .write_body = on_bytes,
        .on_response = on_response,
        .write_arg = download,
    };

    download->received = download->first = request.offset;
    if (request.offset == download->blob->size)
        return 0;
    if (cb_registry_call(download->registry, repository->endpoint, repository->scope,
                         &request, &response, err) < 0)
        return -1;
    if (response.status / 100 != 2)
        return cb_registry_refused(repository->endpoint, &response, err);
    if (download->received != download->blob->size)
        return cb_error_set(err, CB_ERR_INTEGRITY, "%lld bytes instead of %lld",
                            (long long)download->received,
                            (long long)download->blob->size);
    return 0;
}

/* One stream; if that is too slow the rest in ranges; if those fail one stream to the
 * end.
 */
static int receive_somehow(struct download *download, struct cb_error **err)
{
    struct cb_registry *registry = download->registry;
    cb_auto(cb_error) error = NULL;

    download->split =
        download->may_split &&
        cb_ranges_left(registry, download->blob, cb_blob_writer_offset(download->writer));
    if (!download->split && receive(download, &error) == 0)
        return 0;
    if (!download->split)
        return cb_error_move(err, &error);
    if (cb_ranges_receive(registry, download->repository, download->blob,
                          download->writer, download->event_id, err) < 0)
        return -1;
    download->may_split = 0;
    return receive(download, err);
}

/* *PIECED tells whether bytes of an earlier run, or of several answers, were used; then
 * the next try is to bring all in one. */
static int fetch_once(const struct download *wanted, struct cb_blob_feed *feed,
                      int *pieced, struct cb_error **err)
{
    const struct cb_descriptor *blob = wanted->blob;
    struct cb_registry *registry = wanted->registry;
    struct download download = *wanted;
    cb_auto(cb_blob_writer) writer = NULL;
    int present = 0, result;

    if (cb_blob_writer_open(registry->store,
                            &(struct cb_blob_wanted){.digest = &blob->digest,
                                                     .size = blob->size,
                                                     .cancel = registry->cancel,
                                                     .sink = registry->sink},
                            &writer, &present, err) < 0)
        return -1;
    if (present)
        return 0;
    cb_blob_writer_feed(writer, feed);
    download.writer = writer;
    download.may_split = !*pieced && cb_ranges_fit(blob);
    *pieced = cb_blob_writer_offset(writer) > 0;
    cb_registry_status(registry, download.event_id, &blob->digest, "Downloading",
                       cb_blob_writer_offset(writer), blob->size, 0);
    result = receive_somehow(&download, err);
    *pieced |= download.split || download.pieced;
    return result < 0 ? -1 : cb_blob_commit(&writer, NULL, NULL, err);
}

int cb_blob_fetch(struct cb_registry *registry, const struct cb_repository *repository,
                  const struct cb_descriptor *blob, struct cb_blob_feed *feed,
                  uint64_t event_id, struct cb_error **err)
{
    const struct download wanted = {.registry = registry,
                                    .repository = repository,
                                    .blob = blob,
                                    .event_id = event_id};
    cb_auto(cb_error) error = NULL;
    char digest[CB_DIGEST_MAX_TEXT];
    int64_t size = 0;
    int pieced = 0;
    int result;

    if (cb_content_has(registry->store, &blob->digest, &size) > 0)
        return size == blob->size
                   ? 0
                   : cb_error_set(
                         err, CB_ERR_INTEGRITY,
                         "blob %s has %lld bytes, not the %lld it is said to have",
                         cb_digest_text(&blob->digest, digest), (long long)size,
                         (long long)blob->size);
    if (repository->layout)
        return cb_layout_provide(registry, repository, blob, err);
    result = fetch_once(&wanted, feed, &pieced, &error);
    if (result < 0 && pieced && cb_error_kind(error) == CB_ERR_INTEGRITY) {
        /* One of the pieces may be what is wrong; the writer has removed them. */
        cb_error_free(cb_steal(&error));
        result = fetch_once(&wanted, feed, &pieced, &error);
    }
    if (result == 0) {
        cb_registry_status(registry, event_id, &blob->digest, "Download complete",
                           blob->size, blob->size, 0);
        return 0;
    }
    cb_error_move(err, &error);
    return cb_error_wrap(err, "layer %s", cb_digest_text(&blob->digest, digest));
}
