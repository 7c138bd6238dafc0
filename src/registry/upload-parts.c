/* Uploads of large blobs (distribution-spec, "Pushing a blob in chunks"): one PATCH with
 * everything that is missing; if that breaks, the registry is asked how far it got (GET),
 * and another PATCH sends the rest; PUT ends it. The address of the upload is kept in the
 * store meanwhile, so that the next process asks the same question first. A registry that
 * forgets what it got, or does not know PATCH, costs an upload from the start. */
#include "registry/upload.h"

#include <errno.h>
#include <string.h>

#define MIN_PROGRESS   (32 << 10) /* that makes another PATCH worth it */
#define MAX_FRUITLESS  3
#define MAX_PATCHES    100
#define PATCH_HEADER_S 300 /* some store everything before they answer */

struct parts {
    struct cb_upload *upload;
    char *location;
    int64_t offset; /* what the registry has */
    int fruitless, patches;
};

/* "0-1023": so many bytes are there. -1 for anything else; one empty upload says "0-0",
 * too, and a byte sent twice is an error of the registry's, not of ours. */
static int64_t range_end(const char *range)
{
    char *end = NULL;
    long long last;

    if (!range)
        return -1;
    if (strncmp(range, "bytes=", 6) == 0)
        range += 6;
    if (strncmp(range, "0-", 2) != 0 || range[2] < '0' || range[2] > '9')
        return -1;
    errno = 0;
    last = strtoll(range + 2, &end, 10);
    if (errno || *end || last < 0 || last == INT64_MAX)
        return -1;
    return last ? last + 1 : 0;
}

static int call(struct parts *parts, struct cb_http_request *request,
                struct cb_http_response *response, struct cb_error **err)
{
    const struct cb_repository *repository = parts->upload->repository;

    return cb_registry_call(parts->upload->registry, repository->endpoint,
                            repository->scope, request, response, err);
}

/* How far the registry got: 1; 0 when it does not know the upload any more; -1 when it
 * does not answer, and may know it later. */
static int ask(struct parts *parts)
{
    cb_auto_value(cb_http_response) response = {0};
    struct cb_http_request request = {.method = "GET", .url = parts->location};
    int64_t have;

    if (call(parts, &request, &response, NULL) < 0 || response.status >= 500)
        return -1;
    if (response.status != 204)
        return 0;
    have = range_end(cb_http_header(&response, "Range"));
    if (have < 0 || have > parts->upload->blob->size)
        return 0;
    cb_upload_follow(&response, &parts->location);
    parts->offset = have;
    return 1;
}

static void save(struct parts *parts)
{
    struct cb_upload *upload = parts->upload;

    cb_upload_saved_put(upload->registry, upload->repository, &upload->blob->digest,
                        parts->location);
}

static int patch(struct parts *parts, struct cb_http_response *response,
                 struct cb_error **err)
{
    struct cb_upload *upload = parts->upload;
    cb_auto_value(cb_strings) headers = {0};
    cb_autofree char *url = xstrdup(parts->location);
    struct cb_http_request request = {
        .method = "PATCH",
        .url = url,
        .headers = &headers,
        .read_body = cb_upload_read,
        .seek_body = cb_upload_seek,
        .body_arg = upload,
        .body_size = upload->blob->size - parts->offset,
        .timeout_header_s = PATCH_HEADER_S,
        .tries = 1,
    };

    upload->first = parts->offset;
    if (cb_upload_seek(upload, 0) < 0)
        return cb_error_errno(err, errno, "read the blob");
    cb_strings_add(&headers, "Content-Type: application/octet-stream");
    if (parts->offset)
        cb_strings_addf(&headers, "Content-Range: %lld-%lld", (long long)parts->offset,
                        (long long)upload->blob->size - 1);
    parts->patches++;
    return call(parts, &request, response, err);
}

static int worth_another(struct parts *parts, int64_t before)
{
    parts->fruitless = parts->offset - before >= MIN_PROGRESS ? 0 : parts->fruitless + 1;
    return parts->fruitless < MAX_FRUITLESS && parts->patches < MAX_PATCHES;
}

/* Until the registry has all bytes. */
static int send_rest(struct parts *parts, int *again, struct cb_error **err)
{
    struct cb_upload *upload = parts->upload;

    while (parts->offset < upload->blob->size) {
        cb_auto_value(cb_http_response) response = {0};
        cb_auto(cb_error) error = NULL;
        int64_t before = parts->offset;
        int status = patch(parts, &response, &error) < 0 ? 0 : response.status;
        int known;

        if (status / 100 == 2) {
            int64_t have = range_end(cb_http_header(&response, "Range"));

            cb_upload_follow(&response, &parts->location);
            parts->offset =
                have < 0 || have > upload->blob->size ? upload->blob->size : have;
        } else if (!status && cb_error_kind(error) != CB_ERR_NETWORK) {
            return cb_error_move(err, &error);
        } else if (status && status != 416 && status != 408 && status != 429 &&
                   status < 500) {
            /* Not a matter of the bytes' number. */
            *again = upload->whole_only =
                status != 401 && status != 403 && !upload->whole_only;
            return cb_registry_refused(upload->repository->endpoint, &response, err);
        } else if ((known = ask(parts)) <= 0) {
            *again = known == 0;
            return error ? cb_error_move(err, &error)
                         : cb_registry_refused(upload->repository->endpoint, &response,
                                               err);
        }
        if (parts->offset < upload->blob->size && !worth_another(parts, before)) {
            *again = upload->whole_only = !upload->whole_only;
            return cb_error_set(err, CB_ERR_NETWORK,
                                "the registry takes no more than %lld bytes",
                                (long long)parts->offset);
        }
        save(parts);
    }
    return 0;
}

static int finish(struct parts *parts, int *again, struct cb_error **err)
{
    struct cb_upload *upload = parts->upload;
    cb_autofree char *url = cb_upload_target(parts->location, &upload->blob->digest);
    cb_auto_value(cb_http_response) response = {0};
    struct cb_http_request request = {
        .method = "PUT", .url = url, .body = "", .timeout_header_s = PATCH_HEADER_S};

    if (call(parts, &request, &response, err) < 0)
        return -1;
    if (response.status == 201)
        return cb_upload_check_stored(&response, &upload->blob->digest, err);
    *again = response.status != 401 && response.status != 403;
    return cb_registry_refused(upload->repository->endpoint, &response, err);
}

int cb_upload_parts(struct cb_upload *upload, char *location, int *again,
                    struct cb_error **err)
{
    struct parts parts = {.upload = upload, .location = location};
    const struct cb_digest *digest = &upload->blob->digest;
    int result = 1;

    if (!location) {
        parts.location =
            cb_upload_saved_take(upload->registry, upload->repository, digest);
        result = parts.location && ask(&parts) > 0 && parts.offset > 0;
    }
    if (result) {
        cb_autofree char *saved = NULL;

        save(&parts);
        result = send_rest(&parts, again, err);
        if (result == 0)
            result = finish(&parts, again, err);
        /* What may be continued stays. */
        if (result == 0 || *again)
            saved = cb_upload_saved_take(upload->registry, upload->repository, digest);
        result = result < 0 ? -1 : 1;
    }
    free(parts.location);
    return result;
}
