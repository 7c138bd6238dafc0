/* --filter of the commands that list or prune containers. */
#ifndef CB_COMMANDS_CONTAINER_FILTER_H
#define CB_COMMANDS_CONTAINER_FILTER_H

#include "commands/filter.h"
#include "container/record.h"

/* What the keys are about: one of ALL, which begin with the newest. */
struct cb_listed_container {
    const struct cb_containers *all;
    size_t index;
};
extern const struct cb_filter_key cb_container_filters[];

/* Does it ask for containers that do not run? */
int cb_container_filter_wants_ended(const struct cb_strings *given);
/* NOT_FOUND when before= or since= name none of ALL. */
int cb_container_filter_check(const struct cb_strings *given,
                              const struct cb_containers *all, struct cb_error **err);

#endif
