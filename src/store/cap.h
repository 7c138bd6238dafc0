/* The limit on what the whole store takes on disk. */
#ifndef CB_STORE_CAP_H
#define CB_STORE_CAP_H

#include "base/lockfile.h"
#include "store/store.h"

/* To be called before something of BYTES becomes part of the store, and kept until it is:
 * without a limit *LOCK is NULL and nothing happens. Else the least recently used goes
 * until there is room; SYSTEM "the store is full" when all that is left is in use. Not
 * with gc.lock held. */
int cb_store_make_room(struct cb_store *store, uint64_t bytes, struct cb_lock **lock,
                       struct cb_error **err);

#endif
