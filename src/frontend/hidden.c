/* A stage that starts from an image has the image's ENV, which is not known without the
 * image. What is expanded all the same says on which names of it that hangs, also when a
 * variable of the Dockerfile stands between. */
#include "frontend/scope-priv.h"

#define MAX_NAMES 20 /* of one word: who hangs on more is told of the first */

static void free_names(void *names)
{
    cb_strings_free(names);
    free(names);
}

static void add_names(struct cb_strings *to, const struct cb_strings *names)
{
    for (size_t i = 0; i < names->count && to->count < MAX_NAMES; i++)
        cb_strings_add_once(to, names->items[i]);
}

struct cb_hidden *cb_hidden_new(const struct cb_hidden *inherited)
{
    struct cb_hidden *hidden = xcalloc(1, sizeof(*hidden));
    size_t position = 0;
    const char *name;
    void *names;

    hidden->behind = cb_map_new(free_names);
    while (inherited && cb_map_next(inherited->behind, &position, &name, &names))
        cb_hidden_set(hidden, name, names);
    return hidden;
}

void cb_hidden_free(struct cb_hidden *hidden)
{
    if (!hidden)
        return;
    cb_strings_free(&hidden->used);
    cb_map_free(hidden->behind);
    free(hidden);
}

void cb_hidden_note(struct cb_hidden *hidden, const char *name, const char *value)
{
    const struct cb_strings *behind = cb_map_get(hidden->behind, name);

    if (behind)
        add_names(&hidden->used, behind);
    else if (!value && hidden->used.count < MAX_NAMES)
        cb_strings_add_once(&hidden->used, name);
}

void cb_hidden_set(struct cb_hidden *hidden, const char *name,
                   const struct cb_strings *used)
{
    struct cb_strings *names;

    if (!used->count) {
        cb_map_remove(hidden->behind, name);
        return;
    }
    names = xcalloc(1, sizeof(*names));
    add_names(names, used);
    cb_map_set(hidden->behind, name, names);
}
