/* Growable text, doubling; and the two ways in which foreign text leaves the program:
 * escaped for a terminal, quoted as JSON. */
#include "base/strbuf.h"

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

void cb_strbuf_free(struct cb_strbuf *buf)
{
    free(buf->text);
    *buf = (struct cb_strbuf){0};
}

void cb_strbuf_reserve(struct cb_strbuf *buf, size_t extra)
{
    size_t need, capacity;

    if (__builtin_add_overflow(buf->len, extra, &need) ||
        __builtin_add_overflow(need, 1, &need))
        abort();
    if (buf->text && need <= buf->capacity)
        return;
    capacity = buf->capacity > need / 2 ? buf->capacity * 2 : need;
    if (capacity < 64)
        capacity = 64;
    buf->text = xrealloc(buf->text, capacity);
    buf->capacity = capacity;
    buf->text[buf->len] = '\0';
}

void cb_strbuf_add(struct cb_strbuf *buf, const void *bytes, size_t len)
{
    cb_strbuf_reserve(buf, len);
    if (len)
        memcpy(buf->text + buf->len, bytes, len);
    buf->len += len;
    buf->text[buf->len] = '\0';
}

void cb_strbuf_adds(struct cb_strbuf *buf, const char *text)
{
    cb_strbuf_add(buf, text, strlen(text));
}

void cb_strbuf_addc(struct cb_strbuf *buf, char c)
{
    cb_strbuf_add(buf, &c, 1);
}

void cb_strbuf_addf(struct cb_strbuf *buf, const char *format, ...)
{
    va_list args;
    size_t room;
    int len;

    cb_strbuf_reserve(buf, 64);
    room = buf->capacity - buf->len;
    va_start(args, format);
    len = vsnprintf(buf->text + buf->len, room, format, args);
    va_end(args);
    if (len < 0)
        abort();
    if ((size_t)len >= room) {
        cb_strbuf_reserve(buf, len);
        va_start(args, format);
        vsnprintf(buf->text + buf->len, (size_t)len + 1, format, args);
        va_end(args);
    }
    buf->len += len;
}

void cb_strbuf_truncate(struct cb_strbuf *buf, size_t len)
{
    if (len >= buf->len)
        return;
    buf->len = len;
    buf->text[len] = '\0';
}

const char *cb_strbuf_text(const struct cb_strbuf *buf)
{
    return buf->text ? buf->text : "";
}

char *cb_strbuf_steal(struct cb_strbuf *buf)
{
    char *text = buf->text ? buf->text : xstrdup("");

    *buf = (struct cb_strbuf){0};
    return text;
}

/* Control codes, and what turns the direction of text that follows: one could show
 * another name than it is. */
static int is_terminal_control(unsigned point)
{
    return point < 0x20 || (point >= 0x7f && point <= 0x9f) ||
           (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

void cb_strbuf_add_escaped(struct cb_strbuf *buf, const char *text, size_t len,
                           int keep_lines)
{
    size_t at = 0;

    while (at < len) {
        unsigned point = 0;
        size_t width = cb_utf8_decode(text + at, len - at, &point);
        int kept = keep_lines && (point == '\n' || point == '\t');

        if (width && (kept || !is_terminal_control(point))) {
            cb_strbuf_add(buf, text + at, width);
            at += width;
            continue;
        }
        if (width == 0)
            width = 1;
        for (; width > 0; width--)
            cb_strbuf_addf(buf, "\\x%02x", (unsigned char)text[at++]);
    }
}

void cb_strbuf_add_escaped_json(struct cb_strbuf *buf, const char *json, size_t len)
{
    size_t at = 0;

    while (at < len) {
        unsigned point = 0;
        size_t width = cb_utf8_decode(json + at, len - at, &point);

        if (width && point >= 0x7f && is_terminal_control(point))
            cb_strbuf_addf(buf, "\\u%04x", point);
        else
            cb_strbuf_add(buf, json + at, width ? width : 1);
        at += width ? width : 1;
    }
}

static void add_json_point(struct cb_strbuf *buf, const char *bytes, size_t width,
                           unsigned point)
{
    static const char short_names[] = "btnvfr"; /* 8 to 13 */

    if (point == '"' || point == '\\') {
        cb_strbuf_addc(buf, '\\');
        cb_strbuf_addc(buf, (char)point);
    } else if (point >= 8 && point <= 13 && point != 11) {
        const char escape[] = {'\\', short_names[point - 8]};

        cb_strbuf_add(buf, escape, sizeof(escape));
    } else if (point < 0x20 || point == 0x2028 || point == 0x2029) {
        cb_strbuf_addf(buf, "\\u%04x", point);
    } else {
        cb_strbuf_add(buf, bytes, width);
    }
}

void cb_strbuf_add_json(struct cb_strbuf *buf, const char *text)
{
    cb_strbuf_add_json_bytes(buf, text, strlen(text));
}

/* How many bytes of TEXT are ASCII that JSON has as it is. */
static size_t count_plain(const char *text, size_t len)
{
    size_t at = 0;

    while (at < len && (unsigned char)text[at] - 0x20u < 0x60u && text[at] != '"' &&
           text[at] != '\\')
        at++;
    return at;
}

void cb_strbuf_add_json_bytes(struct cb_strbuf *buf, const char *text, size_t len)
{
    size_t at = 0;

    cb_strbuf_addc(buf, '"');
    while (at < len) {
        size_t plain = count_plain(text + at, len - at);
        unsigned point = 0;
        size_t width;

        if (plain) {
            cb_strbuf_add(buf, text + at, plain);
            at += plain;
            continue;
        }
        width = cb_utf8_decode(text + at, len - at, &point);
        if (width == 0) {
            cb_strbuf_adds(buf, "\\ufffd");
            at++;
            continue;
        }
        add_json_point(buf, text + at, width, point);
        at += width;
    }
    cb_strbuf_addc(buf, '"');
}
