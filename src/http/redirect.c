/* Redirects, followed by us hop by hop: the target must be http(s), and plain http only
 * where the request may speak it at all; an https answer never leads to http unless plain
 * http is allowed anywhere. */
#include "http/http-priv.h"

#include <string.h>

int cb_http_plain_allowed(int allow_http, const struct cb_url *url)
{
    if (allow_http == CB_HTTP_PLAIN_LOOPBACK)
        return cb_host_is_loopback(url->host);
    return allow_http == CB_HTTP_PLAIN_ANYWHERE;
}

static int is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 ||
           status == 308;
}

/* curl would send what stands before the `@` as a password: whoever redirects may not say
 * what is told to others. */
static int has_userinfo(const char *url)
{
    const char *authority = strstr(url, "://");

    return authority && memchr(authority + 3, '@', strcspn(authority + 3, "/?#")) != NULL;
}

int cb_redirect_target(const struct cb_http_request *request, const char *url,
                       const struct cb_http_response *response, char **target,
                       struct cb_error **err)
{
    const char *location = cb_http_header(response, "Location");
    cb_autofree char *next = NULL;
    cb_auto_value(cb_url) from = {0};
    cb_auto_value(cb_url) to = {0};

    if (request->max_redirects < 0 || !is_redirect(response->status) || !location) {
        *target = NULL;
        return 0;
    }
    next = cb_url_resolve(url, location);
    if (!next || cb_url_parse(&to, next, NULL) < 0)
        return cb_error_set(err, CB_ERR_DENIED,
                            "redirect to `%.200s` refused: not an http or https URL",
                            location);
    if (has_userinfo(next) && !cb_url_same_origin(url, next))
        return cb_error_set(err, CB_ERR_DENIED,
                            "redirect to `%s` refused: it comes with a password",
                            to.host);
    if (cb_url_parse(&from, url, err) < 0)
        return -1;
    if (strcmp(to.scheme, "http") == 0 &&
        (!cb_http_plain_allowed(request->allow_http, &to) ||
         (strcmp(from.scheme, "https") == 0 &&
          request->allow_http != CB_HTTP_PLAIN_ANYWHERE)))
        return cb_error_set(err, CB_ERR_DENIED, "redirect to plain http at `%s` refused",
                            to.host);
    *target = cb_steal(&next);
    return 0;
}
