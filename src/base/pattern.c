/* One line of an ignore file, in the four forms of moby/patternmatcher: plain text,
 * "text**", "**text", and everything else as an expression. Most paths are turned away by
 * the literal pieces that every match must contain, before the machine starts. */
#include "base/glob-priv.h"
#include "base/strbuf.h"

#include <string.h>

#define MAX_PIECES 8

enum form { FORM_EXACT, FORM_PREFIX, FORM_SUFFIX, FORM_EXPRESSION };

struct cb_pattern {
    enum form form;
    char *text;
    size_t len;
    struct cb_glob_program *program;
    size_t prefix_len; /* of text: literal start of every match */
    size_t piece_count;
    struct piece {
        size_t at, len;   /* in text */
    } pieces[MAX_PIECES]; /* literal, in every match, in this order */
};

void cb_pattern_free(struct cb_pattern *pattern)
{
    if (!pattern)
        return;
    free(pattern->text);
    cb_glob_program_free(pattern->program);
    free(pattern);
}

struct translation {
    const char *at, *end;
    enum form form;
    struct cb_strbuf expression;
};

/* At the second of two stars. FIRST: they begin the pattern. */
static void translate_double_star(struct translation *t, int first)
{
    t->at++;
    if (t->at < t->end && *t->at == '/')
        t->at++;
    if (t->at == t->end && t->form == FORM_EXACT) {
        t->form = FORM_PREFIX;
    } else if (t->at == t->end) {
        cb_strbuf_adds(&t->expression, ".*");
        t->form = FORM_EXPRESSION;
    } else {
        cb_strbuf_adds(&t->expression, "(.*/)?");
        t->form = FORM_EXPRESSION;
    }
    if (first)
        t->form = FORM_SUFFIX;
}

static void translate_character(struct translation *t, int first)
{
    char c = *t->at++;

    switch (c) {
    case '*':
        if (t->at < t->end && *t->at == '*') {
            translate_double_star(t, first);
            break;
        }
        cb_strbuf_adds(&t->expression, "[^/]*");
        t->form = FORM_EXPRESSION;
        break;
    case '?':
        cb_strbuf_adds(&t->expression, "[^/]");
        t->form = FORM_EXPRESSION;
        break;
    case '\\':
        cb_strbuf_addc(&t->expression, c);
        if (t->at < t->end) {
            cb_strbuf_addc(&t->expression, *t->at++);
            t->form = FORM_EXPRESSION;
        }
        break;
    case '[':
    case ']':
        cb_strbuf_addc(&t->expression, c);
        t->form = FORM_EXPRESSION;
        break;
    default:
        if (strchr(".+()|{}$", c))
            cb_strbuf_addc(&t->expression, '\\');
        cb_strbuf_addc(&t->expression, c);
        break;
    }
}

static int is_literal(char c)
{
    return !strchr("*?[]\\^", c);
}

/* Literal pieces of an expression's text; nothing inside or behind brackets is looked at.
 */
static void find_literals(struct cb_pattern *pattern)
{
    size_t stop = strcspn(pattern->text, "[]\\^"), start = 0;

    pattern->prefix_len = strcspn(pattern->text, "*?[]\\^");
    for (size_t i = 0; i <= stop; i++) {
        if (i < stop && is_literal(pattern->text[i]))
            continue;
        /* "**" takes the slash behind it along. */
        if (start >= 2 && pattern->text[start - 1] == '*' &&
            pattern->text[start - 2] == '*' && start < i && pattern->text[start] == '/')
            start++;
        if (i > start && pattern->piece_count < MAX_PIECES)
            pattern->pieces[pattern->piece_count++] = (struct piece){start, i - start};
        start = i + 1;
    }
}

int cb_pattern_compile(struct cb_pattern **out, const char *text, struct cb_error **err)
{
    cb_auto(cb_pattern) pattern = xcalloc(1, sizeof(*pattern));
    struct translation t = {.at = text, .end = text + strlen(text), .form = FORM_EXACT};
    int result = 0;

    if (cb_glob_match(text, ".", err) < 0)
        return -1;
    while (t.at < t.end)
        translate_character(&t, t.at == text);
    pattern->form = t.form;
    pattern->text = xstrdup(text);
    pattern->len = strlen(text);
    if (t.form == FORM_EXPRESSION) {
        result = cb_glob_program_compile(&pattern->program, t.expression.text,
                                         t.expression.len, text, err);
        find_literals(pattern);
    }
    cb_strbuf_free(&t.expression);
    if (result == 0)
        *out = cb_steal(&pattern);
    return result;
}

static int begins_with(const char *path, size_t len, const char *prefix,
                       size_t prefix_len)
{
    return len >= prefix_len && memcmp(path, prefix, prefix_len) == 0;
}

static int ends_component(const char *path, size_t len, size_t at)
{
    return at == len || path[at] == '/';
}

/* "**" + SUFFIX: some occurrence ends a component; "/x" also matches "x" at the start. */
static int matches_suffix(const char *path, size_t len, const char *suffix,
                          size_t suffix_len)
{
    const char *at = path, *end = path + len;

    if (suffix_len == 0)
        return 1;
    if (suffix[0] == '/' && begins_with(path, len, suffix + 1, suffix_len - 1) &&
        ends_component(path, len, suffix_len - 1))
        return 1;
    while ((at = memmem(at, (size_t)(end - at), suffix, suffix_len))) {
        if (ends_component(path, len, (size_t)(at - path) + suffix_len))
            return 1;
        at++;
    }
    return 0;
}

static int has_pieces(const struct cb_pattern *pattern, const char *path, size_t len)
{
    const char *at = path, *end = path + len;

    for (size_t i = 0; i < pattern->piece_count; i++) {
        const struct piece *piece = &pattern->pieces[i];

        at = memmem(at, (size_t)(end - at), pattern->text + piece->at, piece->len);
        if (!at)
            return 0;
        at += piece->len;
    }
    return 1;
}

int cb_pattern_matches(const struct cb_pattern *pattern, const char *path, size_t len)
{
    switch (pattern->form) {
    case FORM_EXACT:
        return begins_with(path, len, pattern->text, pattern->len) &&
               ends_component(path, len, pattern->len);
    case FORM_PREFIX:
        return begins_with(path, len, pattern->text, pattern->len - 2);
    case FORM_SUFFIX:
        return matches_suffix(path, len, pattern->text + 2, pattern->len - 2);
    case FORM_EXPRESSION:
        break;
    }
    if (!begins_with(path, len, pattern->text, pattern->prefix_len))
        return 0;
    if (!has_pieces(pattern, path, len))
        return 0;
    return cb_glob_program_matches(pattern->program, path, len);
}

int cb_pattern_reaches_below(const struct cb_pattern *pattern, const char *dir,
                             size_t len)
{
    cb_autofree char *below = NULL;
    size_t shorter;

    switch (pattern->form) {
    case FORM_EXACT:
        return begins_with(pattern->text, pattern->len, dir, len) &&
               pattern->text[len] == '/';
    case FORM_PREFIX:
        shorter = pattern->len - 2 < len ? pattern->len - 2 : len;
        return memcmp(pattern->text, dir, shorter) == 0 &&
               (pattern->len - 2 <= len || pattern->text[len] == '/');
    case FORM_SUFFIX:
        return 1;
    case FORM_EXPRESSION:
        break;
    }
    below = xasprintf("%.*s/", (int)len, dir);
    return cb_glob_program_continues(pattern->program, below, len + 1);
}

const char *cb_pattern_first_component(const struct cb_pattern *pattern, size_t *len)
{
    size_t literal = pattern->prefix_len;

    if (pattern->form == FORM_SUFFIX)
        return NULL;
    if (pattern->form != FORM_EXPRESSION)
        literal = pattern->form == FORM_EXACT ? pattern->len : pattern->len - 2;
    *len = strcspn(pattern->text, "/");
    if (*len < literal || (*len == literal && pattern->form == FORM_EXACT))
        return pattern->text;
    return NULL;
}
