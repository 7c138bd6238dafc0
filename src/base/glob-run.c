/* Matches ignore patterns without backtracking. A pattern is a sequence of elements; the
 * machine keeps the set of elements it may be at as bits and feeds one character to all
 * of them, so the time is bounded by the number of elements times the path, whatever
 * either of them looks like. Up to 63 elements, which is nearly always, a character costs
 * a few operations on one word. */
#include "base/glob-program-priv.h"

#include <string.h>

#define STACK_WORDS 4
#define WORD_BITS   CB_GLOB_WORD_BITS

static int in_set(const struct cb_glob_program *program,
                  const struct cb_glob_element *element, unsigned point)
{
    const struct cb_glob_range *range = program->ranges.items + element->first_range;

    for (unsigned i = 0; i < element->range_count; i++, range++) {
        if (range->low <= point && point <= range->high)
            return !element->negated;
    }
    return element->negated;
}

static int has_bit(const uint64_t *bits, size_t at)
{
    return bits[at / WORD_BITS] >> (at % WORD_BITS) & 1;
}

/* Comes to element AT, and to all behind it that can be reached without a character. */
static void enter(const struct cb_glob_program *program, uint64_t *states, size_t at)
{
    states[at / WORD_BITS] |= UINT64_C(1) << (at % WORD_BITS);
    while (at < program->elements.count && has_bit(program->nullable, at)) {
        at++;
        states[at / WORD_BITS] |= UINT64_C(1) << (at % WORD_BITS);
    }
}

static void stay(uint64_t *states, size_t at)
{
    states[at / WORD_BITS] |= UINT64_C(1) << (at % WORD_BITS);
}

static void feed_element(const struct cb_glob_program *program, size_t at, unsigned point,
                         uint64_t *next)
{
    const struct cb_glob_element *element = &program->elements.items[at];

    switch (element->kind) {
    case ELEMENT_ONE:
        if (in_set(program, element, point))
            enter(program, next, at + 1);
        break;
    case ELEMENT_STAR:
        if (in_set(program, element, point))
            enter(program, next, at);
        break;
    case ELEMENT_GROUP:
        if (point == '\n')
            break;
        stay(next, at);
        if (point == '/')
            enter(program, next, at + 1);
        break;
    }
}

/* Feeds one character; 0 when no state is left. */
static int feed(const struct cb_glob_program *program, const uint64_t *states,
                unsigned point, uint64_t *next)
{
    uint64_t any = 0;

    memset(next, 0, program->words * sizeof(*next));
    for (size_t w = 0; w < program->words; w++) {
        for (uint64_t bits = states[w]; bits; bits &= bits - 1) {
            size_t at = w * WORD_BITS + (size_t)__builtin_ctzll(bits);

            if (at < program->elements.count)
                feed_element(program, at, point, next);
        }
    }
    for (size_t w = 0; w < program->words; w++)
        any |= next[w];
    return any != 0;
}

/* Runs over TEXT. 1: matched it or, unless WHOLE, a part up to a slash. 0: not. *ALIVE:
 * more could match. */
static int run(const struct cb_glob_program *program, const char *text, size_t len,
               int whole, int *alive)
{
    uint64_t small[2 * STACK_WORDS] = {0};
    cb_autofree uint64_t *large = NULL;
    uint64_t *states = small, *next = small + STACK_WORDS;
    size_t goal = program->elements.count, at = 0;

    if (program->words > STACK_WORDS) {
        large = xcalloc(2 * program->words, sizeof(*large));
        states = large;
        next = large + program->words;
    }
    enter(program, states, 0);
    *alive = 1;
    while (at < len && *alive) {
        uint64_t *swap = states;
        unsigned point;

        if (!whole && text[at] == '/' && at > 0 && has_bit(states, goal))
            return 1;
        at += cb_glob_character(text + at, len - at, &point);
        *alive = feed(program, states, point, next);
        states = next;
        next = swap;
    }
    return *alive && has_bit(states, goal);
}

static struct cb_glob_class class_of_point(const struct cb_glob_program *program,
                                           unsigned point)
{
    struct cb_glob_class class = {0, 0};

    for (size_t i = 0; i < program->elements.count; i++) {
        const struct cb_glob_element *element = &program->elements.items[i];
        uint64_t bit = UINT64_C(1) << i;

        if (element->kind == ELEMENT_GROUP || !in_set(program, element, point))
            continue;
        if (element->kind == ELEMENT_ONE)
            class.one |= bit;
        else
            class.star |= bit;
    }
    return class;
}

void cb_glob_program_classify(struct cb_glob_program *program)
{
    size_t count = 0;

    for (size_t i = 0; i < program->elements.count; i++) {
        if (program->elements.items[i].kind == ELEMENT_GROUP)
            program->groups |= UINT64_C(1) << i;
    }
    for (unsigned point = 0; point < CB_GLOB_ASCII_COUNT; point++) {
        struct cb_glob_class class = class_of_point(program, point);
        size_t at = 0;

        while (at < count && (program->classes[at].one != class.one ||
                              program->classes[at].star != class.star))
            at++;
        if (at == count) {
            program->classes =
                xreallocarray(program->classes, ++count, sizeof(*program->classes));
            program->classes[at] = class;
        }
        program->class_of[point] = (unsigned char)at;
    }
}

/* The states, and all behind them that can be reached without a character. */
static uint64_t close_states(uint64_t states, uint64_t nullable)
{
    uint64_t more;

    while ((more = (states & nullable) << 1 & ~states))
        states |= more;
    return states;
}

static uint64_t feed_word(const struct cb_glob_program *program, uint64_t states,
                          struct cb_glob_class class, unsigned point)
{
    uint64_t nullable = program->nullable[0];
    uint64_t inside = point == '\n' ? 0 : states & program->groups;
    uint64_t next = (states & class.one) << 1 | (states & class.star);

    if (point == '/')
        next |= inside << 1;
    return close_states(next, nullable) | inside;
}

/* As run, for programs of one word. */
static int run_word(const struct cb_glob_program *program, const char *text, size_t len,
                    int whole, int *alive)
{
    uint64_t goal = UINT64_C(1) << program->elements.count;
    uint64_t states = close_states(1, program->nullable[0]);
    size_t at = 0;

    while (at < len && states) {
        unsigned point = (unsigned char)text[at];

        if (point < CB_GLOB_ASCII_COUNT) {
            if (point == '/' && !whole && at > 0 && (states & goal))
                return 1;
            at++;
            states = feed_word(program, states,
                               program->classes[program->class_of[point]], point);
        } else {
            at += cb_glob_character(text + at, len - at, &point);
            states = feed_word(program, states, class_of_point(program, point), point);
        }
    }
    *alive = states != 0;
    return (states & goal) != 0;
}

int cb_glob_program_matches(const struct cb_glob_program *program, const char *text,
                            size_t len)
{
    int alive;

    if (program->words == 1)
        return run_word(program, text, len, 0, &alive);
    return run(program, text, len, 0, &alive);
}

int cb_glob_program_continues(const struct cb_glob_program *program, const char *text,
                              size_t len)
{
    int alive;

    if (program->words == 1)
        run_word(program, text, len, 1, &alive);
    else
        run(program, text, len, 1, &alive);
    return alive;
}
