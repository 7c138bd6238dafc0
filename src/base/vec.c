/* Vectors of owned strings, and the "K=V" lists made of them. */
#include "base/vec.h"

#include "base/map.h"

#include <stdint.h>

void cb_strings_free(struct cb_strings *strings)
{
    cb_vec_foreach (text, strings) {
        free(*text);
    }
    cb_vec_free(strings);
}

void cb_strings_wipe(struct cb_strings *strings)
{
    cb_vec_foreach (text, strings)
        explicit_bzero(*text, strlen(*text));
    cb_strings_free(strings);
}

void cb_strings_take(struct cb_strings *strings, char *text)
{
    cb_vec_push(strings, text);
}

void cb_strings_add(struct cb_strings *strings, const char *text)
{
    cb_strings_take(strings, xstrdup(text));
}

void cb_strings_addf(struct cb_strings *strings, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    cb_strings_take(strings, xvasprintf(format, args));
    va_end(args);
}

void cb_strings_copy(struct cb_strings *to, const struct cb_strings *from)
{
    cb_vec_foreach (text, from) {
        cb_strings_add(to, *text);
    }
}

int cb_strings_contain(const struct cb_strings *strings, const char *text)
{
    cb_vec_foreach (item, strings) {
        if (strcmp(*item, text) == 0)
            return 1;
    }
    return 0;
}

char **cb_strings_argv(const struct cb_strings *strings)
{
    char **argv = xcalloc(strings->count + 1, sizeof(*argv));

    if (strings->count)
        memcpy(argv, strings->items, strings->count * sizeof(*argv));
    return argv;
}

static char **find_variable(const struct cb_strings *env, const char *name)
{
    size_t len = strlen(name);

    cb_vec_foreach (entry, env) {
        if (strncmp(*entry, name, len) == 0 && (*entry)[len] == '=')
            return entry;
    }
    return NULL;
}

const char *cb_env_get(const struct cb_strings *env, const char *name)
{
    char **entry = find_variable(env, name);

    return entry ? *entry + strlen(name) + 1 : NULL;
}

void cb_env_unset(struct cb_strings *env, const char *name)
{
    char **entry = find_variable(env, name);

    if (!entry)
        return;
    free(*entry);
    env->count--;
    memmove(entry, entry + 1, (size_t)(env->items + env->count - entry) * sizeof(*entry));
}

void cb_env_set(struct cb_strings *env, const char *name, const char *value)
{
    char *text = xasprintf("%s=%s", name, value);
    char **entry = find_variable(env, name);

    if (!entry) {
        cb_strings_take(env, text);
        return;
    }
    free(*entry);
    *entry = text;
}

/* ── Merging: both may be long, so neither is looked through for each of the other ── */

static char *name_of(const char *entry)
{
    return xstrndup(entry, strcspn(entry, "="));
}

/* The first of each name from AT on: its number and one. */
static void note_names(struct cb_map *places, const struct cb_strings *env, size_t at)
{
    for (; at < env->count; at++) {
        cb_autofree char *name = env->items[at] ? name_of(env->items[at]) : NULL;

        if (name && strchr(env->items[at], '=') && !cb_map_has(places, name))
            cb_map_set(places, name, (void *)(uintptr_t)(at + 1));
    }
}

/* What is taken away leaves NULL. */
static void merge_one(struct cb_map *places, struct cb_strings *env, const char *change)
{
    cb_autofree char *name = name_of(change);
    size_t at = (size_t)(uintptr_t)cb_map_get(places, name);
    int is_set = strchr(change, '=') != NULL;

    if (at)
        free(cb_steal(&env->items[at - 1]));
    if (is_set && at) {
        env->items[at - 1] = xstrdup(change);
    } else if (is_set) {
        cb_strings_add(env, change);
        note_names(places, env, env->count - 1);
    } else if (at) {
        cb_map_remove(places, name);
        note_names(places, env, at); /* there may be another */
    }
}

void cb_env_merge(struct cb_strings *env, const struct cb_strings *changes)
{
    cb_auto(cb_map) places = cb_map_new(NULL);
    size_t kept = 0;

    note_names(places, env, 0);
    cb_vec_foreach (change, changes)
        merge_one(places, env, *change);
    cb_vec_foreach (entry, env) {
        if (*entry)
            env->items[kept++] = *entry;
    }
    env->count = kept;
}

static int by_name(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    size_t len_x = strcspn(x, "="), len_y = strcspn(y, "=");
    int order = memcmp(x, y, len_x < len_y ? len_x : len_y);

    return order ? order : (len_x > len_y) - (len_x < len_y);
}

void cb_env_sort(struct cb_strings *env)
{
    if (env->count)
        qsort(env->items, env->count, sizeof(*env->items), by_name);
}
