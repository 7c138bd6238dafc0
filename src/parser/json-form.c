/* The JSON form of arguments: ["a", "b"]. Whatever begins with [ and is not valid JSON is
 * shell form (`[ -f x ] && y`), without an error, as in Docker; but what was evidently
 * meant as JSON earns a lint that points at the first offending byte.
 * Reference: BuildKit line_parsers.go (parseJSON), Go's encoding/json. */
#include "parser/parser-priv.h"

#include "base/utf8.h"

#include <ctype.h>
#include <string.h>

#define MAX_DEPTH 64

struct reader {
    struct cb_request *request;
    const char *text;
    size_t at, end;
    unsigned depth;
    int saw_nul;
    int other; /* an element that is no string, at: */
    struct cb_range place;
};

static void skip_space(struct reader *reader)
{
    while (reader->at < reader->end && strchr(" \t\r\n", reader->text[reader->at]) &&
           reader->text[reader->at])
        reader->at++;
}

static int peek(const struct reader *reader)
{
    return reader->at < reader->end ? (unsigned char)reader->text[reader->at] : -1;
}

static int take(struct reader *reader, char c)
{
    if (peek(reader) != (unsigned char)c)
        return 0;
    reader->at++;
    return 1;
}

static void add_utf8(struct cb_strbuf *out, unsigned point)
{
    char text[5];

    cb_strbuf_add(out, text, cb_utf8_encode(point, text));
}

static int read_hex4(struct reader *reader, unsigned *out)
{
    unsigned value = 0;

    for (int i = 0; i < 4; i++) {
        int c = peek(reader);

        if (c < 0 || !isxdigit(c))
            return 0;
        value = value << 4 | (unsigned)(isdigit(c) ? c - '0' : tolower(c) - 'a' + 10);
        reader->at++;
    }
    *out = value;
    return 1;
}

/* Behind \u. Half a surrogate pair becomes U+FFFD. */
static int read_unicode_escape(struct reader *reader, struct cb_strbuf *out)
{
    unsigned high, low;
    size_t back;

    if (!read_hex4(reader, &high))
        return 0;
    if (high < 0xd800 || high > 0xdfff) {
        reader->saw_nul |= high == 0;
        add_utf8(out, high);
        return 1;
    }
    back = reader->at;
    if (high < 0xdc00 && take(reader, '\\') && take(reader, 'u') &&
        read_hex4(reader, &low) && low >= 0xdc00 && low <= 0xdfff) {
        add_utf8(out, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
        return 1;
    }
    reader->at = back;
    add_utf8(out, 0xfffd);
    return 1;
}

static int read_escape(struct reader *reader, struct cb_strbuf *out)
{
    static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    int c = peek(reader);
    const char *letter = c > 0 ? strchr(letters, c) : NULL;

    if (c == 'u') {
        reader->at++;
        return read_unicode_escape(reader, out);
    }
    if (!letter)
        return 0;
    reader->at++;
    cb_strbuf_addc(out, values[letter - letters]);
    return 1;
}

static int read_string(struct reader *reader, struct cb_strbuf *out)
{
    if (!take(reader, '"'))
        return 0;
    while (!take(reader, '"')) {
        const char *text = reader->text + reader->at;
        int c = peek(reader);
        unsigned point;
        size_t width;

        if (c < 0x20)
            return 0;
        if (c == '\\') {
            reader->at++;
            if (!read_escape(reader, out))
                return 0;
            continue;
        }
        width = cb_utf8_decode(text, reader->end - reader->at, &point);
        if (width)
            cb_strbuf_add(out, text, width);
        else
            add_utf8(out, 0xfffd);
        reader->at += width ? width : 1;
    }
    return 1;
}

static int skip_digits(struct reader *reader)
{
    size_t begin = reader->at;

    while (peek(reader) >= '0' && peek(reader) <= '9')
        reader->at++;
    return reader->at > begin;
}

static int skip_number(struct reader *reader)
{
    take(reader, '-');
    if (!take(reader, '0') && !skip_digits(reader))
        return 0;
    if (take(reader, '.') && !skip_digits(reader))
        return 0;
    if (peek(reader) == 'e' || peek(reader) == 'E') {
        reader->at++;
        if (!take(reader, '+'))
            take(reader, '-');
        return skip_digits(reader);
    }
    return 1;
}

static int skip_literal(struct reader *reader)
{
    static const char *const literals[] = {"true", "false", "null"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(literals); i++) {
        size_t len = strlen(literals[i]);

        if (reader->end - reader->at >= len &&
            memcmp(reader->text + reader->at, literals[i], len) == 0) {
            reader->at += len;
            return 1;
        }
    }
    return 0;
}

static int skip_value(struct reader *reader);

static int skip_member(struct reader *reader)
{
    cb_auto_value(cb_strbuf) key = {0};

    skip_space(reader);
    if (!read_string(reader, &key))
        return 0;
    skip_space(reader);
    return take(reader, ':') && skip_value(reader);
}

static int skip_container(struct reader *reader, char close)
{
    reader->at++;
    skip_space(reader);
    if (take(reader, close))
        return 1;
    for (;;) {
        if (!(close == '}' ? skip_member(reader) : skip_value(reader)))
            return 0;
        skip_space(reader);
        if (take(reader, close))
            return 1;
        if (!take(reader, ','))
            return 0;
    }
}

/* A value of any kind, not kept. */
static int skip_value(struct reader *reader)
{
    cb_auto_value(cb_strbuf) ignored = {0};
    int ok;

    skip_space(reader);
    if (peek(reader) == '"')
        return read_string(reader, &ignored);
    if (peek(reader) != '[' && peek(reader) != '{')
        return peek(reader) == '-' || isdigit(peek(reader)) ? skip_number(reader)
                                                            : skip_literal(reader);
    if (++reader->depth > MAX_DEPTH)
        return 0;
    ok = skip_container(reader, peek(reader) == '[' ? ']' : '}');
    reader->depth--;
    return ok;
}

/* 1, 0 if it is not JSON, -1. */
static int read_element(struct reader *reader, struct cb_word_list *list,
                        struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    struct cb_range range = {reader->at, reader->at};
    struct cb_word word;

    if (peek(reader) != '"') {
        if (!skip_value(reader))
            return 0;
        range.end = reader->at;
        if (!reader->other)
            reader->place = range;
        reader->other = 1;
        return 1;
    }
    if (!read_string(reader, &text))
        return 0;
    range.end = reader->at;
    word.text = cb_arena_strdup(reader->request->parser->arena, cb_strbuf_text(&text));
    word.span = cb_request_span(reader->request, range);
    return cb_word_list_add(list, reader->request, word, err) < 0 ? -1 : 1;
}

static int read_array(struct reader *reader, struct cb_word_list *list,
                      struct cb_error **err)
{
    int status;

    if (!take(reader, '['))
        return 0;
    skip_space(reader);
    if (take(reader, ']'))
        return 1;
    for (;;) {
        skip_space(reader);
        status = read_element(reader, list, err);
        if (status <= 0)
            return status;
        skip_space(reader);
        if (take(reader, ']'))
            return 1;
        if (!take(reader, ','))
            return 0;
    }
}

/* Width of the quotation mark at AT: ASCII, or one of the typographic ones that editors
 * and chat programs put in its place. */
static size_t quote_width(const char *text, size_t at, size_t end)
{
    unsigned point;
    size_t width = cb_utf8_decode(text + at, end - at, &point);

    if (width == 1)
        return point == '"' || point == '\'';
    return width && (point == 0xff02 || (point >= 0x2018 && point <= 0x201f)) ? width : 0;
}

/* ["a" …, ['a', …: a shell's test command has a blank behind the [, and no comma. */
static int is_meant_as_json(const char *text, size_t at, size_t end)
{
    size_t begin = at, width;

    while (at < end && cb_text_is_blank(text[at]))
        at++;
    width = quote_width(text, at, end);
    if (!width)
        return 0;
    if (at == begin)
        return 1;
    for (at += width; at < end && !quote_width(text, at, end); at++)
        continue;
    if (at == end)
        return 0;
    at += quote_width(text, at, end);
    while (at < end && cb_text_is_blank(text[at]))
        at++;
    return at < end && text[at] == ',';
}

static void lint_invalid(struct cb_request *request, const struct reader *reader,
                         size_t begin)
{
    struct cb_range place = {reader->at, reader->at};
    size_t width;

    if (!is_meant_as_json(reader->text, begin + 1, reader->end))
        return;
    width = quote_width(reader->text, place.start, reader->end);
    place.end += width ? width : (place.end < reader->end);
    cb_parser_lint(
        request->parser, "InvalidJSONForm", cb_request_span(request, place),
        "Arguments of %s look like a JSON array but are not valid JSON%s; they "
        "are taken as plain text",
        cb_request_name(request),
        width && reader->text[place.start] != '"' ? " (only \" quotes strings)" : "");
}

int cb_json_form_parse(struct cb_request *request, size_t start, struct cb_error **err)
{
    struct reader reader = {
        .request = request,
        .text = request->line->text,
        .at = start,
        .end = request->args.end,
    };
    cb_auto_value(cb_word_list) list = {0};
    int status;

    if (peek(&reader) != '[')
        return 0;
    status = read_array(&reader, &list, err);
    if (status < 0)
        return -1;
    skip_space(&reader);
    if (status == 0 || reader.at != reader.end) {
        request->json_like = 1;
        lint_invalid(request, &reader, start);
        return 0;
    }
    if (reader.other)
        return cb_syntax_error(
            request, cb_request_span(request, reader.place), err,
            "when using JSON array syntax, arrays must be comprised of strings only");
    if (reader.saw_nul)
        return cb_syntax_error(request, cb_request_args_span(request), err,
                               "a JSON string of %s holds a NUL character",
                               cb_request_name(request));
    request->json = cb_word_list_take(&list, request->parser->arena);
    return 1;
}
