/* In a URL: what stands between "://" and the last `@` before the path, and the values of
 * parameters whose names say that they are secret. */
#include "base/redact.h"

#include "base/strbuf.h"

#include <string.h>
#include <strings.h>

#define URL_ENDS " \t\r\n\"'"

static size_t length_without(const char *text, size_t len, const char *ends)
{
    size_t at = 0;

    while (at < len && !strchr(ends, text[at]))
        at++;
    return at;
}

/* Of the URL whose "://" is at MARK. */
static int find_userinfo(const char *text, size_t len, size_t mark, struct cb_span *out)
{
    const char *authority = text + mark + 3;
    size_t rest = length_without(authority, len - mark - 3, "/?#" URL_ENDS);
    const char *at = memrchr(authority, '@', rest);
    int is_ssh = mark >= 3 && strncmp(text + mark - 3, "ssh", 3) == 0;

    if (!at || (is_ssh && !memchr(authority, ':', (size_t)(at - authority))))
        return 0;
    out->start = mark + 3;
    out->end = (size_t)(at - text);
    return 1;
}

int cb_is_secret_name(const char *name, size_t len)
{
    static const char *const words[] = {"token", "sig",        "key",  "secret",
                                        "pass",  "credential", "auth", "code"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(words); i++) {
        size_t word = strlen(words[i]);

        for (size_t at = 0; at + word <= len; at++) {
            if (strncasecmp(name + at, words[i], word) == 0)
                return 1;
        }
    }
    return 0;
}

/* The next one of the URL we are in. */
static int next_parameter(struct cb_url_secrets *in, struct cb_span *out)
{
    while (in->at < in->end) {
        size_t name = in->at + 1;
        size_t most = name < in->path ? in->path : in->end;
        size_t next = name + length_without(in->text + name, most - name, "?&#");
        size_t value = name + length_without(in->text + name, next - name, "=") + 1;

        in->at = next + length_without(in->text + next, in->end - next, "?&#");
        if (value < next && cb_is_secret_name(in->text + name, value - 1 - name)) {
            *out = (struct cb_span){value, next};
            return 1;
        }
    }
    return 0;
}

static int is_scheme_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '+' || c == '-' || c == '.';
}

/* A URL ends where another begins: that may have a password of its own, and parameters
 * of the first after it are found as if they were its. */
static size_t end_of_url(const struct cb_url_secrets *in, size_t mark)
{
    size_t start = mark + 3;
    size_t end = start + length_without(in->text + start, in->len - start, URL_ENDS);
    const char *next = memmem(in->text + start, end - start, "://", 3);

    if (!next)
        return end;
    end = (size_t)(next - in->text);
    while (end > start && is_scheme_byte(in->text[end - 1]))
        end--;
    return end;
}

int cb_url_secrets_next(struct cb_url_secrets *in, struct cb_span *out)
{
    for (;;) {
        const char *found;
        size_t mark;
        int has_userinfo;

        if (next_parameter(in, out))
            return 1;
        found = memmem(in->text + in->end, in->len - in->end, "://", 3);
        if (!found)
            return 0;
        mark = (size_t)(found - in->text);
        in->end = end_of_url(in, mark);
        in->path = mark + 3;
        in->path += length_without(found + 3, in->end - in->path, "/?#");
        has_userinfo = find_userinfo(in->text, in->end, mark, out);
        in->at = has_userinfo ? out->end : mark;
        in->at += length_without(in->text + in->at, in->end - in->at, "?&");
        if (has_userinfo)
            return 1;
    }
}

char *cb_redact_urls(const char *text)
{
    struct cb_url_secrets secrets = {.text = text, .len = strlen(text)};
    cb_auto_value(cb_strbuf) out = {0};
    size_t done = 0;
    struct cb_span span;

    while (cb_url_secrets_next(&secrets, &span)) {
        cb_strbuf_add(&out, text + done, span.start - done);
        cb_strbuf_adds(&out, "xxxxx");
        done = span.end;
    }
    cb_strbuf_adds(&out, text + done);
    return cb_strbuf_steal(&out);
}

/* USER:PASSWORD@HOST:PATH */
char *cb_redact_place(const char *text)
{
    const char *at = strchr(text, '@');
    const char *colon = at ? memchr(text, ':', (size_t)(at - text)) : NULL;

    if (strstr(text, "://") || !colon || memchr(text, '/', (size_t)(at - text)) ||
        !strchr(at, ':'))
        return cb_redact_urls(text);
    at = memrchr(text, '@', strcspn(text, "/"));
    return xasprintf("xxxxx%s", at);
}
