/* A refused connection, an unknown host or a bad certificate is an answer: repeating the
 * question costs the user 15 seconds and changes nothing. What breaks on the way is tried
 * again. */
#include "http/retry.h"

#include "base/alloc.h"
#include "http/http.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int cb_retry_status(int status)
{
    return status == 408 || status == 429 || status == 500 || status == 502 ||
           status == 503 || status == 504;
}

/* TLS 1.3 tells a client that its certificate is missing or unwelcome when it reads, not
 * while it connects. Only OpenSSL's words tell that from a connection that broke. */
static int is_alert(const char *text)
{
    const char *alert = strstr(text, " alert ");

    return alert && !strstr(alert, "internal error");
}

/* What a proxy refused it refuses again; in curl's words, those of 7.85 and before last.
 */
static int is_refused_by_proxy(const char *text)
{
    static const char *const words[] = {"CONNECT tunnel failed, response 4",
                                        "Received HTTP code 4"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(words); i++) {
        const char *found = strstr(text, words[i]);
        int status = found ? atoi(found + strlen(words[i]) - 1) : 0;

        if (found && !cb_retry_status(status))
            return 1;
    }
    return 0;
}

int cb_retry_transport(CURLcode code, long os_errno, const char *text)
{
    switch (code) {
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return !is_alert(text) && !is_refused_by_proxy(text);
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return 1;
    case CURLE_SSL_CONNECT_ERROR:
        return os_errno == ECONNRESET;
    default:
        return 0;
    }
}

/* Seconds, or -1: dates, signs, junk and more than a minute are not honoured. */
static int retry_after_seconds(const char *text)
{
    size_t digits;
    int seconds;

    if (!text)
        return -1;
    digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 4 || text[digits] != '\0')
        return -1;
    seconds = atoi(text);
    return seconds <= CB_RETRY_AFTER_MAX_S ? seconds : -1;
}

unsigned cb_retry_base_ms(const char *url, unsigned base_ms)
{
    cb_auto_value(cb_url) parsed = {0};

    return cb_url_parse(&parsed, url, NULL) == 0 && cb_host_is_loopback(parsed.host)
               ? base_ms / 10
               : base_ms;
}

unsigned cb_retry_delay_ms(unsigned failures, const char *retry_after, unsigned base_ms,
                           unsigned random)
{
    int seconds = retry_after_seconds(retry_after);
    unsigned doublings = failures - 1 < 3 ? failures - 1 : 3;
    unsigned delay = base_ms << doublings;

    if (seconds >= 0)
        return (unsigned)seconds * 1000;
    return delay - delay / 8 + (delay ? random % (delay / 4 + 1) : 0);
}
