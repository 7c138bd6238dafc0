/* An index that is damaged beyond SQLite's own recovery: another is made of what can be
 * read of it and of what is on disk. */
#ifndef CB_STORE_SALVAGE_H
#define CB_STORE_SALVAGE_H

#include "store/store-priv.h"

/* 1 when the index is damaged: it cannot be opened, or SQLite says so. */
int cb_index_is_damaged(struct cb_store *store, struct cb_error **err);
/* Puts a new index in its place, the old one aside as meta.db.damaged. Fails with EXISTS
 * while another process works in the store. To be called before the index is opened. */
int cb_index_salvage(struct cb_store *store, struct cb_error **err);
/* Registers the images whose config and layers are there, but not their row. Returns how
 * many. */
int cb_images_recover(struct cb_store *store, uint64_t *count, struct cb_error **err);

#endif
