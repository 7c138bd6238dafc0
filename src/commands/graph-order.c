/* The order of drawing: what the result needs, each stage as one run of lines, inputs
 * before what takes them. And the critical path: of a build that was, from what ended
 * last back to whichever input it had waited for; of a plan, the chain whose steps took
 * longest together the last time. */
#include "commands/graph.h"

#include "base/map.h"

#include <inttypes.h>
#include <stdio.h>

/* ── Order ── */

struct visit {
    size_t step, next; /* NEXT: which of its inputs is looked at next */
};

struct walk {
    struct cb_drawn_graph *graph;
    char
        *state; /* of each step: 0 not seen, 1 its inputs are being looked at, 2 placed */
    CB_VEC(struct visit) trail;
    CB_VEC(size_t) order;
};

/* Inputs first. A step that is met again on its own way is an input of itself: that input
 * is dropped. */
static void place(struct walk *walk, size_t start)
{
    if (walk->state[start])
        return;
    walk->state[start] = 1;
    cb_vec_push(&walk->trail, ((struct visit){start, 0}));
    while (walk->trail.count) {
        struct visit *at = &walk->trail.items[walk->trail.count - 1];
        struct cb_drawn_step *step = &walk->graph->steps.items[at->step];

        if (at->next == step->inputs.count) {
            walk->state[at->step] = 2;
            cb_vec_push(&walk->order, at->step);
            walk->trail.count--;
            continue;
        }
        size_t input = step->inputs.items[at->next];

        if (walk->state[input] == 1) {
            step->inputs.items[at->next] = step->inputs.items[--step->inputs.count];
        } else {
            at->next++;
            if (!walk->state[input]) {
                walk->state[input] = 1;
                cb_vec_push(&walk->trail, ((struct visit){input, 0}));
            }
        }
    }
}

/* Steps that nobody takes are where the walks begin. */
static void find_order(struct walk *walk)
{
    size_t count = walk->graph->steps.count;
    cb_autofree char *taken = xcalloc(count + 1, 1);

    cb_vec_foreach (step, &walk->graph->steps)
        cb_vec_foreach (input, &step->inputs)
            taken[*input] = 1;
    for (size_t i = 0; i < count; i++)
        if (!taken[i])
            place(walk, i);
    for (size_t i = 0; i < count; i++)
        place(walk, i);
}

static void apply_order(struct cb_drawn_graph *graph, const size_t *order)
{
    size_t count = graph->steps.count;
    cb_autofree size_t *position = xcalloc(count + 1, sizeof(*position));
    struct cb_drawn_step *steps = xcalloc(count + 1, sizeof(*steps));

    for (size_t i = 0; i < count; i++)
        position[order[i]] = i;
    for (size_t i = 0; i < count; i++) {
        steps[i] = graph->steps.items[order[i]];
        cb_vec_foreach (input, &steps[i].inputs)
            *input = position[*input];
    }
    free(graph->steps.items);
    graph->steps.items = steps;
    graph->steps.capacity = count + 1;
}

/* Numbers → places in the list, each once. */
static void resolve_inputs(struct cb_drawn_graph *graph,
                           const struct cb_drawn_numbers *numbers)
{
    cb_auto(cb_map) places = cb_map_new(NULL);
    size_t count = graph->steps.count;
    cb_autofree size_t *taken_by = xcalloc(count + 1, sizeof(*taken_by));
    char key[24];

    for (size_t i = 0; i < count; i++) {
        snprintf(key, sizeof(key), "%" PRIu64, graph->steps.items[i].number);
        cb_map_set(places, key, &graph->steps.items[i]);
    }
    for (size_t i = 0; i < count; i++) {
        struct cb_drawn_step *step = &graph->steps.items[i];

        cb_vec_foreach (number, &numbers[i].items) {
            const struct cb_drawn_step *input;
            size_t at;

            snprintf(key, sizeof(key), "%" PRIu64, *number);
            input = cb_map_get(places, key);
            at = input ? (size_t)(input - graph->steps.items) : i;
            if (at == i || taken_by[at] == i + 1)
                continue;
            taken_by[at] = i + 1;
            cb_vec_push(&step->inputs, at);
        }
    }
}

void cb_drawn_order(struct cb_drawn_graph *graph, const struct cb_drawn_numbers *numbers)
{
    struct walk walk = {.graph = graph, .state = xcalloc(graph->steps.count + 1, 1)};

    resolve_inputs(graph, numbers);
    find_order(&walk);
    apply_order(graph, walk.order.items);
    cb_vec_free(&walk.trail);
    cb_vec_free(&walk.order);
    free(walk.state);
}

/* ── The critical path ── */

static int is_timed(const struct cb_drawn_step *step)
{
    return step->start_s > 0 && step->end_s >= step->start_s;
}

static int by_end(const void *a, const void *b)
{
    const struct cb_drawn_step *const *x = a, *const *y = b;

    return ((*x)->end_s > (*y)->end_s) - ((*x)->end_s < (*y)->end_s);
}

/* The input that STEP waited for. */
static struct cb_drawn_step *slowest_input(const struct cb_drawn_graph *graph,
                                           const struct cb_drawn_step *step)
{
    struct cb_drawn_step *last = NULL;

    cb_vec_foreach (input, &step->inputs) {
        struct cb_drawn_step *one = &graph->steps.items[*input];

        if (is_timed(one) && !one->critical && (!last || one->end_s > last->end_s))
            last = one;
    }
    return last;
}

/* A step without inputs began when whatever was before it was over: what ended last.
 * ENDED, sorted by their ends, is gone through once for all of the path. */
static struct cb_drawn_step *last_before(struct cb_drawn_step **ended, size_t *count,
                                         const struct cb_drawn_step *step)
{
    while (*count) {
        struct cb_drawn_step *one = ended[--*count];

        if (!one->critical && one->end_s <= step->start_s)
            return one;
    }
    return NULL;
}

static void mark_build(struct cb_drawn_graph *graph)
{
    struct cb_drawn_step **ended = xcalloc(graph->steps.count + 1, sizeof(*ended));
    struct cb_drawn_step *step;
    size_t count = 0;

    cb_vec_foreach (one, &graph->steps)
        if (is_timed(one))
            ended[count++] = one;
    if (count)
        qsort(ended, count, sizeof(*ended), by_end);
    step = count ? ended[count - 1] : NULL;
    while (step) {
        step->critical = 1;
        graph->critical_s += step->end_s - step->start_s;
        step = step->inputs.count ? slowest_input(graph, step)
                                  : last_before(ended, &count, step);
    }
    free(ended);
}

static void mark_plan(struct cb_drawn_graph *graph)
{
    size_t count = graph->steps.count, last = 0;
    cb_autofree double *longest = xcalloc(count + 1, sizeof(*longest));
    cb_autofree size_t *from = xcalloc(count + 1, sizeof(*from));

    for (size_t i = 0; i < count; i++) {
        const struct cb_drawn_step *step = &graph->steps.items[i];

        from[i] = i;
        cb_vec_foreach (input, &step->inputs) {
            if (from[i] != i && longest[*input] <= longest[from[i]])
                continue;
            from[i] = *input;
        }
        longest[i] =
            (from[i] == i ? 0 : longest[from[i]]) + (step->took_s > 0 ? step->took_s : 0);
        if (longest[i] >= longest[last])
            last = i;
    }
    if (!count || longest[last] <= 0)
        return;
    graph->critical_s = longest[last];
    for (;; last = from[last]) {
        graph->steps.items[last].critical = 1;
        if (from[last] == last)
            return;
    }
}

void cb_drawn_critical(struct cb_drawn_graph *graph)
{
    if (graph->built.id)
        mark_build(graph);
    else
        mark_plan(graph);
}
