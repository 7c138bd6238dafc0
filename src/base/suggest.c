/* The closest of a few known words, for "did you mean". */
#include "base/suggest.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define MAX_WORD   64
#define SHORT_WORD 4

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;

    return least < c ? least : c;
}

/* Levenshtein distance of two words of at most MAX_WORD bytes, ignoring ASCII case. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    unsigned row[MAX_WORD + 1];

    for (size_t j = 0; j <= b_len; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= a_len; i++) {
        unsigned diagonal = row[0];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            int differ =
                tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]);
            unsigned above = row[j];

            row[j] = min3(row[j - 1] + 1, above + 1, diagonal + (unsigned)differ);
            diagonal = above;
        }
    }
    return row[b_len];
}

/* Two neighbours that changed places are one slip, and two of the distance. */
static int is_swapped(const char *a, const char *b)
{
    while (*a && tolower((unsigned char)*a) == tolower((unsigned char)*b))
        a++, b++;
    return a[0] && a[1] && tolower((unsigned char)a[0]) == tolower((unsigned char)b[1]) &&
           tolower((unsigned char)a[1]) == tolower((unsigned char)b[0]) &&
           strcasecmp(a + 2, b + 2) == 0;
}

/* The same letters in another order, of words as long as each other. */
static int has_same_letters(const char *a, const char *b)
{
    int counts[256] = {0};

    for (; *a && *b; a++, b++) {
        counts[tolower((unsigned char)*a)]++;
        counts[tolower((unsigned char)*b)]--;
    }
    for (size_t i = 0; i < 256; i++)
        if (counts[i])
            return 0;
    return *a == *b;
}

/* Two edits lead from a short word to about anything; but `lock` may become locked. */
static int is_near(const char *word, size_t len, const char *candidate, unsigned away)
{
    return away < 2 ||
           (away == 2 && (len > SHORT_WORD || has_same_letters(word, candidate) ||
                          strncasecmp(word, candidate, len) == 0));
}

const char *cb_suggest(const char *word, const char *const *candidates, size_t count)
{
    size_t len = strnlen(word, MAX_WORD + 1);
    unsigned best = 3;
    const char *match = NULL;

    if (len > MAX_WORD)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t candidate_len = strlen(candidates[i]);
        unsigned away;

        if (candidate_len > MAX_WORD)
            continue;
        if (strcmp(word, candidates[i]) == 0)
            return NULL;
        away = distance(word, len, candidates[i], candidate_len);
        if (!is_near(word, len, candidates[i], away))
            continue;
        if (away < best || (away == best && is_swapped(word, candidates[i]))) {
            best = away;
            match = candidates[i];
        }
    }
    return match;
}
