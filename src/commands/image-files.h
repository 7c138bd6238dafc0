/* An image of the store and its files, for the commands that look into it. */
#ifndef CB_COMMANDS_IMAGE_FILES_H
#define CB_COMMANDS_IMAGE_FILES_H

#include "commands/commands.h"
#include "registry/registry.h"
#include "store/snapshot.h"

struct cb_image_files {
    struct cb_image *image;
    struct cb_snapshot *top;
};
void cb_image_files_clear(struct cb_image_files *files);
CB_AUTO_VALUE_DEFINE(cb_image_files, cb_image_files_clear)

/* What NAME means, a name or an id, and its tree, unpacked first where it is not yet. OUT
 * is to be cleared in any case. NOT_FOUND if it is not here; UNSUPPORTED of an image
 * without layers. */
int cb_app_image_files(struct cb_app *app, struct cb_store *store, const char *name,
                       const struct cb_platform *platform, struct cb_image_files *out,
                       struct cb_error **err);

#endif
