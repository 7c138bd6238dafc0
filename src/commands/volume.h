/* What the commands of volumes share. */
#ifndef CB_COMMANDS_VOLUME_H
#define CB_COMMANDS_VOLUME_H

#include "commands/commands.h"
#include "commands/filter.h"
#include "container/record.h"
#include "container/volume.h"

/* --filter of ls and prune, of a volume beside all CONTAINERS there are. */
struct cb_listed_volume {
    const struct cb_volume *volume;
    const struct cb_containers *containers; /* for `dangling` */
};
extern const struct cb_filter_key cb_volume_filters[];
/* How many of CONTAINERS have it. */
unsigned cb_volume_links(const struct cb_volume *volume,
                         const struct cb_containers *containers);

#endif
