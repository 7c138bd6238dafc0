/* --filter of the commands that list or prune containers. */
#ifndef CB_COMMANDS_CONTAINER_FILTER_H
#define CB_COMMANDS_CONTAINER_FILTER_H

#include "commands/filter.h"
#include "container/record.h"
#include "store/refs.h"

/* The images that values of ancestor= mean. */
struct cb_ancestor {
    const char *value; /* borrowed */
    struct cb_image *image;
};
struct cb_ancestors {
    struct cb_ancestor *items;
    size_t count, capacity;
};
void cb_ancestors_find(struct cb_ancestors *out, struct cb_store *store,
                       const struct cb_strings *given);
void cb_ancestors_clear(struct cb_ancestors *ancestors);
CB_AUTO_VALUE_DEFINE(cb_ancestors, cb_ancestors_clear)

/* What the keys are about: one of ALL, which begin with the newest. */
struct cb_listed_container {
    const struct cb_containers *all;
    size_t index;
    const struct cb_ancestors *ancestors; /* NULL where that is no key */
};
extern const struct cb_filter_key cb_container_filters[];

/* Does it ask for containers that do not run? */
int cb_container_filter_wants_ended(const struct cb_strings *given);
/* NOT_FOUND when before= or since= name none of ALL. */
int cb_container_filter_check(const struct cb_strings *given,
                              const struct cb_containers *all, struct cb_error **err);

#endif
