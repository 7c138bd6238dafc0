/* $name and ${name…}: defaults, alternatives, demands, trimming, replacing. The word of a
 * form is expanded before the variable is looked at, as in a shell's subset that BuildKit
 * implements. Reference: BuildKit shell/lex.go (processDollar). */
#include "parser/words-priv.h"

#include "base/utf8.h"

#include <ctype.h>
#include <string.h>

/* ${name OP …} while it is taken apart. */
struct form {
    const char *name;
    const char *operator; /* as written: ":-" */
    char kind;            /* its last character */
    int colon;
};

/* Beyond ASCII: letters of any script count, punctuation, symbols, spaces, marks and
 * private use do not. */
static int is_foreign_letter(unsigned point)
{
    static const struct {
        unsigned first, last;
    } others[] = {
        {0x80, 0xa9},     {0xab, 0xb4},     {0xb6, 0xb9},     {0xbb, 0xbf},
        {0xd7, 0xd7},     {0xf7, 0xf7},     {0x300, 0x36f},   {0x2000, 0x2bff},
        {0x3000, 0x3004}, {0x3007, 0x3030}, {0x3036, 0x303a}, {0x303d, 0x3040},
        {0xe000, 0xf8ff}, {0xfe00, 0xfe6f}, {0xfeff, 0xff0f}, {0xff1a, 0xff20},
        {0xff3b, 0xff40}, {0xff5b, 0xff65}, {0xffe0, 0xffff}, {0x1f000, 0x1faff},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(others); i++) {
        if (point >= others[i].first && point <= others[i].last)
            return 0;
    }
    return point < 0xe0000;
}

/* Width of the name character at the lexer's place, 0 if there is none. */
static size_t name_character(const struct cb_lexer *lexer)
{
    const char *at = lexer->text + lexer->pos;
    int c = cb_lexer_peek(lexer);
    unsigned point;
    size_t width;

    if (c < 0)
        return 0;
    if (c < 0x80)
        return isalnum(c) || c == '_';
    width = cb_utf8_decode(at, lexer->len - lexer->pos, &point);
    return width && is_foreign_letter(point) ? width : 0;
}

/* A name, a number or one special parameter; may be empty. Caller frees. */
static char *read_name(struct cb_lexer *lexer)
{
    size_t begin = lexer->pos, width;
    int c = cb_lexer_peek(lexer);

    if (c >= 0 && isdigit(c)) {
        while (cb_lexer_peek(lexer) >= 0 && isdigit(cb_lexer_peek(lexer)))
            lexer->pos++;
    } else if (c > 0 && strchr("@*#?-$!", c)) {
        lexer->pos++;
    } else {
        while ((width = name_character(lexer)))
            lexer->pos += width;
    }
    return xstrndup(lexer->text + begin, lexer->pos - begin);
}

static const char *get(struct cb_lexer *lexer, const char *name)
{
    const struct cb_scope_lookup *lookup = lexer->lookup;

    return lookup ? lookup->get(lookup->arg, name) : NULL;
}

/* For uses without a default. */
static const char *get_or_report(struct cb_lexer *lexer, const char *name)
{
    const struct cb_scope_lookup *lookup = lexer->lookup;
    const char *value = get(lexer, name);

    if (!value && lookup && lookup->undefined)
        lookup->undefined(lookup->arg, name);
    return value;
}

static void add(struct cb_lexer *lexer, struct cb_strbuf *out, const char *text)
{
    cb_lexer_add(lexer, out, text, strlen(text));
}

static int unsupported(const struct form *form, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_SYNTAX, "unsupported modifier (%s) in substitution",
                        form->operator);
}

static int missing_brace(struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_SYNTAX, "syntax error: missing '}'");
}

static int demand(struct cb_lexer *lexer, const struct form *form, const char *value,
                  const char *word, struct cb_error **err)
{
    cb_autofree char *shown = cb_text_short(word[0] ? word
                                            : value ? "is not allowed to be empty"
                                                    : "is not allowed to be unset");
    cb_autofree char *name = cb_text_short(form->name);

    if (lexer->lookup && lexer->lookup->demanded)
        *lexer->lookup->demanded = 1;
    return cb_error_set(err, CB_ERR_SYNTAX, "%s: %s", name, shown);
}

static int trim(struct cb_lexer *lexer, const struct form *form, const char *word,
                struct cb_strbuf *out, struct cb_error **err)
{
    const char *value = get_or_report(lexer, form->name);
    int longest = word[0] == form->kind;

    return cb_shell_pattern_trim(lexer, word + longest, value ? value : "",
                                 form->kind == '%', longest, out, err);
}

static int apply(struct cb_lexer *lexer, const struct form *form, const char *word,
                 struct cb_strbuf *out, struct cb_error **err)
{
    const char *value = get(lexer, form->name);
    int missing = !value || (form->colon && !value[0]);

    switch (form->kind) {
    case '-':
        add(lexer, out, missing ? word : value);
        return 0;
    case '+':
        add(lexer, out, missing ? "" : word);
        return 0;
    case '?':
        if (missing)
            return demand(lexer, form, value, word, err);
        add(lexer, out, value);
        return 0;
    case '#':
    case '%':
        return trim(lexer, form, word, out, err);
    default:
        return unsupported(form, err);
    }
}

/* Reads a part of a form up to STOP. An error at the end of the text is that STOP is
 * missing, whatever was noticed first. */
static int read_part(struct cb_lexer *lexer, int stop, int keep_escapes,
                     struct cb_strbuf *part, const char *missing, struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;

    if (cb_lexer_until(lexer, stop, keep_escapes, part, &error) == 0)
        return 0;
    if (cb_lexer_peek(lexer) < 0 && !lexer->exhausted)
        return cb_error_set(err, CB_ERR_SYNTAX, "%s", missing);
    return cb_error_move(err, &error);
}

/* Behind the operator. */
static int read_modified(struct cb_lexer *lexer, const struct form *form,
                         struct cb_strbuf *out, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) word = {0};
    int is_trim = form->kind == '#' || form->kind == '%';

    if (form->colon && is_trim)
        return unsupported(form, err);
    if (read_part(lexer, '}', is_trim, &word, "syntax error: missing '}'", err) < 0)
        return -1;
    if (lexer->keep_unset && !get(lexer, form->name)) {
        add(lexer, out, "${");
        add(lexer, out, form->name);
        add(lexer, out, form->operator);
        add(lexer, out, cb_strbuf_text(&word));
        add(lexer, out, "}");
        return 0;
    }
    return apply(lexer, form, cb_strbuf_text(&word), out, err);
}

/* Behind ${name/ */
static int read_replacement(struct cb_lexer *lexer, const char *name,
                            struct cb_strbuf *out, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) pattern = {0}, replacement = {0};
    int all = cb_lexer_peek(lexer) == '/';
    const char *value;

    lexer->pos += (size_t)all;
    if (read_part(lexer, '/', 1, &pattern, "syntax error: missing '/' in ${}", err) < 0 ||
        read_part(lexer, '}', 1, &replacement, "syntax error: missing '}'", err) < 0)
        return -1;
    if (lexer->keep_unset && !get(lexer, name)) {
        add(lexer, out, "${");
        add(lexer, out, name);
        add(lexer, out, "/");
        add(lexer, out, cb_strbuf_text(&pattern));
        add(lexer, out, "/");
        add(lexer, out, cb_strbuf_text(&replacement));
        add(lexer, out, "}");
        return 0;
    }
    value = get_or_report(lexer, name);
    return cb_shell_pattern_replace(lexer, cb_strbuf_text(&pattern), value ? value : "",
                                    cb_strbuf_text(&replacement), all, out, err);
}

static void add_value(struct cb_lexer *lexer, const char *name, int braces,
                      struct cb_strbuf *out)
{
    const char *value = get_or_report(lexer, name);

    if (value) {
        add(lexer, out, value);
    } else if (lexer->keep_unset) {
        add(lexer, out, braces ? "${" : "$");
        add(lexer, out, name);
        add(lexer, out, braces ? "}" : "");
    }
}

/* The operator behind the name: one character, or a colon and one. As much of it as is a
 * whole character goes to TEXT, which holds 6. */
static int read_operator(struct cb_lexer *lexer, struct form *form, char *text)
{
    size_t used = 0;
    unsigned point;

    form->colon = cb_lexer_peek(lexer) == ':';
    if (form->colon)
        text[used++] = lexer->text[lexer->pos++];
    if (cb_lexer_peek(lexer) < 0)
        return -1;
    form->kind = lexer->text[lexer->pos];
    for (size_t width =
             cb_utf8_decode(lexer->text + lexer->pos, lexer->len - lexer->pos, &point);
         width; width--)
        text[used++] = lexer->text[lexer->pos++];
    text[used] = '\0';
    form->operator= text;
    return 0;
}

/* Behind ${ */
static int read_braces(struct cb_lexer *lexer, struct cb_strbuf *out,
                       struct cb_error **err)
{
    int c = cb_lexer_peek(lexer);
    cb_autofree char *name = NULL;
    struct form form = {0};
    char operator[8];

    if (c < 0)
        return missing_brace(err);
    if (c == '{' || c == '}' || c == ':')
        return cb_error_set(err, CB_ERR_SYNTAX, "syntax error: bad substitution");
    form.name = name = read_name(lexer);
    if (read_operator(lexer, &form, operator) < 0)
        return missing_brace(err);
    if (!form.colon && form.kind == '}') {
        add_value(lexer, name, 1, out);
        return 0;
    }
    if (!form.colon && form.kind == '/')
        return read_replacement(lexer, name, out, err);
    if (!form.colon && !strchr("+-?#%", form.kind))
        return unsupported(&form, err);
    return read_modified(lexer, &form, out, err);
}

int cb_lexer_dollar(struct cb_lexer *lexer, struct cb_strbuf *out, struct cb_error **err)
{
    cb_autofree char *name = NULL;
    int status;

    lexer->pos++;
    if (cb_lexer_peek(lexer) != '{') {
        name = read_name(lexer);
        if (name[0])
            add_value(lexer, name, 0, out);
        else
            add(lexer, out, "$");
        return 0;
    }
    lexer->pos++;
    if (++lexer->depth > CB_WORD_MAX_DEPTH) {
        lexer->depth--;
        return cb_error_set(err, CB_ERR_SYNTAX, "substitutions nested deeper than %u",
                            CB_WORD_MAX_DEPTH);
    }
    status = read_braces(lexer, out, err);
    lexer->depth--;
    return status;
}
