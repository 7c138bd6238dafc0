/* One solve: finds what WANTED needs, gives each of these vertices a step, runs the
 * scheduler (which may come back with more that is wanted), and hands the results over.
 * Vertices nobody needs get no step, so nothing can touch them. */
#include "solver/solver-priv.h"

#include <errno.h>
#include <limits.h>
#include <sys/eventfd.h>

#define MS_PER_WEIGHT 500 /* of a step never measured: it need only be of that order */

/* Vertices come after their inputs: one walk from the end marks all that is needed. */
static void mark_needed(const struct cb_graph *graph, const struct cb_edge *wanted,
                        size_t wanted_count, unsigned char *needed)
{
    for (size_t i = 0; i < wanted_count; i++)
        needed[wanted[i].vertex->index] = 1;
    for (size_t i = graph->vertices.count; i-- > 0;) {
        const struct cb_vertex *vertex = graph->vertices.items[i];

        for (size_t k = 0; needed[i] && k < vertex->input_count; k++)
            needed[vertex->inputs[k]->index] = 1;
    }
}

static struct step *new_step(struct solve *solve, struct cb_vertex *vertex)
{
    size_t count = vertex->input_count;
    struct step *step = cb_arena_new_of(solve->arena, struct step);

    vertex->in_use = 1;
    step->vertex = vertex;
    step->inputs = cb_arena_alloc(solve->arena, (count + 1) * sizeof(*step->inputs));
    step->used = cb_arena_alloc(solve->arena, (count + 1) * sizeof(*step->used));
    step->contents = cb_arena_alloc(solve->arena, (count + 1) * sizeof(*step->contents));
    for (size_t i = 0; i < count; i++) {
        step->inputs[i] = solve->by_index[vertex->inputs[i]->index];
        cb_vec_push(&step->inputs[i]->dependents, step);
    }
    if (!vertex->internal)
        solve->stats.total++;
    return step;
}

static int64_t estimate_ms(const struct solve *solve, const struct step *step,
                           int measured)
{
    struct cb_cache_store *cache = solve->options->cache;
    int64_t known = -1;

    if (measured && cache && cache->class->estimate_ms)
        known = cache->class->estimate_ms(cache, step->vertex->name);
    return known >= 0 ? known : step->vertex->weight * MS_PER_WEIGHT;
}

void cb_solve_set_priorities(struct solve *solve, int measured)
{
    for (size_t i = solve->steps.count; i-- > 0;) {
        struct step *step = solve->steps.items[i];

        step->priority = 0;
        cb_vec_foreach (dependent, &step->dependents)
            if ((*dependent)->priority > step->priority)
                step->priority = (*dependent)->priority;
        step->priority += estimate_ms(solve, step, measured);
    }
}

/* What a later want adds follows what was there: no step that is there already takes it.
 */
static void make_steps(struct solve *solve, const struct cb_edge *wanted,
                       size_t wanted_count)
{
    const struct cb_graph *graph = solve->graph;
    size_t count = graph->vertices.count;
    cb_autofree unsigned char *needed = xcalloc(count + 1, 1);

    if (count > solve->indexed) {
        struct step **by_index = xcalloc(count, sizeof(*by_index));

        if (solve->indexed)
            memcpy(by_index, solve->by_index, solve->indexed * sizeof(*by_index));
        free(solve->by_index);
        solve->by_index = by_index;
        solve->indexed = count;
    }
    mark_needed(graph, wanted, wanted_count, needed);
    for (size_t i = 0; i < count; i++) {
        if (!needed[i] || solve->by_index[i])
            continue;
        solve->by_index[i] = new_step(solve, graph->vertices.items[i]);
        cb_vec_push(&solve->steps, solve->by_index[i]);
    }
    cb_solve_set_priorities(solve, solve->estimated);
}

static void want(struct solve *solve, struct cb_edge edge)
{
    struct step *step = solve->by_index[edge.vertex->index];
    int leave = solve->options->leave != NULL;

    step->leave |= leave;
    cb_vec_push(&solve->wanted, step);
    cb_step_want(solve, step, leave ? WANT_IDENTITY : WANT_RESULT);
}

void cb_solve_want(struct solve *solve, const struct cb_edge *wanted, size_t wanted_count)
{
    make_steps(solve, wanted, wanted_count);
    for (size_t i = 0; i < wanted_count; i++)
        want(solve, wanted[i]);
}

void cb_solve_begin(struct solve *solve, const struct cb_edge *begun, size_t begun_count)
{
    make_steps(solve, begun, begun_count);
    for (size_t i = 0; i < begun_count; i++)
        cb_step_want(solve, solve->by_index[begun[i].vertex->index], WANT_IDENTITY);
}

static int open_solve(struct solve *solve, const struct cb_solve_options *options,
                      struct cb_error **err)
{
    unsigned cpus = options->pool ? cb_pool_cpu_threads(options->pool) : 1;

    solve->finished_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (solve->finished_fd < 0)
        return cb_error_errno(err, errno, "create an eventfd");
    solve->options = options;
    solve->cpu_max =
        options->pool && options->max_parallel ? options->max_parallel : cpus;
    solve->io_max = options->max_downloads ? options->max_downloads : UINT_MAX;
    solve->arena = cb_arena_new();
    solve->cancel = cb_cancel_new();
    pthread_mutex_init(&solve->lock, NULL);
    return 0;
}

static void free_step(struct step *step)
{
    cb_vec_free(&step->dependents);
    cb_key_parts_free(&step->map.parts);
    free(step->map.inputs);
    free(step->map.note);
    cb_cache_entry_free(&step->entry);
    cb_result_unref(step->result);
}

static void close_solve(struct solve *solve)
{
    cb_vec_foreach (step, &solve->steps)
        free_step(*step);
    cb_vec_free(&solve->steps);
    cb_vec_free(&solve->wanted);
    free(solve->by_index);
    cb_vec_free(&solve->queue);
    cb_vec_free(&solve->jobs);
    cb_vec_free(&solve->ready);
    cb_vec_free(&solve->executing);
    cb_error_free(solve->error);
    pthread_mutex_destroy(&solve->lock);
    cb_close(&solve->finished_fd);
    cb_cancel_free(solve->cancel);
    cb_arena_free(solve->arena);
}

/* What was not loaded is handed over as it was found. */
static struct cb_result *hand_over(struct step *step, struct cb_cache_entry *left)
{
    if (step->result)
        return cb_result_ref(step->result);
    *left = step->entry;
    left->handle = xstrdup(step->entry.handle);
    return NULL;
}

int cb_solve(struct cb_graph *graph, const struct cb_edge *wanted, size_t wanted_count,
             const struct cb_solve_options *options, struct cb_result **results,
             struct cb_solve_stats *stats, struct cb_error **err)
{
    struct solve solve = {0};
    int failed;

    if (open_solve(&solve, options, err) < 0)
        return -1;
    solve.graph = graph;
    cb_solve_want(&solve, wanted, wanted_count);
    if (options->begun_count)
        cb_solve_begin(&solve, options->begun, options->begun_count);
    cb_solve_run(&solve);
    failed = solve.failed;
    for (size_t i = 0; !failed && i < wanted_count; i++)
        results[i] =
            hand_over(solve.wanted.items[i], options->left ? &options->left[i] : NULL);
    if (stats)
        *stats = solve.stats;
    if (failed)
        cb_error_move(err, &solve.error);
    close_solve(&solve);
    return failed ? -1 : 0;
}
