/* The steps of a build are solved: those of all targets and platforms together, but for
 * images that are put together apart, whose layers alone are wanted, and for results that
 * may stay where the cache found them. */
#include "engine/build-priv.h"

/* The other threads load what is here already. */
#define MAX_DOWNLOADS (CB_BUILD_IO_THREADS - 2)

void cb_made_list_wanted(const struct cb_made *made, struct cb_wanted *out)
{
    if (!made->is_apart && made->plan->result.vertex)
        cb_vec_push(out, made->plan->result);
    for (size_t i = 0; made->is_apart && i < made->plan->apart.layers.count; i++)
        cb_vec_push(out, made->plan->apart.layers.items[i]);
    if (made->scan.edge.vertex) {
        cb_vec_push(out, made->scan.edge);
        return;
    }
    cb_vec_foreach (scan, &made->plan->scans) {
        if (scan->root.vertex)
            cb_vec_push(out, scan->root);
    }
}

int cb_building_list_next(struct cb_engine *engine, struct cb_building *build,
                          struct cb_building_part *part, struct cb_made *made,
                          struct cb_wanted *out, struct cb_error **err)
{
    cb_vec_foreach (edge, &made->plan->awaited)
        cb_vec_push(out, *edge);
    cb_vec_foreach (edge, &made->plan->begun)
        cb_vec_push(&out->begun, *edge);
    if (made->plan->awaited.count)
        return 0;
    if (cb_apart_choose(&engine->env, &part->checked, made, &build->apart, err) < 0)
        return -1;
    cb_made_list_wanted(made, out);
    return 0;
}

static int list_wanted(struct cb_engine *engine, struct cb_building *build,
                       struct cb_wanted *out, struct cb_error **err)
{
    cb_vec_foreach (part, &build->parts) {
        cb_vec_foreach (made, &part->made) {
            if (cb_building_list_next(engine, build, part, made, out, err) < 0)
                return -1;
        }
    }
    return 0;
}

/* In the order of cb_made_list_wanted. Returns the results that are left. */
static struct cb_result **take_made(struct cb_made *made, struct cb_result **results)
{
    if (!made->is_apart && made->plan->result.vertex)
        made->result = *results++;
    for (size_t i = 0; made->is_apart && i < made->plan->apart.layers.count; i++)
        cb_vec_push(&made->links, *results++);
    if (made->scan.edge.vertex) {
        made->scan.result = *results++;
        return results;
    }
    cb_vec_foreach (scan, &made->plan->scans) {
        if (scan->root.vertex)
            cb_vec_push(&made->scanned, *results++);
    }
    return results;
}

void cb_building_take_results(struct cb_building *build, struct cb_result **results)
{
    cb_vec_foreach (part, &build->parts) {
        cb_vec_foreach (made, &part->made)
            results = take_made(made, results);
    }
}

static int is_away(void *arg, const struct cb_cache_entry *entry)
{
    return cb_cache_is_away(arg, entry);
}

/* What was left where it was found is to be had there: 1, or 0. None of it is of an image
 * that is put together apart. */
static int take_left(struct cb_engine *engine, struct cb_building *build,
                     const struct cb_cache_entry *left, struct cb_error **err)
{
    int there = 1;

    cb_vec_foreach (made, &build->parts.items[0].made) {
        if (!made->plan->result.vertex)
            continue;
        if (there > 0 && left->handle)
            there = cb_apart_leave(&engine->env, build->cache, left, made, err);
        left++;
    }
    return there;
}

static void drop_results(struct cb_building *build)
{
    cb_vec_foreach (made, &build->parts.items[0].made) {
        cb_result_unref(cb_steal(&made->result));
        cb_resolved_image_free(cb_steal(&made->left));
        free(cb_steal(&made->left_ns));
    }
}

static int solve_once(struct cb_building *build, const struct cb_wanted *wanted,
                      const struct cb_solve_options *options,
                      struct cb_solve_stats *stats, struct cb_error **err)
{
    cb_autofree struct cb_result **results = xcalloc(wanted->count + 1, sizeof(*results));

    if (cb_solve(build->graph, wanted->items, wanted->count, options, results, stats,
                 err) < 0)
        return -1;
    cb_building_take_results(build, results);
    return 0;
}

static int solve_wanted(struct cb_engine *engine, struct cb_building *build,
                        const struct cb_wanted *wanted, struct cb_solve_options *options,
                        struct cb_solve_stats *stats, struct cb_error **err)
{
    cb_autofree struct cb_cache_entry *left = xcalloc(wanted->count + 1, sizeof(*left));
    const struct cb_building_part *first = build->parts.items;
    int result;

    if (build->parts.count > 1 || !cb_apart_may_leave(&first->checked, &first->made))
        return solve_once(build, wanted, options, stats, err);
    options->leave = is_away;
    options->leave_arg = build->cache;
    options->left = left;
    result = solve_once(build, wanted, options, stats, err);
    if (result == 0)
        result = take_left(engine, build, left, err);
    for (size_t i = 0; i < wanted->count; i++)
        cb_cache_entry_free(&left[i]);
    if (result)
        return result < 0 ? -1 : 0;
    options->leave = NULL;
    drop_results(build);
    return solve_once(build, wanted, options, stats, err);
}

int cb_building_solve(struct cb_engine *engine, struct cb_building *build,
                      const struct cb_build_request *request,
                      struct cb_solve_stats *stats, struct cb_error **err)
{
    const struct cb_checked_request *checked = &build->parts.items[0].checked;
    struct cb_solve_options options = {
        .pool = engine->pool,
        .cancel = engine->env.cancel,
        .sink = build->sink,
        .max_parallel = engine->jobs,
        .max_downloads = MAX_DOWNLOADS,
        .has_cache_ttl = request->cache_ttl != NULL,
        .cache_ttl_ns = checked->cache_ttl_ns,
        .explain = 1, /* the log keeps it for `cbuild explain` */
    };
    struct cb_wanted wanted = {0};
    int result = list_wanted(engine, build, &wanted, err);

    if (result == 0 && wanted.count) {
        result = cb_caches_open(&build->cache, &engine->env, checked, err);
        options.cache = build->cache ? cb_cache_store(build->cache) : NULL;
        if (result == 0 && cb_building_awaits(build))
            result = cb_building_grow(engine, build, &wanted, &options, stats, err);
        else if (result == 0)
            result = solve_wanted(engine, build, &wanted, &options, stats, err);
        if (result == 0)
            result = cb_cache_keep(build->cache, err);
    }
    engine->env.sink = build->sink;
    cb_vec_free(&wanted.begun);
    cb_vec_free(&wanted);
    stats->total += build->apart.total;
    stats->cached += build->apart.cached;
    return result;
}
