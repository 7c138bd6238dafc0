/* Snapshots as results: the filesystem a step leaves behind. Its read-only root is opened
 * when something first needs it and shared by all who do; the empty filesystem's root is
 * an empty scratch directory. */
#include "ops/ops-priv.h"

#include "base/map.h"
#include "ops/selection-priv.h"

void cb_root_cache_init(struct cb_root_cache *cache)
{
    pthread_mutex_init(&cache->lock, NULL);
    cache->fd = -1;
    cache->empty = NULL;
}

void cb_root_cache_clear(struct cb_root_cache *cache)
{
    cb_close(&cache->fd);
    cb_scratch_free(cache->empty);
    pthread_mutex_destroy(&cache->lock);
}

static void snapshot_result_free(struct cb_result *result)
{
    struct cb_snapshot_result *self = (struct cb_snapshot_result *)result;

    cb_root_cache_clear(&self->root);
    cb_map_free(self->listings);
    pthread_mutex_destroy(&self->lock);
    cb_snapshot_unref(self->snapshot);
    free(self);
}

static const struct cb_result_class result_class;

struct cb_result *cb_snapshot_result_new(struct cb_build_env *env,
                                         struct cb_snapshot *snapshot,
                                         const struct cb_digest *identity)
{
    struct cb_snapshot_result *result = xcalloc(1, sizeof(*result));

    result->base.class = &result_class;
    result->base.refs = 1;
    result->base.identity = *identity;
    result->env = env;
    result->snapshot = snapshot ? cb_snapshot_ref(snapshot) : NULL;
    cb_root_cache_init(&result->root);
    pthread_mutex_init(&result->lock, NULL);
    return &result->base;
}

int cb_result_is_snapshot(const struct cb_result *result)
{
    return result->class == &result_class;
}

struct cb_snapshot *cb_snapshot_result_get(struct cb_result *result)
{
    return ((struct cb_snapshot_result *)result)->snapshot;
}

static struct cb_root_cache *root_cache(struct cb_result *result)
{
    return cb_result_is_snapshot(result) ? &((struct cb_snapshot_result *)result)->root
                                         : &((struct cb_context_result *)result)->root;
}

static struct cb_store *store_of(struct cb_result *result)
{
    return cb_result_is_snapshot(result)
               ? ((struct cb_snapshot_result *)result)->env->store
               : ((struct cb_context_result *)result)->env->store;
}

/* Opens what the cache does not hold yet; its lock is held. */
static int open_root(struct cb_result *result, struct cb_root_cache *cache,
                     struct cb_error **err)
{
    struct cb_snapshot *snapshot =
        cb_result_is_snapshot(result) ? cb_snapshot_result_get(result) : NULL;

    if (cache->fd >= 0 || cache->empty)
        return 0;
    if (snapshot)
        return cb_snapshot_open_root(snapshot, &cache->fd, err);
    return cb_store_scratch(store_of(result), &cache->empty, err);
}

int cb_result_root(struct cb_result *result, int *fd, struct cb_error **err)
{
    struct cb_root_cache *cache = root_cache(result);
    int status;

    if (!cb_result_is_snapshot(result)) {
        int dir = cb_context_root_fd(((struct cb_context_result *)result)->context);

        if (dir >= 0) {
            *fd = dir;
            return 0;
        }
    }
    pthread_mutex_lock(&cache->lock);
    status = open_root(result, cache, err);
    if (status == 0)
        *fd = cache->fd >= 0 ? cache->fd : cb_scratch_fd(cache->empty);
    pthread_mutex_unlock(&cache->lock);
    return status;
}

/* Finds the files of a snapshot that SELECTOR names. */
static int select_in_snapshot(struct cb_result *result,
                              const struct cb_selector *selector,
                              struct cb_cancel *cancel, struct cb_tree *tree,
                              struct cb_selection **out, struct cb_error **err)
{
    *tree = (struct cb_tree){.place = "the stage or image it is taken from",
                             .cancel = cancel};
    if (cb_result_root(result, &tree->root_fd, err) < 0)
        return -1;
    return cb_select(tree, selector, out, err);
}

/* The list itself goes once it is digested; its text may be asked for later. */
static void keep_listing(struct cb_snapshot_result *self, const char *selector,
                         char *listing)
{
    pthread_mutex_lock(&self->lock);
    if (!self->listings)
        self->listings = cb_map_new(free);
    cb_map_set(self->listings, selector, listing);
    pthread_mutex_unlock(&self->lock);
}

static char *snapshot_listing(struct cb_result *result, const char *text)
{
    struct cb_snapshot_result *self = (struct cb_snapshot_result *)result;
    char *listing = NULL;

    pthread_mutex_lock(&self->lock);
    if (self->listings)
        listing = xstrdup(cb_map_get(self->listings, text ? text : CB_SELECTOR_ALL));
    pthread_mutex_unlock(&self->lock);
    return listing;
}

static int snapshot_content_digest(struct cb_result *result, const char *text,
                                   struct cb_pool *pool, struct cb_cancel *cancel,
                                   struct cb_digest *out, struct cb_error **err)
{
    cb_auto(cb_selection) selection = NULL;
    cb_auto_value(cb_selector) selector = {0};
    struct cb_tree tree;

    if (cb_selector_parse(&selector, text ? text : CB_SELECTOR_ALL, err) < 0 ||
        select_in_snapshot(result, &selector, cancel, &tree, &selection, err) < 0 ||
        cb_selection_hash(&tree, &selector, selection, NULL, pool, err) < 0)
        return -1;
    *out = selection->digest;
    keep_listing((struct cb_snapshot_result *)result, text ? text : CB_SELECTOR_ALL,
                 cb_selection_listing(selection, &selector));
    return 0;
}

static const struct cb_result_class result_class = {
    .name = "snapshot",
    .free = snapshot_result_free,
    .content_digest = snapshot_content_digest,
    .listing = snapshot_listing,
};

int cb_result_select(struct cb_result *result, const char *text, struct cb_pool *pool,
                     struct cb_cancel *cancel, const struct cb_selection **out,
                     struct cb_selection **owned, struct cb_error **err)
{
    cb_auto_value(cb_selector) selector = {0};
    struct cb_tree tree;

    if (!cb_result_is_snapshot(result))
        return cb_context_selection((struct cb_context_result *)result, text, pool,
                                    cancel, out, err);
    if (cb_selector_parse(&selector, text, err) < 0 ||
        select_in_snapshot(result, &selector, cancel, &tree, owned, err) < 0)
        return -1;
    *out = *owned;
    return 0;
}
