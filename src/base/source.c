/* A named text with an index of its lines, and the excerpt shown under an error:
 *
 *          3 | FROM scratch
 *     >    4 | COPY --from=bulder /out /bin/
 *            |             ^~~~~~
 *          5 | CMD x
 */
#include "base/source.h"

#include "base/redact.h"
#include "base/source-priv.h"
#include "base/utf8.h"

#include <string.h>

#define LINES_ABOVE      2
#define LINES_BELOW      1
#define MAX_MARKED_LINES 12
#define MAX_LINE_BYTES   160
#define BLOCK_BYTES      128
#define GUTTER           "       |"

static size_t count_line_ends(const char *text, size_t len)
{
    size_t count = 0;

    for (size_t i = 0; i < len; i++)
        count += text[i] == '\n';
    return count;
}

static void index_lines(struct cb_source *source)
{
    size_t blocks = source->len / BLOCK_BYTES + 1;
    size_t count = 0;

    source->lines_before = xcalloc(blocks, sizeof(*source->lines_before));
    for (size_t i = 1; i < blocks; i++) {
        count += count_line_ends(source->text + (i - 1) * BLOCK_BYTES, BLOCK_BYTES);
        source->lines_before[i] = (unsigned)count;
    }
}

struct cb_source *cb_source_new(const char *name, const char *text, size_t len)
{
    struct cb_source *source = xcalloc(1, sizeof(*source));

    atomic_init(&source->refs, 1);
    source->name = xstrdup(name);
    source->text = xmalloc(len + 1);
    if (len)
        memcpy(source->text, text, len);
    source->text[len] = '\0';
    source->len = len;
    index_lines(source);
    return source;
}

struct cb_source *cb_source_ref(struct cb_source *source)
{
    if (source)
        atomic_fetch_add_explicit(&source->refs, 1, memory_order_relaxed);
    return source;
}

void cb_source_unref(struct cb_source *source)
{
    if (!source || atomic_fetch_sub(&source->refs, 1) != 1)
        return;
    cb_source_parts_free(source);
    free(source->name);
    free(source->text);
    free(source->lines_before);
    free(source);
}

const char *cb_source_name(const struct cb_source *source)
{
    return source->name;
}

const char *cb_source_text(const struct cb_source *source, size_t *len)
{
    if (len)
        *len = source->len;
    return source->text;
}

/* A line of the text, with its line end. */
struct line {
    size_t number; /* from 1 */
    size_t start;
    size_t end;
};

static size_t line_end(const struct cb_source *source, size_t start)
{
    const char *end = memchr(source->text + start, '\n', source->len - start);

    return end ? (size_t)(end - source->text) + 1 : source->len;
}

/* The line that holds OFFSET; one past the end belongs to the last. */
static struct line line_at(const struct cb_source *source, size_t offset)
{
    struct line line = {0};
    const char *before;
    size_t block;

    if (offset >= source->len)
        offset = source->len ? source->len - 1 : 0;
    block = offset / BLOCK_BYTES;
    line.number =
        1 + source->lines_before[block] +
        count_line_ends(source->text + block * BLOCK_BYTES, offset - block * BLOCK_BYTES);
    before = memrchr(source->text, '\n', offset);
    line.start = before ? (size_t)(before - source->text) + 1 : 0;
    line.end = line_end(source, line.start);
    return line;
}

void cb_source_position(const struct cb_source *source, size_t offset, unsigned *line,
                        unsigned *column)
{
    struct line found;

    source = cb_source_file_at(source, &offset);
    found = line_at(source, offset);
    if (offset > source->len)
        offset = source->len;
    if (line)
        *line = (unsigned)found.number;
    if (column)
        *column = (unsigned)(offset - found.start) + 1;
}

static struct line line_below(const struct cb_source *source, struct line line)
{
    return (struct line){line.number + 1, line.end, line_end(source, line.end)};
}

static struct line line_above(const struct cb_source *source, struct line line,
                              unsigned count)
{
    while (count-- && line.start > 0)
        line = line_at(source, line.start - 1);
    return line;
}

/* The range of LINE without its line end. */
static struct cb_span without_end(const struct cb_source *source, struct line line)
{
    struct cb_span range = {line.start, line.end};

    if (range.end > range.start && source->text[range.end - 1] == '\n')
        range.end--;
    if (range.end > range.start && source->text[range.end - 1] == '\r')
        range.end--;
    return range;
}

static size_t back_to_character(const struct cb_source *source, size_t start, size_t at)
{
    while (at > start && ((unsigned char)source->text[at] & 0xc0) == 0x80)
        at--;
    return at;
}

/* Narrows a long line to a window that shows FOCUS. */
static struct cb_span window(const struct cb_source *source, struct cb_span line,
                             size_t focus)
{
    struct cb_span shown = line;

    if (line.end - line.start <= MAX_LINE_BYTES)
        return line;
    if (focus > line.start + MAX_LINE_BYTES / 2)
        shown.start = back_to_character(source, line.start, focus - MAX_LINE_BYTES / 2);
    if (line.end - shown.start > MAX_LINE_BYTES)
        shown.end = back_to_character(source, shown.start, shown.start + MAX_LINE_BYTES);
    return shown;
}

/* A password in a URL is shown as so many x, so that the marks below still fit. */
static void add_text(const struct cb_source *source, struct cb_span line,
                     struct cb_span shown, struct cb_strbuf *out)
{
    const char *text = source->text + line.start;
    size_t len = line.end - line.start;
    cb_auto_value(cb_strbuf) masked = {0};
    struct cb_url_secrets secrets = {.text = text, .len = len};
    struct cb_span secret = {0, 0};

    for (size_t i = shown.start - line.start; i < shown.end - line.start; i++) {
        while (i >= secret.end && i < len) {
            if (!cb_url_secrets_next(&secrets, &secret))
                secret = (struct cb_span){len, len};
        }
        if (i < secret.start || i >= secret.end)
            cb_strbuf_addc(&masked, text[i]);
        else if (((unsigned char)text[i] & 0xc0) != 0x80)
            cb_strbuf_addc(&masked, 'x');
    }
    cb_strbuf_add_escaped(out, cb_strbuf_text(&masked), masked.len, 1);
}

static void add_line(const struct cb_source *source, size_t number, struct cb_span line,
                     struct cb_span shown, int marked, struct cb_strbuf *out)
{
    cb_strbuf_addf(out, "%c%5zu |", marked ? '>' : ' ', number);
    if (shown.end > shown.start)
        cb_strbuf_addc(out, ' ');
    if (shown.start > line.start)
        cb_strbuf_adds(out, "...");
    add_text(source, line, shown, out);
    if (shown.end < line.end)
        cb_strbuf_adds(out, "...");
    cb_strbuf_addc(out, '\n');
}

/* Adds one MARK for each character that the text takes when shown; tabs stay tabs if the
 * mark is blank. */
static void add_marks(struct cb_strbuf *out, const char *text, size_t len, char mark)
{
    cb_auto_value(cb_strbuf) shown = {0};

    cb_strbuf_add_escaped(&shown, text, len, 1);
    for (size_t i = 0; i < shown.len; i++) {
        if (((unsigned char)shown.text[i] & 0xc0) == 0x80)
            continue;
        cb_strbuf_addc(out, shown.text[i] == '\t' && mark == ' ' ? '\t' : mark);
    }
}

/* The line of marks ends where a terminal of 80 columns does: a long one is clear from
 * where it begins. */
static void add_caret(const struct cb_source *source, struct cb_span line,
                      struct cb_span shown, struct cb_span span, struct cb_strbuf *out)
{
    size_t begin = out->len;
    size_t start = span.start < shown.end ? span.start : shown.end;
    size_t end = span.end < shown.end ? span.end : shown.end;
    unsigned point;
    size_t first = cb_utf8_decode(source->text + start, shown.end - start, &point);

    cb_strbuf_adds(out, GUTTER " ");
    if (shown.start > line.start)
        cb_strbuf_adds(out, "   ");
    add_marks(out, source->text + shown.start, start - shown.start, ' ');
    cb_strbuf_addc(out, '^');
    start += first ? first : 1;
    if (end > start)
        add_marks(out, source->text + start, end - start, '~');
    while (out->len - begin > 80 && out->text[out->len - 1] == '~')
        cb_strbuf_truncate(out, out->len - 1);
    cb_strbuf_addc(out, '\n');
}

void cb_source_excerpt(const struct cb_source *source, struct cb_span span,
                       struct cb_strbuf *out)
{
    struct line first, last, line;

    source = cb_source_file(source, &span);
    if (source->len == 0)
        return;
    if (span.start > source->len)
        span.start = source->len;
    if (span.end > source->len)
        span.end = source->len;
    first = line_at(source, span.start);
    last = span.end > span.start ? line_at(source, span.end - 1) : first;
    line = line_above(source, first, LINES_ABOVE);
    for (; line.number <= last.number + LINES_BELOW; line = line_below(source, line)) {
        struct cb_span range = without_end(source, line);
        int is_first = line.number == first.number;
        int marked = line.number >= first.number && line.number <= last.number;
        struct cb_span shown = window(source, range, is_first ? span.start : range.start);

        if (line.number == first.number + MAX_MARKED_LINES && last.number > line.number) {
            cb_strbuf_adds(out, GUTTER " ...\n");
            line = last;
            continue;
        }
        add_line(source, line.number, range, shown, marked, out);
        if (is_first)
            add_caret(source, range, shown, span, out);
        if (line.end == source->len)
            return;
    }
}
