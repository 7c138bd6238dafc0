/* An image that only adds metadata to its base, or layers that were made on nothing (COPY
 * --link), can be made and sent away without a byte of the base's layers: a registry that
 * has them mounts them, an archive gets the blobs as they are, and nothing is unpacked.
 * It is done where the base is not here already, and where nobody asked for its files: an
 * image for this store is for running, and there a base is fetched as for any step. */
#include "engine/engine-priv.h"

#include "store/layer.h"
#include "store/refs.h"

static int is_enough(const struct cb_checked_request *checked)
{
    if (checked->squash || checked->fold || checked->cache_to.count ||
        cb_caches_wants_inline(checked))
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
                    struct cb_made_list *made, struct cb_solve_stats *stats,
                    struct cb_error **err)
{
    if (!is_enough(checked))
        return 0;
    cb_vec_foreach (each, made) {
        const struct cb_apart *apart = &each->plan->apart;
        int here = apart->base ? is_here(env->store, apart->base->config, err) : 1;

        if (here < 0)
            return -1;
        each->is_apart = !here;
        if (each->is_apart)
            show(env, apart->name, stats);
    }
    return 0;
}

int cb_apart_provide(struct cb_build_env *env, const struct cb_made_list *made,
                     const struct cb_platform_images *ids, struct cb_error **err)
{
    for (size_t i = 0; i < made->count; i++) {
        cb_auto(cb_image) image = NULL;

        if (!made->items[i].is_apart)
            continue;
        if (cb_image_of_config(env->store, &ids->items[i].id, &image, err) < 0 ||
            cb_registry_provide(env->registry, image, made->items[i].plan->apart.base, 0,
                                err) < 0)
            return -1;
    }
    return 0;
}
