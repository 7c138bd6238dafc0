/* Inside the layered cache: the store's records first, then the imported ones, and the
 * list of what a build used. */
#ifndef CB_CACHE_LAYERED_H
#define CB_CACHE_LAYERED_H

#include "cache/remote.h"

#include <pthread.h>

struct cb_cache {
    struct cb_cache_store base; /* first: the solver's view */
    struct cb_build_env *env;
    struct cb_cache_store *local;
    CB_VEC(struct cb_remote_cache *) remotes;
    pthread_mutex_t mutex; /* used, and the keys of the remotes' records */
    struct cb_map *used;   /* keys found or made, in order; NULL: not tracked */
};

/* The first remote record of KEY with a layer, or else without, or one of FOREIGN (or
 * NULL): its cache and number, or 0. From now on it is that of KEY. */
int cb_cache_find_remote(struct cb_cache *cache, const struct cb_digest *key,
                         const struct cb_digest *foreign, size_t *remote, int *record);
/* Makes a remote record the store's: snapshot and record. */
int cb_cache_adopt_remote(struct cb_cache *cache, size_t remote, int record,
                          struct cb_snapshot **top, struct cb_error **err);

/* ── collect.c ── */
/* What a cache is exported as. For a layer that is not in the store, but in REGISTRY (or
 * NULL) under the repository the cache goes to, the blob is only named. */
int cb_cache_collect(struct cb_cache *cache, struct cb_snapshot *const *results,
                     size_t count, const struct cb_cache_location *to, uint64_t event_id,
                     struct cb_cache_document *out, struct cb_error **err);

#endif
