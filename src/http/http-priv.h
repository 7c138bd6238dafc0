/* Inside http/: one hop (a request to one URL and its answer), and the client that
 * strings hops and tries together. */
#ifndef CB_HTTP_HTTP_PRIV_H
#define CB_HTTP_HTTP_PRIV_H

#include "http/curl-lib.h"
#include "http/http.h"

#include <pthread.h>

#define CB_HTTP_MAX_HEADER_BYTES (290 * 1024) /* curl's own limit is 300 KiB */
#define CB_HTTP_MAX_ERROR_BODY   (1 << 20)    /* bytes, of an answer that is an error */
#define CB_HTTP_MAX_BODY         (4 << 20)    /* bytes, of one that is kept in memory */
#define CB_HTTP_MAX_REDIRECTS    5
#define CB_HTTP_CONNECT_S        15
#define CB_HTTP_HEADER_S         30
#define CB_HTTP_LOW_SPEED_S      30
#define CB_HTTP_LOW_SPEED_BYTES  (30 * 1024) /* in that time */

struct cb_http {
    struct cb_cancel *cancel;
    unsigned backoff_ms;
    char *http_proxy, *https_proxy, *no_proxy; /* or NULL */
    pthread_mutex_t mutex;                     /* the rest */
    int loaded;
    struct cb_curl curl; /* constant once loaded */
    CB_VEC(CURL *) idle; /* handles with their open connections, last used last */
};

enum cb_hop_result {
    CB_HOP_DONE,    /* an answer, whatever its status */
    CB_HOP_RETRY,   /* failed on the way: worth another try */
    CB_HOP_RESTART, /* the server's range is wrong: ask for the whole */
    CB_HOP_FAILED,
};

/* One request with its tries. */
struct cb_exchange {
    struct cb_http *http;
    const struct cb_http_request *request;
    struct cb_http_response *response;
    int64_t position; /* of the next byte for write_body */
    int64_t best;     /* farthest position ever reached */
    char *etag;       /* strong one of the first answer, for If-Range */
    int no_range;     /* do not ask for ranges any more */
    int sent_body;    /* bytes of the request's body have been read */
    unsigned base_ms; /* of the pause after a try that broke, for the host it broke at */
};

/* One hop while it runs; local to the thread. */
struct cb_hop {
    struct cb_exchange *exchange;
    CURL *handle;
    struct curl_slist *headers;
    struct cb_error *error; /* of a callback */
    int64_t asked_offset;   /* in the Range header; 0: none */
    size_t header_bytes;
    int headers_done;
    int begun;                       /* on_response was called */
    int cut;                         /* an error body that is long enough */
    int restart;                     /* the range is not ours */
    int stalled;                     /* too slow */
    const char *proxy;               /* it goes through this one; or NULL. Secret */
    int64_t body_sent, last_sent_ms; /* progress of the request's body */
    int64_t window_bytes, window_ms; /* start of the low-speed window */
    char error_text[CURL_ERROR_SIZE];
};

/* Fills in the handle from the request. */
int cb_hop_set_up(struct cb_hop *hop, const char *method, const char *text,
                  int authorized, struct cb_error **err);

/* Performs METHOD (request.method, or GET after a 303) on URL; fills response. */
enum cb_hop_result cb_hop_run(struct cb_exchange *exchange, const char *method,
                              const char *url, int authorized, struct cb_error **err);

/* A 3xx with a Location that may be followed: the absolute target goes to *TARGET (caller
 * frees), NULL when the answer is final. Refuses downgrades to http and other protocols.
 */
int cb_redirect_target(const struct cb_http_request *request, const char *url,
                       const struct cb_http_response *response, char **target,
                       struct cb_error **err);
/* Is plain http to this URL's host all right? */
int cb_http_plain_allowed(int allow_http, const struct cb_url *url);

#endif
