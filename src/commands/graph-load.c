/* Where drawings come from: the record of a build, or the graph of a plan. In both, what
 * people do not see as a step is passed over, and its inputs are those of who takes it.
 */
#include "commands/graph.h"

#include "store/record.h"

#include <string.h>

void cb_drawn_graph_clear(struct cb_drawn_graph *graph)
{
    cb_vec_foreach (step, &graph->steps) {
        free(step->name);
        free(step->stage);
        free(step->miss);
        free(step->error);
        cb_vec_free(&step->inputs);
    }
    cb_vec_free(&graph->steps);
    cb_built_clear(&graph->built);
    free(graph->title);
}

/* On one line, with nothing that a terminal would act on. */
static char *one_line(const char *text)
{
    struct cb_strbuf out = {0};

    if (!text)
        return NULL;
    cb_strbuf_add_escaped(&out, text, strlen(text), 0);
    return cb_strbuf_steal(&out);
}

/* "builder" of "[builder 2/3] RUN make", "linux/arm64 builder" of "[linux/arm64 builder
 * 1/2] …"; "" when there is no "n/m". */
static char *stage_of(const char *name)
{
    const char *end = name[0] == '[' ? strchr(name, ']') : NULL;
    const char *count = end;

    if (!end)
        return xstrdup("");
    while (count > name + 1 && strchr("0123456789/", count[-1]))
        count--;
    if (!memchr(count, '/', (size_t)(end - count)))
        return xstrdup("");
    while (count > name + 1 && count[-1] == ' ')
        count--;
    return xstrndup(name + 1, (size_t)(count - name - 1));
}

static void add_step(struct cb_drawn_graph *graph, struct cb_drawn_step step,
                     const char *name)
{
    step.name = one_line(name ? name : "");
    step.stage = stage_of(step.name);
    cb_vec_push(&graph->steps, step);
}

static void finish(struct cb_drawn_graph *graph, struct cb_drawn_numbers *numbers)
{
    size_t count = graph->steps.count;

    cb_drawn_order(graph, numbers);
    cb_drawn_critical(graph);
    for (size_t i = 0; i < count; i++)
        cb_vec_free(&numbers[i].items);
    free(numbers);
}

/* ── A build ── */

void cb_drawn_from_build(struct cb_drawn_graph *out, struct cb_built *built)
{
    struct cb_drawn_numbers *numbers = xcalloc(built->steps.count + 1, sizeof(*numbers));

    for (size_t i = 0; i < built->steps.count; i++) {
        const struct cb_built_step *step = &built->steps.items[i];

        add_step(out,
                 (struct cb_drawn_step){.number = step->number,
                                        .state = step->state,
                                        .start_s = step->start_s,
                                        .end_s = step->end_s,
                                        .took_s = step->start_s > 0 &&
                                                          step->end_s >= step->start_s
                                                      ? step->end_s - step->start_s
                                                      : -1,
                                        .miss = one_line(step->miss),
                                        .error = one_line(step->error)},
                 step->name);
        cb_vec_foreach (input, &step->inputs)
            cb_vec_push(&numbers[i].items, *input);
    }
    out->built = *built;
    *built = (struct cb_built){0};
    out->title = one_line(out->built.names.count ? out->built.names.items[0] : NULL);
    finish(out, numbers);
}

/* ── A plan ── */

struct plan {
    const struct cb_graph *graph;
    unsigned *seen; /* of each vertex: by which look; look 1 is for what is needed */
    unsigned looks;
    CB_VEC(const struct cb_vertex *) trail;
};

/* Contexts and other sources are shown, as a build shows them when it reads them. */
static int is_shown(const struct cb_vertex *vertex)
{
    return !cb_vertex_is_silent(vertex) &&
           (!cb_vertex_is_internal(vertex) || !cb_vertex_input(vertex, 0));
}

/* To the inputs of VERTEX, those not met in this look. */
static void look_at_inputs(struct plan *plan, const struct cb_vertex *vertex)
{
    const struct cb_vertex *input;
    size_t count = 0;

    while (cb_vertex_input(vertex, count))
        count++;
    while (count-- > 0) { /* the first is the next to be looked at */
        input = cb_vertex_input(vertex, count);
        unsigned *seen = &plan->seen[cb_vertex_index(input)];

        if (*seen == plan->looks)
            continue;
        *seen = plan->looks;
        cb_vec_push(&plan->trail, input);
    }
}

static void find_needed(struct plan *plan, const struct cb_vertex *result, char *needed)
{
    plan->looks++;
    cb_vec_push(&plan->trail, result);
    while (plan->trail.count) {
        const struct cb_vertex *vertex = plan->trail.items[--plan->trail.count];

        needed[cb_vertex_index(vertex)] = 1;
        look_at_inputs(plan, vertex);
    }
}

static void find_inputs(struct plan *plan, const struct cb_vertex *vertex,
                        struct cb_drawn_numbers *numbers)
{
    plan->looks++;
    look_at_inputs(plan, vertex);
    while (plan->trail.count) {
        const struct cb_vertex *input = plan->trail.items[--plan->trail.count];

        if (is_shown(input))
            cb_vec_push(&numbers->items, (uint64_t)cb_vertex_index(input) + 1);
        else
            look_at_inputs(plan, input);
    }
}

static double last_time(struct cb_store *store, const char *name)
{
    int64_t ms = 0;

    if (!store || cb_duration_get(store, name, &ms, NULL) <= 0)
        return -1;
    return (double)ms / 1000;
}

void cb_drawn_from_plan(struct cb_drawn_graph *out, const struct cb_graph *graph,
                        const struct cb_vertex *result, struct cb_store *store)
{
    size_t count = cb_graph_count(graph);
    struct plan plan = {.graph = graph, .seen = xcalloc(count + 1, sizeof(*plan.seen))};
    struct cb_drawn_numbers *numbers = xcalloc(count + 1, sizeof(*numbers));
    cb_autofree char *needed = xcalloc(count + 1, 1);

    if (result)
        find_needed(&plan, result, needed);
    for (size_t i = 0; i < count; i++) {
        const struct cb_vertex *vertex = cb_graph_vertex(graph, i);
        const char *name = cb_vertex_name(vertex);

        if (!needed[i] || !is_shown(vertex))
            continue;
        find_inputs(&plan, vertex, &numbers[out->steps.count]);
        add_step(out,
                 (struct cb_drawn_step){.number = i + 1,
                                        .state = "planned",
                                        .took_s = last_time(store, name)},
                 name);
    }
    cb_vec_free(&plan.trail);
    free(plan.seen);
    finish(out, numbers);
    for (size_t i = 0; i < out->steps.count; i++)
        out->steps.items[i].number = i + 1;
}
