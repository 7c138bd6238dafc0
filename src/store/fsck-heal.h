/* Inside fsck: blobs that are lost, from where they came. */
#ifndef CB_STORE_FSCK_HEAL_H
#define CB_STORE_FSCK_HEAL_H

#include "store/gc.h"

/* Asks SOURCE (or NULL) for a blob under each name of the images that need it: 1 when it
 * is in the store again. Any thread may. */
int cb_fsck_refetch(struct cb_store *store, const struct cb_fsck_source *source,
                    const char *digest);
/* The same for any blob known for a diff id. */
int cb_fsck_refetch_layer(struct cb_store *store, const struct cb_fsck_source *source,
                          const char *diff_id);

#endif
