/* What is built, as plans: one for each target and platform, one after the other into one
 * graph, so that what is equal is one step. A plan may await values that its own steps
 * make (RUN --export); it is finished while the graph is solved (build-grow.c). */
#include "engine/build-priv.h"

struct cb_frontend_options cb_building_options(struct cb_engine *engine,
                                               const struct cb_building *build,
                                               const struct cb_building_part *part,
                                               const struct cb_platform *platform)
{
    const struct cb_checked_request *checked = &part->checked;
    const struct cb_build_request *request = &part->request;

    return (struct cb_frontend_options){
        .env = &engine->env,
        .source = build->inputs.dockerfile,
        .context = build->inputs.context,
        .contexts = &build->inputs.contexts,
        .build_args = &checked->build_args,
        .proxies = &checked->proxies,
        .labels = &checked->labels,
        .envs = &checked->envs,
        .from = request->from,
        .target = request->target,
        .squash_from = checked->squash_from,
        .platform = *platform,
        .platform_given = checked->platform_given,
        .graph = build->graph,
        .tell_platform = checked->as_index,
        .build_platform = cb_platform_host(),
        .pull = request->offline ? CB_PULL_NEVER : request->pull,
        .pins = cb_locking_pins(build->locking),
        .network = checked->network,
        .allow_host_network = checked->allow_host_network,
        .allow_insecure = checked->allow_insecure,
        .allow_devices = &checked->allow_devices,
        .find_scans = checked->attest.sbom,
        .no_cache = request->no_cache,
        .no_cache_filter = &request->no_cache_filter,
    };
}

/* A plan is finished: what is asked for besides. */
static int settle(struct cb_engine *engine, struct cb_building *build,
                  struct cb_building_part *part, struct cb_made *made,
                  struct cb_error **err)
{
    struct cb_frontend_options options =
        cb_building_options(engine, build, part, &made->platform);

    if (made->plan->awaited.count)
        return 0;
    return cb_scan_plan(made, &options, &part->checked.attest, err);
}

static int plan_part(struct cb_engine *engine, struct cb_building *build,
                     struct cb_building_part *part, struct cb_error **err)
{
    cb_vec_foreach (platform, &part->checked.platforms) {
        struct cb_made made = {.platform = *platform};
        struct cb_frontend_options options =
            cb_building_options(engine, build, part, platform);

        if (cb_frontend_plan(&made.plan, &options, err) < 0)
            return -1;
        cb_vec_push(&part->made, made);
        if (settle(engine, build, part, &part->made.items[part->made.count - 1], err) < 0)
            return -1;
    }
    return 0;
}

/* What several plans of one Dockerfile warn of is said once. */
static struct cb_event_sink *planning_sink(struct cb_building *build,
                                           struct cb_event_sink *sink)
{
    if (build->parts.count == 1 && !build->parts.items[0].checked.as_index)
        return sink;
    if (!build->once)
        build->once = cb_once_new(sink);
    return cb_once_sink(build->once);
}

int cb_building_plan(struct cb_engine *engine, struct cb_building *build,
                     struct cb_error **err)
{
    int result = 0;

    build->graph = cb_graph_new();
    build->sink = engine->env.sink;
    engine->env.sink = planning_sink(build, build->sink);
    for (size_t i = 0; i < build->parts.count && result == 0; i++)
        result = plan_part(engine, build, &build->parts.items[i], err);
    /* Otherwise planning goes on beside steps, which read the environment. */
    if (result < 0 || !cb_building_awaits(build))
        engine->env.sink = build->sink;
    return result;
}

int cb_building_awaits(const struct cb_building *build)
{
    cb_vec_foreach (part, &build->parts) {
        cb_vec_foreach (made, &part->made) {
            if (made->plan->awaited.count)
                return 1;
        }
    }
    return 0;
}

static int read_value(void *arg, const char *path, char **value, struct cb_error **err)
{
    return cb_result_value(arg, path, value, err);
}

int cb_building_learn(struct cb_engine *engine, struct cb_building *build,
                      struct cb_building_part *part, struct cb_made *made,
                      const struct cb_arrival *arrival, struct cb_error **err)
{
    if (cb_plan_learn(made->plan, arrival->step, read_value, arrival->result, err) < 0)
        return -1;
    return settle(engine, build, part, made, err);
}
