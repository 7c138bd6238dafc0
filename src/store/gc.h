/* What nothing needs any more, how much is used, and whether everything is whole. */
#ifndef CB_STORE_GC_H
#define CB_STORE_GC_H

#include "base/strbuf.h"
#include "store/store.h"

/* Removes blobs and snapshots that no image, cache record, container or living lease
 * reaches. */
int cb_store_gc(struct cb_store *store, uint64_t *freed_bytes, struct cb_error **err);

struct cb_usage {
    struct cb_usage_part {
        uint64_t count, bytes, reclaimable;
    } images, cache, cache_mounts, logs; /* cache: without what images have too */
};
int cb_store_usage(struct cb_store *store, struct cb_usage *out, struct cb_error **err);

struct cb_fsck {
    uint64_t blobs, snapshots, images; /* looked at */
    uint64_t problems, repaired;
};
/* Checks the index, every blob's digest, every image's reachability; DEEP: snapshots'
 * tree digests too. A line for each problem goes to REPORT. REPAIR removes what is
 * damaged and can be made or fetched again. */
int cb_store_fsck(struct cb_store *store, int deep, int repair, struct cb_pool *pool,
                  struct cb_fsck *out, struct cb_strbuf *report, struct cb_error **err);

#endif
