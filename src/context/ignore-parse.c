/* The lines of a .dockerignore, by the rules of moby's patternmatcher/ignorefile: a
 * comment has its `#` in column 0, blanks around a pattern go (after the `!` too), the
 * path is cleaned, a leading `/` means nothing, and "." alone is skipped. */
#include "context/ignore-priv.h"

#include "base/fs.h"
#include "base/glob.h"
#include "base/utf8.h"

#include <string.h>

int cb_ignore_next_line(struct cb_source *source, size_t *at, struct cb_span *span,
                        unsigned *line)
{
    static const char bom[] = "\xef\xbb\xbf";
    size_t len;
    const char *text = cb_source_text(source, &len);
    const char *newline;

    if (*at == 0)
        *line = 0;
    if (*at == 0 && len >= 3 && memcmp(text, bom, 3) == 0)
        *at = 3;
    if (*at >= len)
        return 0;
    newline = memchr(text + *at, '\n', len - *at);
    span->start = *at;
    span->end = newline ? (size_t)(newline - text) : len;
    *at = span->end + 1;
    (*line)++;
    return 1;
}

/* The cleaned pattern in [START, END), NULL if the line says nothing. */
static char *clean_pattern(const char *start, const char *end)
{
    cb_autofree char *text = NULL;
    cb_autofree char *clean = NULL;
    int exclusion = *start == '!';
    const char *path;

    if (exclusion) {
        start++;
        cb_utf8_trim(&start, &end);
        if (start == end)
            return xstrdup("!");
    }
    text = xstrndup(start, (size_t)(end - start));
    clean = cb_path_clean(text);
    path = clean[0] == '/' ? clean + 1 : clean;
    if (!*path || strcmp(path, ".") == 0)
        return NULL;
    return xasprintf("%s%s", exclusion ? "!" : "", path);
}

/* Compiles PATTERN to see that it is one. */
static int check_pattern(const char *pattern, struct cb_error **err)
{
    cb_auto(cb_pattern_list) list = NULL;
    cb_auto_value(cb_strings) one = {0};

    if (strcmp(pattern, "!") == 0)
        return cb_error_set(err, CB_ERR_SYNTAX, "`!` without a pattern");
    cb_strings_add(&one, pattern);
    return cb_pattern_list_new(&list, &one, err);
}

/* 1: *OUT is the pattern of the line's trimmed text; 0: it says nothing. */
static int parse_pattern(const char *start, const char *end, size_t count, char **out,
                         struct cb_error **err)
{
    cb_autofree char *pattern = NULL;

    if (memchr(start, '\0', (size_t)(end - start)))
        return cb_error_set(err, CB_ERR_SYNTAX, "NUL byte in a pattern");
    if (end - start > CB_IGNORE_MAX_PATTERN)
        return cb_error_set(err, CB_ERR_SYNTAX, "pattern of more than %d bytes",
                            CB_IGNORE_MAX_PATTERN);
    if (count == CB_IGNORE_MAX_RULES)
        return cb_error_set(err, CB_ERR_SYNTAX, "more than %d patterns",
                            CB_IGNORE_MAX_RULES);
    pattern = clean_pattern(start, end);
    if (!pattern)
        return 0;
    if (check_pattern(pattern, err) < 0)
        return -1;
    *out = cb_steal(&pattern);
    return 1;
}

int cb_ignore_parse_docker(struct cb_strings *patterns, struct cb_ignore_places *places,
                           struct cb_source *source, struct cb_error **err)
{
    const char *text = cb_source_text(source, NULL);
    struct cb_ignore_place place;
    size_t at = 0;

    while (cb_ignore_next_line(source, &at, &place.span, &place.line)) {
        const char *start = text + place.span.start, *end = text + place.span.end;
        char *pattern = NULL;
        int found;

        if (start < end && *start == '#')
            continue;
        cb_utf8_trim(&start, &end);
        if (start == end)
            continue;
        place.span = (struct cb_span){(size_t)(start - text), (size_t)(end - text)};
        found = parse_pattern(start, end, patterns->count, &pattern, err);
        if (found < 0)
            return cb_error_at(err, source, place.span);
        if (!found)
            continue;
        cb_strings_take(patterns, pattern);
        cb_vec_push(&places->list, place);
    }
    return 0;
}
