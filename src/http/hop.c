/* One hop. Everything the other side can make long is cut here: header bytes, time to the
 * first header, throughput, the body's size. curl's own redirects, authentication,
 * cookies and content decoding stay off. */
#include "http/http-priv.h"

#include "base/clock.h"
#include "http/range.h"
#include "http/retry.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int is_success(int status)
{
    return status >= 200 && status < 300;
}

/* ── Answer ── */

/* curl takes a length it cannot count for none at all, and the body for whole wherever
 * the connection ends. */
static int check_length(struct cb_hop *hop)
{
    const struct cb_strings *headers = &hop->exchange->response->headers;
    static const char name[] = "Content-Length:";

    for (size_t i = 0; i < headers->count; i++) {
        const char *text = headers->items[i];

        if (strncasecmp(text, name, sizeof(name) - 1) != 0)
            continue;
        text += sizeof(name) - 1;
        text += strspn(text, " \t");
        errno = 0;
        strtoll(text, NULL, 10);
        if (errno == ERANGE)
            return cb_error_set(&hop->error, CB_ERR_INTEGRITY, "Content-Length over %lld",
                                LLONG_MAX);
    }
    return 0;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct cb_hop *hop = arg;
    struct cb_http_response *response = hop->exchange->response;
    size_t len = size * count;
    size_t used = len;

    hop->header_bytes += len;
    if (hop->header_bytes > CB_HTTP_MAX_HEADER_BYTES) {
        cb_error_set(&hop->error, CB_ERR_INTEGRITY, "response headers over %d KiB",
                     CB_HTTP_MAX_HEADER_BYTES / 1024);
        return 0;
    }
    while (used && (bytes[used - 1] == '\r' || bytes[used - 1] == '\n'))
        used--;
    if (hop->headers_done)
        return len; /* trailers */
    if (used >= 5 && strncmp(bytes, "HTTP/", 5) == 0) {
        long status = 0;

        hop->exchange->http->curl.easy_getinfo(hop->handle, CURLINFO_RESPONSE_CODE,
                                               &status);
        response->status = (int)status;
        cb_strings_free(&response->headers);
    } else if (used) {
        cb_strings_take(&response->headers, xstrndup(bytes, used));
    } else if (response->status >= 200) {
        hop->headers_done = 1;
        hop->window_ms = cb_clock_ms();
        if (check_length(hop) < 0)
            return 0;
    }
    return len;
}

/* Does the answer continue where we are? */
static void check_range(struct cb_hop *hop)
{
    struct cb_http_response *response = hop->exchange->response;
    int partial = response->status == 206;
    const char *range = cb_http_header(response, "Content-Range");

    if (partial && !cb_range_starts_at(range, hop->asked_offset))
        hop->restart = 1;
    response->range_ok = partial && hop->asked_offset > 0;
}

static void keep_etag(struct cb_exchange *exchange)
{
    const char *etag = cb_http_header(exchange->response, "ETag");

    free(exchange->etag);
    exchange->etag = etag && *etag == '"' ? xstrdup(etag) : NULL;
}

/* Before the first byte of a 2xx body. */
static int begin_body(struct cb_hop *hop)
{
    struct cb_exchange *exchange = hop->exchange;
    const struct cb_http_request *request = exchange->request;
    struct cb_http_response *response = exchange->response;

    hop->begun = 1;
    check_range(hop);
    if (hop->restart)
        return -1;
    if (!response->range_ok) {
        if (exchange->position > 0 && !request->on_response)
            return cb_error_set(&hop->error, CB_ERR_NETWORK,
                                "the server cannot continue an interrupted download");
        exchange->position = 0;
        keep_etag(exchange);
    }
    if (!request->on_response)
        return 0;
    return request->on_response(request->write_arg, response->status, response->range_ok,
                                &hop->error);
}

static int deliver(struct cb_hop *hop, const void *bytes, size_t len)
{
    struct cb_exchange *exchange = hop->exchange;

    if (!hop->begun && begin_body(hop) < 0)
        return -1;
    if (exchange->request->write_body(exchange->request->write_arg, bytes, len,
                                      &hop->error) < 0)
        return -1;
    exchange->position += (int64_t)len;
    if (exchange->position > exchange->best)
        exchange->best = exchange->position;
    return 0;
}

static int collect(struct cb_hop *hop, const void *bytes, size_t len)
{
    const struct cb_http_request *request = hop->exchange->request;
    struct cb_strbuf *body = &hop->exchange->response->body;
    int64_t max = request->max_body > 0 ? request->max_body : CB_HTTP_MAX_BODY;

    if (!is_success(hop->exchange->response->status)) {
        if (body->len + len > CB_HTTP_MAX_ERROR_BODY) {
            hop->cut = 1;
            return -1;
        }
    } else if ((int64_t)(body->len + len) > max) {
        return cb_error_set(&hop->error, CB_ERR_INTEGRITY,
                            "the answer is larger than the limit of %lld bytes",
                            (long long)max);
    }
    cb_strbuf_add(body, bytes, len);
    return 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct cb_hop *hop = arg;
    size_t len = size * count;
    int to_writer =
        hop->exchange->request->write_body && is_success(hop->exchange->response->status);

    if ((to_writer ? deliver(hop, bytes, len) : collect(hop, bytes, len)) < 0)
        return 0;
    return len;
}

/* ── Time ── */

static int fail_slow(struct cb_hop *hop, const char *what, int seconds)
{
    hop->stalled = 1;
    cb_error_set(&hop->error, CB_ERR_NETWORK, "%s for %d seconds", what, seconds);
    return 1;
}

static int on_progress(void *arg, curl_off_t total_in, curl_off_t in,
                       curl_off_t total_out, curl_off_t out)
{
    struct cb_hop *hop = arg;
    int64_t now = cb_clock_ms();
    int limit = hop->exchange->request->timeout_header_s;

    if (cb_cancel_check(hop->exchange->http->cancel, &hop->error) < 0)
        return 1;
    limit = limit > 0 ? limit : CB_HTTP_HEADER_S;
    if (!hop->headers_done) {
        if (out != hop->body_sent) {
            hop->body_sent = out;
            hop->last_sent_ms = now;
        }
        return now - hop->last_sent_ms > limit * 1000
                   ? fail_slow(hop, "no answer from the server", limit)
                   : 0;
    }
    if (now - hop->window_ms < CB_HTTP_LOW_SPEED_S * 1000)
        return 0;
    if (in - hop->window_bytes < CB_HTTP_LOW_SPEED_BYTES)
        return fail_slow(hop, "less than 1 KB/s", CB_HTTP_LOW_SPEED_S);
    hop->window_ms = now;
    hop->window_bytes = in;
    return 0;
}

static void set_callbacks(struct cb_hop *hop)
{
    struct cb_curl *curl = &hop->exchange->http->curl;
    CURL *handle = hop->handle;

    curl->easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
    curl->easy_setopt(handle, CURLOPT_HEADERDATA, hop);
    curl->easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
    curl->easy_setopt(handle, CURLOPT_WRITEDATA, hop);
    curl->easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl->easy_setopt(handle, CURLOPT_XFERINFODATA, hop);
    curl->easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl->easy_setopt(handle, CURLOPT_ERRORBUFFER, hop->error_text);
}

/* ── Verdict ── */

/* Some of curl's texts end in a blank. */
static void end_word(char *text)
{
    size_t len = strlen(text);

    while (len && text[len - 1] == ' ')
        text[--len] = '\0';
}

static enum cb_hop_result transport_failure(struct cb_hop *hop, CURLcode code,
                                            const char *method, const char *url,
                                            struct cb_error **err)
{
    struct cb_curl *curl = &hop->exchange->http->curl;
    cb_autofree char *shown = cb_url_redact(url);
    const char *text = *hop->error_text ? hop->error_text : curl->easy_strerror(code);
    long os_errno = 0;

    if (hop->error) {
        enum cb_error_kind kind = cb_error_kind(hop->error);

        cb_error_move(err, &hop->error);
        if (kind != CB_ERR_CANCELED)
            cb_error_wrap(err, "%s `%s`", method, shown);
        return hop->stalled ? CB_HOP_RETRY : CB_HOP_FAILED;
    }
    curl->easy_getinfo(hop->handle, CURLINFO_OS_ERRNO, &os_errno);
    end_word(hop->error_text);
    if (hop->proxy && strstr(text, hop->proxy))
        text =
            "the address of its proxy is malformed"; /* there may be a password in it */
    cb_error_set(err, CB_ERR_NETWORK, "%s `%s`: %s", method, shown, text);
    if (os_errno == ECONNREFUSED && !hop->proxy)
        cb_error_set_errnum(err, ECONNREFUSED);
    if (hop->proxy && (code == CURLE_COULDNT_CONNECT || strstr(text, "proxy") ||
                       strstr(text, "CONNECT")))
        cb_error_hint(err, "proxies are those of HTTPS_PROXY and HTTP_PROXY, else of the "
                           "configuration's `proxies`; NO_PROXY names who needs none");
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        cb_error_hint(err, "put the authority's certificate in certs.d/<host>/ca.crt, or "
                           "name the host as insecure");
    if (strstr(text, "alert certificate required") ||
        strstr(text, "alert bad certificate"))
        cb_error_hint(err, "the server takes only those whose certificate it knows: put "
                           "client.cert and client.key in certs.d/<host>");
    return cb_retry_transport(code, os_errno, text) ? CB_HOP_RETRY : CB_HOP_FAILED;
}

static enum cb_hop_result judge(struct cb_hop *hop, CURLcode code, const char *method,
                                const char *url, struct cb_error **err)
{
    const struct cb_http_request *request = hop->exchange->request;
    int status = hop->exchange->response->status;

    if (hop->restart || (status == 416 && hop->asked_offset))
        return CB_HOP_RESTART;
    if (code == CURLE_OK && request->write_body && is_success(status) && !hop->begun &&
        begin_body(hop) < 0)
        code = CURLE_WRITE_ERROR;
    if (hop->restart)
        return CB_HOP_RESTART;
    if (code == CURLE_OK || hop->cut)
        return CB_HOP_DONE;
    return transport_failure(hop, code, method, url, err);
}

static CURL *take_handle(struct cb_http *http)
{
    CURL *handle = NULL;

    pthread_mutex_lock(&http->mutex);
    if (http->idle.count)
        handle = http->idle.items[--http->idle.count];
    pthread_mutex_unlock(&http->mutex);
    return handle ? handle : http->curl.easy_init();
}

static void give_handle(struct cb_http *http, CURL *handle)
{
    http->curl.easy_reset(handle);
    pthread_mutex_lock(&http->mutex);
    cb_vec_push(&http->idle, handle);
    pthread_mutex_unlock(&http->mutex);
}

enum cb_hop_result cb_hop_run(struct cb_exchange *exchange, const char *method,
                              const char *url, int authorized, struct cb_error **err)
{
    struct cb_hop hop = {.exchange = exchange, .last_sent_ms = cb_clock_ms()};
    enum cb_hop_result result = CB_HOP_FAILED;

    cb_http_response_clear(exchange->response);
    hop.handle = take_handle(exchange->http);
    if (!hop.handle) {
        cb_error_set(err, CB_ERR_SYSTEM, "libcurl gives no handle");
        return CB_HOP_FAILED;
    }
    set_callbacks(&hop);
    if (cb_hop_set_up(&hop, method, url, authorized, err) == 0) {
        CURLcode code = exchange->http->curl.easy_perform(hop.handle);

        result = judge(&hop, code, method, url, err);
    }
    give_handle(exchange->http, hop.handle);
    exchange->http->curl.slist_free_all(hop.headers);
    cb_error_free(hop.error);
    exchange->response->final_url = xstrdup(url);
    return result;
}
