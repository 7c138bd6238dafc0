/* cbuild images --tree. */
#ifndef CB_COMMANDS_IMAGES_TREE_H
#define CB_COMMANDS_IMAGES_TREE_H

#include "base/error.h"
#include "store/store.h"

#include <jansson.h>

/* --tree shows names, and says so of --quiet, --digests and templates. USAGE. */
int cb_images_tree_check(const char *format, int quiet, int digests,
                         struct cb_error **err);
/* ROWS as `images` lists them; below a name of several platforms those that are here.
 * FORMAT: NULL or json. */
int cb_images_tree_print(struct cb_store *store, const json_t *rows, const char *format,
                         struct cb_error **err);

#endif
