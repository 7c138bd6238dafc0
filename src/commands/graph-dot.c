/* The graph for Graphviz: a box for each step, a frame for each stage. */
#include "commands/graph.h"

#include "base/map.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Inside quotes: no escape of Graphviz's, and no entity, comes from TEXT. */
static void add_quoted(struct cb_strbuf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            cb_strbuf_addc(out, '\\');
        if (*text == '&')
            cb_strbuf_adds(out, "&amp;");
        else
            cb_strbuf_addc(out, *text);
    }
}

static const char *colour_of(const char *state)
{
    static const struct {
        const char *state, *colour;
    } table[] = {
        {"cached", "#cfe8cf"},   {"done", "#cfe0f5"},    {"error", "#f5c6c6"},
        {"canceled", "#eeeeee"}, {"running", "#fdf0c4"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(table); i++)
        if (strcmp(table[i].state, state) == 0)
            return table[i].colour;
    return "#ffffff";
}

static void add_step(struct cb_strbuf *out, const struct cb_drawn_step *step)
{
    char took[32];

    cb_strbuf_addf(out, "    s%" PRIu64 " [label=\"", step->number);
    add_quoted(out, step->name);
    cb_graph_seconds(step->took_s, took);
    if (strcmp(step->state, "planned") != 0)
        cb_strbuf_addf(out, "\\n%s%s%s", step->state, *took ? " " : "", took);
    else if (*took)
        cb_strbuf_addf(out, "\\n%s", took);
    cb_strbuf_addf(out, "\", fillcolor=\"%s\"%s];\n", colour_of(step->state),
                   step->critical ? ", color=\"#c0392b\", penwidth=2" : "");
}

/* For each step the next one of its stage, 0 behind the last; *FIRST: is it the first? */
static size_t *find_stages(const struct cb_drawn_graph *graph, char *first)
{
    cb_auto(cb_map) last = cb_map_new(NULL);
    size_t *next = xcalloc(graph->steps.count + 1, sizeof(*next));

    for (size_t i = 0; i < graph->steps.count; i++) {
        const char *stage = graph->steps.items[i].stage;
        size_t *before = cb_map_get(last, stage);

        first[i] = !before;
        if (before)
            *before = i;
        cb_map_set(last, stage, &next[i]);
    }
    return next;
}

/* A frame for each stage; what is of none stands outside. */
static void add_stages(struct cb_strbuf *out, const struct cb_drawn_graph *graph)
{
    cb_autofree char *first = xcalloc(graph->steps.count + 1, 1);
    cb_autofree size_t *next = find_stages(graph, first);

    for (size_t i = 0; i < graph->steps.count; i++) {
        const char *stage = graph->steps.items[i].stage;

        if (!first[i])
            continue;
        if (*stage) {
            cb_strbuf_addf(out, "  subgraph cluster_%zu {\n    label=\"", i);
            add_quoted(out, stage);
            cb_strbuf_adds(out, "\";\n");
        }
        for (size_t at = i;; at = next[at]) {
            add_step(out, &graph->steps.items[at]);
            if (!next[at])
                break;
        }
        if (*stage)
            cb_strbuf_adds(out, "  }\n");
    }
}

void cb_graph_dot(struct cb_strbuf *out, const struct cb_drawn_graph *graph)
{
    cb_strbuf_adds(out, "digraph build {\n"
                        "  rankdir=TB;\n"
                        "  node [shape=box, style=\"filled,rounded\"];\n");
    add_stages(out, graph);
    cb_vec_foreach (step, &graph->steps) {
        cb_vec_foreach (input, &step->inputs) {
            const struct cb_drawn_step *from = &graph->steps.items[*input];

            cb_strbuf_addf(
                out, "  s%" PRIu64 " -> s%" PRIu64 "%s;\n", from->number, step->number,
                from->critical && step->critical ? " [color=\"#c0392b\", penwidth=2]"
                                                 : "");
        }
    }
    cb_strbuf_adds(out, "}\n");
}
