/* .dockerignore: one pattern a line, `#` in column 0 a comment, `!` an exception.
 * Patterns are cleaned as paths and made relative; bad ones are refused here, where the
 * line is known. Reference: moby/patternmatcher ignorefile. */
#include "parser/parser-priv.h"

#include <string.h>

#define MAX_PATTERNS 200000u

/* As Go's filepath.Clean, for a path that is not empty. Caller frees. */
static char *clean_path(const char *path)
{
    int rooted = path[0] == '/';
    cb_auto_value(cb_strbuf) out = {0};
    CB_VEC(size_t) starts = {0}; /* of the names that .. can take back */

    if (rooted)
        cb_strbuf_addc(&out, '/');
    for (const char *at = path + strspn(path, "/"); *at;) {
        size_t len = strcspn(at, "/");
        int is_up = len == 2 && strncmp(at, "..", 2) == 0;

        if (is_up && starts.count) {
            cb_strbuf_truncate(&out, starts.items[--starts.count]);
        } else if (!(is_up && rooted) && !(len == 1 && *at == '.')) {
            if (!is_up)
                cb_vec_push(&starts, out.len);
            if (out.len > (size_t)rooted)
                cb_strbuf_addc(&out, '/');
            cb_strbuf_add(&out, at, len);
        }
        at += len;
        at += strspn(at, "/");
    }
    cb_vec_free(&starts);
    if (!out.len)
        cb_strbuf_addc(&out, '.');
    return cb_strbuf_steal(&out);
}

/* One character of a [class] at AT, perhaps escaped; what follows it, or NULL. */
static const char *class_character(const char *at)
{
    if (!*at || *at == '-' || *at == ']')
        return NULL;
    at += *at == '\\';
    return *at ? at + 1 : NULL;
}

/* Behind the [ of a class; what follows its ], or NULL. */
static const char *class_end(const char *at)
{
    size_t ranges = 0;

    at += *at == '^';
    while (*at != ']' || ranges == 0) {
        at = class_character(at);
        if (at && *at == '-')
            at = class_character(at + 1);
        if (!at)
            return NULL;
        ranges++;
    }
    return at + 1;
}

/* The grammar of Go's filepath.Match. */
static int is_valid_pattern(const char *at)
{
    while (*at) {
        char c = *at++;

        if (c == '[') {
            at = class_end(at);
            if (!at)
                return 0;
        } else if (c == '\\') {
            if (!*at++)
                return 0;
        }
    }
    return 1;
}

static int add_pattern(struct cb_strings *patterns, const char *text, int inverted,
                       struct cb_error **err)
{
    cb_autofree char *cleaned = NULL;
    const char *path;

    if (!text[0])
        return cb_error_set(err, CB_ERR_SYNTAX, "illegal exclusion pattern: \"!\"");
    path = cleaned = clean_path(text);
    if (path[0] == '/')
        path++;
    if (!path[0] || strcmp(path, ".") == 0)
        return 0;
    if (!is_valid_pattern(path))
        return cb_error_set(err, CB_ERR_SYNTAX, "syntax error in pattern");
    if (patterns->count == MAX_PATTERNS)
        return cb_error_set(err, CB_ERR_SYNTAX, "more than %u patterns", MAX_PATTERNS);
    cb_strings_addf(patterns, "%s%s", inverted ? "!" : "", path);
    return 0;
}

static int add_line(struct cb_strings *patterns, const char *text, struct cb_range line,
                    struct cb_error **err)
{
    cb_autofree char *pattern = NULL;
    int inverted;

    if (line.start < line.end && text[line.start] == '#')
        return 0;
    line = cb_text_trim(text, line);
    if (line.start == line.end)
        return 0;
    inverted = text[line.start] == '!';
    line.start += (size_t)inverted;
    line = cb_text_trim(text, line);
    pattern = xstrndup(text + line.start, line.end - line.start);
    return add_pattern(patterns, pattern, inverted, err);
}

static int check_source(const char *text, size_t len, struct cb_source *source,
                        struct cb_error **err)
{
    const char *zero = memchr(text, '\0', len);

    if (len > CB_DOCKERFILE_MAX_BYTES)
        return cb_error_set(err, CB_ERR_SYNTAX, "%s is larger than %u MiB",
                            cb_source_name(source), CB_DOCKERFILE_MAX_BYTES >> 20);
    if (!zero)
        return 0;
    cb_error_set(err, CB_ERR_SYNTAX, "a NUL byte among the patterns");
    return cb_error_at(
        err, source, (struct cb_span){(size_t)(zero - text), (size_t)(zero - text) + 1});
}

int cb_ignore_parse(struct cb_strings *patterns, struct cb_source *source,
                    struct cb_error **err)
{
    size_t len, start = 0;
    const char *text = cb_source_text(source, &len);
    cb_auto_value(cb_strings) found = {0};

    if (check_source(text, len, source, err) < 0)
        return -1;
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        start = 3;
    while (start < len) {
        const char *newline = memchr(text + start, '\n', len - start);
        struct cb_range line = {start, newline ? (size_t)(newline - text) : len};
        int status;

        start = line.end + 1;
        if (line.end - line.start > CB_MAX_LINE_BYTES)
            status = cb_error_set(err, CB_ERR_SYNTAX, "line longer than %u bytes",
                                  CB_MAX_LINE_BYTES);
        else
            status = add_line(&found, text, line, err);
        if (status < 0)
            return cb_error_at(err, source, (struct cb_span){line.start, line.end});
    }
    cb_strings_copy(patterns, &found);
    return 0;
}
