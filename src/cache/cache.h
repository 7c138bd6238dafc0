/* The solver's cache: the store's own records, and caches of other machines, which are
 * the same records with their layers in a registry or a directory.
 *
 * A remote cache is asked after the store; what it has is fetched when somebody needs the
 * result, and from then on it is the store's. See docs/design/cache-keys.md. */
#ifndef CB_CACHE_CACHE_H
#define CB_CACHE_CACHE_H

#include "ops/ops.h"
#include "solver/solver.h"
#include "store/layer.h"

/* Records that survive the process. ENV outlives it. */
int cb_cache_local_new(struct cb_cache_store **out, struct cb_build_env *env,
                       struct cb_error **err);

/* ── Where a cache is ── */
enum cb_cache_type {
    CB_CACHE_REGISTRY, /* an artifact of its own under a name */
    CB_CACHE_LOCAL,    /* an OCI layout in a directory */
    CB_CACHE_INLINE,   /* in the image's own config; export only */
};
struct cb_cache_location {
    enum cb_cache_type type;
    char *place;             /* reference, or directory; NULL for INLINE */
    char *tag;               /* LOCAL: which of the directory's caches; "latest" */
    struct cb_digest digest; /* LOCAL, import: exactly this manifest */
    /* Export: */
    int max; /* every step, instead of those the result is made of */
    struct cb_layer_form layers;
    int ignore_error;
    int deferred; /* REGISTRY: sent when the build has ended */
    int keep;     /* LOCAL: what earlier exports wrote stays in the directory */
};
struct cb_cache_locations {
    struct cb_cache_location *items;
    size_t count, capacity;
};
void cb_cache_locations_free(struct cb_cache_locations *locations);

/* ── The layered cache ── */
struct cb_cache;
/* With the store's records alone. ENV outlives it. */
int cb_cache_new(struct cb_cache **out, struct cb_build_env *env, struct cb_error **err);
void cb_cache_free(struct cb_cache *cache);
CB_AUTO_DEFINE(cb_cache, cb_cache_free)
struct cb_cache_store *cb_cache_store(struct cb_cache *cache); /* borrowed */
/* Adds a remote cache to be asked after those before it; of an index, what its images for
 * PLATFORMS (at least one) carry. Before solving. Nothing but its documents is fetched.
 */
int cb_cache_import(struct cb_cache *cache, const struct cb_cache_location *from,
                    const struct cb_platform *platforms, size_t count,
                    struct cb_error **err);
/* The steps that were found or made, from the first one on, are remembered: for exports,
 * and for cb_cache_keep. */
void cb_cache_track(struct cb_cache *cache);
/* After solving: what imported caches told of the build's steps goes into the store, so
 * that the next build finds it without them. */
int cb_cache_keep(struct cb_cache *cache, struct cb_error **err);
/* Is ENTRY the record of a registry's cache, with layers that are not here? */
int cb_cache_is_away(struct cb_cache *cache, const struct cb_cache_entry *entry);
/* The layers of such an entry as an image that begins with them and has no more: where
 * they are, and when each was made (*CREATED_NS, lowest first; the caller's). */
struct cb_resolved_image *cb_cache_describe(struct cb_cache *cache,
                                            const struct cb_cache_entry *entry,
                                            int64_t **created_ns);
/* After solving: what RESULTS (each may be NULL: scratch) are made of, or all steps, to a
 * registry or directory, or to the store's outbox on the way to one. A step of its own on
 * the sink. */
int cb_cache_export(struct cb_cache *cache, struct cb_snapshot *const *results,
                    size_t count, const struct cb_cache_location *to,
                    struct cb_error **err);
/* INLINE: into the image's configuration, before it is exported. */
int cb_cache_inline(struct cb_cache *cache, struct cb_snapshot *result,
                    struct cb_image_config *config, struct cb_error **err);

#endif
