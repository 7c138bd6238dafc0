/* The graph for programs; the members are told in cbuild(1). */
#include "commands/builds.h"
#include "commands/graph.h"

static json_t *step_json(const struct cb_drawn_graph *graph,
                         const struct cb_drawn_step *step)
{
    json_t *inputs = json_array();

    cb_vec_foreach (input, &step->inputs)
        json_array_append_new(
            inputs, json_integer((json_int_t)graph->steps.items[*input].number));
    return json_pack("{s:I,s:o,s:o,s:s,s:o,s:o,s:o,s:o,s:b,s:o,s:o}", "step",
                     (json_int_t)step->number, "name", cb_json_from_text(step->name),
                     "stage", cb_json_from_text(*step->stage ? step->stage : NULL),
                     "state", step->state, "started", cb_builds_time_json(step->start_s),
                     "ended", cb_builds_time_json(step->end_s), "seconds",
                     step->took_s >= 0 ? json_real(step->took_s) : json_null(), "inputs",
                     inputs, "critical", step->critical, "miss",
                     cb_json_from_text(step->miss), "error",
                     cb_json_from_text(step->error));
}

void cb_graph_json(struct cb_strbuf *out, const struct cb_drawn_graph *graph)
{
    cb_auto_json *object = json_object();
    json_t *steps = json_array();
    cb_autofree char *text = NULL;

    cb_vec_foreach (step, &graph->steps)
        json_array_append_new(steps, step_json(graph, step));
    json_object_set_new(object, "build",
                        graph->built.id ? cb_builds_json(&graph->built) : json_null());
    json_object_set_new(object, "critical_seconds", json_real(graph->critical_s));
    json_object_set_new(object, "steps", steps);
    text = cb_json_dump(object);
    cb_strbuf_adds(out, text);
    cb_strbuf_addc(out, '\n');
}
