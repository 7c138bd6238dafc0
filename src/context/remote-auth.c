/* Credentials for URLs and git servers. They are given as secrets of the build, named for
 * the host they are for, and go into one header of requests to that host; never into a
 * key, a log, a command line or a file. */
#include "context/remote-priv.h"

#include "base/base64.h"
#include "http/http.h"

#include <string.h>

void cb_secret_free(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

/* A secret's text without what ends its line, or NULL: not given. Wiped by
 * cb_secret_free. DENIED when it could not be a header's value. */
static int read_secret(const struct cb_remote *remote, const char *id, char **out,
                       struct cb_error **err)
{
    const void *bytes = NULL;
    const char *text;
    size_t len = 0;
    int found = remote->secret ? remote->secret(remote->secret_arg, id, &bytes, &len) : 0;

    *out = NULL;
    if (found <= 0)
        return 0;
    text = bytes;
    while (len && strchr("\r\n \t", text[len - 1]))
        len--;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return cb_error_set(err, CB_ERR_DENIED,
                                "secret `%s` is no header value: it has control "
                                "characters",
                                id);
    }
    *out = xstrndup(text ? text : "", len);
    return 0;
}

/* "Basic …" of "user:password". */
static char *basic_authorization(const char *userinfo)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_adds(&text, "Basic ");
    cb_base64_encode(&text, userinfo, strlen(userinfo));
    return cb_strbuf_steal(&text);
}

/* The secret ID as it is, or behind PREFIX. 1 found, 0 not. */
static int from_secret(const struct cb_remote *remote, const char *id, const char *prefix,
                       char **out, struct cb_error **err)
{
    cb_auto_secret char *value = NULL;

    if (read_secret(remote, id, &value, err) < 0)
        return -1;
    if (!value)
        return 0;
    *out = xasprintf("%s%s", prefix, value);
    return 1;
}

int cb_url_authorization(const struct cb_remote *remote, const char *url,
                         const char *userinfo, char **out, struct cb_error **err)
{
    cb_auto_value(cb_url) parts = {0};
    cb_autofree char *token = NULL;
    cb_autofree char *header = NULL;
    int found;

    *out = NULL;
    if (cb_url_parse(&parts, url, err) < 0)
        return -1;
    token = xasprintf("HTTP_AUTH_TOKEN_%s", parts.host);
    header = xasprintf("HTTP_AUTH_HEADER_%s", parts.host);
    found = from_secret(remote, token, "Bearer ", out, err);
    if (found == 0)
        found = from_secret(remote, header, "", out, err);
    if (found == 0 && userinfo)
        *out = basic_authorization(userinfo);
    return found < 0 ? -1 : 0;
}

/* git's servers want a token as the password of anybody. */
static int git_token(const struct cb_remote *remote, const char *id, char **out,
                     struct cb_error **err)
{
    cb_auto_secret char *pair = NULL;
    int found = from_secret(remote, id, "x-access-token:", &pair, err);

    if (found > 0)
        *out = basic_authorization(pair);
    return found;
}

/* A secret that names no host goes to any that a Dockerfile names: not in clear text. */
static int may_be_anyones(const struct cb_git_ref *ref)
{
    cb_autofree char *host = xstrndup(ref->host, strcspn(ref->host, ":"));

    return strcmp(ref->scheme, "https") == 0 || cb_host_is_loopback(host);
}

int cb_git_authorization(const struct cb_remote *remote, const struct cb_git_ref *ref,
                         char **out, struct cb_error **err)
{
    cb_autofree char *header = xasprintf("GIT_AUTH_HEADER.%s", ref->host);
    cb_autofree char *token = xasprintf("GIT_AUTH_TOKEN.%s", ref->host);
    int found;

    *out = NULL;
    if (strncmp(ref->scheme, "http", 4) != 0)
        return 0;
    found = from_secret(remote, header, "", out, err);
    if (found == 0)
        found = git_token(remote, token, out, err);
    if (found == 0 && may_be_anyones(ref))
        found = from_secret(remote, "GIT_AUTH_HEADER", "", out, err);
    if (found == 0 && may_be_anyones(ref))
        found = git_token(remote, "GIT_AUTH_TOKEN", out, err);
    if (found == 0 && ref->userinfo)
        *out = basic_authorization(ref->userinfo);
    return found < 0 ? -1 : 0;
}
