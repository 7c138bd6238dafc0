/* Patterns of ${v#p}, ${v%p}, ${v/p/r}: * and ?, neither matching a newline, no brackets.
 * As in BuildKit (lex.go, convertShellPatternToRegex) they become regular expressions,
 * and a suffix is the prefix of the text backwards. PCRE2's backtracking is paid from the
 * lexer's budget: a match begins with a small limit, doubled as long as it does not do.
 * How // is replaced is what Go's regexp does: in a replacement of all, $name means a
 * group of the pattern, of which there are none. */
#include "parser/words-priv.h"

#include <ctype.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define FIRST_LIMIT 4
#define STEP_COST   8           /* a step of PCRE2's, in the budget's */
#define HEAP_LIMIT  (16u << 10) /* KiB */

struct matcher {
    struct cb_lexer *lexer;
    pcre2_code *code;
    pcre2_match_context *limits;
    pcre2_match_data *match;
    const char *value;
    size_t len;
    int bytes; /* not all is UTF-8: each byte is a character */
};

static void matcher_free(struct matcher *matcher)
{
    pcre2_match_data_free(matcher->match);
    pcre2_match_context_free(matcher->limits);
    pcre2_code_free(matcher->code);
}
CB_AUTO_VALUE_DEFINE(matcher, matcher_free)

static void *get_memory(size_t size, void *arg)
{
    return xmalloc(size);
}

static void put_memory(void *memory, void *arg)
{
    free(memory);
}

/* Bytes of the first character of TEXT; one that is no UTF-8 counts for itself. */
static size_t width_at(const char *text, size_t len)
{
    unsigned point;
    size_t width = cb_utf8_decode(text, len, &point);

    return width ? width : 1;
}

static int is_utf8(const char *text)
{
    unsigned point;

    for (size_t len = strlen(text), width; len; text += width, len -= width) {
        width = cb_utf8_decode(text, len, &point);
        if (!width)
            return 0;
    }
    return 1;
}

static char *backwards(const char *text, int bytes)
{
    size_t len = strlen(text);
    char *out = xmalloc(len + 1);

    out[len] = '\0';
    for (size_t at = 0, width; at < len; at += width) {
        width = bytes ? 1 : width_at(text + at, len - at);
        memcpy(out + len - at - width, text + at, width);
    }
    return out;
}

static int invalid_escape(const char *pattern, size_t at, size_t len,
                          struct cb_error **err)
{
    cb_autofree char *shown = cb_text_short(pattern);
    size_t width = at < len ? width_at(pattern + at, len - at) : 0;

    return cb_error_set(err, CB_ERR_SYNTAX,
                        "invalid pattern (%s) in substitution: invalid escape '\\%.*s'",
                        shown, (int)width, pattern + at);
}

/* The expression of each character of PATTERN. */
static int translate(struct cb_strings *pieces, const char *pattern, int bytes,
                     int longest, struct cb_error **err)
{
    size_t len = strlen(pattern);

    for (size_t at = 0, width; at < len; at += width) {
        const char *c = pattern + at;

        width = 1;
        if (*c == '*') {
            cb_strings_add(pieces, longest ? ".*" : ".*?");
        } else if (*c == '?') {
            cb_strings_add(pieces, ".");
        } else if (*c == '\\' && (c[1] == '}' || c[1] == '/')) {
            continue;
        } else if (*c == '\\' && (c[1] == '\0' || !strchr("*?\\", c[1]))) {
            return invalid_escape(pattern, at + 1, len, err);
        } else if (*c == '\\') {
            width = 2;
            cb_strings_addf(pieces, "\\%c", c[1]);
        } else {
            width = bytes ? 1 : width_at(c, len - at);
            cb_strings_addf(pieces, "%s%.*s", ispunct((unsigned char)*c) ? "\\" : "",
                            (int)width, c);
        }
    }
    return 0;
}

static int compile_pieces(struct matcher *matcher, const struct cb_strings *pieces,
                          int from_the_end, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) text = {0};
    pcre2_general_context *memory =
        pcre2_general_context_create(get_memory, put_memory, NULL);
    pcre2_compile_context *context = pcre2_compile_context_create(memory);
    int code;
    size_t offset;

    for (size_t i = 0; i < pieces->count; i++)
        cb_strbuf_adds(&text, pieces->items[from_the_end ? pieces->count - 1 - i : i]);
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    /* Without possessive repeats each character a * has read in vain is a step. */
    matcher->code = pcre2_compile(
        (PCRE2_SPTR)cb_strbuf_text(&text), text.len,
        PCRE2_NO_AUTO_POSSESS | (matcher->bytes ? 0 : PCRE2_UTF | PCRE2_NO_UTF_CHECK),
        &code, &offset, context);
    matcher->limits = pcre2_match_context_create(memory);
    matcher->match = pcre2_match_data_create(1, memory);
    pcre2_compile_context_free(context);
    pcre2_general_context_free(memory);
    if (!matcher->code)
        return cb_error_set(err, CB_ERR_SYNTAX, "the pattern is too long");
    pcre2_set_heap_limit(matcher->limits, HEAP_LIMIT);
    return 0;
}

/* VALUE stays the caller's. */
static int compile(struct matcher *matcher, const char *pattern, const char *value,
                   int longest, int from_the_end, struct cb_error **err)
{
    cb_auto_value(cb_strings) pieces = {0};

    matcher->value = value;
    matcher->len = strlen(value);
    matcher->bytes = !is_utf8(pattern) || !is_utf8(value);
    if (translate(&pieces, pattern, matcher->bytes, longest, err) < 0)
        return -1;
    return compile_pieces(matcher, &pieces, from_the_end, err);
}

/* How many bytes match at FROM, -1 if none do. */
static long match_at(struct matcher *matcher, size_t from)
{
    struct cb_lexer *lexer = matcher->lexer;

    for (uint32_t limit = FIRST_LIMIT; !lexer->exhausted; limit *= 2) {
        int status;

        lexer->work += (size_t)limit * STEP_COST;
        if (lexer->work > lexer->max_work)
            break;
        pcre2_set_match_limit(matcher->limits, limit);
        status = pcre2_match(matcher->code, (PCRE2_SPTR)matcher->value, matcher->len,
                             from, PCRE2_ANCHORED | PCRE2_NO_UTF_CHECK, matcher->match,
                             matcher->limits);
        if (status >= 0)
            return (long)(pcre2_get_ovector_pointer(matcher->match)[1] - from);
        if (status == PCRE2_ERROR_NOMATCH)
            return -1;
        if (status != PCRE2_ERROR_MATCHLIMIT)
            break;
    }
    lexer->exhausted = 1;
    return -1;
}

int cb_shell_pattern_trim(struct cb_lexer *lexer, const char *pattern, const char *value,
                          int suffix, int longest, struct cb_strbuf *out,
                          struct cb_error **err)
{
    cb_auto_value(matcher) matcher = {.lexer = lexer};
    cb_autofree char *reversed = NULL;
    size_t cut = 0;
    long matched;

    if (compile(&matcher, pattern, value, longest, suffix, err) < 0)
        return -1;
    if (suffix)
        matcher.value = reversed = backwards(value, matcher.bytes);
    matched = match_at(&matcher, 0);
    if (matched > 0)
        cut = (size_t)matched;
    cb_lexer_add(lexer, out, suffix ? value : value + cut, matcher.len - cut);
    return lexer->exhausted ? cb_lexer_exhausted(err) : 0;
}

static size_t template_name_length(const char *text)
{
    size_t len = 0;

    while (isalnum((unsigned char)text[len]) || text[len] == '_')
        len++;
    return len;
}

/* As Go's Regexp.Expand for a pattern without groups: $0 is the match, $$ a dollar, any
 * other $name or ${name} nothing. */
static void add_template(struct cb_lexer *lexer, struct cb_strbuf *out,
                         const char *replacement, const char *match, size_t match_len)
{
    const char *dollar;

    while ((dollar = strchr(replacement, '$'))) {
        int braces = dollar[1] == '{';
        const char *name = dollar + 1 + braces;
        size_t len = template_name_length(name);

        cb_lexer_add(lexer, out, replacement, (size_t)(dollar - replacement));
        replacement = name + len + braces;
        if (dollar[1] == '$') {
            cb_lexer_add(lexer, out, dollar, 1);
            replacement = dollar + 2;
        } else if (len == 0 || (braces && name[len] != '}')) {
            cb_lexer_add(lexer, out, dollar, 1);
            replacement = dollar + 1;
        } else if (len == 1 && name[0] == '0') {
            cb_lexer_add(lexer, out, match, match_len);
        }
    }
    cb_lexer_add(lexer, out, replacement, strlen(replacement));
}

static size_t next_character(const struct matcher *matcher, size_t at)
{
    if (matcher->bytes || at == matcher->len)
        return at + 1;
    return at + width_at(matcher->value + at, matcher->len - at);
}

/* The leftmost match at or behind FROM: where, and how long. */
static int search(struct matcher *matcher, size_t from, size_t *at, size_t *length)
{
    for (size_t i = from; i <= matcher->len && !matcher->lexer->exhausted;
         i = next_character(matcher, i)) {
        long matched = match_at(matcher, i);

        if (matched >= 0) {
            *at = i;
            *length = (size_t)matched;
            return 1;
        }
    }
    return 0;
}

static void replace_all(struct matcher *matcher, const char *replacement,
                        struct cb_strbuf *out)
{
    struct cb_lexer *lexer = matcher->lexer;
    const char *value = matcher->value;
    size_t from = 0, done = 0, at, length;

    while (from <= matcher->len && search(matcher, from, &at, &length)) {
        cb_lexer_add(lexer, out, value + done, at - done);
        if (at + length > done || at == 0)
            add_template(lexer, out, replacement, value + at, length);
        done = at + length;
        from = done > from ? done : next_character(matcher, from);
    }
    cb_lexer_add(lexer, out, value + done, matcher->len - done);
}

static void replace_first(struct matcher *matcher, const char *replacement,
                          struct cb_strbuf *out)
{
    struct cb_lexer *lexer = matcher->lexer;
    const char *value = matcher->value;
    size_t at, length;

    if (!search(matcher, 0, &at, &length)) {
        cb_lexer_add(lexer, out, value, matcher->len);
        return;
    }
    cb_lexer_add(lexer, out, value, at);
    cb_lexer_add(lexer, out, replacement, strlen(replacement));
    cb_lexer_add(lexer, out, value + at + length, matcher->len - at - length);
}

int cb_shell_pattern_replace(struct cb_lexer *lexer, const char *pattern,
                             const char *value, const char *replacement, int all,
                             struct cb_strbuf *out, struct cb_error **err)
{
    cb_auto_value(matcher) matcher = {.lexer = lexer};

    if (compile(&matcher, pattern, value, 1, 0, err) < 0)
        return -1;
    if (all)
        replace_all(&matcher, replacement, out);
    else
        replace_first(&matcher, replacement, out);
    return lexer->exhausted ? cb_lexer_exhausted(err) : 0;
}
