/* What is tried again, and after which pause. */
#ifndef CB_HTTP_RETRY_H
#define CB_HTTP_RETRY_H

#include <curl/curl.h>

#define CB_RETRY_AFTER_MAX_S  60
#define CB_RETRY_FRUITLESS_MS 30000
#define CB_RETRY_FRUIT_BYTES  (32 * 1024) /* more than a trickle that is cut */

/* 408, 429 and the 5xx that pass. */
int cb_retry_status(int status);
/* Broken connections and time-outs; not refusals, unknown names or TLS trouble. TEXT is
 * curl's, of this failure. */
int cb_retry_transport(CURLcode code, long os_errno, const char *text);
/* The BASE_MS below for what broke on the way to the host of URL: on this machine a
 * connection does not break by itself, so somebody listens there who will not answer, and
 * is asked again for a second and a half only. */
unsigned cb_retry_base_ms(const char *url, unsigned base_ms);
/* Pause before try number FAILURES + 1 (FAILURES ≥ 1): Retry-After (seconds; NULL if
 * absent) up to a minute, else 1 2 4 8 … times BASE_MS with a quarter of jitter taken
 * from RANDOM. */
unsigned cb_retry_delay_ms(unsigned failures, const char *retry_after, unsigned base_ms,
                           unsigned random);

#endif
