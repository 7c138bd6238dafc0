/* An upload that begins before its blob is whole: one PATCH of unknown length, as docker
 * sends all of its layers. What breaks on the way can be continued by upload-parts.c,
 * once the digest is known. */
#include "registry/upload.h"

#include "store/blob-feed.h"

#include <stdlib.h>
#include <string.h>

#define PATCH_HEADER_S 300       /* as in upload-parts.c */
#define REPORT_EVERY   (1 << 20) /* bytes */

static ssize_t read_feed(void *arg, void *buffer, size_t len)
{
    struct cb_upload_stream *stream = arg;
    ssize_t got = cb_blob_feed_read(stream->feed, buffer, len, NULL);

    if (got > 0)
        stream->sent += got;
    if (stream->sent - stream->reported >= REPORT_EVERY) {
        stream->reported = stream->sent;
        cb_registry_status(stream->registry, stream->event_id, stream->diff_id, "Pushing",
                           stream->sent, 0, 0);
    }
    return got;
}

int cb_upload_stream_begin(struct cb_upload_stream *stream)
{
    return cb_upload_start(stream->registry, stream->repository, NULL, NULL,
                           &stream->location, NULL);
}

void cb_upload_stream_send(struct cb_upload_stream *stream)
{
    const struct cb_repository *repository = stream->repository;
    cb_autofree char *url = xstrdup(stream->location);
    cb_auto_value(cb_strings) headers = {0};
    cb_auto_value(cb_http_response) response = {0};
    struct cb_http_request request = {
        .method = "PATCH",
        .url = url,
        .headers = &headers,
        .read_body = read_feed,
        .body_arg = stream,
        .body_size = -1,
        .timeout_header_s = PATCH_HEADER_S,
        .tries = 1,
    };

    cb_strings_add(&headers, "Content-Type: application/octet-stream");
    if (cb_registry_call(stream->registry, repository->endpoint, repository->scope,
                         &request, &response, NULL) < 0)
        return;
    stream->whole = response.status / 100 == 2;
    cb_upload_follow(&response, &stream->next);
}

void cb_upload_stream_save(struct cb_upload_stream *stream,
                           const struct cb_descriptor *blob)
{
    if (blob->size >= CB_UPLOAD_LARGE)
        cb_upload_saved_put(stream->registry, stream->repository, &blob->digest,
                            stream->location);
}

int cb_upload_stream_end(struct cb_upload_stream *stream,
                         const struct cb_descriptor *blob)
{
    const struct cb_repository *repository = stream->repository;
    const char *location = stream->next ? stream->next : stream->location;
    cb_autofree char *url = cb_upload_target(location, &blob->digest);
    cb_autofree char *saved = NULL;
    cb_auto_value(cb_http_response) response = {0};
    struct cb_http_request request = {
        .method = "PUT", .url = url, .body = "", .timeout_header_s = PATCH_HEADER_S};

    if (!stream->whole)
        return 0;
    saved = cb_upload_saved_take(stream->registry, repository, &blob->digest);
    return cb_registry_call(stream->registry, repository->endpoint, repository->scope,
                            &request, &response, NULL) == 0 &&
           response.status == 201 &&
           cb_upload_check_stored(&response, &blob->digest, NULL) == 0;
}

void cb_upload_stream_clear(struct cb_upload_stream *stream)
{
    free(stream->location);
    free(stream->next);
}
