/* HTTP for registries and downloads: libcurl, loaded when first used (linking it costs 4
 * ms at start). Bodies are bounded, redirects are followed here so that credentials go
 * only to the host they are for, slow and endless answers are cut. */
#ifndef CB_HTTP_HTTP_H
#define CB_HTTP_HTTP_H

#include "base/cancel.h"
#include "base/error.h"
#include "base/strbuf.h"
#include "base/vec.h"

#include <stdint.h>

struct cb_http; /* connection cache; thread-safe */

struct cb_http_options {
    struct cb_cancel *cancel;
    unsigned backoff_ms; /* first pause before a retry; 0: 1000 */
    const char *http_proxy, *https_proxy, *no_proxy; /* for what the environment does not
                                                        say; or NULL */
};
struct cb_http *cb_http_new(const struct cb_http_options *options);
void cb_http_free(struct cb_http *http);
CB_AUTO_DEFINE(cb_http, cb_http_free)

/* Where plain http may be spoken. */
enum cb_http_plain {
    CB_HTTP_PLAIN_NEVER,
    CB_HTTP_PLAIN_ANYWHERE,
    CB_HTTP_PLAIN_LOOPBACK, /* to 127/8, ::1 and localhost only, redirects included */
};

struct cb_http_request {
    const char *method; /* "GET", "HEAD", "PUT", "POST", "PATCH", "DELETE" */
    const char *url;
    const struct cb_strings *headers; /* "Name: value", sent to every hop */
    const char *authorization;        /* value of Authorization; only to the first URL's
                                         scheme+host+port */
    int allow_http;                   /* enum cb_http_plain; here and in redirects */
    int insecure_tls;
    const char *ca_file, *client_cert, *client_key; /* or NULL */
    int max_redirects; /* default 5; -1: none, the 3xx is returned */
    /* Request body: bytes, or a reader that delivers exactly body_size bytes (-1: as many
     * as there are; rewindable via seek for retries). */
    const void *body;
    int64_t body_size;
    ssize_t (*read_body)(void *arg, void *buffer, size_t len);
    int (*seek_body)(void *arg, int64_t offset);
    void *body_arg;
    /* Response body: to WRITE when status is 2xx, else to the response's bounded error
     * text. */
    int (*write_body)(void *arg, const void *bytes, size_t len, struct cb_error **err);
    void *write_arg;
    int64_t max_body; /* when collected: default 4 MiB */
    int64_t offset;   /* >0: Range: bytes=offset- ; response.range_ok tells whether the
                         server obeyed */
    int64_t end; /* >0, with an offset: the first byte that is not wanted any more. The
                    server may send more. */
    /* Called before the first body byte, with status and range_ok known (to reset a
     * writer). */
    int (*on_response)(void *arg, int status, int range_ok, struct cb_error **err);
    int timeout_header_s; /* default 30 */
    int tries; /* default 5, back-off 1 2 4 8 s with jitter, Retry-After ≤ 60 s; 1: no
                  retry */
};
struct cb_http_response {
    int status;
    struct cb_strings headers; /* "Name: value" of the last hop, names as sent */
    struct cb_strbuf body;     /* when no write_body, or not 2xx (≤ 1 MiB) */
    char *final_url;
    int range_ok;
    int anonymous; /* for who asks: the request had no Authorization */
};
void cb_http_response_clear(struct cb_http_response *response);
CB_AUTO_VALUE_DEFINE(cb_http_response, cb_http_response_clear)
/* Header value, case-insensitive, borrowed; NULL if absent. */
const char *cb_http_header(const struct cb_http_response *response, const char *name);
/* Any status is a success here; NETWORK errors are transport trouble after all tries. */
int cb_http_perform(struct cb_http *http, const struct cb_http_request *request,
                    struct cb_http_response *response, struct cb_error **err);
/* Status code and reason, "503 Service Unavailable". BUFFER is returned. */
const char *cb_http_status_text(int status, char buffer[64]);

/* An absolute http or https URL in its parts. */
struct cb_url {
    char *scheme; /* "http" or "https" */
    char *host;   /* lower case; IPv6 addresses without brackets */
    int port;     /* the scheme's when none is written */
    char *rest;   /* path and query, at least "/"; no fragment */
};
/* USAGE for other schemes, control bytes, blanks, a bad port. */
int cb_url_parse(struct cb_url *out, const char *text, struct cb_error **err);
void cb_url_clear(struct cb_url *url);
CB_AUTO_VALUE_DEFINE(cb_url, cb_url_clear)
/* Same scheme, host and port: whoever may see the credentials of A may see them at B. */
int cb_url_same_origin(const char *a, const char *b);
/* localhost, *.localhost, 127/8, ::1. */
int cb_host_is_loopback(const char *host);
/* An IPv4 or IPv6 address, not a name. */
int cb_host_is_address(const char *host);
/* "10.0.0.0/8", "fd00::/8". */
struct cb_address_range {
    int family; /* AF_INET or AF_INET6 */
    int bits;
    unsigned char network[16];
};
/* -1 without an error: it is none. */
int cb_range_parse(struct cb_address_range *out, const char *text);
/* Is ADDRESS, without brackets, one of RANGE? Not if either is none. */
int cb_range_has(const char *range, const char *address);
/* Adds TEXT to a URL's query, percent-encoded. */
void cb_url_encode(struct cb_strbuf *out, const char *text);
/* LEN bytes of TEXT without %-escapes (with PLUS, `+` is a blank); NULL if there is a NUL
 * in it then. Caller frees. */
char *cb_url_decode(const char *text, size_t len, int plus);
/* URL with userinfo and query secrets replaced, for messages. Caller frees. */
char *cb_url_redact(const char *url);
/* RFC 3986 relative resolution (Location headers). Caller frees; NULL if malformed or not
 * http(s). */
char *cb_url_resolve(const char *base, const char *location);

#endif
