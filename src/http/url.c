/* URLs as far as registries and downloads need them: http and https only, parsed by us so
 * that the decision who gets credentials does not depend on how a library reads an odd
 * URL. Anything with control bytes, blanks or a second `@` is refused. */
#include "http/http.h"

#include "base/redact.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

void cb_url_clear(struct cb_url *url)
{
    free(url->scheme);
    free(url->host);
    free(url->rest);
    memset(url, 0, sizeof(*url));
}

static int has_odd_bytes(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p <= ' ' || *p == 0x7f || *p == '\\')
            return 1;
    }
    return 0;
}

/* Length of "http://" or "https://", or 0. */
static size_t scheme_length(const char *text)
{
    if (strncasecmp(text, "http://", 7) == 0)
        return 7;
    if (strncasecmp(text, "https://", 8) == 0)
        return 8;
    return 0;
}

static int parse_port(const char *text, size_t len, int *port)
{
    int value = 0;

    if (len == 0)
        return 0;
    if (len > 5)
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)text[i]))
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    if (value < 1 || value > 65535)
        return -1;
    *port = value;
    return 0;
}

/* "host", "host:port", "[v6]:port" without userinfo. */
static int parse_host_port(struct cb_url *url, const char *text, size_t len)
{
    const char *end = text + len;
    const char *colon;

    if (len && *text == '[') {
        const char *close = memchr(text, ']', len);

        if (!close || (close + 1 < end && close[1] != ':'))
            return -1;
        url->host = xstrndup(text + 1, (size_t)(close - text - 1));
        colon = close + 1 < end ? close + 1 : NULL;
    } else {
        colon = memchr(text, ':', len);
        url->host = xstrndup(text, colon ? (size_t)(colon - text) : len);
    }
    if (!*url->host || strpbrk(url->host, "@[]%"))
        return -1;
    for (char *p = url->host; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    if (!colon)
        return 0;
    return parse_port(colon + 1, (size_t)(end - colon - 1), &url->port);
}

int cb_url_parse(struct cb_url *out, const char *text, struct cb_error **err)
{
    cb_auto_value(cb_url) url = {0};
    size_t scheme = scheme_length(text);
    const char *authority = text + scheme;
    size_t len = strcspn(authority, "/?#");
    const char *at = memchr(authority, '@', len);
    const char *rest = authority + len;
    cb_autofree char *shown = cb_url_redact(text);

    if (!scheme || has_odd_bytes(text))
        return cb_error_set(err, CB_ERR_USAGE, "`%s` is not an http or https URL", shown);
    url.scheme = xstrdup(scheme == 7 ? "http" : "https");
    url.port = scheme == 7 ? 80 : 443;
    if (at) {
        len -= (size_t)(at + 1 - authority);
        authority = at + 1;
    }
    if (parse_host_port(&url, authority, len) < 0)
        return cb_error_set(err, CB_ERR_USAGE, "`%s` has no valid host and port", shown);
    url.rest = *rest == '/' ? xstrndup(rest, strcspn(rest, "#"))
                            : xasprintf("/%.*s", (int)strcspn(rest, "#"), rest);
    *out = url;
    memset(&url, 0, sizeof(url));
    return 0;
}

int cb_url_same_origin(const char *a, const char *b)
{
    cb_auto_value(cb_url) one = {0};
    cb_auto_value(cb_url) two = {0};

    if (cb_url_parse(&one, a, NULL) < 0 || cb_url_parse(&two, b, NULL) < 0)
        return 0;
    return strcmp(one.scheme, two.scheme) == 0 && strcmp(one.host, two.host) == 0 &&
           one.port == two.port;
}

void cb_url_encode(struct cb_strbuf *out, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (isalnum(*p) || strchr("-._~", *p))
            cb_strbuf_addc(out, (char)*p);
        else
            cb_strbuf_addf(out, "%%%02X", *p);
    }
}

static int hex_value(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

char *cb_url_decode(const char *text, size_t len, int plus)
{
    cb_auto_value(cb_strbuf) out = {0};

    for (size_t i = 0; i < len; i++) {
        char byte = plus && text[i] == '+' ? ' ' : text[i];

        if (byte == '%' && i + 2 < len && isxdigit((unsigned char)text[i + 1]) &&
            isxdigit((unsigned char)text[i + 2])) {
            byte = (char)(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
            i += 2;
        }
        if (!byte)
            return NULL;
        cb_strbuf_addc(&out, byte);
    }
    return cb_strbuf_steal(&out);
}

static void redact_query(struct cb_strbuf *out, const char *query)
{
    while (*query) {
        size_t len = strcspn(query, "&");
        const char *equals = memchr(query, '=', len);

        if (equals && cb_is_secret_name(query, (size_t)(equals - query))) {
            cb_strbuf_add(out, query, (size_t)(equals + 1 - query));
            cb_strbuf_adds(out, "xxxxx");
        } else {
            cb_strbuf_add(out, query, len);
        }
        query += len;
        if (*query)
            cb_strbuf_addc(out, *query++);
    }
}

char *cb_url_redact(const char *url)
{
    cb_auto_value(cb_strbuf) out = {0};
    size_t scheme = scheme_length(url);
    const char *authority = url + scheme;
    size_t len = strcspn(authority, "/?#");
    const char *query = strchr(url, '?');

    for (const char *at; (at = memchr(authority, '@', len));) {
        len -= (size_t)(at + 1 - authority);
        authority = at + 1;
    }
    cb_strbuf_add(&out, url, scheme);
    if (authority != url + scheme)
        cb_strbuf_adds(&out, "xxxxx@");
    if (!query || query < authority) {
        cb_strbuf_adds(&out, authority);
    } else {
        cb_strbuf_add(&out, authority, (size_t)(query + 1 - authority));
        redact_query(&out, query + 1);
    }
    return cb_strbuf_steal(&out);
}

/* RFC 3986 5.2.4 on the path part of PATH (a query may follow). */
static char *remove_dot_segments(const char *path)
{
    cb_auto_value(cb_strbuf) out = {0};
    size_t len = strcspn(path, "?");
    const char *end = path + len;

    while (path < end) {
        const char *next = memchr(path + 1, '/', (size_t)(end - path - 1));
        size_t segment = next ? (size_t)(next - path) : (size_t)(end - path);

        if (segment == 2 && path[1] == '.') {
            if (!next)
                cb_strbuf_addc(&out, '/');
        } else if (segment == 3 && path[1] == '.' && path[2] == '.') {
            size_t back = out.len;

            while (back > 0 && out.text[back - 1] != '/')
                back--;
            cb_strbuf_truncate(&out, back ? back - 1 : 0);
            if (!next)
                cb_strbuf_addc(&out, '/');
        } else {
            cb_strbuf_add(&out, path, segment);
        }
        path += segment;
    }
    cb_strbuf_adds(&out, end);
    return cb_strbuf_steal(&out);
}

/* The absolute form, dots and fragment still in. */
static char *join(const char *base, const char *location)
{
    size_t scheme = scheme_length(base);
    size_t authority = scheme + strcspn(base + scheme, "/?#");
    size_t path = authority + strcspn(base + authority, "?#");
    size_t slash = path;

    if (scheme_length(location))
        return xstrdup(location);
    if (strncmp(location, "//", 2) == 0)
        return xasprintf("%.*s%s", (int)(scheme - 2), base, location);
    if (*location == '/')
        return xasprintf("%.*s%s", (int)authority, base, location);
    if (*location == '?')
        return xasprintf("%.*s%s", (int)path, base, location);
    if (*location == '\0' || *location == '#')
        return xstrndup(base, path + strcspn(base + path, "#"));
    while (slash > authority && base[slash - 1] != '/')
        slash--;
    return xasprintf("%.*s%s%s", (int)slash, base, slash == authority ? "/" : "",
                     location);
}

char *cb_url_resolve(const char *base, const char *location)
{
    cb_autofree char *joined = NULL;
    cb_autofree char *clean = NULL;
    cb_auto_value(cb_url) url = {0};
    const char *colon = strpbrk(location, ":/?#");
    size_t authority;

    /* A scheme of another kind: "file:", "gopher:", "data:". */
    if (colon && *colon == ':' && !scheme_length(location))
        return NULL;
    if (!scheme_length(base))
        return NULL;
    joined = join(base, location);
    if (cb_url_parse(&url, joined, NULL) < 0)
        return NULL;
    clean = remove_dot_segments(url.rest);
    authority = scheme_length(joined);
    authority += strcspn(joined + authority, "/?#");
    return xasprintf("%.*s%s", (int)authority, joined, clean);
}
