/* A record of a log as our own writer makes them, read without making objects of JSON:
 * they are millions. What looks otherwise in any way is left to the parser of all JSON.
 */
#include "container/log-priv.h"

#include "base/utf8.h"

#include <ctype.h>
#include <string.h>

#define TIME_BYTES 40

/* Passes over WORD at *TEXT. */
static int pass(const char **text, const char *end, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(end - *text) < len || memcmp(*text, word, len) != 0)
        return 0;
    *text += len;
    return 1;
}

/* A code of four digits, but for halves of a pair. */
static int take_code(const char **text, const char *end, struct cb_strbuf *out)
{
    char utf8[5];
    unsigned point = 0;

    if (end - *text < 4)
        return 0;
    for (int i = 0; i < 4; i++) {
        unsigned char digit = (unsigned char)(*text)[i];

        if (!isxdigit(digit))
            return 0;
        point = point * 16 +
                (unsigned)(isdigit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10);
    }
    if (point >= 0xd800 && point < 0xe000)
        return 0;
    *text += 4;
    cb_strbuf_add(out, utf8, cb_utf8_encode(point, utf8));
    return 1;
}

/* What is behind a backslash. */
static int take_escape(const char **text, const char *end, struct cb_strbuf *out)
{
    static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *escape;

    if (*text == end)
        return 0;
    if (**text == 'u') {
        ++*text;
        return take_code(text, end, out);
    }
    escape = memchr(escapes, **text, sizeof(escapes) - 1);
    if (!escape)
        return 0;
    ++*text;
    cb_strbuf_addc(out, meant[escape - escapes]);
    return 1;
}

static size_t plain_bytes(const char *text, const char *end)
{
    const char *at = text;
    unsigned point;

    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20) {
        size_t len = (unsigned char)*at < 0x80
                         ? 1
                         : cb_utf8_decode(at, (size_t)(end - at), &point);

        if (!len)
            break;
        at += len;
    }
    return (size_t)(at - text);
}

/* To behind the quote that ends it. */
static int take_string(const char **text, const char *end, struct cb_strbuf *out)
{
    while (*text < end) {
        size_t len = plain_bytes(*text, end);

        cb_strbuf_add(out, *text, len);
        *text += len;
        if (pass(text, end, "\""))
            return 1;
        if (!pass(text, end, "\\") || !take_escape(text, end, out))
            return 0;
    }
    return 0;
}

static int take_time(const char **text, const char *end, struct timespec *out)
{
    const char *quote = memchr(*text, '"', (size_t)(end - *text));
    char when[TIME_BYTES];
    size_t len;

    if (!quote || (size_t)(quote - *text) >= sizeof(when))
        return 0;
    len = (size_t)(quote - *text);
    memcpy(when, *text, len);
    when[len] = '\0';
    *text = quote + 1;
    return strlen(when) == len && cb_timestamp_parse(out, when, NULL) == 0;
}

int cb_log_record_parse(const char *text, size_t len, struct cb_strbuf *bytes,
                        struct cb_log_line *line)
{
    const char *end = text + len;

    cb_strbuf_truncate(bytes, 0);
    if (!pass(&text, end, "{\"log\":\"") || !take_string(&text, end, bytes))
        return 0;
    if (pass(&text, end, ",\"stream\":\"stdout\""))
        line->stream = 1;
    else if (pass(&text, end, ",\"stream\":\"stderr\""))
        line->stream = 2;
    else
        return 0;
    if (!pass(&text, end, ",\"time\":\"") || !take_time(&text, end, &line->time) ||
        !pass(&text, end, "}") || text != end)
        return 0;
    line->text = cb_strbuf_text(bytes);
    line->len = bytes->len;
    line->attributes = NULL;
    return 1;
}
