/* Go's filepath.Match, the rule for COPY sources. The pattern is cut at its stars; each
 * piece between two stars takes the first place where it fits. No later place can do
 * better, as a star only skips, so nothing is ever tried twice and time is bounded by
 * pattern times path. */
#include "base/glob.h"

#include "base/glob-priv.h"
#include "base/utf8.h"

#include <string.h>

#define REPLACEMENT 0xfffd

struct text {
    const char *at, *end;
};

size_t cb_glob_character(const char *text, size_t len, unsigned *point)
{
    size_t width = cb_utf8_decode(text, len, point);

    if (width == 0) {
        *point = REPLACEMENT;
        width = 1;
    }
    return width;
}

static unsigned take_character(struct text *text)
{
    unsigned point;

    text->at += cb_glob_character(text->at, (size_t)(text->end - text->at), &point);
    return point;
}

static int is_empty(const struct text *text)
{
    return text->at == text->end;
}

int cb_glob_has_meta(const char *pattern)
{
    return strpbrk(pattern, "*?[\\") != NULL;
}

/* A possibly escaped character inside brackets; something must follow it. */
static int take_class_character(struct text *pattern, unsigned *point)
{
    const char *start;

    if (is_empty(pattern) || *pattern->at == '-' || *pattern->at == ']')
        return -1;
    if (*pattern->at == '\\' && ++pattern->at == pattern->end)
        return -1;
    start = pattern->at;
    *point = take_character(pattern);
    if ((*point == REPLACEMENT && pattern->at - start == 1) || is_empty(pattern))
        return -1;
    return 0;
}

/* Takes "[…]" off the pattern: does it hold POINT? -1 if malformed. */
static int take_class(struct text *pattern, unsigned point)
{
    int negated = 0, match = 0;

    pattern->at++;
    if (!is_empty(pattern) && *pattern->at == '^') {
        negated = 1;
        pattern->at++;
    }
    for (int count = 0;; count++) {
        unsigned low, high;

        if (!is_empty(pattern) && *pattern->at == ']' && count > 0)
            break;
        if (take_class_character(pattern, &low) < 0)
            return -1;
        high = low;
        if (*pattern->at == '-') {
            pattern->at++;
            if (take_class_character(pattern, &high) < 0)
                return -1;
        }
        if (low <= point && point <= high)
            match = 1;
    }
    pattern->at++;
    return match != negated;
}

/* Takes one element other than a star off the pattern and compares; after a mismatch goes
 * on to check the syntax only. */
static int take_element(struct text *pattern, struct text *name, int *failed)
{
    int match;

    if (is_empty(name))
        *failed = 1;
    switch (*pattern->at) {
    case '[':
        match = take_class(pattern, *failed ? 0 : take_character(name));
        if (match < 0)
            return -1;
        *failed |= !match;
        return 0;
    case '?':
        pattern->at++;
        if (!*failed && *name->at == '/')
            *failed = 1;
        else if (!*failed)
            take_character(name);
        return 0;
    case '\\':
        if (++pattern->at == pattern->end)
            return -1;
        break;
    default:
        break;
    }
    if (!*failed && *pattern->at != *name->at)
        *failed = 1;
    if (!*failed)
        name->at++;
    pattern->at++;
    return 0;
}

/* 1: PIECE (without stars) begins NAME, which moves behind it; 0; -1 malformed. */
static int match_piece(struct text piece, struct text *name)
{
    struct text rest = *name;
    int failed = 0;

    while (!is_empty(&piece)) {
        if (take_element(&piece, &rest, &failed) < 0)
            return -1;
    }
    if (failed)
        return 0;
    *name = rest;
    return 1;
}

/* Takes the stars, then the piece up to the next star. */
static int take_piece(struct text *pattern, struct text *piece)
{
    int star = 0, in_class = 0;

    for (; !is_empty(pattern) && *pattern->at == '*'; pattern->at++)
        star = 1;
    piece->at = pattern->at;
    for (; !is_empty(pattern) && (in_class || *pattern->at != '*'); pattern->at++) {
        if (*pattern->at == '\\' && pattern->at + 1 < pattern->end)
            pattern->at++;
        else if (*pattern->at == '[')
            in_class = 1;
        else if (*pattern->at == ']')
            in_class = 0;
    }
    piece->end = pattern->at;
    return star;
}

/* Finds the first place for PIECE after a star; LAST: it must end the name. */
static int place_piece(struct text piece, struct text *name, int last)
{
    for (;;) {
        struct text rest = *name;
        int match = match_piece(piece, &rest);

        if (match < 0)
            return -1;
        if (match && (!last || is_empty(&rest))) {
            *name = rest;
            return 1;
        }
        if (is_empty(name) || *name->at == '/')
            return 0;
        name->at++;
    }
}

static int match_pattern(struct text pattern, struct text name)
{
    while (!is_empty(&pattern)) {
        struct text piece;
        int star = take_piece(&pattern, &piece);
        int last = is_empty(&pattern), match;

        if (star && is_empty(&piece))
            return !memchr(name.at, '/', (size_t)(name.end - name.at));
        if (star) {
            match = place_piece(piece, &name, last);
        } else {
            match = match_piece(piece, &name);
            if (match > 0 && last && !is_empty(&name))
                match = 0;
        }
        if (match <= 0)
            return match;
    }
    return is_empty(&name);
}

static int is_well_formed(struct text pattern)
{
    while (!is_empty(&pattern)) {
        struct text piece, nothing = {"", NULL};

        nothing.end = nothing.at;
        take_piece(&pattern, &piece);
        if (match_piece(piece, &nothing) < 0)
            return 0;
    }
    return 1;
}

int cb_glob_match(const char *pattern, const char *path, struct cb_error **err)
{
    struct text text = {pattern, pattern + strlen(pattern)};
    struct text name = {path, path + strlen(path)};

    if (!is_well_formed(text))
        return cb_error_set(err, CB_ERR_SYNTAX, "syntax error in pattern `%s`", pattern);
    return match_pattern(text, name);
}
