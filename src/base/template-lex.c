/* An action's tokens, as Go's text/template/parse makes them. */
#include "base/template-priv.h"

#include "base/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lexer {
    struct cb_arena *arena;
    const char *text;
    size_t at, end;
    struct cb_tmpl_tokens *tokens;
};

int cb_tmpl_syntax_error(const char *text, size_t at, struct cb_error **err,
                         const char *format, ...)
{
    cb_autofree char *message = NULL;
    size_t line = 1;
    va_list args;

    for (size_t i = 0; i < at && text[i]; i++)
        line += text[i] == '\n';
    va_start(args, format);
    message = xvasprintf(format, args);
    va_end(args);
    return cb_error_set(err, CB_ERR_USAGE, "template parsing error: template: :%zu: %s",
                        line, message);
}

static int is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static struct cb_tmpl_token *add(struct lexer *lexer, enum cb_tmpl_token_kind kind,
                                 size_t from)
{
    struct cb_tmpl_token token = {.kind = kind, .at = from};
    char before = from ? lexer->text[from - 1] : ' ';

    token.space_before = isspace((unsigned char)before) != 0;
    cb_vec_push(lexer->tokens, token);
    return &lexer->tokens->items[lexer->tokens->count - 1];
}

/* The word from FROM on, as the token's text; moves on. */
static void take_word(struct lexer *lexer, struct cb_tmpl_token *token, size_t from)
{
    size_t to = from;

    while (to < lexer->end && is_word(lexer->text[to]))
        to++;
    token->text = cb_arena_strndup(lexer->arena, lexer->text + from, to - from);
    token->len = to - from;
    lexer->at = to;
}

/* ── Strings and characters (Go spec, "Rune literals") ── */

static void add_point(struct cb_strbuf *out, unsigned point)
{
    char text[5];

    cb_strbuf_add(out, text, cb_utf8_encode(point, text));
}

/* DIGITS digits of BASE at P; -1 if they are none. */
static long digits(const char *p, const char *end, int count, int base)
{
    char copy[9] = {0};
    char *stop;
    long value;

    if (end - p < count)
        return -1;
    memcpy(copy, p, (size_t)count);
    for (int i = 0; i < count; i++)
        if (!isxdigit((unsigned char)copy[i]))
            return -1;
    value = strtol(copy, &stop, base);
    return *stop ? -1 : value;
}

/* The escape behind the backslash at P; how many bytes it has, 0 if it is none. */
static size_t unescape(const char *p, const char *end, struct cb_strbuf *out)
{
    static const char plain[] = "abfnrtv\\'\"", values[] = "\a\b\f\n\r\t\v\\'\"";
    const char *known = p < end ? strchr(plain, *p) : NULL;
    int count = 0;
    long value;

    if (p >= end || !*p)
        return 0;
    if (known) {
        cb_strbuf_addc(out, values[known - plain]);
        return 1;
    }
    if (*p >= '0' && *p <= '7') {
        value = digits(p, end, 3, 8);
        if (value < 0 || value > 255)
            return 0;
        cb_strbuf_addc(out, (char)value);
        return 3;
    }
    count = *p == 'x' ? 2 : *p == 'u' ? 4 : *p == 'U' ? 8 : 0;
    value = count ? digits(p + 1, end, count, 16) : -1;
    if (value < 0 || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return 0;
    if (count == 2)
        cb_strbuf_addc(out, (char)value);
    else
        add_point(out, (unsigned)value);
    return (size_t)count + 1;
}

/* From the quote at lexer->at to the next one of its kind. */
static int take_quoted(struct lexer *lexer, struct cb_strbuf *out, struct cb_error **err)
{
    char quote = lexer->text[lexer->at];
    size_t from = lexer->at++;

    for (; lexer->at < lexer->end; lexer->at++) {
        char c = lexer->text[lexer->at];
        size_t used;

        if (c == quote) {
            lexer->at++;
            return 0;
        }
        if (c == '\n' && quote != '`')
            break;
        if (c != '\\' || quote == '`') {
            cb_strbuf_addc(out, c);
            continue;
        }
        used = unescape(lexer->text + lexer->at + 1, lexer->text + lexer->end, out);
        if (!used)
            return cb_tmpl_syntax_error(lexer->text, from, err, "invalid syntax");
        lexer->at += used;
    }
    return cb_tmpl_syntax_error(lexer->text, from, err,
                                quote == '`'    ? "unterminated raw quoted string"
                                : quote == '\'' ? "unterminated character constant"
                                                : "unterminated quoted string");
}

static int take_string(struct lexer *lexer, struct cb_error **err)
{
    char *text;
    cb_auto_value(cb_strbuf) value = {0};
    struct cb_tmpl_token *token = add(lexer, CB_TMPL_STRING, lexer->at);

    if (take_quoted(lexer, &value, err) < 0)
        return -1;
    token->len = value.len;
    text = cb_arena_alloc(lexer->arena, value.len + 1); /* it may hold zeros */
    memcpy(text, cb_strbuf_text(&value), value.len);
    text[value.len] = '\0';
    token->text = text;
    return 0;
}

/* A character is a number. */
static int take_character(struct lexer *lexer, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) value = {0};
    struct cb_tmpl_token *token = add(lexer, CB_TMPL_INTEGER, lexer->at);
    const unsigned char *p;

    if (take_quoted(lexer, &value, err) < 0)
        return -1;
    p = (const unsigned char *)cb_strbuf_text(&value);
    if (value.len == 1 && p[0] < 0x80)
        token->integer = p[0];
    else if (value.len == 2 && p[0] >= 0xc0 && p[0] < 0xe0)
        token->integer = (p[0] & 0x1f) << 6 | (p[1] & 0x3f);
    else if (value.len == 3 && p[0] >= 0xe0 && p[0] < 0xf0)
        token->integer = (p[0] & 0xf) << 12 | (p[1] & 0x3f) << 6 | (p[2] & 0x3f);
    else if (value.len == 4 && p[0] >= 0xf0)
        token->integer =
            (p[0] & 7) << 18 | (p[1] & 0x3f) << 12 | (p[2] & 0x3f) << 6 | (p[3] & 0x3f);
    else
        return cb_tmpl_syntax_error(
            lexer->text, token->at, err, "malformed character constant: %.*s",
            (int)(lexer->at - token->at), lexer->text + token->at);
    return 0;
}

/* ── Numbers ── */

static int take_number(struct lexer *lexer, struct cb_error **err)
{
    size_t from = lexer->at, to = from;
    struct cb_tmpl_token *token = add(lexer, CB_TMPL_INTEGER, from);
    char copy[64];
    size_t len = 0;
    char *stop;
    int sign;

    if (lexer->text[to] == '+' || lexer->text[to] == '-')
        to++;
    sign = to > from;
    while (to < lexer->end && (is_word(lexer->text[to]) || lexer->text[to] == '.' ||
                               ((lexer->text[to] == '+' || lexer->text[to] == '-') &&
                                strchr("eEpP", lexer->text[to - 1]))))
        to++;
    for (size_t i = from; i < to && len < sizeof(copy) - 1; i++)
        if (lexer->text[i] != '_')
            copy[len++] = lexer->text[i];
    copy[len] = '\0';
    lexer->at = to;
    errno = 0;
    if (copy[sign] == '0' && strchr("oO", copy[sign + 1]) && copy[sign + 1])
        memmove(copy + sign + 1, copy + sign + 2, len - (size_t)sign - 1);
    if (copy[sign] == '0' && (copy[sign + 1] == 'b' || copy[sign + 1] == 'B')) {
        token->integer = (json_int_t)strtoll(copy + sign + 2, &stop, 2);
        if (copy[0] == '-')
            token->integer = -token->integer;
    } else {
        token->integer = strtoll(copy, &stop, 0);
    }
    if (len && !*stop && !errno)
        return 0;
    token->kind = CB_TMPL_REAL;
    errno = 0;
    token->real = strtod(copy, &stop);
    if (!len || *stop || errno || !(token->real - token->real == 0))
        return cb_tmpl_syntax_error(lexer->text, from, err, "bad number syntax: \"%.*s\"",
                                    (int)(to - from > 60 ? 60 : to - from),
                                    lexer->text + from);
    return 0;
}

/* ── All ── */

static int take_mark(struct lexer *lexer, struct cb_error **err)
{
    static const struct {
        const char *text;
        enum cb_tmpl_token_kind kind;
    } marks[] = {{":=", CB_TMPL_DECLARE}, {"=", CB_TMPL_ASSIGN}, {"|", CB_TMPL_PIPE},
                 {"(", CB_TMPL_OPEN},     {")", CB_TMPL_CLOSE},  {",", CB_TMPL_COMMA}};
    const char *p = lexer->text + lexer->at;

    for (size_t i = 0; i < CB_ARRAY_SIZE(marks); i++) {
        size_t len = strlen(marks[i].text);

        if (lexer->end - lexer->at >= len && memcmp(p, marks[i].text, len) == 0) {
            add(lexer, marks[i].kind, lexer->at);
            lexer->at += len;
            return 0;
        }
    }
    return cb_tmpl_syntax_error(lexer->text, lexer->at, err,
                                isprint((unsigned char)*p)
                                    ? "unexpected \"%c\" in command"
                                    : "unrecognized character \\x%02x in action",
                                (unsigned char)*p);
}

static int take_token(struct lexer *lexer, struct cb_error **err)
{
    char c = lexer->text[lexer->at];
    char next = lexer->at + 1 < lexer->end ? lexer->text[lexer->at + 1] : '\0';

    if (c == '"' || c == '`')
        return take_string(lexer, err);
    if (c == '\'')
        return take_character(lexer, err);
    if (isdigit((unsigned char)c) || (c == '.' && isdigit((unsigned char)next)) ||
        ((c == '+' || c == '-') && (isdigit((unsigned char)next) || next == '.')))
        return take_number(lexer, err);
    if (c == '.' && is_word(next)) {
        take_word(lexer, add(lexer, CB_TMPL_FIELD, lexer->at), lexer->at + 1);
    } else if (c == '.') {
        add(lexer, CB_TMPL_DOT, lexer->at++);
    } else if (c == '$') {
        take_word(lexer, add(lexer, CB_TMPL_VARIABLE, lexer->at), lexer->at + 1);
    } else if (is_word(c)) {
        take_word(lexer, add(lexer, CB_TMPL_IDENT, lexer->at), lexer->at);
    } else {
        return take_mark(lexer, err);
    }
    return 0;
}

int cb_tmpl_lex(struct cb_arena *arena, const char *text, size_t at, size_t end,
                struct cb_tmpl_tokens *tokens, struct cb_error **err)
{
    struct lexer lexer = {
        .arena = arena, .text = text, .at = at, .end = end, .tokens = tokens};

    while (lexer.at < lexer.end) {
        if (isspace((unsigned char)text[lexer.at]))
            lexer.at++;
        else if (take_token(&lexer, err) < 0)
            return -1;
    }
    add(&lexer, CB_TMPL_END, end);
    return 0;
}
