/* Names of containers: what people give them, and what they get otherwise: a mood and
 * somebody to whom the field owes something. No two have one. */
#include "container/names.h"

#include "base/atomic-file.h"
#include "container/client.h"
#include "container/journal.h"

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

/* ── Whose they are ── */

static int check_free(struct cb_store *store, const char *name, struct cb_error **err)
{
    cb_auto(cb_container) owner = NULL;
    int found;

    if (cb_container_check_name(name, err) < 0)
        return -1;
    found = cb_container_find_named(store, name, &owner, err);
    if (found <= 0)
        return found;
    return cb_error_set(err, CB_ERR_EXISTS,
                        "Conflict. The container name \"/%s\" is already in use by "
                        "container \"%s\". You have to remove (or rename) that container "
                        "to be able to reuse that name.",
                        name, owner->id);
}

static int choose_random(struct cb_store *store, char **out, struct cb_error **err)
{
    for (unsigned attempt = 0;; attempt++) {
        cb_autofree char *name = cb_container_random_name(attempt);
        cb_auto(cb_container) owner = NULL;
        int found = cb_container_find_named(store, name, &owner, err);

        if (found > 0)
            continue;
        if (found == 0)
            *out = cb_steal(&name);
        return found;
    }
}

int cb_container_choose_name(struct cb_store *store, const char *wish, char **out,
                             struct cb_error **err)
{
    if (!wish)
        return choose_random(store, out, err);
    wish += *wish == '/';
    *out = xstrdup(wish);
    return check_free(store, wish, err);
}

int cb_container_save_name(const struct cb_container *container, enum cb_file_sync sync,
                           struct cb_error **err)
{
    return cb_atomic_file_write(container->dir_fd, "name", container->name,
                                strlen(container->name), 0600, sync, err);
}

int cb_container_rename(struct cb_store *store, struct cb_container *container,
                        const char *name, struct cb_error **err)
{
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int dir = -1;

    name += *name == '/';
    if (strcmp(name, container->name) == 0)
        return cb_error_set(err, CB_ERR_USAGE,
                            "Renaming a container with the same name as its current "
                            "name");
    if (cb_containers_lock(store, &lock, &dir, err) < 0 ||
        check_free(store, name, err) < 0)
        return -1;
    cb_autofree char *former = xasprintf("/%s", container->name);

    free(container->name);
    container->name = xstrdup(name);
    if (cb_container_save_name(container, CB_FILE_SYNCED, err) < 0)
        return cb_container_went(container, err);
    cb_lock_release(cb_steal(&lock));
    cb_container_tell_renamed(container);
    cb_container_tell(store, container, "rename", "oldName", former);
    return 0;
}
