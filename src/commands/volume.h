/* What the commands of volumes share. */
#ifndef CB_COMMANDS_VOLUME_H
#define CB_COMMANDS_VOLUME_H

#include "commands/commands.h"
#include "container/record.h"
#include "container/volume.h"

/* --filter of ls and prune: KEY=VALUE. Values of one key are alternatives, but labels,
 * which must all be there. */
struct cb_volume_filter {
    struct cb_strings driver, label, not_label, name;
    int has_dangling, dangling;
    int all; /* prune: named ones, too */
};
void cb_volume_filter_clear(struct cb_volume_filter *filter);
CB_AUTO_VALUE_DEFINE(cb_volume_filter, cb_volume_filter_clear)
/* PRUNE: only what prune knows. USAGE with docker's words. */
int cb_volume_filter_parse(struct cb_volume_filter *filter,
                           const struct cb_strings *texts, int prune,
                           struct cb_error **err);
/* CONTAINERS: all there are. */
int cb_volume_filter_matches(const struct cb_volume_filter *filter,
                             const struct cb_volume *volume,
                             const struct cb_containers *containers);
/* How many of CONTAINERS have it. */
unsigned cb_volume_links(const struct cb_volume *volume,
                         const struct cb_containers *containers);

#endif
