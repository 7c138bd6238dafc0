/* Reference for CSV: RFC 4180 as Go's encoding/csv reads it. */
#include "base/text.h"

#include "base/strbuf.h"

#include <string.h>

int cb_ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len >= end_len && memcmp(text + len - end_len, end, end_len) == 0;
}

size_t cb_path_depth(const char *path)
{
    size_t depth = 0;

    for (; *path; path++)
        depth += *path == '/';
    return depth;
}

int cb_parse_bool(const char *text, int *out)
{
    static const char *const words[] = {
        "1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False",
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(words); i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = i < CB_ARRAY_SIZE(words) / 2;
            return 1;
        }
    }
    return 0;
}

/* ── CSV ── */

static int bad_quote(const char *line, const char *at, const char *what,
                     struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_SYNTAX, "parse error on line 1, column %zu: %s",
                        (size_t)(at - line) + 1, what);
}

/* A field in quotes at AT; returns what follows its end, or NULL. */
static const char *read_quoted(struct cb_strings *fields, const char *line,
                               const char *at, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) field = {0};

    for (at++;; at++) {
        if (*at == '"' && at[1] == '"') {
            at++;
        } else if (*at == '"') {
            break;
        } else if (!*at) {
            bad_quote(line, at, "extraneous or missing \" in quoted-field", err);
            return NULL;
        }
        cb_strbuf_addc(&field, *at);
    }
    if (at[1] && at[1] != ',') {
        bad_quote(line, at, "extraneous or missing \" in quoted-field", err);
        return NULL;
    }
    cb_strings_take(fields, cb_strbuf_steal(&field));
    return at + 1;
}

static const char *read_field(struct cb_strings *fields, const char *line, const char *at,
                              struct cb_error **err)
{
    size_t len = strcspn(at, ",");
    const char *quote;

    if (*at == '"')
        return read_quoted(fields, line, at, err);
    quote = memchr(at, '"', len);
    if (quote) {
        bad_quote(line, quote, "bare \" in non-quoted field", err);
        return NULL;
    }
    cb_strings_take(fields, xstrndup(at, len));
    return at + len;
}

int cb_csv_split(struct cb_strings *fields, const char *line, struct cb_error **err)
{
    const char *at = line;

    if (!*line)
        return cb_error_set(err, CB_ERR_SYNTAX, "the value is empty");
    for (;;) {
        at = read_field(fields, line, at, err);
        if (!at)
            return -1;
        if (!*at)
            return 0;
        at++;
    }
}
