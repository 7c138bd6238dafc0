/* What nothing needs any more, how much is used, and whether everything is whole. */
#ifndef CB_STORE_GC_H
#define CB_STORE_GC_H

#include "base/digest.h"
#include "base/strbuf.h"
#include "store/store.h"

/* Removes blobs and snapshots that no image, cache record, container, cache that is to be
 * sent (outbox.h) or living lease reaches. */
int cb_store_gc(struct cb_store *store, uint64_t *freed_bytes, struct cb_error **err);

struct cb_usage {
    struct cb_usage_part {
        uint64_t count, active, bytes, reclaimable;
    } images, cache, cache_mounts, logs; /* cache: without what images have too; images:
                                            what containers stand on is not reclaimable,
                                            and which are active is not known here */
    struct cb_usage_part blobs; /* layers as they came or were sent, and documents;
                                   reclaimable: what the next gc removes */
    struct cb_usage_part rest;  /* the index, the journal, what containers have beside
                                   their files, unfinished downloads */
};
/* Counts the blobs, and what of them the next gc would remove. */
int cb_gc_measure_blobs(struct cb_store *store, struct cb_usage_part *out,
                        struct cb_error **err);
int cb_store_usage(struct cb_store *store, struct cb_usage *out, struct cb_error **err);

struct cb_fsck {
    uint64_t blobs, snapshots, images; /* looked at */
    uint64_t problems, repaired;
};
/* Where lost blobs come from: NAME is "repository@digest", MANIFEST the image's own
 * (unset where it is that digest). */
struct cb_fsck_source {
    int (*fetch)(void *arg, const char *name, const struct cb_digest *manifest,
                 const struct cb_digest *blob, struct cb_error **err);
    void *arg;
};
struct cb_fsck_options {
    int deep; /* snapshots' tree digests too */
    /* Fetches damaged and lost blobs again, and removes what else is damaged and can be
     * made or fetched again; in a store opened with `repair`, what a damaged index lost
     * is looked for among the blobs. */
    int repair;
    const struct cb_fsck_source *source; /* or NULL: nothing is fetched */
    struct cb_pool *pool;                /* or NULL */
};
/* Checks the index, every blob's digest, every image's reachability. A line for each
 * problem goes to REPORT. */
int cb_store_fsck(struct cb_store *store, const struct cb_fsck_options *options,
                  struct cb_fsck *out, struct cb_strbuf *report, struct cb_error **err);

#endif
