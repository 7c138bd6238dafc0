/* Parser directives: `# name=value` lines at the very top. The first line that is none
 * ends them for good: a blank line, another comment, an unknown name, an instruction.
 * Reference: BuildKit parser/directives.go. */
#include "parser/parser-priv.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char *const names[] = {
    [CB_DIRECTIVE_SYNTAX] = "syntax",
    [CB_DIRECTIVE_ESCAPE] = "escape",
    [CB_DIRECTIVE_CHECK] = "check",
    [CB_DIRECTIVE_CBUILD] = "cbuild",
};

struct directive {
    enum cb_directive_kind kind;
    struct cb_range value;
};

static int is_pattern_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static size_t skip_space(const char *text, struct cb_range range)
{
    while (range.start < range.end && is_pattern_space(text[range.start]))
        range.start++;
    return range.start;
}

static int find_kind(const char *name, size_t len, enum cb_directive_kind *kind)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(names); i++) {
        if (strlen(names[i]) == len && strncasecmp(names[i], name, len) == 0) {
            *kind = (enum cb_directive_kind)i;
            return 1;
        }
    }
    return 0;
}

/* `name = value` with at least one byte of value, be it a space. */
static int match(const char *text, struct cb_range line, struct directive *out)
{
    size_t name, end;

    if (line.start == line.end || text[line.start] != '#')
        return 0;
    line.start++;
    line = cb_text_trim_left(text, line);
    name = end = line.start;
    if (end == line.end || !isalpha((unsigned char)text[end]))
        return 0;
    while (end < line.end && isalnum((unsigned char)text[end]))
        end++;
    if (!find_kind(text + name, end - name, &out->kind))
        return 0;
    line.start = skip_space(text, (struct cb_range){end, line.end});
    if (line.start == line.end || text[line.start] != '=' || line.start + 1 == line.end)
        return 0;
    line.start++;
    out->value.start = skip_space(text, line);
    if (out->value.start == line.end)
        out->value.start--;
    out->value.end = line.end;
    while (out->value.end > out->value.start + 1 &&
           is_pattern_space(text[out->value.end - 1]))
        out->value.end--;
    return 1;
}

static void fail(struct cb_parser *parser, struct cb_error **error, struct cb_range range)
{
    cb_error_at(error, parser->source, (struct cb_span){range.start, range.end});
    cb_parser_keep_error(parser, error);
    parser->directives_done = 1;
}

static struct cb_word word_of(struct cb_parser *parser, struct cb_range value)
{
    return (struct cb_word){
        .text = cb_arena_strndup(parser->arena, parser->text + value.start,
                                 value.end - value.start),
        .span = {value.start, value.end},
    };
}

static void set_escape(struct cb_parser *parser, struct cb_range value)
{
    char c = parser->text[value.start];
    cb_autofree char *text = NULL, *shown = NULL;
    cb_auto(cb_error) error = NULL;

    if (value.end - value.start == 1 && (c == '\\' || c == '`')) {
        parser->escape = c;
        parser->directives.escape_word = word_of(parser, value);
        return;
    }
    text = xstrndup(parser->text + value.start, value.end - value.start);
    shown = cb_text_short(text);
    cb_error_set(&error, CB_ERR_SYNTAX,
                 "invalid escape token '%s' does not match ` or \\", shown);
    fail(parser, &error, value);
}

static void set_dialect(struct cb_parser *parser, struct cb_range value)
{
    struct cb_word word = word_of(parser, value);
    cb_autofree char *shown = cb_text_short(word.text);
    cb_auto(cb_error) error = NULL;

    parser->directives.dialect = word;
    if (strcmp(word.text, "1") == 0)
        return;
    cb_error_set(&error, CB_ERR_SYNTAX, "unknown dialect `%s`: there is `# cbuild=1`",
                 shown);
    fail(parser, &error, value);
}

/* The options of a check are one word: what follows explains them. A blank behind a comma
 * or semicolon does not end them. */
static struct cb_word check_word(struct cb_parser *parser, struct cb_range value)
{
    const char *text = parser->text;

    for (size_t at = value.start + 1; at < value.end; at++) {
        if (is_pattern_space(text[at]) && !is_pattern_space(text[at - 1]) &&
            !strchr(",;=", text[at - 1]))
            value.end = at;
    }
    return word_of(parser, value);
}

int cb_directive_check_comment(struct cb_parser *parser, struct cb_range range,
                               struct cb_word *value)
{
    struct directive directive;

    if (!match(parser->text, range, &directive) || directive.kind != CB_DIRECTIVE_CHECK)
        return 0;
    *value = check_word(parser, directive.value);
    return 1;
}

static void apply(struct cb_parser *parser, const struct directive *directive)
{
    struct cb_range value = directive->value;
    const char *space;

    switch (directive->kind) {
    case CB_DIRECTIVE_SYNTAX:
        space = memchr(parser->text + value.start, ' ', value.end - value.start);
        if (space)
            value.end = (size_t)(space - parser->text);
        parser->directives.syntax = word_of(parser, value);
        break;
    case CB_DIRECTIVE_ESCAPE:
        set_escape(parser, value);
        break;
    case CB_DIRECTIVE_CHECK:
        parser->directives.check = check_word(parser, value);
        if (parser->frames.count)
            cb_parser_lint(parser, NULL, parser->directives.check.span,
                           "`# check=` at the top of an included file has no effect: it "
                           "counts in the file that is built, or right above an "
                           "instruction");
        break;
    case CB_DIRECTIVE_CBUILD:
        set_dialect(parser, value);
        break;
    }
}

int cb_directive_take(struct cb_parser *parser, struct cb_physical_line line)
{
    struct cb_range range = {line.start, line.end};
    struct directive directive;
    cb_auto(cb_error) error = NULL;

    if (parser->directives_done)
        return 0;
    range = cb_text_trim_left(parser->text, range);
    if (!match(parser->text, range, &directive)) {
        parser->directives_done = 1;
        return 0;
    }
    if (parser->directives_seen & 1u << directive.kind) {
        cb_error_set(&error, CB_ERR_SYNTAX, "only one %s parser directive can be used",
                     names[directive.kind]);
        fail(parser, &error, range);
        return 1;
    }
    parser->directives_seen |= 1u << directive.kind;
    apply(parser, &directive);
    return 1;
}

void cb_directive_skip_shebang(struct cb_parser *parser)
{
    size_t begin = parser->pos;
    struct cb_physical_line line;
    struct directive directive;

    if (parser->len - begin < 2 || memcmp(parser->text + begin, "#!", 2) != 0)
        return;
    cb_physical_line(parser, &line);
    parser->pos = line.next;
    while (cb_physical_line(parser, &line) &&
           match(parser->text, (struct cb_range){line.start, line.end}, &directive)) {
        const struct cb_word *word =
            directive.kind == CB_DIRECTIVE_SYNTAX  ? &parser->directives.syntax
            : directive.kind == CB_DIRECTIVE_CHECK ? &parser->directives.check
                                                   : &parser->directives.dialect;

        if (directive.kind != CB_DIRECTIVE_ESCAPE && !word->text)
            apply(parser, &directive);
        parser->pos = line.next;
    }
    parser->pos = begin;
}
