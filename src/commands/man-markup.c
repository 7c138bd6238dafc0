/* What help says, as macros of mdoc(7). Whatever could be a macro or a delimiter there
 * gets \& in front. */
#include "commands/man.h"

#include <ctype.h>
#include <string.h>

static int is_value_char(char c)
{
    return isupper((unsigned char)c) || isdigit((unsigned char)c) || c == '_';
}

/* How many bytes at TEXT are the place of a value: SIZE, NEW_NAME. */
static size_t value_length(const char *text)
{
    size_t len = 0;

    if (!isupper((unsigned char)*text))
        return 0;
    while (is_value_char(text[len]))
        len++;
    return islower((unsigned char)text[len]) ? 0 : len;
}

static void add_lower(struct cb_strbuf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        cb_strbuf_addc(out, (char)tolower((unsigned char)text[i]));
}

static void add_escaped(struct cb_strbuf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\\')
            cb_strbuf_adds(out, "\\e");
        else if (text[i] == '"')
            cb_strbuf_adds(out, "\\(dq");
        else
            cb_strbuf_addc(out, text[i]);
    }
}

/* Brackets, bars and the like, or words as they are typed. */
static void add_literal(struct cb_strbuf *out, const char *text, size_t len)
{
    int has_word = 0;

    for (size_t i = 0; i < len; i++)
        has_word |= isalpha((unsigned char)text[i]);
    cb_strbuf_adds(out, has_word ? "Cm \\&" : "No \\&");
    add_escaped(out, text, len);
}

void cb_man_add_values(struct cb_strbuf *out, const char *text)
{
    int joined = 0;

    while (*text) {
        size_t len = value_length(text);

        if (*text == ' ') {
            text++;
            joined = 0;
            continue;
        }
        cb_strbuf_adds(out, joined ? " Ns " : " ");
        if (len) {
            cb_strbuf_adds(out, "Ar ");
            add_lower(out, text, len);
        } else {
            while (text[len] && text[len] != ' ' && !value_length(text + len))
                len++;
            add_literal(out, text, len);
        }
        joined = 1;
        text += len;
    }
}

/* ── Running text ── */

static void end_line(struct cb_strbuf *out)
{
    if (out->len && out->text[out->len - 1] != '\n')
        cb_strbuf_addc(out, '\n');
}

static int has_value(const char *values, const char *word, size_t len)
{
    for (const char *p = values; p && *p; p++) {
        size_t found = p == values || !is_value_char(p[-1]) ? value_length(p) : 0;

        if (found == len && memcmp(p, word, len) == 0)
            return 1;
    }
    return 0;
}

/* "(`x`,": a word with the punctuation around it. */
struct token {
    int opens; /* with a "(" */
    const char *core;
    size_t core_len;
    const char *end; /* of what is behind it, by END_LEN */
    size_t end_len;
};

/* `.Ar size ,`: MACRO for the token's core, in small letters or as it is. */
static void add_macro(struct cb_strbuf *out, const char *macro, const struct token *token,
                      int is_lower)
{
    cb_autofree char *text = xstrndup(token->core, token->core_len);

    for (char *p = text; is_lower && *p; p++)
        *p = (char)tolower((unsigned char)*p);
    end_line(out);
    cb_strbuf_addf(out, ".%s%s \"\\&", macro, token->opens ? " (" : "");
    add_escaped(out, text, token->core_len);
    cb_strbuf_addc(out, '"');
    for (size_t i = 0; i < token->end_len; i++)
        cb_strbuf_addf(out, " %c", token->end[i]);
    cb_strbuf_addc(out, '\n');
}

static void add_word(struct cb_strbuf *out, const char *word, size_t len)
{
    int begins = !out->len || out->text[out->len - 1] == '\n';
    size_t dashes = 0;

    if (begins && (*word == '.' || *word == '\''))
        cb_strbuf_adds(out, "\\&");
    else if (!begins)
        cb_strbuf_addc(out, ' ');
    for (; dashes < len && word[dashes] == '-'; dashes++)
        cb_strbuf_adds(out, "\\-");
    add_escaped(out, word + dashes, len - dashes);
    if (len > 1 && word[len - 1] == '.' && word[len - 2] != '.')
        cb_strbuf_addc(out, '\n');
}

/* One word of TEXT, or `several` in backquotes, with the punctuation around it. Returns
 * its end. */
static const char *add_next(struct cb_strbuf *out, const char *text, const char *values)
{
    const char *start = text + (*text == '(');
    const char *close = *start == '`' ? strchr(start + 1, '`') : NULL;
    struct token token = {.opens = start > text,
                          .core = close ? start + 1 : start,
                          .core_len =
                              close ? (size_t)(close - start - 1) : value_length(start)};
    size_t len = strcspn(text, " \n");
    int is_whole;

    token.end = close ? close + 1 : start + token.core_len;
    token.end_len = strspn(token.end, ".,;:)");
    is_whole = token.core_len &&
               (!token.end[token.end_len] || strchr(" \n", token.end[token.end_len]));
    if (is_whole && close) {
        add_macro(out, "Ql", &token, 0);
    } else if (is_whole && has_value(values, token.core, token.core_len)) {
        add_macro(out, "Ar", &token, 1);
    } else {
        add_word(out, text, len);
        return text + len;
    }
    return token.end + token.end_len;
}

static const char *add_display(struct cb_strbuf *out, const char *text)
{
    end_line(out);
    cb_strbuf_adds(out, ".Bd -literal -offset indent\n");
    while (text[0] == ' ' && text[1] == ' ') {
        size_t len = strcspn(text, "\n");

        cb_strbuf_adds(out, text[2] == '.' ? "\\&" : "");
        add_escaped(out, text + 2, len - 2);
        cb_strbuf_addc(out, '\n');
        text += len + (text[len] == '\n');
    }
    cb_strbuf_adds(out, ".Ed\n");
    return text;
}

void cb_man_add_text(struct cb_strbuf *out, const char *text, const char *values)
{
    while (*text) {
        if (*text == '\n') {
            end_line(out);
            cb_strbuf_adds(out, ".Pp\n");
            text++;
        } else if (text[0] == ' ' && text[1] == ' ') {
            text = add_display(out, text);
            continue;
        }
        while (*text && *text != '\n') {
            text = add_next(out, text, values);
            text += strspn(text, " ");
        }
        text += *text == '\n';
    }
    end_line(out);
}
