/* A request with its redirects and tries. Each try starts at the request's own URL, since
 * the addresses that redirects lead to expire; a download goes on where it stopped. Tries
 * that brought the download a good piece further do not count; thirty seconds without
 * fruit end it. */
#include "http/http-priv.h"

#include "base/clock.h"
#include "http/retry.h"

#include <ctype.h>
#include <poll.h>
#include <string.h>
#include <strings.h>

struct cb_http *cb_http_new(const struct cb_http_options *options)
{
    struct cb_http *http = xcalloc(1, sizeof(*http));

    if (options) {
        http->cancel = options->cancel;
        http->backoff_ms = options->backoff_ms;
        http->http_proxy = xstrdup(options->http_proxy);
        http->https_proxy = xstrdup(options->https_proxy);
        http->no_proxy = xstrdup(options->no_proxy);
    }
    if (!http->backoff_ms)
        http->backoff_ms = 1000;
    pthread_mutex_init(&http->mutex, NULL);
    return http;
}

void cb_http_free(struct cb_http *http)
{
    if (!http)
        return;
    cb_vec_foreach (handle, &http->idle)
        http->curl.easy_cleanup(*handle);
    cb_vec_free(&http->idle);
    if (http->loaded)
        cb_curl_unload(&http->curl);
    pthread_mutex_destroy(&http->mutex);
    free(http->http_proxy);
    free(http->https_proxy);
    free(http->no_proxy);
    free(http);
}

static int load_curl(struct cb_http *http, struct cb_error **err)
{
    int result = 0;

    pthread_mutex_lock(&http->mutex);
    if (!http->loaded) {
        result = cb_curl_load(&http->curl, err);
        http->loaded = result == 0;
    }
    pthread_mutex_unlock(&http->mutex);
    return result;
}

void cb_http_response_clear(struct cb_http_response *response)
{
    cb_strings_free(&response->headers);
    cb_strbuf_free(&response->body);
    free(response->final_url);
    memset(response, 0, sizeof(*response));
}

const char *cb_http_header(const struct cb_http_response *response, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < response->headers.count; i++) {
        const char *text = response->headers.items[i];

        if (strncasecmp(text, name, len) != 0 || text[len] != ':')
            continue;
        text += len + 1;
        return text + strspn(text, " \t");
    }
    return NULL;
}

const char *cb_http_status_text(int status, char buffer[64])
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {400, "Bad Request"},        {401, "Unauthorized"},
        {403, "Forbidden"},          {404, "Not Found"},
        {405, "Method Not Allowed"}, {413, "Content Too Large"},
        {429, "Too Many Requests"},  {500, "Internal Server Error"},
        {502, "Bad Gateway"},        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };

    snprintf(buffer, 64, "%d", status);
    for (size_t i = 0; i < CB_ARRAY_SIZE(reasons); i++) {
        if (reasons[i].status == status)
            snprintf(buffer, 64, "%d %s", status, reasons[i].reason);
    }
    return buffer;
}

/* One try: the hops until an answer that is no redirect. */
static enum cb_hop_result follow(struct cb_exchange *exchange, struct cb_error **err)
{
    const struct cb_http_request *request = exchange->request;
    int limit =
        request->max_redirects > 0 ? request->max_redirects : CB_HTTP_MAX_REDIRECTS;
    cb_autofree char *url = xstrdup(request->url);
    const char *method = request->method;

    for (int hops = 0;; hops++) {
        cb_autofree char *next = NULL;
        int authorized = cb_url_same_origin(request->url, url);
        enum cb_hop_result result = cb_hop_run(exchange, method, url, authorized, err);

        if (result != CB_HOP_DONE) {
            exchange->base_ms = cb_retry_base_ms(url, exchange->http->backoff_ms);
            return result;
        }
        if (cb_redirect_target(request, url, exchange->response, &next, err) < 0)
            return CB_HOP_FAILED;
        if (!next)
            return CB_HOP_DONE;
        if (hops == limit) {
            cb_error_set(err, CB_ERR_NETWORK, "more than %d redirects", limit);
            return CB_HOP_FAILED;
        }
        if (exchange->response->status <= 303 && strcmp(method, "HEAD") != 0)
            method = "GET";
        else if (exchange->sent_body && request->read_body &&
                 (!request->seek_body || request->seek_body(request->body_arg, 0) < 0)) {
            cb_error_set(err, CB_ERR_NETWORK, "a redirect wants the body again");
            return CB_HOP_FAILED;
        }
        free(url);
        url = cb_steal(&next);
    }
}

static unsigned random_number(void)
{
    return (unsigned)(cb_clock_ns() / 1000);
}

static int wait_ms(struct cb_http *http, unsigned ms, struct cb_error **err)
{
    struct pollfd fd = {.fd = cb_cancel_fd(http->cancel), .events = POLLIN};

    poll(&fd, 1, (int)ms);
    return cb_cancel_check(http->cancel, err);
}

static int can_send_again(const struct cb_exchange *exchange)
{
    const struct cb_http_request *request = exchange->request;

    if (!request->read_body || !exchange->sent_body)
        return 1;
    return request->seek_body && request->seek_body(request->body_arg, 0) == 0;
}

/* Those that brought nothing since one that did. */
struct tries {
    unsigned most, failures;
    int64_t fruitless_ms;
};

/* BEST: how far the body was when the try began. */
static void count_try(struct tries *tries, const struct cb_exchange *exchange,
                      int64_t best, int64_t start_ms)
{
    if (exchange->best - best >= CB_RETRY_FRUIT_BYTES) {
        tries->failures = 0;
        tries->fruitless_ms = 0;
    } else {
        tries->failures++;
        tries->fruitless_ms += cb_clock_ms() - start_ms;
    }
}

static int is_hopeless(const struct tries *tries, const struct cb_exchange *exchange)
{
    return tries->most == 1 || tries->failures >= tries->most ||
           tries->fruitless_ms >= CB_RETRY_FRUITLESS_MS || !can_send_again(exchange);
}

/* The last try ended with RESULT: an answer that asks to come back is the final one. */
static int give_up(enum cb_hop_result result, struct cb_error **error,
                   struct cb_error **err)
{
    if (result == CB_HOP_DONE)
        return 0;
    if (result == CB_HOP_RESTART)
        return cb_error_set(err, CB_ERR_NETWORK,
                            "the server answers with a range nobody asked for");
    return cb_error_move(err, error);
}

static int wait_for_next(const struct tries *tries, const struct cb_exchange *exchange,
                         enum cb_hop_result result, struct cb_error **err)
{
    int answered = result == CB_HOP_DONE;
    const char *after =
        answered ? cb_http_header(exchange->response, "Retry-After") : NULL;
    unsigned base_ms = answered ? exchange->http->backoff_ms : exchange->base_ms;

    if (!tries->failures)
        return 0;
    return wait_ms(exchange->http,
                   cb_retry_delay_ms(tries->failures, after, base_ms, random_number()),
                   err);
}

/* Tries until there is a final answer or no hope. */
static int try_repeatedly(struct cb_exchange *exchange, struct cb_error **err)
{
    const struct cb_http_request *request = exchange->request;
    struct tries tries = {.most = request->tries > 0 ? (unsigned)request->tries : 5};

    for (;;) {
        cb_auto(cb_error) error = NULL;
        int64_t best = exchange->best, start_ms = cb_clock_ms();
        enum cb_hop_result result;

        result = follow(exchange, &error);
        if (result == CB_HOP_DONE && !cb_retry_status(exchange->response->status))
            return 0;
        if (result == CB_HOP_FAILED)
            return cb_error_move(err, &error);
        if (result == CB_HOP_RESTART && !exchange->no_range) {
            exchange->no_range = 1;
            continue;
        }
        count_try(&tries, exchange, best, start_ms);
        if (is_hopeless(&tries, exchange))
            return give_up(result, &error, err);
        if (wait_for_next(&tries, exchange, result, err) < 0)
            return -1;
    }
}

int cb_http_perform(struct cb_http *http, const struct cb_http_request *request,
                    struct cb_http_response *response, struct cb_error **err)
{
    struct cb_exchange exchange = {
        .http = http, .request = request, .response = response};
    int result;

    if (load_curl(http, err) < 0)
        return -1;
    exchange.position = exchange.best = request->offset;
    result = try_repeatedly(&exchange, err);
    free(exchange.etag);
    return result;
}
