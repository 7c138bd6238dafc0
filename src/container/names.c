/* Names of containers: what people give them, and what they get otherwise: a mood and
 * somebody to whom the field owes something. */
#include "container/record.h"

#include <ctype.h>
#include <string.h>
#include <sys/random.h>

static const char *const moods[] = {
    "able",    "alert",  "amber",   "awake",  "bold",    "brave",   "bright",  "brisk",
    "calm",    "candid", "careful", "cheery", "civil",   "clear",   "clever",  "cosy",
    "curious", "daring", "deft",    "eager",  "earnest", "easy",    "fair",    "fond",
    "frank",   "free",   "gentle",  "glad",   "grand",   "happy",   "hardy",   "honest",
    "humble",  "jolly",  "keen",    "kind",   "lively",  "loyal",   "lucid",   "merry",
    "mild",    "modest", "neat",    "nimble", "noble",   "patient", "plucky",  "polite",
    "proud",   "quick",  "quiet",   "ready",  "serene",  "sharp",   "sincere", "steady",
    "sturdy",  "sunny",  "swift",   "tidy",   "upbeat",  "vivid",   "warm",    "witty",
};
static const char *const people[] = {
    "abbe",       "allen",    "backus",  "bartik",   "bell",      "boole",    "brooks",
    "carson",     "cerf",     "clarke",  "codd",     "conway",    "cray",     "curie",
    "dahl",       "dijkstra", "easley",  "eckert",   "elion",     "euler",    "faraday",
    "floyd",      "franklin", "galileo", "gauss",    "germain",   "goldberg", "granville",
    "hamilton",   "hamming",  "hoare",   "hopper",   "huffman",   "iverson",  "jennings",
    "johnson",    "kay",      "keller",  "kepler",   "kernighan", "knuth",    "kovalev",
    "lamport",    "leibniz",  "liskov",  "lovelace", "maxwell",   "mccarthy", "meitner",
    "mirzakhani", "naur",     "noether", "noyce",    "nygaard",   "perlman",  "postel",
    "ritchie",    "shannon",  "snyder",  "thompson", "torvalds",  "turing",   "wirth",
    "zuse",
};

static int is_name_character(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}

int cb_container_check_name(const char *name, struct cb_error **err)
{
    size_t len = strlen(name), good = 0;

    while (is_name_character(name[good]))
        good++;
    if (len >= 2 && len <= 255 && good == len && isalnum((unsigned char)*name))
        return 0;
    return cb_error_set(err, CB_ERR_USAGE,
                        "Invalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are "
                        "allowed",
                        name);
}

char *cb_container_random_name(unsigned attempt)
{
    unsigned random[2] = {0, 0};

    while (getrandom(random, sizeof(random), 0) != sizeof(random))
        ;
    if (attempt)
        return xasprintf("%s_%s%u", moods[random[0] % CB_ARRAY_SIZE(moods)],
                         people[random[1] % CB_ARRAY_SIZE(people)], random[0] % 10000);
    return xasprintf("%s_%s", moods[random[0] % CB_ARRAY_SIZE(moods)],
                     people[random[1] % CB_ARRAY_SIZE(people)]);
}
