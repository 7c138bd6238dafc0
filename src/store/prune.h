/* Making room: what of the cache goes, by whose wish. Nothing that a living process, an
 * image or a container uses is ever removed. */
#ifndef CB_STORE_PRUNE_H
#define CB_STORE_PRUNE_H

#include "store/cache-items.h"

/* Which of the cache a wish is about. Zeroes: all that no image shares. */
struct cb_cache_filter {
    int all;                 /* what images share too (their records; frees nothing) */
    unsigned types;          /* bit per enum cb_item_type; 0: all but logs */
    int64_t unused_ns;       /* only what was not used for so long */
    const char *id, *parent; /* begin so; or NULL */
    const char *description; /* contains; or NULL */
    enum cb_wish { CB_EITHER, CB_ONLY, CB_WITHOUT } in_use, shared;
};
struct cb_prune_options {
    struct cb_cache_filter filter;
    /* Bytes; 0: not asked for. With any of them, only as much goes as they want: until
     * the cache takes no more than MAX_USED and the disk has MIN_FREE, but what stays is
     * never made less than RESERVED. */
    uint64_t reserved, max_used, min_free;
    uint64_t excess; /* instead of those: so much is to go, if it can */
    int names;       /* also what registries said of names, which is no item */
};
int cb_cache_filter_matches(const struct cb_cache_filter *filter,
                            const struct cb_cache_item *item, int64_t now_ns);

/* Removes the least recently used first. REMOVED (or NULL) gets what went; *FREED_BYTES
 * is measured, not added up. Safe at any time. */
int cb_store_prune(struct cb_store *store, const struct cb_prune_options *options,
                   struct cb_cache_items *removed, uint64_t *freed_bytes,
                   struct cb_error **err);
/* What is done without being asked, at most once an hour: see docs/design/store.md. */
int cb_store_prune_by_policy(struct cb_store *store, struct cb_error **err);

#endif
