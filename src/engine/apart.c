/* Images made of layers that are not here, and are not looked into.
 *
 * One that only adds metadata to its base, or layers that were made on nothing (COPY
 * --link), can be made and sent away without a byte of the base's layers: a registry that
 * has them mounts them, an archive gets the blobs as they are, and nothing is unpacked.
 * It is done where the base is not here already, and where nobody asked for its files: an
 * image for this store is for running, and there a base is fetched as for any step.
 *
 * One that a registry's cache has whole is sent away in the same manner, from there. */
#include "engine/engine-priv.h"

#include "store/layer.h"
#include "store/refs.h"

static int is_enough(const struct cb_checked_request *checked)
{
    if (checked->squash || checked->fold || checked->attest.sbom ||
        checked->cache_to.count || cb_caches_wants_inline(checked))
        return 0;
    cb_vec_foreach (output, &checked->outputs) {
        if ((output->type == CB_OUTPUT_IMAGE && !output->push) ||
            output->type == CB_OUTPUT_DIRECTORY || output->type == CB_OUTPUT_TAR)
            return 0;
    }
    return 1;
}

/* 1: its layers are unpacked already, and there is nothing to be saved. */
static int is_here(struct cb_store *store, const struct cb_image_config *config,
                   struct cb_error **err)
{
    cb_auto(cb_snapshot) top = NULL;
    struct cb_digest chain_id = {0};

    for (size_t i = 0; i < config->diff_ids.count; i++)
        chain_id = cb_chain_id(i ? &chain_id : NULL, &config->diff_ids.items[i]);
    return cb_chain_find(store, &chain_id, &top, err);
}

/* As a step for which there was nothing to do. */
static void show(struct cb_build_env *env, const char *name, struct cb_solve_stats *stats)
{
    uint64_t id = cb_event_step_start(env->sink, name);

    cb_event_emit(env->sink, (struct cb_event){.kind = CB_EVENT_STEP_CACHED, .id = id});
    stats->total++;
    stats->cached++;
}

int cb_apart_choose(struct cb_build_env *env, const struct cb_checked_request *checked,
                    struct cb_made *made, struct cb_solve_stats *stats,
                    struct cb_error **err)
{
    const struct cb_apart *apart = &made->plan->apart;
    int here;

    if (!is_enough(checked))
        return 0;
    here = apart->base ? is_here(env->store, apart->base->config, err) : 1;
    if (here < 0)
        return -1;
    made->is_apart = !here;
    if (made->is_apart)
        show(env, apart->name, stats);
    return 0;
}

/* ── Results of caches ── */

int cb_apart_may_leave(const struct cb_checked_request *checked,
                       const struct cb_made_list *made)
{
    cb_vec_foreach (each, made) {
        if (each->is_apart)
            return 0; /* of that the layers are wanted, which are on their own */
    }
    return checked->cache_from.count && is_enough(checked);
}

int cb_apart_leave(struct cb_build_env *env, struct cb_cache *cache,
                   const struct cb_cache_entry *entry, struct cb_made *made,
                   struct cb_error **err)
{
    cb_auto(cb_resolved_image) image = NULL;
    cb_autofree int64_t *created_ns = NULL;
    int there;

    image = cb_cache_describe(cache, entry, &created_ns);
    there = image ? cb_registry_has_layers(env->registry, image, err) : 0;
    if (there <= 0)
        return there;
    made->left = cb_steal(&image);
    made->left_ns = cb_steal(&created_ns);
    return 1;
}

/* ── Their images ── */

const struct cb_resolved_image *cb_apart_base(const struct cb_made *made)
{
    return made->is_apart ? made->plan->apart.base : made->left;
}

int cb_apart_config(struct cb_build_env *env, const struct cb_made *made, char **bytes,
                    size_t *len, struct cb_error **err)
{
    size_t count = made->links.count;
    cb_autofree struct cb_snapshot **layers = xcalloc(count + 1, sizeof(*layers));
    const struct cb_export_apart apart = {.below = cb_apart_base(made)->config,
                                          .created_ns = made->left_ns,
                                          .layers = layers,
                                          .count = count};

    for (size_t i = 0; i < count; i++)
        layers[i] = cb_snapshot_result_get(made->links.items[i]);
    return cb_export_config_apart(env, &apart, made->plan->config, bytes, len, err);
}

int cb_apart_provide(struct cb_build_env *env, const struct cb_made_list *made,
                     const struct cb_platform_images *ids, struct cb_error **err)
{
    for (size_t i = 0; i < made->count; i++) {
        cb_auto(cb_image) image = NULL;

        if (!cb_apart_base(&made->items[i]))
            continue;
        if (cb_image_of_config(env->store, &ids->items[i].id, &image, err) < 0 ||
            cb_registry_provide(env->registry, image, cb_apart_base(&made->items[i]), 0,
                                err) < 0)
            return -1;
    }
    return 0;
}
