/* A named text with an index of its lines, and the excerpt shown under an error:
 *
 *          3 | FROM scratch
 *     >    4 | COPY --from=bulder /out /bin/
 *            |             ^~~~~~
 *          5 | CMD x
 */
#include "base/source.h"

#include "base/utf8.h"
#include "base/vec.h"

#include <stdatomic.h>
#include <string.h>

#define LINES_ABOVE      2
#define LINES_BELOW      1
#define MAX_MARKED_LINES 12
#define MAX_LINE_BYTES   160
#define GUTTER           "       |"

struct cb_source {
    atomic_uint refs;
    char *name;
    char *text;
    size_t len;
    CB_VEC(size_t) lines; /* where each begins */
};

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
    cb_vec_push(&source->lines, 0);
    for (size_t i = 0; i + 1 < len; i++) {
        if (text[i] == '\n')
            cb_vec_push(&source->lines, i + 1);
    }
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
    free(source->name);
    free(source->text);
    cb_vec_free(&source->lines);
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

/* Index of the line that holds OFFSET; one past the end belongs to the last. */
static size_t line_of(const struct cb_source *source, size_t offset)
{
    size_t low = 0, high = source->lines.count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (source->lines.items[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void cb_source_position(const struct cb_source *source, size_t offset, unsigned *line,
                        unsigned *column)
{
    size_t index = line_of(source, offset);

    if (offset > source->len)
        offset = source->len;
    if (line)
        *line = (unsigned)index + 1;
    if (column)
        *column = (unsigned)(offset - source->lines.items[index]) + 1;
}

/* The range of line INDEX without its line end. */
static struct cb_span line_range(const struct cb_source *source, size_t index)
{
    struct cb_span range = {source->lines.items[index], source->len};

    if (index + 1 < source->lines.count)
        range.end = source->lines.items[index + 1];
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

static void add_line(const struct cb_source *source, size_t index, struct cb_span shown,
                     int marked, struct cb_strbuf *out)
{
    struct cb_span line = line_range(source, index);

    cb_strbuf_addf(out, "%c%5zu |", marked ? '>' : ' ', index + 1);
    if (shown.end > shown.start)
        cb_strbuf_addc(out, ' ');
    if (shown.start > line.start)
        cb_strbuf_adds(out, "...");
    cb_strbuf_add_escaped(out, source->text + shown.start, shown.end - shown.start, 1);
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

static void add_caret(const struct cb_source *source, struct cb_span line,
                      struct cb_span shown, struct cb_span span, struct cb_strbuf *out)
{
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
    cb_strbuf_addc(out, '\n');
}

void cb_source_excerpt(const struct cb_source *source, struct cb_span span,
                       struct cb_strbuf *out)
{
    size_t first, last, begin, end;

    if (source->len == 0)
        return;
    if (span.start > source->len)
        span.start = source->len;
    if (span.end > source->len)
        span.end = source->len;
    first = line_of(source, span.start);
    last = span.end > span.start ? line_of(source, span.end - 1) : first;
    begin = first > LINES_ABOVE ? first - LINES_ABOVE : 0;
    end = last + LINES_BELOW < source->lines.count ? last + LINES_BELOW
                                                   : source->lines.count - 1;
    for (size_t i = begin; i <= end; i++) {
        struct cb_span line = line_range(source, i);
        struct cb_span shown = window(source, line, i == first ? span.start : line.start);

        if (i == first + MAX_MARKED_LINES && last > i) {
            cb_strbuf_adds(out, GUTTER " ...\n");
            i = last;
            continue;
        }
        add_line(source, i, shown, i >= first && i <= last, out);
        if (i == first)
            add_caret(source, line, shown, span, out);
    }
}
