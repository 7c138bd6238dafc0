/* Patterns of ${v#p}, ${v%p}, ${v/p/r}: * and ?, neither matching a newline, no brackets.
 * Simulated as an automaton, character by character, so that the cost is at most the
 * product of the lengths, and paid from the lexer's budget. What is matched, and how //
 * is replaced, is what BuildKit gets from Go's regexp (lex.go,
 * convertShellPatternToRegex): in a replacement of all, $name means a group of the
 * pattern, of which there are none. */
#include "parser/words-priv.h"

#include "base/utf8.h"

#include <ctype.h>
#include <string.h>

#define STAR         -1
#define ANY          -2
#define FOREIGN_BASE 0x110000 /* bytes that are no UTF-8 */

struct points {
    int *items;
    size_t count;
};

static void points_free(struct points *points)
{
    free(points->items);
}
CB_AUTO_VALUE_DEFINE(points, points_free)

struct matcher {
    struct cb_lexer *lexer;
    int *tokens;
    size_t count;
    size_t *now, *next; /* active states */
    size_t now_count, next_count;
    size_t *mark; /* generation in which a state was added */
    size_t generation;
};

static void matcher_free(struct matcher *matcher)
{
    free(matcher->tokens);
    free(matcher->now);
    free(matcher->next);
    free(matcher->mark);
}
CB_AUTO_VALUE_DEFINE(matcher, matcher_free)

static int decode(const char *text, size_t len, size_t *width)
{
    unsigned point;

    *width = cb_utf8_decode(text, len, &point);
    if (*width)
        return (int)point;
    *width = 1;
    return FOREIGN_BASE + (unsigned char)text[0];
}

static struct points decode_all(const char *text)
{
    size_t len = strlen(text);
    struct points points = {xmalloc((len + 1) * sizeof(int)), 0};

    for (size_t at = 0, width; at < len; at += width)
        points.items[points.count++] = decode(text + at, len - at, &width);
    return points;
}

static size_t width_of(int point)
{
    if (point >= FOREIGN_BASE || point < 0x80)
        return 1;
    return point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

static int invalid_escape(const char *pattern, size_t at, size_t len,
                          struct cb_error **err)
{
    cb_autofree char *shown = cb_text_short(pattern);
    size_t width = 0;

    if (at < len)
        decode(pattern + at, len - at, &width);
    return cb_error_set(err, CB_ERR_SYNTAX,
                        "invalid pattern (%s) in substitution: invalid escape '\\%.*s'",
                        shown, (int)width, pattern + at);
}

static int compile_tokens(struct matcher *matcher, const char *pattern,
                          struct cb_error **err)
{
    size_t len = strlen(pattern);

    for (size_t at = 0, width; at < len; at += width) {
        char c = pattern[at];

        width = 1;
        if (c == '\\' && (pattern[at + 1] == '}' || pattern[at + 1] == '/'))
            continue;
        if (c == '\\' && (pattern[at + 1] == '\0' || !strchr("*?\\", pattern[at + 1])))
            return invalid_escape(pattern, at + 1, len, err);
        if (c == '\\')
            matcher->tokens[matcher->count++] = pattern[++at];
        else if (c == '*')
            matcher->tokens[matcher->count++] = STAR;
        else if (c == '?')
            matcher->tokens[matcher->count++] = ANY;
        else
            matcher->tokens[matcher->count++] = decode(pattern + at, len - at, &width);
    }
    return 0;
}

static int compile(struct matcher *matcher, struct cb_lexer *lexer, const char *pattern,
                   struct cb_error **err)
{
    size_t room = strlen(pattern) + 1;

    matcher->lexer = lexer;
    matcher->tokens = xreallocarray(NULL, room, sizeof(*matcher->tokens));
    matcher->now = xreallocarray(NULL, room, sizeof(*matcher->now));
    matcher->next = xreallocarray(NULL, room, sizeof(*matcher->next));
    matcher->mark = xcalloc(room, sizeof(*matcher->mark));
    return compile_tokens(matcher, pattern, err);
}

static void reverse(int *items, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        int kept = items[i];

        items[i] = items[count - 1 - i];
        items[count - 1 - i] = kept;
    }
}

/* Adds STATE and those a * lets follow for free to the next generation. 1 if that
 * accepts.
 */
static int add_state(struct matcher *matcher, size_t state)
{
    for (;; state++) {
        if (matcher->mark[state] == matcher->generation)
            return 0;
        matcher->mark[state] = matcher->generation;
        if (state == matcher->count)
            return 1;
        matcher->next[matcher->next_count++] = state;
        if (matcher->tokens[state] != STAR)
            return 0;
    }
}

static void begin_generation(struct matcher *matcher)
{
    size_t *kept = matcher->now;

    matcher->now = matcher->next;
    matcher->now_count = matcher->next_count;
    matcher->next = kept;
    matcher->next_count = 0;
    matcher->generation++;
}

/* Reads POINT in every active state. 1 if the text up to it matches. */
static int advance(struct matcher *matcher, int point)
{
    int accepted = 0;

    matcher->lexer->work += matcher->now_count + 1;
    for (size_t i = 0; i < matcher->now_count; i++) {
        size_t state = matcher->now[i];
        int token = matcher->tokens[state];

        if (token == STAR) {
            if (point != '\n')
                accepted |= add_state(matcher, state);
        } else if (token == ANY ? point != '\n' : token == point) {
            accepted |= add_state(matcher, state + 1);
        }
    }
    return accepted;
}

/* How many of POINTS from FROM on match, the least or the most; -1 if none do. */
static long match_at(struct matcher *matcher, const struct points *points, size_t from,
                     int longest)
{
    long best = -1;

    matcher->next_count = 0;
    matcher->generation++;
    if (add_state(matcher, 0))
        best = 0;
    begin_generation(matcher);
    for (size_t i = from; i < points->count && matcher->now_count; i++) {
        if (best >= 0 && !longest)
            break;
        if (matcher->lexer->work > CB_WORD_MAX_WORK) {
            matcher->lexer->exhausted = 1;
            break;
        }
        if (advance(matcher, points->items[i]))
            best = (long)(i + 1 - from);
        begin_generation(matcher);
    }
    return best;
}

static size_t bytes_of(const struct points *points, size_t from, size_t to)
{
    size_t bytes = 0;

    for (size_t i = from; i < to; i++)
        bytes += width_of(points->items[i]);
    return bytes;
}

int cb_shell_pattern_trim(struct cb_lexer *lexer, const char *pattern, const char *value,
                          int suffix, int longest, struct cb_strbuf *out,
                          struct cb_error **err)
{
    cb_auto_value(matcher) matcher = {0};
    cb_auto_value(points) points = decode_all(value);
    size_t cut = 0, len = strlen(value);
    long matched;

    if (compile(&matcher, lexer, pattern, err) < 0)
        return -1;
    if (suffix) {
        reverse(matcher.tokens, matcher.count);
        reverse(points.items, points.count);
    }
    matched = match_at(&matcher, &points, 0, longest);
    if (matched > 0)
        cut = bytes_of(&points, 0, (size_t)matched);
    cb_lexer_add(lexer, out, suffix ? value : value + cut, len - cut);
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

/* The leftmost match at or behind FROM: where, and how long. */
static int search(struct matcher *matcher, const struct points *points, size_t from,
                  size_t *at, size_t *length)
{
    for (size_t i = from; i <= points->count && !matcher->lexer->exhausted; i++) {
        long matched = match_at(matcher, points, i, 1);

        if (matched >= 0) {
            *at = i;
            *length = (size_t)matched;
            return 1;
        }
    }
    return 0;
}

static void replace_all(struct matcher *matcher, const struct points *points,
                        const char *value, const char *replacement, struct cb_strbuf *out)
{
    struct cb_lexer *lexer = matcher->lexer;
    size_t from = 0, done = 0, done_bytes = 0, at, length;

    while (from <= points->count && search(matcher, points, from, &at, &length)) {
        size_t skipped = bytes_of(points, done, at);
        size_t matched = bytes_of(points, at, at + length);
        const char *match = value + done_bytes + skipped;

        cb_lexer_add(lexer, out, value + done_bytes, skipped);
        if (at + length > done || at == 0)
            add_template(lexer, out, replacement, match, matched);
        done_bytes += skipped + matched;
        done = at + length;
        from = done > from ? done : from + 1;
    }
    cb_lexer_add(lexer, out, value + done_bytes, strlen(value + done_bytes));
}

static void replace_first(struct matcher *matcher, const struct points *points,
                          const char *value, const char *replacement,
                          struct cb_strbuf *out)
{
    struct cb_lexer *lexer = matcher->lexer;
    size_t at, length, before;

    if (!search(matcher, points, 0, &at, &length)) {
        cb_lexer_add(lexer, out, value, strlen(value));
        return;
    }
    before = bytes_of(points, 0, at);
    cb_lexer_add(lexer, out, value, before);
    cb_lexer_add(lexer, out, replacement, strlen(replacement));
    value += before + bytes_of(points, at, at + length);
    cb_lexer_add(lexer, out, value, strlen(value));
}

int cb_shell_pattern_replace(struct cb_lexer *lexer, const char *pattern,
                             const char *value, const char *replacement, int all,
                             struct cb_strbuf *out, struct cb_error **err)
{
    cb_auto_value(matcher) matcher = {0};
    cb_auto_value(points) points = {0};

    if (compile(&matcher, lexer, pattern, err) < 0)
        return -1;
    points = decode_all(value);
    if (all)
        replace_all(&matcher, &points, value, replacement, out);
    else
        replace_first(&matcher, &points, value, replacement, out);
    return lexer->exhausted ? cb_lexer_exhausted(err) : 0;
}
