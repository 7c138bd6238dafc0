/* Physical lines → logical lines. A line that ends in the escape character goes on in the
 * next; comment and blank lines between are dropped, also inside a continuation. The
 * joined text keeps a list of pieces, so that every byte of it has a place in the source.
 * Reference: BuildKit parser.go (Parse, trimContinuationCharacter, processLine). */
#include "parser/parser-priv.h"

#include <string.h>

static const char byte_order_mark[] = "\xef\xbb\xbf";

static int bad_line(struct cb_parser *parser, size_t start, struct cb_error **err)
{
    return cb_error_at(err, parser->source, (struct cb_span){start, start});
}

int cb_parser_check_lines(struct cb_parser *parser, size_t start, struct cb_error **err)
{
    size_t count = 0;

    while (start < parser->len) {
        const char *end = memchr(parser->text + start, '\n', parser->len - start);
        size_t len = (end ? (size_t)(end - parser->text) : parser->len) - start;

        if (len > CB_MAX_LINE_BYTES) {
            cb_error_set(err, CB_ERR_SYNTAX,
                         "dockerfile line greater than max allowed size of %u",
                         CB_MAX_LINE_BYTES);
            return bad_line(parser, start, err);
        }
        if (++count > CB_MAX_LINES) {
            cb_error_set(err, CB_ERR_SYNTAX, "the Dockerfile has more than %u lines",
                         CB_MAX_LINES);
            return bad_line(parser, start, err);
        }
        start += len + 1;
    }
    return 0;
}

static int check_text(struct cb_parser *parser, struct cb_error **err)
{
    const char *zero;
    size_t at;

    if (parser->len > CB_DOCKERFILE_MAX_BYTES)
        return cb_error_set(
            err, CB_ERR_SYNTAX, "%s is larger than the %u MiB a Dockerfile may have",
            cb_source_name(parser->source), CB_DOCKERFILE_MAX_BYTES >> 20);
    zero = memchr(parser->text, '\0', parser->len);
    if (!zero)
        return cb_parser_check_lines(parser, 0, err);
    at = (size_t)(zero - parser->text);
    cb_error_set(err, CB_ERR_SYNTAX, "a Dockerfile cannot hold a NUL byte");
    cb_error_at(err, parser->source, (struct cb_span){at, at + 1});
    return cb_error_hint(err, "save the file as UTF-8");
}

int cb_parser_init(struct cb_parser *parser, struct cb_arena *arena,
                   struct cb_source *source, struct cb_error **err)
{
    memset(parser, 0, sizeof(*parser));
    parser->arena = arena;
    parser->source = source;
    parser->text = cb_source_text(source, &parser->len);
    parser->escape = '\\';
    parser->line = 1;
    parser->next_part = 1;
    if (check_text(parser, err) < 0)
        return -1;
    cb_parser_skip_mark(parser);
    return 0;
}

void cb_parser_skip_mark(struct cb_parser *parser)
{
    if (parser->len - parser->pos >= 3 &&
        memcmp(parser->text + parser->pos, byte_order_mark, 3) == 0)
        parser->pos += 3;
    cb_directive_skip_shebang(parser);
}

void cb_parser_free(struct cb_parser *parser)
{
    cb_strbuf_free(&parser->joined);
    cb_strbuf_free(&parser->comments);
    cb_vec_free(&parser->pieces);
    cb_vec_free(&parser->lints);
    cb_vec_free(&parser->frames);
    cb_vec_free(&parser->escapes);
    cb_error_free(parser->errors);
}

int cb_parser_keep_error(struct cb_parser *parser, struct cb_error **error)
{
    if (parser->error_count + 1 == CB_MAX_ERRORS)
        cb_error_hint_too(error, "after %u mistakes the rest is not looked at",
                          CB_MAX_ERRORS);
    if (parser->error_count < CB_MAX_ERRORS)
        cb_error_append(&parser->errors, cb_steal(error));
    return ++parser->error_count < CB_MAX_ERRORS;
}

void cb_parser_lint(struct cb_parser *parser, const char *rule, struct cb_span span,
                    const char *format, ...)
{
    struct cb_lint lint = {.rule = rule, .span = span};
    cb_autofree char *message = NULL;
    va_list args;

    va_start(args, format);
    message = xvasprintf(format, args);
    va_end(args);
    lint.message = cb_arena_strdup(parser->arena, message);
    cb_vec_push(&parser->lints, lint);
}

int cb_physical_line(const struct cb_parser *parser, struct cb_physical_line *line)
{
    const char *newline;

    if (parser->pos >= parser->len)
        return 0;
    newline = memchr(parser->text + parser->pos, '\n', parser->len - parser->pos);
    line->start = parser->pos;
    line->end = newline ? (size_t)(newline - parser->text) : parser->len;
    line->next = newline ? line->end + 1 : line->end;
    while (line->end > line->start && parser->text[line->end - 1] == '\r')
        line->end--;
    return 1;
}

static struct cb_range without_indent(const struct cb_parser *parser,
                                      const struct cb_physical_line *line)
{
    return cb_text_trim_left(parser->text, (struct cb_range){line->start, line->end});
}

/* Does RANGE of the source go on in the next line? Then it is cut before the escape
 * character, which must not be escaped itself. */
static int cut_continuation(const struct cb_parser *parser, struct cb_range *range)
{
    const char *text = parser->text;
    size_t end = range->end;

    while (end > range->start && (text[end - 1] == ' ' || text[end - 1] == '\t'))
        end--;
    if (end == range->start || text[end - 1] != parser->escape)
        return 0;
    end--;
    if (end > range->start && text[end - 1] == parser->escape)
        return 0;
    range->end = end;
    return 1;
}

static void join(struct cb_parser *parser, struct cb_range range)
{
    struct cb_piece piece = {(uint32_t)parser->joined.len, (uint32_t)range.start};

    if (range.start == range.end)
        return;
    cb_vec_push(&parser->pieces, piece);
    cb_strbuf_add(&parser->joined, parser->text + range.start, range.end - range.start);
}

static void drop_comments(struct cb_parser *parser)
{
    cb_strbuf_truncate(&parser->comments, 0);
    parser->check_comment = (struct cb_word){0};
}

/* A comment above an instruction describes it, or chooses its checks; a blank line or an
 * empty comment parts them. */
static void keep_comment(struct cb_parser *parser, struct cb_range range)
{
    struct cb_word check;

    if (cb_directive_check_comment(parser, range, &check)) {
        if (!parser->check_comment.text)
            parser->check_comment = check;
        return;
    }
    range.start++;
    range = cb_text_trim(parser->text, range);
    if (range.start == range.end) {
        drop_comments(parser);
        return;
    }
    if (parser->comments.len)
        cb_strbuf_addc(&parser->comments, '\n');
    cb_strbuf_add(&parser->comments, parser->text + range.start, range.end - range.start);
}

/* Moves to the next line that is neither blank, comment nor directive. */
static int skip_to_instruction(struct cb_parser *parser, struct cb_physical_line *line,
                               struct cb_range *range)
{
    while (cb_physical_line(parser, line)) {
        *range = without_indent(parser, line);
        parser->pos = line->next;
        if (cb_directive_take(parser, *line))
            continue;
        if (range->start == range->end)
            drop_comments(parser);
        else if (parser->text[range->start] == '#')
            keep_comment(parser, *range);
        else
            return 1;
    }
    return 0;
}

static void note_blank(struct cb_line *out, const struct cb_physical_line *line)
{
    if (out->has_blank)
        return;
    out->has_blank = 1;
    out->blank_span = (struct cb_span){line->start, line->end};
}

static void join_continuations(struct cb_parser *parser, struct cb_line *out)
{
    struct cb_physical_line line;
    int more = 1;

    while (more && cb_physical_line(parser, &line)) {
        struct cb_range range = without_indent(parser, &line);

        parser->pos = line.next;
        out->span.end = line.end;
        if (range.start == range.end) {
            note_blank(out, &line);
            continue;
        }
        if (parser->text[range.start] == '#')
            continue;
        range.start = line.start;
        more = cut_continuation(parser, &range);
        join(parser, range);
    }
}

int cb_logical_line(struct cb_parser *parser, struct cb_line *out)
{
    struct cb_physical_line line;
    struct cb_range range;

    drop_comments(parser);
    if (!skip_to_instruction(parser, &line, &range))
        return 0;
    memset(out, 0, sizeof(*out));
    cb_strbuf_truncate(&parser->joined, 0);
    parser->pieces.count = 0;
    out->span = (struct cb_span){range.start, line.end};
    if (cut_continuation(parser, &range)) {
        join(parser, range);
        join_continuations(parser, out);
    } else {
        join(parser, range);
    }
    out->text = cb_arena_strndup(parser->arena, cb_strbuf_text(&parser->joined),
                                 parser->joined.len);
    out->len = parser->joined.len;
    out->pieces = parser->pieces.items;
    out->piece_count = parser->pieces.count;
    if (parser->comments.len)
        out->comment = cb_arena_strdup(parser->arena, cb_strbuf_text(&parser->comments));
    out->check = parser->check_comment;
    return 1;
}

static size_t source_offset(const struct cb_line *line, size_t at)
{
    size_t low = 0, high = line->piece_count;

    if (high == 0)
        return line->span.start;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (line->pieces[middle].at <= at)
            low = middle;
        else
            high = middle;
    }
    return line->pieces[low].source_at + (at - line->pieces[low].at);
}

struct cb_span cb_line_span(const struct cb_line *line, struct cb_range range)
{
    struct cb_span span = {source_offset(line, range.start), 0};

    span.end =
        range.end > range.start ? source_offset(line, range.end - 1) + 1 : span.start;
    return span;
}
