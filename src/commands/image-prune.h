/* Removing images that nothing uses, for `image prune` and `system prune`. */
#ifndef CB_COMMANDS_IMAGE_PRUNE_H
#define CB_COMMANDS_IMAGE_PRUNE_H

#include "commands/commands.h"
#include "commands/image-filter.h"

/* Prints what goes, under docker's heading, and sets *ANY if anything does. ALL: also
 * those that have names. What a container was made of stays. */
int cb_images_prune(struct cb_store *store, const struct cb_image_filter *filter, int all,
                    int *any, struct cb_error **err);

#endif
