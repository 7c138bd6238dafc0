/* Typed growable arrays: `CB_VEC(char *) names = {0};`. */
#ifndef CB_BASE_VEC_H
#define CB_BASE_VEC_H

#include "base/alloc.h"

#include <string.h>

#define CB_VEC(type)     \
    struct {             \
        type *items;     \
        size_t count;    \
        size_t capacity; \
    }

#define cb_vec_push(vec, item)                                                       \
    do {                                                                             \
        if ((vec)->count == (vec)->capacity) {                                       \
            (vec)->capacity = (vec)->capacity ? (vec)->capacity * 2 : 8;             \
            (vec)->items =                                                           \
                xreallocarray((vec)->items, (vec)->capacity, sizeof(*(vec)->items)); \
        }                                                                            \
        (vec)->items[(vec)->count++] = (item);                                       \
    } while (0)

/* Frees the array, not what its items own. */
#define cb_vec_free(vec)                    \
    do {                                    \
        free((vec)->items);                 \
        (vec)->items = NULL;                \
        (vec)->count = (vec)->capacity = 0; \
    } while (0)

/* ITEM points at each element in turn. */
#define cb_vec_foreach(item, vec)                                 \
    for (__typeof__(1 ? (vec)->items : NULL) item = (vec)->items; \
         item && item < (vec)->items + (vec)->count; item++)

/* The commonest vector: owned strings. */
struct cb_strings {
    char **items;
    size_t count;
    size_t capacity;
};

void cb_strings_free(struct cb_strings *strings);
CB_AUTO_VALUE_DEFINE(cb_strings, cb_strings_free)
/* The same for strings that are secret: overwritten first. */
void cb_strings_wipe(struct cb_strings *strings);
/* Adds a copy. */
void cb_strings_add(struct cb_strings *strings, const char *text);
void cb_strings_addf(struct cb_strings *strings, const char *format, ...) CB_PRINTF(2, 3);
/* Adds and takes TEXT. */
void cb_strings_take(struct cb_strings *strings, char *text);
void cb_strings_copy(struct cb_strings *to, const struct cb_strings *from);
int cb_strings_contain(const struct cb_strings *strings, const char *text);
/* NULL-terminated array borrowed from STRINGS; the array itself is freed by the caller.
 */
char **cb_strings_argv(const struct cb_strings *strings);

/* "K=V" lists, as in an image's Env. Returns the value, borrowed, or NULL. */
const char *cb_env_get(const struct cb_strings *env, const char *name);
/* Replaces in place, keeping order, or appends. */
void cb_env_set(struct cb_strings *env, const char *name, const char *value);
/* Takes away the first of that name; of one that is not there nothing. */
void cb_env_unset(struct cb_strings *env, const char *name);
/* "NAME=VALUE" sets, "NAME" alone takes away. */
void cb_env_merge(struct cb_strings *env, const struct cb_strings *changes);
/* By name: as a map of Go's is shown. */
void cb_env_sort(struct cb_strings *env);

#endif
