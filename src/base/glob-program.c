/* Reads ignore patterns, as expressions, into a program for the machine in glob-run.c.
 *
 * Expressions are read as Go's regexp would read what moby/patternmatcher generates,
 * including what becomes of a star inside brackets; "." matches anything but a newline.
 */
#include "base/glob-program-priv.h"

#include <string.h>

#define MAX_ELEMENTS 16384

struct reader {
    const char *at, *end;
    struct cb_glob_program *program;
    const char *pattern;
};

void cb_glob_program_free(struct cb_glob_program *program)
{
    if (!program)
        return;
    cb_vec_free(&program->elements);
    cb_vec_free(&program->ranges);
    free(program->nullable);
    free(program->classes);
    free(program);
}
static int malformed(const struct reader *reader, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_SYNTAX, "syntax error in pattern `%s`",
                        reader->pattern);
}

static unsigned take(struct reader *reader)
{
    unsigned point;

    reader->at +=
        cb_glob_character(reader->at, (size_t)(reader->end - reader->at), &point);
    return point;
}

static int take_if(struct reader *reader, const char *text)
{
    size_t len = strlen(text);

    if ((size_t)(reader->end - reader->at) < len || memcmp(reader->at, text, len) != 0)
        return 0;
    reader->at += len;
    return 1;
}

static void add_range(struct reader *reader, struct cb_glob_element *element,
                      unsigned low, unsigned high)
{
    struct cb_glob_range range = {low, high};

    cb_vec_push(&reader->program->ranges, range);
    element->range_count++;
}

/* \d, \w, \s and their complements; 0 if NAME is none of them. */
static int add_named_class(struct reader *reader, struct cb_glob_element *element,
                           unsigned name)
{
    static const struct {
        char name;
        int count;
        struct cb_glob_range ranges[5];
    } classes[] = {
        {'d', 1, {{'0', '9'}}},
        {'D', 2, {{0, '0' - 1}, {'9' + 1, 0x10ffff}}},
        {'s', 3, {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}}},
        {'S', 4, {{0, 8}, {'\v', '\v'}, {14, 31}, {33, 0x10ffff}}},
        {'w', 4, {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
        {'W', 5, {{0, '/'}, {':', '@'}, {'[', '^'}, {'`', '`'}, {'{', 0x10ffff}}},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(classes); i++) {
        if ((unsigned)classes[i].name != name)
            continue;
        for (int r = 0; r < classes[i].count; r++)
            add_range(reader, element, classes[i].ranges[r].low,
                      classes[i].ranges[r].high);
        return 1;
    }
    return 0;
}

static unsigned escaped_character(unsigned name)
{
    static const char names[] = "afnrtv", values[] = "\a\f\n\r\t\v";
    const char *found = name < 0x80 && name ? strchr(names, (int)name) : NULL;

    return found ? (unsigned char)values[found - names] : name;
}

static int take_bracket_character(struct reader *reader, unsigned *point,
                                  struct cb_error **err)
{
    if (reader->at == reader->end)
        return malformed(reader, err);
    *point = take(reader);
    if (*point != '\\')
        return 0;
    if (reader->at == reader->end)
        return malformed(reader, err);
    *point = escaped_character(take(reader));
    return 0;
}

/* Behind "[". */
static int take_bracket(struct reader *reader, struct cb_glob_element *element,
                        struct cb_error **err)
{
    element->negated = take_if(reader, "^");
    for (int first = 1; first || !take_if(reader, "]"); first = 0) {
        const char *start = reader->at;
        unsigned low, high;

        if (take_if(reader, "\\") && reader->at < reader->end &&
            add_named_class(reader, element, take(reader)))
            continue;
        reader->at = start;
        if (take_bracket_character(reader, &low, err) < 0)
            return -1;
        high = low;
        if (reader->end - reader->at >= 2 && reader->at[0] == '-' &&
            reader->at[1] != ']') {
            reader->at++;
            if (take_bracket_character(reader, &high, err) < 0)
                return -1;
        }
        if (high < low)
            return malformed(reader, err);
        add_range(reader, element, low, high);
    }
    return 0;
}

static int take_element(struct reader *reader, struct cb_error **err)
{
    struct cb_glob_element element = {.first_range =
                                          (unsigned)reader->program->ranges.count};
    unsigned point;

    if (take_if(reader, "(.*/)?")) {
        element.kind = ELEMENT_GROUP;
        cb_vec_push(&reader->program->elements, element);
        return 0;
    }
    point = take(reader);
    if (point == '[') {
        if (take_bracket(reader, &element, err) < 0)
            return -1;
    } else if (point == '.') {
        add_range(reader, &element, '\n', '\n');
        element.negated = 1;
    } else if (point == '\\' && reader->at < reader->end) {
        point = take(reader);
        if (!add_named_class(reader, &element, point)) {
            point = escaped_character(point);
            add_range(reader, &element, point, point);
        }
    } else {
        add_range(reader, &element, point, point);
    }
    if (take_if(reader, "*"))
        element.kind = ELEMENT_STAR;
    cb_vec_push(&reader->program->elements, element);
    return 0;
}

int cb_glob_program_compile(struct cb_glob_program **out, const char *expression,
                            size_t len, const char *pattern, struct cb_error **err)
{
    cb_auto(cb_glob_program) program = xcalloc(1, sizeof(*program));
    struct reader reader = {expression, expression + len, program, pattern};

    while (reader.at < reader.end) {
        if (take_element(&reader, err) < 0)
            return -1;
        if (program->elements.count > MAX_ELEMENTS)
            return cb_error_set(err, CB_ERR_SYNTAX, "pattern longer than %d characters",
                                MAX_ELEMENTS);
    }
    program->words = program->elements.count / CB_GLOB_WORD_BITS + 1;
    program->nullable = xcalloc(program->words, sizeof(uint64_t));
    for (size_t i = 0; i < program->elements.count; i++) {
        if (program->elements.items[i].kind != ELEMENT_ONE)
            program->nullable[i / CB_GLOB_WORD_BITS] |= UINT64_C(1)
                                                        << (i % CB_GLOB_WORD_BITS);
    }
    if (program->words == 1)
        cb_glob_program_classify(program);
    *out = cb_steal(&program);
    return 0;
}
