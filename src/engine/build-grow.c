/* Plans that await values their own steps make (RUN --export): what is known first is
 * solved, and each value adds to it while the rest goes on. */
#include "engine/build-priv.h"

struct growing {
    struct cb_engine *engine;
    struct cb_building *build;
    CB_VEC(struct cb_arrival) arrivals;
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
        if (arrival->step.vertex != vertex)
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
        struct cb_arrival arrival = {.step = made->plan->awaited.items[i]};

        if (!find_arrival(growing, arrival.step.vertex, &arrival.result))
            continue;
        if (cb_building_learn(growing->engine, growing->build, part, made, &arrival,
                              err) < 0)
            return -1;
        i = (size_t)-1; /* others are awaited now */
    }
    return cb_building_list_next(growing->engine, growing->build, part, made, more, err);
}

static int arrived(void *arg, struct cb_edge edge, struct cb_result *result,
                   struct cb_wanted *more, struct cb_error **err)
{
    struct growing *growing = arg;
    struct cb_arrival arrival = {edge, cb_result_ref(result)};

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
            cb_made_list_wanted(made, &wanted);
    }
    results = xcalloc(wanted.count + 1, sizeof(*results));
    for (size_t i = 0; i < wanted.count; i++) {
        if (find_arrival(growing, wanted.items[i].vertex, &results[i]))
            cb_result_ref(results[i]);
    }
    cb_building_take_results(build, results);
    cb_vec_free(&wanted);
}

int cb_building_grow(struct cb_engine *engine, struct cb_building *build,
                     const struct cb_wanted *wanted, struct cb_solve_options *options,
                     struct cb_solve_stats *stats, struct cb_error **err)
{
    cb_auto_value(growing) growing = {.engine = engine, .build = build};
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
