/* What stands between "://" and the last `@` before the path. */
#include "base/redact.h"

#include "base/strbuf.h"

#include <string.h>

static size_t authority_length(const char *text, size_t len)
{
    size_t at = 0;

    while (at < len && !strchr("/?# \t\r\n\"'", text[at]))
        at++;
    return at;
}

/* Of the URL whose "://" is at MARK. */
static int find_at(const char *text, size_t len, size_t mark, struct cb_span *out)
{
    const char *authority = text + mark + 3;
    size_t rest = authority_length(authority, len - mark - 3);
    const char *at = memrchr(authority, '@', rest);
    int is_ssh = mark >= 3 && strncmp(text + mark - 3, "ssh", 3) == 0;

    if (!at || (is_ssh && !memchr(authority, ':', (size_t)(at - authority))))
        return 0;
    out->start = mark + 3;
    out->end = (size_t)(at - text);
    return 1;
}

int cb_userinfo_find(const char *text, size_t len, size_t from, struct cb_span *out)
{
    const char *mark = text;

    while ((mark = memmem(mark, len - (size_t)(mark - text), "://", 3))) {
        if (find_at(text, len, (size_t)(mark - text), out) && out->end > from)
            return 1;
        mark += 3;
    }
    return 0;
}

char *cb_redact_userinfo(const char *text)
{
    cb_auto_value(cb_strbuf) out = {0};
    size_t len = strlen(text);
    size_t done = 0;
    struct cb_span span;

    while (cb_userinfo_find(text + done, len - done, 0, &span)) {
        cb_strbuf_add(&out, text + done, span.start);
        cb_strbuf_adds(&out, "xxxxx");
        done += span.end;
    }
    cb_strbuf_adds(&out, text + done);
    return cb_strbuf_steal(&out);
}
