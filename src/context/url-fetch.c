/* Fetching a URL into the store. The request carries what the server said about the body
 * last time. Three answers mean that nothing changed: 304; a 200 with the same ETag, from
 * servers that send one but do not heed the question (the body is then not read); and a
 * body with the same digest. */
#include "context/remote-priv.h"

#include "base/fs.h"
#include "http/http.h"
#include "store/content.h"

#include <string.h>

#define BODY_MAX_BYTES ((int64_t)64 << 30)
/* A version sent less than this after it was made may be followed by another one with the
 * same time (RFC 9110, 8.8.2.2). */
#define MODIFIED_SETTLED_S 2

/* ── One download ── */

struct download {
    const struct cb_remote *remote;
    char *url;                         /* without userinfo */
    char *authorization;               /* or NULL */
    const char *shown;                 /* for messages */
    const struct cb_url_memory *known; /* or NULL: not to be asked about */
    const struct cb_digest *expected;  /* or NULL */
    struct cb_http_response response;
    struct cb_blob_writer *writer;
    int64_t received;
    int unchanged;
    int present; /* somebody else fetched it meanwhile */
};

static void download_clear(struct download *download)
{
    cb_blob_writer_close(download->writer);
    cb_http_response_clear(&download->response);
    free(download->url);
    cb_secret_free(download->authorization);
}
CB_AUTO_VALUE_DEFINE(download, download_clear)

/* Weak or strong, it is the same tag. */
static const char *bare_tag(const char *etag)
{
    return strncmp(etag, "W/", 2) == 0 ? etag + 2 : etag;
}

static int same_tag(const struct download *download)
{
    const char *etag = cb_http_header(&download->response, "ETag");

    return download->known && download->known->etag && etag &&
           strcmp(bare_tag(etag), bare_tag(download->known->etag)) == 0;
}

static int open_writer(struct download *download, struct cb_error **err)
{
    const struct cb_remote *remote = download->remote;

    return cb_blob_writer_open(remote->store,
                               &(struct cb_blob_wanted){.digest = download->expected,
                                                        .size = -1,
                                                        .cancel = remote->cancel,
                                                        .sink = remote->sink},
                               &download->writer, &download->present, err);
}

/* Stops the transfer when there is nothing to be read. */
static int on_response(void *arg, int status, int range_ok, struct cb_error **err)
{
    struct download *download = arg;

    (void)status;
    download->unchanged = same_tag(download);
    if (download->unchanged)
        return cb_error_set(err, CB_ERR_NETWORK, "unchanged");
    if (!download->writer)
        return open_writer(download, err);
    if (range_ok)
        return 0;
    download->received = 0;
    return cb_blob_writer_reset(download->writer, err);
}

static int on_body(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    struct download *download = arg;

    if (cb_cancel_check(download->remote->cancel, err) < 0)
        return -1;
    download->received += (int64_t)len;
    if (download->received > BODY_MAX_BYTES)
        return cb_error_set(err, CB_ERR_INTEGRITY, "more than %lld bytes",
                            (long long)BODY_MAX_BYTES);
    return cb_blob_writer_write(download->writer, bytes, len, err);
}

/* The URL without userinfo, and the credentials it had or the build's secrets have. */
static int set_up(struct download *download, const char *url, struct cb_error **err)
{
    const char *authority = strstr(url, "://") ? strstr(url, "://") + 3 : url;
    const char *at = memrchr(authority, '@', strcspn(authority, "/?#"));
    cb_auto_secret char *userinfo = NULL;

    if (at) {
        userinfo = cb_url_decode(authority, (size_t)(at - authority), 0);
        if (!userinfo)
            return cb_error_set(err, CB_ERR_USAGE, "`%s`: no valid user name",
                                download->shown);
    }
    download->url =
        xasprintf("%.*s%s", (int)(authority - url), url, at ? at + 1 : authority);
    download->url[strcspn(download->url, "#")] = '\0';
    return cb_url_authorization(download->remote, download->url, userinfo,
                                &download->authorization, err);
}

static void ask_for_news(const struct cb_url_memory *known, struct cb_strings *headers)
{
    if (known->etag)
        cb_strings_addf(headers, "If-None-Match: %s", known->etag);
    else if (known->modified)
        cb_strings_addf(headers, "If-Modified-Since: %s", known->modified);
}

static int refused(const struct download *download, struct cb_error **err)
{
    int status = download->response.status;
    enum cb_error_kind kind = status == 404 || status == 410   ? CB_ERR_NOT_FOUND
                              : status == 401 || status == 403 ? CB_ERR_DENIED
                                                               : CB_ERR_NETWORK;
    char text[64];

    cb_error_set(err, kind, "fetch `%s`: the server answered %s", download->shown,
                 cb_http_status_text(status, text));
    if (kind == CB_ERR_DENIED && download->remote->secret)
        return cb_error_hint(err, "give --secret id=HTTP_AUTH_TOKEN_<host>,… or "
                                  "id=HTTP_AUTH_HEADER_<host>,…");
    return -1;
}

/* Asks; afterwards either unchanged is set, or present, or the writer holds the body. */
static int perform(struct download *download, struct cb_error **err)
{
    cb_auto_value(cb_strings) headers = {0};
    cb_auto(cb_error) error = NULL;
    struct cb_http_request request = {
        .method = "GET",
        .url = download->url,
        .headers = &headers,
        .authorization = download->authorization,
        .allow_http = strncmp(download->url, "http://", 7) == 0 ? CB_HTTP_PLAIN_ANYWHERE
                                                                : CB_HTTP_PLAIN_NEVER,
        .write_body = on_body,
        .on_response = on_response,
        .write_arg = download,
    };

    if (download->remote->offline)
        return cb_remote_refuse_offline(download->shown, err);
    if (cb_store_lease_now(download->remote->store, err) < 0)
        return -1;
    if (download->expected) {
        if (open_writer(download, err) < 0)
            return -1;
        if (download->present)
            return 0;
        request.offset = download->received = cb_blob_writer_offset(download->writer);
    }
    if (download->known)
        ask_for_news(download->known, &headers);
    if (cb_http_perform(download->remote->http, &request, &download->response, &error) <
            0 &&
        !download->unchanged)
        return cb_error_move(err, &error);
    if (download->response.status == 304 && headers.count > 0)
        download->unchanged = 1;
    if (!download->unchanged && download->response.status / 100 != 2)
        return refused(download, err);
    return 0;
}

/* ── What is remembered of it ── */

/* Last-Modified alone tells versions apart only if it was old when it was sent. */
static int is_settled(const struct cb_http_response *response, int64_t mtime_s)
{
    int64_t date = cb_http_date(cb_http_header(response, "Date"));

    return mtime_s >= 0 && date >= mtime_s + MODIFIED_SETTLED_S;
}

static void remember(const struct download *download, const struct cb_url_body *body)
{
    const char *etag = cb_http_header(&download->response, "ETag");
    const char *modified = cb_http_header(&download->response, "Last-Modified");
    struct cb_url_memory memory = {.digest = body->digest, .mtime_s = body->mtime_s};

    memory.etag = (char *)etag;
    if (is_settled(&download->response, body->mtime_s))
        memory.modified = (char *)modified;
    cb_url_remember(download->remote->store, download->url, &memory);
}

static int keep(struct download *download, struct cb_url_body *out, struct cb_error **err)
{
    out->mtime_s = cb_http_date(cb_http_header(&download->response, "Last-Modified"));
    if (cb_blob_commit(&download->writer, &out->digest, NULL, err) < 0) {
        if (download->expected)
            cb_error_wrap(err, "digest mismatch for `%s`", download->shown);
        return -1;
    }
    remember(download, out);
    return 0;
}

/* ── The two calls ── */

static int ask(struct download *download, const struct cb_url_memory *known,
               struct cb_url_body *out, struct cb_error **err)
{
    const struct cb_remote *remote = download->remote;
    const struct cb_url_body before = {.digest = known->digest,
                                       .mtime_s = known->mtime_s};
    struct cb_url_body body = {.mtime_s = -1};

    if (cb_digest_is_set(&known->digest))
        download->known = known;
    if (remote->offline && download->known) {
        *out = before;
        return 0;
    }
    if (perform(download, err) < 0 ||
        (!download->unchanged && keep(download, &body, err) < 0))
        return -1;
    *out = download->unchanged ? before : body;
    return 0;
}

/* What the pins say of it: 1, or 0. */
static int find_pin(const struct download *download, struct cb_digest *out,
                    struct cb_error **err)
{
    cb_autofree char *pin = NULL;
    int found =
        cb_pins_find(download->remote->pins, CB_PIN_HTTP, download->shown, &pin, err);

    if (found > 0 && cb_digest_parse(out, pin, err) < 0)
        return -1;
    return found;
}

int cb_url_resolve_body(const struct cb_remote *remote, const char *url,
                        const struct cb_digest *checksum, struct cb_url_body *out,
                        struct cb_error **err)
{
    cb_autofree char *shown = cb_url_redact(url);
    cb_auto_value(cb_url_memory) known = {.mtime_s = -1};
    cb_auto_value(download) download = {.remote = remote, .shown = shown};
    struct cb_digest pin;
    char text[CB_DIGEST_MAX_TEXT];
    int is_pinned = checksum ? 0 : find_pin(&download, &pin, err);

    if (is_pinned < 0 || set_up(&download, url, err) < 0)
        return -1;
    cb_url_recall(remote->store, download.url, &known);
    if (checksum || is_pinned) {
        *out = (struct cb_url_body){
            .digest = checksum ? *checksum : pin, .mtime_s = -1, .is_pinned = is_pinned};
        if (cb_digest_equal(&known.digest, &out->digest))
            out->mtime_s = known.mtime_s;
        return 0;
    }
    if (ask(&download, &known, out, err) < 0)
        return -1;
    return cb_pins_note(remote->pins, CB_PIN_HTTP, shown,
                        cb_digest_text(&out->digest, text), err);
}

/* What the server has now is something else than what was noted of it. */
static int not_as_pinned(const struct cb_url_body *body, struct cb_error **err)
{
    if (body->is_pinned && err && cb_error_kind(*err) == CB_ERR_INTEGRITY)
        return cb_error_hint(err, CB_PINS_RENEW);
    return -1;
}

int cb_url_open_body(const struct cb_remote *remote, const char *url,
                     struct cb_url_body *body, int *fd, struct cb_error **err)
{
    cb_autofree char *shown = cb_url_redact(url);
    cb_auto_value(download)
        download = {.remote = remote, .shown = shown, .expected = &body->digest};
    struct cb_url_body fetched;
    int64_t size;

    if (!cb_content_has(remote->store, &body->digest, &size)) {
        if (set_up(&download, url, err) < 0 || perform(&download, err) < 0)
            return -1;
        if (!download.present) {
            if (keep(&download, &fetched, err) < 0)
                return not_as_pinned(body, err);
            body->mtime_s = fetched.mtime_s;
        }
    }
    return cb_content_open(remote->store, &body->digest, fd, &size, err);
}

int cb_url_read(const struct cb_remote *remote, const char *url, size_t max,
                struct cb_strbuf *out, struct cb_error **err)
{
    struct cb_url_body body;
    cb_autofd int fd = -1;

    if (cb_url_resolve_body(remote, url, NULL, &body, err) < 0 ||
        cb_url_open_body(remote, url, &body, &fd, err) < 0)
        return -1;
    return cb_fs_read_fd(fd, max, out, err);
}
