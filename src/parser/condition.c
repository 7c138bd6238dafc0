/* The expression of --if: words that are compared or taken for themselves, joined by !,
 * && and ||, with parentheses. It is taken apart before anything is expanded, so that no
 * value can change what it says.
 *
 *     or         := and { "||" and }
 *     and        := term { "&&" term }
 *     term       := { "!" } ( "(" or ")" | WORD [ ( "=" | "==" | "!=" ) WORD ] )
 *
 * Parentheses nest to a limited depth; all else is read in a loop and kept in lists, so
 * that no expression costs more stack than that. */
#include "parser/parser-priv.h"

#include <string.h>
#include <strings.h>

#define MAX_DEPTH 32u

enum token { END, WORD, EQUAL, UNEQUAL, NOT, AND, OR, OPEN, CLOSE };

static const struct sign {
    const char *text;
    enum token token;
} signs[] = {
    {"==", EQUAL}, {"=", EQUAL}, {"!=", UNEQUAL}, {"!", NOT},
    {"&&", AND},   {"||", OR},   {"(", OPEN},     {")", CLOSE},
};

struct reader {
    struct cb_parser *parser;
    const char *text;
    size_t len, pos;
    struct cb_span span; /* of the text in the source */
    size_t start;        /* the text as it is written there, if it is plain */
    int is_plain;
    unsigned depth;

    enum token token; /* at hand, */
    struct cb_range range;
};

/* ── Words ── */

/* Quotes and continuations may hide where in the source the parts of the text are. */
static void find_text(struct reader *reader)
{
    size_t size = 0, start = reader->span.start;
    const char *text = cb_source_text(reader->parser->source, &size);

    if (reader->span.end - start == reader->len + 2 && strchr("'\"", text[start]))
        start++;
    reader->start = start;
    reader->is_plain = size - start >= reader->len &&
                       memcmp(text + start, reader->text, reader->len) == 0;
}

static struct cb_span span_of(const struct reader *reader, struct cb_range range)
{
    if (!reader->is_plain)
        return reader->span;
    return (struct cb_span){reader->start + range.start, reader->start + range.end};
}

static int fail(const struct reader *reader, struct cb_range range, struct cb_error **err)
{
    return cb_error_at(err, reader->parser->source, span_of(reader, range));
}

static const struct sign *sign_at(const struct reader *reader, size_t at)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(signs); i++) {
        size_t len = strlen(signs[i].text);

        if (reader->len - at >= len && !memcmp(reader->text + at, signs[i].text, len))
            return &signs[i];
    }
    return NULL;
}

/* A ! inside a word is a part of it, but not before =. */
static int ends_word(const struct reader *reader, size_t at)
{
    const struct sign *found = sign_at(reader, at);

    return cb_text_is_blank(reader->text[at]) || strchr("&|<>", reader->text[at]) ||
           (found && found->token != NOT);
}

/* Behind the word that begins at START; quotes and ${…} hold together what is in them. */
static int read_word(const struct reader *reader, size_t start, size_t *end,
                     struct cb_error **err)
{
    const char *text = reader->text;
    size_t at, braces = 0;
    char quote = '\0';

    for (at = start; at < reader->len; at++) {
        if (text[at] == reader->parser->escape && quote != '\'' && at + 1 < reader->len)
            at++;
        else if (quote)
            quote = text[at] == quote ? '\0' : quote;
        else if (text[at] == '\'' || text[at] == '"')
            quote = text[at];
        else if (text[at] == '$' && text[at + 1] == '{')
            braces++;
        else if (braces)
            braces -= text[at] == '}';
        else if (ends_word(reader, at))
            break;
    }
    *end = at;
    if (!quote && !braces)
        return 0;
    if (quote)
        cb_error_set(err, CB_ERR_SYNTAX, "--if: the quote %c is not closed", quote);
    else
        cb_error_set(err, CB_ERR_SYNTAX, "--if: a ${ is not closed");
    if (!quote)
        cb_error_hint(err, "an expression with blanks is quoted as a whole");
    return fail(reader, (struct cb_range){start, at}, err);
}

/* ── Tokens ── */

static int refuse_character(const struct reader *reader, struct cb_error **err)
{
    struct cb_range range = {reader->pos, reader->pos + 1};
    char c = reader->text[reader->pos];

    cb_error_set(err, CB_ERR_SYNTAX, "--if: `%c` is no operator", c);
    if (c == '&' || c == '|')
        cb_error_hint(err, "did you mean `%c%c`?", c, c);
    else
        cb_error_hint(err, "there are = != ! && || and parentheses; text is quoted");
    return fail(reader, range, err);
}

static int next(struct reader *reader, struct cb_error **err)
{
    const struct sign *found;

    while (reader->pos < reader->len && cb_text_is_blank(reader->text[reader->pos]))
        reader->pos++;
    reader->range = (struct cb_range){reader->pos, reader->pos};
    reader->token = END;
    if (reader->pos == reader->len)
        return 0;
    found = sign_at(reader, reader->pos);
    if (!found && strchr("&|<>", reader->text[reader->pos]))
        return refuse_character(reader, err);
    reader->token = found ? found->token : WORD;
    if (found)
        reader->range.end += strlen(found->text);
    else if (read_word(reader, reader->pos, &reader->range.end, err) < 0)
        return -1;
    reader->pos = reader->range.end;
    return 0;
}

/* WANTED is missing where the reader is. */
static int expected(const struct reader *reader, const char *wanted,
                    struct cb_error **err)
{
    struct cb_range range = reader->range;
    cb_autofree char *found =
        xstrndup(reader->text + range.start, range.end - range.start);
    cb_autofree char *shown = cb_text_short(found);

    if (reader->token == END)
        cb_error_set(err, CB_ERR_SYNTAX, "--if: %s is missing at the end", wanted);
    else
        cb_error_set(err, CB_ERR_SYNTAX, "--if: %s is missing before `%s`", wanted,
                     shown);
    if (reader->token == WORD)
        cb_error_hint(err, "text with blanks is quoted");
    return fail(reader, range, err);
}

/* Behind what could be the end. */
static int unexpected(const struct reader *reader, struct cb_error **err)
{
    struct cb_range range = reader->range;

    if (reader->token == WORD || reader->token == OPEN || reader->token == NOT)
        return expected(reader, "an operator", err);
    cb_error_set(err, CB_ERR_SYNTAX, "--if: `%.*s` is not expected here",
                 (int)(range.end - range.start), reader->text + range.start);
    return fail(reader, range, err);
}

/* ── Grammar ── */

static int read_or(struct reader *reader, struct cb_condition *out,
                   struct cb_error **err);

/* Parts are counted as the words of instructions are. */
static int new_part(struct reader *reader, struct cb_condition **out,
                    struct cb_error **err)
{
    if (++reader->parser->word_count > CB_MAX_WORDS) {
        cb_error_set(err, CB_ERR_SYNTAX, "the Dockerfile has more than %u arguments",
                     CB_MAX_WORDS);
        return fail(reader, reader->range, err);
    }
    *out = cb_arena_new_of(reader->parser->arena, struct cb_condition);
    return 0;
}

static int take_word(struct reader *reader, struct cb_word *out, struct cb_error **err)
{
    struct cb_range range = reader->range;

    if (reader->token != WORD)
        return expected(reader, "a word", err);
    out->text = cb_arena_strndup(reader->parser->arena, reader->text + range.start,
                                 range.end - range.start);
    out->span = span_of(reader, range);
    return next(reader, err);
}

static int read_comparison(struct reader *reader, struct cb_condition *out,
                           struct cb_error **err)
{
    out->kind = CB_CONDITION_WORD;
    if (take_word(reader, &out->left, err) < 0)
        return -1;
    if (reader->token != EQUAL && reader->token != UNEQUAL)
        return 0;
    out->kind = CB_CONDITION_EQUAL;
    out->negated ^= reader->token == UNEQUAL;
    if (next(reader, err) < 0)
        return -1;
    return take_word(reader, &out->right, err);
}

static int read_parentheses(struct reader *reader, struct cb_condition *out,
                            struct cb_error **err)
{
    struct cb_condition *inner = NULL;

    if (++reader->depth > MAX_DEPTH) {
        cb_error_set(err, CB_ERR_SYNTAX, "--if: parentheses are nested more than %u deep",
                     MAX_DEPTH);
        return fail(reader, reader->range, err);
    }
    out->kind = CB_CONDITION_ALL;
    if (new_part(reader, &inner, err) < 0)
        return -1;
    out->first = inner;
    if (next(reader, err) < 0 || read_or(reader, inner, err) < 0)
        return -1;
    if (reader->token != CLOSE)
        return expected(reader, "`)`", err);
    reader->depth--;
    return next(reader, err);
}

static int read_term(struct reader *reader, struct cb_condition *out,
                     struct cb_error **err)
{
    while (reader->token == NOT) {
        out->negated ^= 1;
        if (next(reader, err) < 0)
            return -1;
    }
    if (reader->token == OPEN)
        return read_parentheses(reader, out, err);
    return read_comparison(reader, out, err);
}

/* One or more parts that READ reads, with JOINT between them. */
static int read_list(struct reader *reader, struct cb_condition *out,
                     enum cb_condition_kind kind, enum token joint,
                     int (*read)(struct reader *, struct cb_condition *,
                                 struct cb_error **),
                     struct cb_error **err)
{
    const struct cb_condition **tail = &out->first;

    out->kind = kind;
    for (;;) {
        struct cb_condition *part = NULL;

        if (new_part(reader, &part, err) < 0)
            return -1;
        *tail = part;
        tail = &part->next;
        if (read(reader, part, err) < 0)
            return -1;
        if (reader->token != joint)
            return 0;
        if (next(reader, err) < 0)
            return -1;
    }
}

static int read_and(struct reader *reader, struct cb_condition *out,
                    struct cb_error **err)
{
    return read_list(reader, out, CB_CONDITION_ALL, AND, read_term, err);
}

static int read_or(struct reader *reader, struct cb_condition *out, struct cb_error **err)
{
    return read_list(reader, out, CB_CONDITION_ANY, OR, read_and, err);
}

int cb_condition_parse(const struct cb_condition **out, struct cb_parser *parser,
                       const struct cb_word *text, struct cb_error **err)
{
    struct cb_condition *condition = cb_arena_new_of(parser->arena, struct cb_condition);
    struct reader reader = {.parser = parser,
                            .text = text->text,
                            .len = strlen(text->text),
                            .span = text->span};

    find_text(&reader);
    if (next(&reader, err) < 0 || read_or(&reader, condition, err) < 0)
        return -1;
    if (reader.token != END)
        return unexpected(&reader, err);
    *out = condition;
    return 0;
}

const struct cb_condition *cb_condition_both(struct cb_arena *arena,
                                             const struct cb_condition *one,
                                             const struct cb_condition *other)
{
    struct cb_condition *parts;

    if (!one || !other)
        return one ? one : other;
    parts = cb_arena_alloc(arena, 3 * sizeof(*parts));
    parts[1] = *one;
    parts[2] = *other;
    parts[1].next = &parts[2];
    parts[2].next = NULL;
    parts[0] = (struct cb_condition){.kind = CB_CONDITION_ALL, .first = &parts[1]};
    return parts;
}

/* ── Values ── */

static int is_true(const char *value)
{
    return *value && strcmp(value, "0") != 0 && strcasecmp(value, "false") != 0;
}

static int holds(const struct cb_condition *condition, cb_condition_expand *expand,
                 void *arg, struct cb_error **err)
{
    cb_autofree char *left = NULL, *right = NULL;

    if (expand(arg, &condition->left, &left, err) < 0)
        return -1;
    if (condition->kind == CB_CONDITION_WORD)
        return is_true(left);
    if (expand(arg, &condition->right, &right, err) < 0)
        return -1;
    return strcmp(left, right) == 0;
}

int cb_condition_holds(const struct cb_condition *condition, cb_condition_expand *expand,
                       void *arg, struct cb_error **err)
{
    const struct cb_condition *part;
    int is_any = condition->kind == CB_CONDITION_ANY;
    int value;

    if (!is_any && condition->kind != CB_CONDITION_ALL) {
        value = holds(condition, expand, arg, err);
        return value < 0 ? -1 : value ^ condition->negated;
    }
    for (part = condition->first, value = !is_any; part && value != is_any;
         part = part->next) {
        value = cb_condition_holds(part, expand, arg, err);
        if (value < 0)
            return -1;
    }
    return value ^ condition->negated;
}
