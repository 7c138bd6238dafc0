/* The layer of a COPY --link on top of what its stage had before. The layer was made on
 * nothing and is cached without regard to what it lands on; so when the base changes,
 * this step is all that is done again, and it only gives the layer's files other names.
 */
#include "ops/ops-priv.h"

#include "store/layer.h"

static int merge_cache_map(void *payload, struct cb_cache_map *map,
                           struct cb_cancel *cancel, struct cb_error **err)
{
    (void)payload;
    (void)cancel;
    (void)err;
    map->inputs = xcalloc(2, sizeof(*map->inputs));
    return 0;
}

static int merge_exec(void *payload, struct cb_exec_context *context,
                      struct cb_result **out, struct cb_error **err)
{
    struct cb_build_env *env = payload;
    struct cb_digest identity = cb_identity_from("merge", &context->key);
    struct cb_snapshot *base = cb_snapshot_result_get(context->inputs[0]);
    struct cb_snapshot *layer = cb_snapshot_result_get(context->inputs[1]);
    char text[CB_DIGEST_MAX_TEXT];
    const struct cb_restack how = {.parent = base,
                                   .identity = cb_digest_text(&identity, text),
                                   .pool = context->pool,
                                   .cancel = context->cancel};
    cb_auto(cb_snapshot) top = NULL;

    if (!base) {
        *out = cb_result_ref(context->inputs[1]);
        return 0;
    }
    if (cb_layer_restack(layer, &how, &top, err) < 0)
        return -1;
    *out = cb_snapshot_result_new(env, top, &identity);
    return 0;
}

static const struct cb_op_class merge_op = {
    .name = "merge",
    .pool = CB_POOL_CPU,
    .cheap_map = 1,
    .silent = 1,
    .cache_map = merge_cache_map,
    .exec = merge_exec,
};

void cb_op_merge(struct cb_vertex_options *out, struct cb_build_env *env)
{
    const struct cb_key_parts none = {0};

    out->op = &merge_op;
    out->payload = env;
    out->definition = cb_definition_digest(merge_op.name, &none, NULL);
}
