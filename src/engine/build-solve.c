/* The steps of a build are solved: those of all targets and platforms together, but for
 * images that are put together apart, whose layers alone are wanted, and for results that
 * may stay where the cache found them. Where plans await values that steps make, what is
 * known first is solved, and each value adds to it while the rest goes on. */
#include "engine/build-priv.h"

/* The other threads load what is here already. */
#define MAX_DOWNLOADS (CB_BUILD_IO_THREADS - 2)

/* What is scratch needs no solving, and of what is put together apart only the layers. */
static void list_made(const struct cb_made *made, struct cb_wanted *out)
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

/* Of a plan that awaits values what these are made by. */
static int list_next(struct cb_engine *engine, struct cb_building_part *part,
                     struct cb_made *made, struct cb_solve_stats *stats,
                     struct cb_wanted *out, struct cb_error **err)
{
    cb_vec_foreach (edge, &made->plan->awaited)
        cb_vec_push(out, *edge);
    cb_vec_foreach (edge, &made->plan->begun)
        cb_vec_push(&out->begun, *edge);
    if (made->plan->awaited.count)
        return 0;
    if (cb_apart_choose(&engine->env, &part->checked, made, stats, err) < 0)
        return -1;
    list_made(made, out);
    return 0;
}

static int list_wanted(struct cb_engine *engine, struct cb_building *build,
                       struct cb_solve_stats *stats, struct cb_wanted *out,
                       struct cb_error **err)
{
    cb_vec_foreach (part, &build->parts) {
        cb_vec_foreach (made, &part->made) {
            if (list_next(engine, part, made, stats, out, err) < 0)
                return -1;
        }
    }
    return 0;
}

/* In the order of list_made. Returns the results that are left. */
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

static void take_results(struct cb_building *build, struct cb_result **results)
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
    take_results(build, results);
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

/* ── Plans that are finished while their first steps are solved ── */

struct arrival {
    const struct cb_vertex *vertex;
    struct cb_result *result;
};

struct growing {
    struct cb_engine *engine;
    struct cb_building *build;
    struct cb_solve_stats *apart;
    CB_VEC(struct arrival) arrivals;
};

static void growing_clear(struct growing *growing)
{
    cb_vec_foreach (arrival, &growing->arrivals)
        cb_result_unref(arrival->result);
    cb_vec_free(&growing->arrivals);
}
CB_AUTO_VALUE_DEFINE(growing, growing_clear)

static int is_awaited(const struct cb_made *made, struct cb_edge edge)
{
    cb_vec_foreach (awaited, &made->plan->awaited) {
        if (awaited->vertex == edge.vertex)
            return 1;
    }
    return 0;
}

static int find_arrival(const struct growing *growing, const struct cb_vertex *vertex,
                        struct cb_result **out)
{
    cb_vec_foreach (arrival, &growing->arrivals) {
        if (arrival->vertex != vertex)
            continue;
        *out = arrival->result;
        return 1;
    }
    return 0;
}

/* A step that the next values are read from may be one that has come already: two targets
 * that differ in what they want of it. */
static int learn(struct growing *growing, struct cb_building_part *part,
                 struct cb_made *made, struct cb_wanted *more, struct cb_error **err)
{
    for (size_t i = 0; i < made->plan->awaited.count; i++) {
        struct cb_edge edge = made->plan->awaited.items[i];
        struct cb_result *result;

        if (!find_arrival(growing, edge.vertex, &result))
            continue;
        if (cb_building_learn(growing->engine, growing->build, part, made, edge, result,
                              err) < 0)
            return -1;
        i = (size_t)-1; /* others are awaited now */
    }
    return list_next(growing->engine, part, made, growing->apart, more, err);
}

static int arrived(void *arg, struct cb_edge edge, struct cb_result *result,
                   struct cb_wanted *more, struct cb_error **err)
{
    struct growing *growing = arg;
    struct arrival arrival = {edge.vertex, cb_result_ref(result)};

    cb_vec_push(&growing->arrivals, arrival);
    cb_vec_foreach (part, &growing->build->parts) {
        cb_vec_foreach (made, &part->made) {
            if (is_awaited(made, edge) && learn(growing, part, made, more, err) < 0)
                return -1;
        }
    }
    return 0;
}

/* Each result that is wanted at the end has arrived. */
static void take_arrivals(struct cb_building *build, const struct growing *growing)
{
    struct cb_wanted wanted = {0};
    cb_autofree struct cb_result **results = NULL;

    cb_vec_foreach (part, &build->parts) {
        cb_vec_foreach (made, &part->made)
            list_made(made, &wanted);
    }
    results = xcalloc(wanted.count + 1, sizeof(*results));
    for (size_t i = 0; i < wanted.count; i++) {
        if (find_arrival(growing, wanted.items[i].vertex, &results[i]))
            cb_result_ref(results[i]);
    }
    take_results(build, results);
    cb_vec_free(&wanted);
}

static int solve_growing(struct cb_engine *engine, struct cb_building *build,
                         const struct cb_wanted *wanted, struct cb_solve_options *options,
                         struct cb_solve_stats *apart, struct cb_solve_stats *stats,
                         struct cb_error **err)
{
    cb_auto_value(growing) growing = {.engine = engine, .build = build, .apart = apart};
    cb_autofree struct cb_result **results = xcalloc(wanted->count + 1, sizeof(*results));

    options->arrived = arrived;
    options->arrived_arg = &growing;
    options->begun = wanted->begun.items;
    options->begun_count = wanted->begun.count;
    if (cb_solve(build->graph, wanted->items, wanted->count, options, results, stats,
                 err) < 0)
        return -1;
    for (size_t i = 0; i < wanted->count; i++)
        cb_result_unref(results[i]);
    take_arrivals(build, &growing);
    return 0;
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
    struct cb_solve_stats apart = {0};
    struct cb_wanted wanted = {0};
    int result = list_wanted(engine, build, &apart, &wanted, err);

    if (result == 0 && wanted.count) {
        result = cb_caches_open(&build->cache, &engine->env, checked, err);
        options.cache = build->cache ? cb_cache_store(build->cache) : NULL;
        if (result == 0 && cb_building_awaits(build))
            result = solve_growing(engine, build, &wanted, &options, &apart, stats, err);
        else if (result == 0)
            result = solve_wanted(engine, build, &wanted, &options, stats, err);
        if (result == 0)
            result = cb_cache_keep(build->cache, err);
    }
    engine->env.sink = build->sink;
    cb_vec_free(&wanted.begun);
    cb_vec_free(&wanted);
    stats->total += apart.total;
    stats->cached += apart.cached;
    return result;
}
