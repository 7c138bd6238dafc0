/* What a hop sends: URL, headers, body, and through which proxy. Our own headers only: no
 * cookies, no referer, no credentials but the request's. */
#include "http/http-priv.h"

#include "http/proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static size_t on_read(char *buffer, size_t size, size_t count, void *arg)
{
    struct cb_hop *hop = arg;
    const struct cb_http_request *request = hop->exchange->request;
    ssize_t len;

    hop->exchange->sent_body = 1;
    len = request->read_body(request->body_arg, buffer, size * count);
    if (len < 0) {
        cb_error_errno(&hop->error, errno, "read the body to send");
        return CURL_READFUNC_ABORT;
    }
    return (size_t)len;
}

static int on_seek(void *arg, curl_off_t offset, int origin)
{
    struct cb_hop *hop = arg;
    const struct cb_http_request *request = hop->exchange->request;

    if (origin != SEEK_SET || !request->seek_body ||
        request->seek_body(request->body_arg, offset) < 0)
        return CURL_SEEKFUNC_FAIL;
    return CURL_SEEKFUNC_OK;
}

static void add_header(struct cb_hop *hop, const char *text)
{
    hop->headers = hop->exchange->http->curl.slist_append(hop->headers, text);
}

static int add_headers(struct cb_hop *hop, int authorized, struct cb_error **err)
{
    const struct cb_http_request *request = hop->exchange->request;
    cb_autofree char *authorization = NULL;
    cb_autofree char *if_range = NULL;

    add_header(hop, "Accept-Encoding: identity");
    add_header(hop, "Expect:");
    if (request->headers) {
        cb_vec_foreach (header, request->headers) {
            if (strpbrk(*header, "\r\n"))
                return cb_error_set(err, CB_ERR_USAGE, "line break in a request header");
            add_header(hop, *header);
        }
    }
    if (authorized && request->authorization) {
        if (strpbrk(request->authorization, "\r\n"))
            return cb_error_set(err, CB_ERR_DENIED, "line break in credentials");
        authorization = xasprintf("Authorization: %s", request->authorization);
        add_header(hop, authorization);
    }
    if (hop->asked_offset && hop->exchange->etag) {
        if_range = xasprintf("If-Range: %s", hop->exchange->etag);
        add_header(hop, if_range);
    }
    return 0;
}

/* curl itself asks no variable then. */
static void set_proxy(struct cb_hop *hop, const struct cb_url *url)
{
    const struct cb_http *http = hop->exchange->http;
    const struct cb_http_options settings = {.http_proxy = http->http_proxy,
                                             .https_proxy = http->https_proxy,
                                             .no_proxy = http->no_proxy};

    hop->proxy = cb_proxy_for(url, &settings);
    http->curl.easy_setopt(hop->handle, CURLOPT_PROXY, hop->proxy ? hop->proxy : "");
    http->curl.easy_setopt(hop->handle, CURLOPT_NOPROXY, "");
}

static void set_body(struct cb_hop *hop, const char *method)
{
    struct cb_curl *curl = &hop->exchange->http->curl;
    const struct cb_http_request *request = hop->exchange->request;
    CURL *handle = hop->handle;
    int bodiless = strcmp(method, request->method) != 0;

    if (strcmp(method, "HEAD") == 0) {
        curl->easy_setopt(handle, CURLOPT_NOBODY, 1L);
        return;
    }
    if (bodiless || (!request->body && !request->read_body)) {
        if (strcmp(method, "GET") != 0) {
            curl->easy_setopt(handle, CURLOPT_POST, 1L);
            curl->easy_setopt(handle, CURLOPT_POSTFIELDS, "");
            curl->easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)0);
        }
    } else if (request->body) {
        curl->easy_setopt(handle, CURLOPT_POST, 1L);
        curl->easy_setopt(handle, CURLOPT_POSTFIELDS, request->body);
        curl->easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                          (curl_off_t)request->body_size);
    } else {
        curl->easy_setopt(handle, CURLOPT_UPLOAD, 1L);
        curl->easy_setopt(handle, CURLOPT_INFILESIZE_LARGE,
                          (curl_off_t)request->body_size);
        curl->easy_setopt(handle, CURLOPT_READFUNCTION, on_read);
        curl->easy_setopt(handle, CURLOPT_READDATA, hop);
        curl->easy_setopt(handle, CURLOPT_SEEKFUNCTION, on_seek);
        curl->easy_setopt(handle, CURLOPT_SEEKDATA, hop);
        /* By itself curl sends a request again when a kept connection turns out to be
         * dead; a part of something must not arrive twice. */
        if (strcmp(method, "PATCH") == 0)
            curl->easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
    }
    if (strcmp(method, "GET") != 0)
        curl->easy_setopt(handle, CURLOPT_CUSTOMREQUEST, method);
}

/* Whom certificates may be signed by: what the request says, else what the environment
 * says in place of the system's, as for most programs. */
static void set_authorities(struct cb_hop *hop)
{
    struct cb_curl *curl = &hop->exchange->http->curl;
    const char *own = hop->exchange->request->ca_file;
    const char *file = own ? own : getenv("SSL_CERT_FILE");
    const char *dir = own ? NULL : getenv("SSL_CERT_DIR");

    if (file && *file)
        curl->easy_setopt(hop->handle, CURLOPT_CAINFO, file);
    if (dir && *dir)
        curl->easy_setopt(hop->handle, CURLOPT_CAPATH, dir);
}

static void set_tls(struct cb_hop *hop)
{
    struct cb_curl *curl = &hop->exchange->http->curl;
    const struct cb_http_request *request = hop->exchange->request;

    if (request->insecure_tls) {
        curl->easy_setopt(hop->handle, CURLOPT_SSL_VERIFYPEER, 0L);
        curl->easy_setopt(hop->handle, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    set_authorities(hop);
    if (request->client_cert)
        curl->easy_setopt(hop->handle, CURLOPT_SSLCERT, request->client_cert);
    if (request->client_key)
        curl->easy_setopt(hop->handle, CURLOPT_SSLKEY, request->client_key);
}

/* A connection is nothing for git, iptables or a credential helper. */
static int on_socket(void *arg, curl_socket_t socket, curlsocktype purpose)
{
    return fcntl(socket, F_SETFD, FD_CLOEXEC) < 0 ? CURL_SOCKOPT_ERROR : CURL_SOCKOPT_OK;
}

int cb_hop_set_up(struct cb_hop *hop, const char *method, const char *text,
                  int authorized, struct cb_error **err)
{
    struct cb_curl *curl = &hop->exchange->http->curl;
    const struct cb_http_request *request = hop->exchange->request;
    CURL *handle = hop->handle;
    cb_auto_value(cb_url) url = {0};

    if (cb_url_parse(&url, text, err) < 0)
        return -1;
    if (strcmp(url.scheme, "http") == 0 &&
        !cb_http_plain_allowed(request->allow_http, &url))
        return cb_error_set(err, CB_ERR_DENIED, "plain http to `%s` is not allowed",
                            url.host);
    curl->easy_setopt(handle, CURLOPT_URL, text);
    curl->easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl->easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl->easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl->easy_setopt(handle, CURLOPT_SOCKOPTFUNCTION, on_socket);
    curl->easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, (long)CB_HTTP_CONNECT_S);
    curl->easy_setopt(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl->easy_setopt(handle, CURLOPT_USERAGENT, "cbuild/" PACKAGE_VERSION);
    curl->easy_setopt(handle, CURLOPT_BUFFERSIZE, 256L * 1024);
    curl->easy_setopt(handle, CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024);
    if (request->write_body && hop->exchange->position > 0 && !hop->exchange->no_range) {
        hop->asked_offset = hop->exchange->position;
    }
    set_tls(hop);
    set_proxy(hop, &url);
    set_body(hop, method);
    if (add_headers(hop, authorized, err) < 0)
        return -1;
    if (hop->asked_offset) {
        cb_autofree char *last =
            request->end ? xasprintf("%lld", (long long)request->end - 1) : xstrdup("");
        cb_autofree char *range =
            xasprintf("Range: bytes=%lld-%s", (long long)hop->asked_offset, last);

        add_header(hop, range);
    }
    curl->easy_setopt(handle, CURLOPT_HTTPHEADER, hop->headers);
    return 0;
}
