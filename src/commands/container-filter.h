/* --filter of the commands that list or prune containers. */
#ifndef CB_COMMANDS_CONTAINER_FILTER_H
#define CB_COMMANDS_CONTAINER_FILTER_H

#include "container/record.h"

struct cb_container_filter {
    struct cb_strings texts; /* "KEY=VALUE", checked */
    struct timespec until;
    int has_until;
    int wants_ended; /* it asks for what does not run */
};
void cb_container_filter_clear(struct cb_container_filter *filter);
CB_AUTO_VALUE_DEFINE(cb_container_filter, cb_container_filter_clear)

/* PRUNE: those of `container prune`. USAGE. */
int cb_container_filter_parse(struct cb_container_filter *out,
                              const struct cb_strings *texts, int prune,
                              struct cb_error **err);
/* NOT_FOUND when before= or since= name none of ALL. */
int cb_container_filter_check(const struct cb_container_filter *filter,
                              const struct cb_containers *all, struct cb_error **err);
/* Of ALL, newest first, the one at INDEX. */
int cb_container_filter_takes(const struct cb_container_filter *filter,
                              const struct cb_containers *all, size_t index);

#endif
