/* A file without a name on the store's disk, for an archive that can be read only once:
 * it is gone with its last descriptor, whatever ends the process. */
#ifndef CB_STORE_SPOOL_H
#define CB_STORE_SPOOL_H

#include "store/store.h"

#include <sys/types.h>

struct cb_spool;
int cb_spool_new(struct cb_store *store, struct cb_spool **out, struct cb_error **err);
/* What is in an archive will be unpacked once more. So SYSTEM when the file would take
 * more than half of what was free when it was begun, or more than a store with a limit
 * may have: no small archive fills the disk. */
int cb_spool_write(struct cb_spool *spool, const void *bytes, size_t len,
                   struct cb_error **err);
off_t cb_spool_size(const struct cb_spool *spool);
/* The caller's, at the file's beginning. */
int cb_spool_take_fd(struct cb_spool *spool);
void cb_spool_free(struct cb_spool *spool);
CB_AUTO_DEFINE(cb_spool, cb_spool_free)

#endif
