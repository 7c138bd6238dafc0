/* Spaces, trimming, and foreign text inside messages. Go's notion of space is Unicode's,
 * its notion of a blank between list words is ASCII's; Dockerfiles depend on both. */
#include "parser/parser-priv.h"

#include "base/suggest.h"
#include "base/utf8.h"

#include <string.h>

#define MAX_SHOWN 200

int cb_text_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

struct cb_range cb_text_trim_left(const char *text, struct cb_range range)
{
    size_t width;

    while ((width = cb_utf8_space(text + range.start, range.end - range.start)))
        range.start += width;
    return range;
}

struct cb_range cb_text_trim(const char *text, struct cb_range range)
{
    const char *start = text + range.start, *end = text + range.end;

    cb_utf8_trim(&start, &end);
    return (struct cb_range){(size_t)(start - text), (size_t)(end - text)};
}

/* Length of TEXT, at most MAX_SHOWN and never inside a character. */
static size_t shown_length(const char *text)
{
    size_t len = strnlen(text, MAX_SHOWN + 1);

    if (len <= MAX_SHOWN)
        return len;
    len = MAX_SHOWN;
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    return len;
}

char *cb_text_short(const char *text)
{
    size_t len = shown_length(text);

    return xasprintf("%.*s%s", (int)len, text, text[len] ? "..." : "");
}

static void quote_point(struct cb_strbuf *out, const char *text, size_t width,
                        unsigned point)
{
    static const char plain[] = "\a\b\f\n\r\t\v\"\\";
    static const char letters[] = "abfnrtv\"\\";
    const char *escape = point && point < 0x80 ? strchr(plain, (int)point) : NULL;

    if (escape)
        cb_strbuf_addf(out, "\\%c", letters[escape - plain]);
    else if (width == 0 || point < 0x20 || point == 0x7f)
        cb_strbuf_addf(out, "\\x%02x", (unsigned char)text[0]);
    else if (point >= 0x80 &&
             (point < 0xa0 || point == 0xfeff || cb_utf8_space(text, width) ||
              (point >= 0x200b && point <= 0x200f)))
        cb_strbuf_addf(out, "\\u%04x", point);
    else
        cb_strbuf_add(out, text, width);
}

char *cb_text_quote(const char *text)
{
    cb_auto_value(cb_strbuf) out = {0};
    size_t len = shown_length(text);

    cb_strbuf_addc(&out, '"');
    for (size_t i = 0; i < len;) {
        unsigned point = 0;
        size_t width = cb_utf8_decode(text + i, len - i, &point);

        quote_point(&out, text + i, width, point);
        i += width ? width : 1;
    }
    if (text[len])
        cb_strbuf_adds(&out, "...");
    cb_strbuf_addc(&out, '"');
    return cb_strbuf_steal(&out);
}

int cb_text_choices(struct cb_error **err, const char *what, const char *prefix,
                    const char *const *choices, size_t count)
{
    cb_auto_value(cb_strbuf) list = {0};

    for (size_t i = 0; i < count; i++)
        cb_strbuf_addf(&list, "%s%s%s",
                       i == 0           ? ""
                       : i + 1 == count ? " or "
                                        : ", ",
                       prefix, choices[i]);
    return count ? cb_error_hint(err, "%s %s", what, cb_strbuf_text(&list)) : -1;
}

char *cb_text_suggestion(const char *word, const char *const *candidates, size_t count)
{
    const char *match = cb_suggest(word, candidates, count);

    return match ? xasprintf(" (did you mean %s?)", match) : xstrdup("");
}
