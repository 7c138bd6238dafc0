/* What a registry's response headers can do: challenges, links, ranges, redirects. */
#include "http/http.h"
#include "http/range.h"
#include "http/retry.h"
#include "registry/challenge.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    cb_autofree char *text = xstrndup((const char *)data, size);
    cb_autofree char *next = cb_link_next(text);
    cb_autofree char *target =
        cb_url_resolve("https://registry.example/v2/a/blobs/b?c", text);
    cb_autofree char *shown = cb_url_redact(text);
    cb_auto_value(cb_challenge) challenge = {0};
    cb_auto_value(cb_url) url = {0};

    if (cb_challenge_parse(&challenge, text) && challenge.realm &&
        cb_realm_trusted("https://registry.example", challenge.realm)) {
        size_t len;

        /* Credentials go to example's own hosts, by https. */
        if (cb_url_parse(&url, challenge.realm, NULL) < 0 ||
            strcmp(url.scheme, "https") != 0)
            abort();
        len = strlen(url.host);
        if (strcmp(url.host, "registry.example") != 0 &&
            (len < 17 || strcmp(url.host + len - 17, ".registry.example") != 0))
            abort();
    }
    if (target && !cb_url_same_origin(target, target))
        abort();
    cb_range_starts_at(text, 1000);
    if (cb_retry_delay_ms(1, text, 1000, 0) > CB_RETRY_AFTER_MAX_S * 1000)
        abort();
    return 0;
}
