/* A cache somebody else wrote, as imported: its document in memory, its layers where they
 * are. */
#ifndef CB_CACHE_REMOTE_H
#define CB_CACHE_REMOTE_H

#include "base/map.h"
#include "cache/cache.h"
#include "cache/document.h"

struct cb_remote_cache {
    struct cb_cache_document document;
    struct cb_map *by_key;          /* key → 1 + number of the record, as a pointer */
    char *title;                    /* "registry 127.0.0.1:5000/x:cache" */
    struct cb_reference *reference; /* of a registry's; or NULL */
    int layout_fd;                  /* of a layout's; or -1 */
    int of_platform; /* carried by one of an index's images: the others have theirs */
    int dead;        /* atomic: a layer could not be had; nothing more is asked for */
};
void cb_remote_cache_free(struct cb_remote_cache *remote);
CB_AUTO_DEFINE(cb_remote_cache, cb_remote_cache_free)

/* Fetches and reads the documents; of an index those of PLATFORM's image. NOT_FOUND when
 * there is no cache. */
int cb_remote_cache_open(struct cb_remote_cache **out, struct cb_build_env *env,
                         const struct cb_cache_location *from,
                         const struct cb_platform *platform, struct cb_error **err);
/* The record was found for KEY, which from now on finds it, too. The first such key
 * settles the identity it has here, never the one it claims:
 *   - with layers, that of their chain id, which is verified when they are fetched;
 *   - without, one made of KEY and the claim: known to those only who ask for KEY.
 * So nothing the cache says enters a key of a step that it was not asked for. */
void cb_remote_cache_answer(struct cb_remote_cache *remote, int record,
                            const struct cb_digest *key);
/* -1 when there is none, or the cache is dead. */
int cb_remote_cache_find(const struct cb_remote_cache *remote,
                         const struct cb_digest *key);
/* The record's layers as an image, lowest first: what the registry knows how to fetch.
 * CREATED_NS (or NULL) gets the time of each, the caller's. */
struct cb_resolved_image *cb_remote_cache_image(const struct cb_remote_cache *remote,
                                                int layer, int64_t **created_ns);
/* Fetches and unpacks the layers of a record; *TOP NULL for the empty filesystem. The
 * snapshots made for it are as old as the layers say. A step of its own on the sink. */
int cb_remote_cache_load(struct cb_remote_cache *remote, struct cb_build_env *env,
                         int record, struct cb_snapshot **top, struct cb_error **err);

#endif
