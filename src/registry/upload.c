/* Blob uploads (distribution-spec, "Pushing a blob monolithically"): POST for an address,
 * PUT the bytes there, streamed from the store; large ones in parts (upload-parts.c). The
 * address is the server's word: it is resolved against the POST's URL, its query is kept,
 * and credentials go there only if it is the registry itself (cb_registry_call). An
 * upload that breaks is started anew. */
#include "registry/upload.h"

#include "base/clock.h"
#include "store/content.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define UPLOAD_TRIES    4
#define REPORT_EVERY_MS 100
#define PUT_HEADER_S    300 /* registries hash the whole blob before they answer */

int cb_upload_exists(struct cb_registry *registry, const struct cb_repository *repository,
                     const struct cb_digest *digest, struct cb_error **err)
{
    char text[CB_DIGEST_MAX_TEXT];
    cb_autofree char *url =
        cb_repository_url(repository, "blobs", cb_digest_text(digest, text));
    cb_auto_value(cb_http_response) response = {0};
    struct cb_http_request request = {.method = "HEAD", .url = url};

    if (cb_registry_call(registry, repository->endpoint, repository->scope, &request,
                         &response, err) < 0)
        return -1;
    if (response.status == 200)
        return 1;
    if (response.status == 404)
        return 0;
    return cb_registry_refused(repository->endpoint, &response, err);
}

char *cb_upload_target(const char *location, const struct cb_digest *digest)
{
    cb_auto_value(cb_strbuf) out = {0};
    char text[CB_DIGEST_MAX_TEXT];

    cb_strbuf_add(&out, location, strcspn(location, "#"));
    cb_strbuf_adds(&out, strchr(location, '?') ? "&digest=" : "?digest=");
    cb_url_encode(&out, cb_digest_text(digest, text));
    return cb_strbuf_steal(&out);
}

ssize_t cb_upload_read(void *arg, void *buffer, size_t len)
{
    struct cb_upload *upload = arg;
    int64_t now = cb_clock_ms();
    ssize_t got;

    do {
        got = read(upload->fd, buffer, len);
    } while (got < 0 && errno == EINTR);
    if (got > 0)
        upload->sent += got;
    if (now - upload->reported_ms >= REPORT_EVERY_MS) {
        upload->reported_ms = now;
        cb_registry_status(upload->registry, upload->event_id, &upload->blob->digest,
                           "Pushing", upload->sent, upload->blob->size, 0);
    }
    return got;
}

int cb_upload_seek(void *arg, int64_t offset)
{
    struct cb_upload *upload = arg;

    upload->sent = upload->first + offset;
    return lseek(upload->fd, upload->sent, SEEK_SET) < 0 ? -1 : 0;
}

int cb_upload_start(struct cb_registry *registry, const struct cb_repository *repository,
                    const struct cb_digest *digest, const char *mount_from,
                    char **location, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) url = {0};
    cb_auto_value(cb_http_response) response = {0};
    struct cb_http_request request = {.method = "POST"};
    int sha512 = digest && digest->algorithm == CB_SHA512;
    cb_autofree char *scope = NULL;
    char text[CB_DIGEST_MAX_TEXT];
    const char *where;

    cb_strbuf_addf(&url, "%s/v2/%s/blobs/uploads/", repository->endpoint->base,
                   repository->path);
    if (sha512) /* else sha256 is hashed while it comes */
        cb_strbuf_adds(&url, "?digest-algorithm=sha512");
    if (mount_from) {
        cb_strbuf_addf(&url, "%cmount=", sha512 ? '&' : '?');
        cb_url_encode(&url, cb_digest_text(digest, text));
        cb_strbuf_adds(&url, "&from=");
        cb_url_encode(&url, mount_from);
        scope = xasprintf("%s repository:%s:pull", repository->scope, mount_from);
    }
    request.url = cb_strbuf_text(&url);
    if (cb_registry_call(registry, repository->endpoint,
                         scope ? scope : repository->scope, &request, &response, err) < 0)
        return -1;
    if (response.status == 201 && mount_from) {
        *location = NULL;
        return 0;
    }
    if (response.status != 202)
        return cb_registry_refused(repository->endpoint, &response, err);
    where = cb_http_header(&response, "Location");
    *location = where ? cb_url_resolve(response.final_url, where) : NULL;
    if (!*location)
        return cb_error_set(err, CB_ERR_NETWORK,
                            "the registry does not say where to send the blob");
    return 0;
}

void cb_upload_give_up(struct cb_registry *registry,
                       const struct cb_repository *repository, const char *location)
{
    cb_auto_value(cb_http_response) response = {0};
    struct cb_http_request request = {.method = "DELETE", .url = location, .tries = 1};

    if (!cb_url_same_origin(repository->endpoint->base, location))
        return;
    cb_registry_call(registry, repository->endpoint, repository->scope, &request,
                     &response, NULL);
}

int cb_upload_mount(struct cb_registry *registry, const struct cb_repository *repository,
                    const struct cb_digest *digest, const char *mount_from)
{
    cb_autofree char *location = NULL;

    if (cb_upload_start(registry, repository, digest, mount_from, &location, NULL) < 0)
        return 0;
    if (location)
        cb_upload_give_up(registry, repository, location);
    return !location;
}

void cb_upload_follow(const struct cb_http_response *response, char **location)
{
    const char *where = cb_http_header(response, "Location");
    char *next = where ? cb_url_resolve(response->final_url, where) : NULL;

    if (!next)
        return;
    free(*location);
    *location = next;
}

int cb_upload_check_stored(const struct cb_http_response *response,
                           const struct cb_digest *digest, struct cb_error **err)
{
    const char *stored = cb_http_header(response, "Docker-Content-Digest");
    char text[CB_DIGEST_MAX_TEXT];

    if (stored && strcmp(stored, cb_digest_text(digest, text)) != 0)
        return cb_error_set(err, CB_ERR_INTEGRITY, "sent %s, the registry stored %.200s",
                            text, stored);
    return 0;
}

/* PUT. *AGAIN when a fresh upload may go better. */
static int send_whole(struct cb_upload *upload, const char *location, int *again,
                      struct cb_error **err)
{
    const struct cb_repository *repository = upload->repository;
    cb_autofree char *url = cb_upload_target(location, &upload->blob->digest);
    cb_auto_value(cb_strings) headers = {0};
    cb_auto_value(cb_http_response) response = {0};
    cb_auto(cb_error) error = NULL;
    struct cb_http_request request = {
        .method = "PUT",
        .url = url,
        .headers = &headers,
        .read_body = cb_upload_read,
        .seek_body = cb_upload_seek,
        .body_arg = upload,
        .body_size = upload->blob->size,
        .timeout_header_s = PUT_HEADER_S,
        .tries = 1,
    };

    cb_strings_add(&headers, "Content-Type: application/octet-stream");
    upload->first = 0;
    if (cb_upload_seek(upload, 0) < 0)
        return cb_error_errno(err, errno, "read the blob");
    if (cb_registry_call(upload->registry, repository->endpoint, repository->scope,
                         &request, &response, &error) < 0) {
        *again = cb_error_kind(error) == CB_ERR_NETWORK;
        return cb_error_move(err, &error);
    }
    if (response.status != 201) {
        *again = response.status >= 500 || response.status == 404 ||
                 response.status == 408 || response.status == 429;
        return cb_registry_refused(repository->endpoint, &response, err);
    }
    return cb_upload_check_stored(&response, &upload->blob->digest, err);
}

/* 0 sent, 1 mounted. */
static int upload_once(struct cb_upload *upload, const char *mount_from, int *again,
                       struct cb_error **err)
{
    int in_parts = upload->blob->size >= CB_UPLOAD_LARGE && !upload->whole_only;
    cb_autofree char *location = NULL;
    int continued = 0;

    if (in_parts)
        continued = cb_upload_parts(upload, NULL, again, err);
    if (continued)
        return continued < 0 ? -1 : 0;
    if (cb_upload_start(upload->registry, upload->repository, &upload->blob->digest,
                        mount_from, &location, err) < 0)
        return -1;
    if (!location)
        return 1;
    if (in_parts)
        return cb_upload_parts(upload, cb_steal(&location), again, err) < 0 ? -1 : 0;
    return send_whole(upload, location, again, err);
}

int cb_upload_blob(struct cb_registry *registry, const struct cb_repository *repository,
                   const struct cb_descriptor *blob,
                   const struct cb_upload_source *source, uint64_t event_id,
                   struct cb_error **err)
{
    const char *mount_from = source ? source->mount_from : NULL;
    struct cb_upload upload = {.registry = registry,
                               .repository = repository,
                               .blob = blob,
                               .event_id = event_id};
    char text[CB_DIGEST_MAX_TEXT];
    cb_autofd int fd = -1;

    upload.fd = source ? source->fd : -1;
    if (upload.fd < 0) {
        if (cb_content_open(registry->store, &blob->digest, &fd, NULL, err) < 0)
            return -1;
        upload.fd = fd;
    }
    for (int tries = 1;; tries++) {
        cb_auto(cb_error) error = NULL;
        int again = 0;
        int mounted =
            upload_once(&upload, tries == 1 ? mount_from : NULL, &again, &error);

        if (mounted >= 0)
            return mounted;
        /* A neighbour we may not read, or that is gone, must not cost the push. */
        again |= tries == 1 && mount_from;
        if (!again || tries == UPLOAD_TRIES || cb_cancel_requested(registry->cancel)) {
            cb_error_move(err, &error);
            return cb_error_wrap(err, "push %s", cb_digest_text(&blob->digest, text));
        }
    }
}
