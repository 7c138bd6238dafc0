/* --squash: the image's layers since its base, or since a stage, become one.
 * --optimize-metadata: its layers have no file twice that only has another mode or owner.
 * Steps know nothing of either: they run, and are found again, as without it, and only
 * what is exported as an image differs. The history goes on telling all steps, as
 * docker's does: those whose layers are gone have none, and an entry for the one that
 * they became follows. */
#include "engine/engine-priv.h"

#include "base/text.h"
#include "store/fold.h"
#include "store/squash.h"

int cb_request_squash(struct cb_checked_request *out,
                      const struct cb_build_request *request, struct cb_error **err)
{
    const char *given = request->squash;
    int wanted = given != NULL;

    if (given && *given && !cb_parse_bool(given, &wanted))
        out->squash_from = given;
    out->squash = wanted;
    out->fold = request->optimize_metadata;
    if ((wanted || out->fold) && cb_caches_wants_inline(out)) {
        cb_error_set(err, CB_ERR_USAGE,
                     "%s and an inline cache exclude each other: it is kept in the "
                     "layers of the image",
                     wanted ? "--squash" : "--optimize-metadata");
        return cb_error_hint(err, "keep the cache with --cache-to type=registry");
    }
    return 0;
}

/* The history from what is above KEPT layers of this build's own. */
static void note(struct cb_image_config *config, size_t kept, unsigned layers)
{
    struct cb_history entry = {.comment = xasprintf("%u layers squashed", layers)};

    cb_vec_foreach (at, &config->history) {
        if (at->created || at->empty_layer)
            continue;
        if (kept)
            kept--;
        else
            at->empty_layer = 1;
    }
    cb_vec_push(&config->history, entry);
}

static int squash(struct cb_build_env *env, struct cb_made *made, struct cb_error **err)
{
    struct cb_snapshot *top = made->result ? cb_snapshot_result_get(made->result) : NULL;
    struct cb_snapshot *base = top;
    const struct cb_plan *plan = made->plan;
    unsigned depth = top ? cb_snapshot_depth(top) : 0;

    if (depth <= plan->squash_layers + 1)
        return 0;
    while (base && cb_snapshot_depth(base) > plan->squash_layers)
        base = cb_snapshot_parent(base);
    if (cb_snapshot_squash(top, base, env->cancel, &made->instead, err) < 0)
        return -1;
    note(plan->config, plan->squash_layers - plan->base_layers,
         depth - (unsigned)plan->squash_layers);
    return 0;
}

static int fold(struct cb_build_env *env, struct cb_made *made, struct cb_error **err)
{
    cb_auto(cb_snapshot) top = cb_steal(&made->instead);
    struct cb_snapshot *base;

    if (!top && made->result && cb_snapshot_result_get(made->result))
        top = cb_snapshot_ref(cb_snapshot_result_get(made->result));
    if (!top)
        return 0;
    for (base = top; base && cb_snapshot_depth(base) > made->plan->base_layers;)
        base = cb_snapshot_parent(base);
    return cb_snapshot_fold(top, base, env->cancel, &made->instead, err);
}

int cb_squash_made(struct cb_build_env *env, const struct cb_checked_request *checked,
                   struct cb_made_list *made, struct cb_error **err)
{
    cb_vec_foreach (each, made) {
        if ((checked->squash && squash(env, each, err) < 0) ||
            (checked->fold && fold(env, each, err) < 0))
            return -1;
    }
    return 0;
}
