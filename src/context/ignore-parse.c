/* The lines of a .dockerignore, by the rules of moby's patternmatcher/ignorefile: a
 * comment has its `#` in column 0, blanks around a pattern go (after the `!` too), the
 * path is cleaned, a leading `/` means nothing, and "." alone is skipped. */
#include "context/context.h"

#include "base/fs.h"
#include "base/utf8.h"

#include <limits.h>
#include <string.h>

#define MAX_PATTERNS 100000

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

static int parse_line(struct cb_strings *patterns, const char *start, const char *end,
                      struct cb_error **err)
{
    cb_autofree char *pattern = NULL;

    if (start < end && *start == '#')
        return 0;
    cb_utf8_trim(&start, &end);
    if (start == end)
        return 0;
    if (memchr(start, '\0', (size_t)(end - start)))
        return cb_error_set(err, CB_ERR_SYNTAX, "NUL byte in a pattern");
    if (end - start > PATH_MAX)
        return cb_error_set(err, CB_ERR_SYNTAX, "pattern of more than %d bytes",
                            PATH_MAX);
    if (patterns->count == MAX_PATTERNS)
        return cb_error_set(err, CB_ERR_SYNTAX, "more than %d patterns", MAX_PATTERNS);
    pattern = clean_pattern(start, end);
    if (!pattern)
        return 0;
    if (check_pattern(pattern, err) < 0)
        return -1;
    cb_strings_take(patterns, cb_steal(&pattern));
    return 0;
}

int cb_context_ignore_parse(struct cb_strings *patterns, struct cb_source *source,
                            struct cb_error **err)
{
    static const char bom[] = "\xef\xbb\xbf";
    size_t len;
    const char *text = cb_source_text(source, &len);
    const char *at = text, *limit = text + len;

    if (len >= 3 && memcmp(text, bom, 3) == 0)
        at += 3;
    while (at < limit) {
        const char *newline = memchr(at, '\n', (size_t)(limit - at));
        const char *end = newline ? newline : limit;

        if (parse_line(patterns, at, end, err) < 0)
            return cb_error_at(
                err, source, (struct cb_span){(size_t)(at - text), (size_t)(end - text)});
        at = end + 1;
    }
    return 0;
}
