/* The graph as one page that needs nothing else: no script, no font, no picture, nothing
 * to fetch, which its own policy forbids. It is well-formed XML as well, so that it can
 * be checked by machines. Left the graph, in the lanes of graph-lanes.c; beside each step
 * its state, its time, and a bar that shows when in the build that was. */
#include "commands/graph.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROW_PX  26
#define LANE_PX 18

/* Text, also in attributes. What XML has no place for is replaced. */
static void add_html(struct cb_strbuf *out, const char *text)
{
    size_t len = text ? strlen(text) : 0;

    for (size_t i = 0; i < len;) {
        unsigned point = 0;
        size_t size = cb_utf8_decode(text + i, len - i, &point);

        if (!size || (point < 0x20 && point != '\n' && point != '\t') ||
            (point & 0xfffe) == 0xfffe)
            cb_strbuf_adds(out, "\xef\xbf\xbd");
        else if (strchr("&<>\"'", (int)point) && point < 0x80)
            cb_strbuf_addf(out, "&#%u;", point);
        else
            cb_strbuf_add(out, text + i, size);
        i += size ? size : 1;
    }
}

static const char head[] =
    "<!DOCTYPE html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\"/>\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
    "<meta http-equiv=\"Content-Security-Policy\" "
    "content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n"
    "<style>\n"
    ":root { color-scheme: light dark; --ink: #1d2329; --dim: #667079; --line: #d9dee3;"
    " --page: #fff; --cached: #2e8b57; --done: #2f6fbf; --error: #c0392b;"
    " --other: #8a929a; --critical: #d35400; --hot: #fdf1e6; }\n"
    "@media (prefers-color-scheme: dark) { :root { --ink: #e3e7eb; --dim: #98a1aa;"
    " --line: #333b43; --page: #14181c; --cached: #5fbf87; --done: #6ea6ea;"
    " --error: #ee6a5b; --other: #7a838c; --critical: #ff9b4a; --hot: #2a2118; } }\n"
    "body { margin: 1.5rem; font: 14px/1.45 system-ui, sans-serif; color: var(--ink);"
    " background: var(--page); }\n"
    "h1 { font-size: 1.3rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }\n"
    "h2 { font-size: 1.05rem; margin: 1.5rem 0 .5rem; }\n"
    "dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem;"
    " margin: 0 0 1rem; }\n"
    "dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }\n"
    "pre { white-space: pre-wrap; overflow-wrap: anywhere; border-left: 3px solid"
    " var(--error); padding-left: .8rem; }\n"
    ".legend { color: var(--dim); }\n"
    ".legend b { font-weight: 600; }\n"
    ".graph { display: flex; align-items: flex-start; overflow-x: auto; }\n"
    ".graph svg { flex: none; }\n"
    ".graph ol { flex: 1; min-width: 30rem; margin: 0; padding: 0; list-style: none; }\n"
    ".graph li { display: grid; grid-template-columns: minmax(12rem, 1fr) 5.5rem 4.5rem"
    " minmax(6rem, 30%); gap: .6rem; height: 26px; align-items: center;"
    " padding: 0 .5rem; }\n"
    ".graph li:hover { background: var(--line); }\n"
    ".graph li.critical { background: var(--hot); }\n"
    ".name { overflow: hidden; white-space: nowrap; text-overflow: ellipsis;"
    " font-family: ui-monospace, monospace; font-size: 12.5px; }\n"
    ".critical .name, b.critical { font-weight: 600; color: var(--critical); }\n"
    ".took { text-align: right; font-variant-numeric: tabular-nums; }\n"
    ".bar { position: relative; height: 12px; }\n"
    ".bar i { position: absolute; top: 0; bottom: 0; min-width: 2px; border-radius: 2px;"
    " background: var(--other); }\n"
    ".cached .state, b.cached { color: var(--cached); }"
    " .cached i { background: var(--cached); }\n"
    ".done .state, b.done { color: var(--done); }"
    " .done i { background: var(--done); }\n"
    ".error .state, b.error { color: var(--error); }"
    " .error i { background: var(--error); }\n"
    ".critical .bar i { outline: 2px solid var(--critical); }\n"
    "a { color: inherit; text-decoration-color: var(--dim); }\n"
    "a:hover { text-decoration-color: currentColor; }\n"
    ".why { margin: 0 0 .8rem; padding: 0; list-style: none; }\n"
    ".why li { overflow-wrap: anywhere; font-family: ui-monospace, monospace;"
    " font-size: 12.5px; }\n"
    ".reason { margin: .6rem 0 .1rem; color: var(--dim); overflow-wrap: anywhere;"
    " white-space: pre-wrap; }\n"
    "li:target { outline: 2px solid var(--done); }\n"
    /* On a phone the bar is the lower edge of its row, which keeps its height: the lanes
     * beside it count on that. */
    "@media (max-width: 48rem) { body { margin: 1rem .8rem; }"
    " .graph ol { min-width: 0; } .graph li { position: relative; padding: 0 .3rem;"
    " grid-template-columns: minmax(0, 1fr) max-content; } .state { display: none; }"
    " .bar { position: absolute; left: 0; right: 0; bottom: 0; height: 3px; }"
    " .critical .bar i { outline: none; background: var(--critical); } }\n"
    "svg path { fill: none; stroke: var(--other); stroke-width: 1.6; }\n"
    "svg path.critical { stroke: var(--critical); stroke-width: 3; }\n"
    "svg circle { fill: var(--page); stroke: var(--other); stroke-width: 2.5; }\n"
    "svg circle.cached { stroke: var(--cached); fill: var(--cached); }\n"
    "svg circle.done { stroke: var(--done); }\n"
    "svg circle.error { stroke: var(--error); fill: var(--error); }\n"
    "</style>\n";

/* ── Above the graph ── */

static void add_fact(struct cb_strbuf *out, const char *label, const char *text)
{
    if (!text || !*text)
        return;
    cb_strbuf_addf(out, "<dt>%s</dt><dd>", label);
    add_html(out, text);
    cb_strbuf_adds(out, "</dd>\n");
}

static void add_facts(struct cb_strbuf *out, const struct cb_drawn_graph *graph)
{
    const struct cb_built *built = &graph->built;
    cb_autofree char *cached =
        xasprintf("%" PRId64 " of %" PRId64, built->steps_cached, built->steps_total);
    char took[32], path[32];

    cb_strbuf_adds(out, "<dl class=\"facts\">\n");
    add_fact(out, "Build", built->id);
    add_fact(out, "Result", built->result);
    if (built->id && built->start_s > 0)
        add_fact(out, "Took", cb_graph_seconds(built->end_s - built->start_s, took));
    if (graph->critical_s > 0)
        add_fact(out, "Critical path", cb_graph_seconds(graph->critical_s, path));
    if (built->id && built->steps_total > 0)
        add_fact(out, "Steps cached", cached);
    add_fact(out, "Context", built->context);
    add_fact(out, "Dockerfile", built->dockerfile);
    add_fact(out, "Target", built->target);
    add_fact(out, "Platform", built->platform);
    add_fact(out, "Image", built->image);
    cb_strbuf_adds(out, "</dl>\n");
    if (built->error) {
        cb_strbuf_adds(out, "<pre>");
        add_html(out, built->error);
        cb_strbuf_adds(out, "</pre>\n");
    }
}

static void add_legend(struct cb_strbuf *out, const struct cb_drawn_graph *graph)
{
    cb_strbuf_adds(out, "<p class=\"legend\">");
    if (graph->built.id)
        cb_strbuf_adds(out, "<b class=\"cached\">cached</b>: found in the cache · "
                            "<b class=\"done\">done</b>: executed · "
                            "<b class=\"error\">error</b>: failed · ");
    else
        cb_strbuf_adds(out, "Planned, not built; times are those of the last time. ");
    cb_strbuf_adds(out,
                   "<b class=\"critical\">critical path</b>: what the build "
                   "waited for; making anything else faster makes it no faster</p>\n");
}

/* ── The graph ── */

static unsigned lane_x(size_t column)
{
    return (unsigned)(column < CB_LANES_MAX ? column : CB_LANES_MAX) * LANE_PX +
           LANE_PX / 2;
}

static size_t row_y(size_t index)
{
    return index * ROW_PX + ROW_PX / 2;
}

/* Down in the lane of the input, and across in the last line. */
static void add_edge(struct cb_strbuf *out, const struct cb_drawn_graph *graph,
                     size_t from, size_t to, int critical)
{
    const struct cb_drawn_step *input = &graph->steps.items[from];
    const struct cb_drawn_step *step = &graph->steps.items[to];
    unsigned x = lane_x(input->column), end_x = lane_x(step->column);

    cb_strbuf_addf(out, "<path%s d=\"M%u %zuV%zu", critical ? " class=\"critical\"" : "",
                   x, row_y(from), row_y(to) - (x == end_x ? 0 : ROW_PX / 2));
    if (x != end_x)
        cb_strbuf_addf(out, "Q%u %zu %u %zu", x, row_y(to), end_x, row_y(to));
    cb_strbuf_adds(out, "\"/>\n");
}

static void add_edges(struct cb_strbuf *out, const struct cb_drawn_graph *graph,
                      int critical)
{
    for (size_t i = 0; i < graph->steps.count; i++) {
        const struct cb_drawn_step *step = &graph->steps.items[i];

        cb_vec_foreach (input, &step->inputs) {
            int is_critical = step->critical && graph->steps.items[*input].critical;

            if (is_critical == critical)
                add_edge(out, graph, *input, i, critical);
        }
    }
}

static void add_svg(struct cb_strbuf *out, struct cb_drawn_graph *graph)
{
    cb_auto_value(cb_lanes) lanes = {0};
    unsigned char cells[CB_LANES_MAX];
    size_t widest = 0;

    cb_lanes_start(&lanes, graph);
    for (size_t i = 0; i < graph->steps.count; i++) {
        size_t column;

        cb_lanes_next(&lanes, i, cells, &column);
        widest = column > widest ? column : widest;
    }
    cb_strbuf_addf(out, "<svg width=\"%u\" height=\"%zu\" aria-hidden=\"true\">\n",
                   lane_x(widest) + LANE_PX / 2, graph->steps.count * ROW_PX);
    add_edges(out, graph, 0);
    add_edges(out, graph, 1);
    for (size_t i = 0; i < graph->steps.count; i++)
        cb_strbuf_addf(out, "<circle class=\"%s\" cx=\"%u\" cy=\"%zu\" r=\"5\"/>\n",
                       graph->steps.items[i].state, lane_x(graph->steps.items[i].column),
                       row_y(i));
    cb_strbuf_adds(out, "</svg>\n");
}

/* From the first step's start to the last one's end. */
static void find_span(const struct cb_drawn_graph *graph, double *start, double *end)
{
    *start = *end = 0;
    cb_vec_foreach (step, &graph->steps) {
        if (step->start_s <= 0 || step->end_s < step->start_s)
            continue;
        if (*start <= 0 || step->start_s < *start)
            *start = step->start_s;
        if (step->end_s > *end)
            *end = step->end_s;
    }
}

static void add_row(struct cb_strbuf *out, const struct cb_drawn_step *step, double start,
                    double end)
{
    double span = end - start;
    char took[32];

    cb_strbuf_addf(out,
                   "<li id=\"s%" PRIu64 "\" class=\"%s%s\"><span class=\"name\" title=\"",
                   step->number, step->state, step->critical ? " critical" : "");
    add_html(out, step->name);
    cb_strbuf_adds(out, "\">");
    add_html(out, step->name);
    cb_strbuf_addf(out,
                   "</span><span class=\"state\">%s</span><span class=\"took\">%s</span>"
                   "<span class=\"bar\">",
                   strcmp(step->state, "planned") ? step->state : "",
                   cb_graph_seconds(step->took_s, took));
    if (step->start_s > 0 && step->end_s >= step->start_s && span > 0)
        cb_strbuf_addf(out, "<i style=\"left:%.2f%%;width:%.2f%%\"></i>",
                       (step->start_s - start) / span * 100,
                       (step->end_s - step->start_s) / span * 100);
    cb_strbuf_adds(out, "</span></li>\n");
}

static void add_graph(struct cb_strbuf *out, struct cb_drawn_graph *graph)
{
    double start, end;

    find_span(graph, &start, &end);
    cb_strbuf_adds(out, "<div class=\"graph\">\n");
    add_svg(out, graph);
    cb_strbuf_adds(out, "<ol>\n");
    cb_vec_foreach (step, &graph->steps)
        add_row(out, step, start, end);
    cb_strbuf_adds(out, "</ol>\n</div>\n");
}

/* ── Below it ── */

static const char *reason_of(const struct cb_drawn_step *step)
{
    return step->error ? step->error : step->miss;
}

/* The steps from START on that ran for its reason, which most share. */
static void add_reason(struct cb_strbuf *out, const struct cb_drawn_graph *graph,
                       size_t start, char *told)
{
    const char *reason = reason_of(&graph->steps.items[start]);

    cb_strbuf_adds(out, "<p class=\"reason\">");
    add_html(out, reason);
    cb_strbuf_adds(out, "</p>\n<ul class=\"why\">\n");
    for (size_t i = start; i < graph->steps.count; i++) {
        const struct cb_drawn_step *step = &graph->steps.items[i];

        if (told[i] || !reason_of(step) || strcmp(reason_of(step), reason) != 0)
            continue;
        told[i] = 1;
        cb_strbuf_addf(out, "<li><a href=\"#s%" PRIu64 "\">", step->number);
        add_html(out, step->name);
        cb_strbuf_adds(out, "</a></li>\n");
    }
    cb_strbuf_adds(out, "</ul>\n");
}

static void add_reasons(struct cb_strbuf *out, const struct cb_drawn_graph *graph)
{
    cb_autofree char *told = xcalloc(graph->steps.count + 1, 1);
    int any = 0;

    for (size_t i = 0; i < graph->steps.count; i++) {
        if (told[i] || !reason_of(&graph->steps.items[i]))
            continue;
        cb_strbuf_adds(out, any++ ? "" : "<h2>Why steps ran</h2>\n");
        add_reason(out, graph, i, told);
    }
}

void cb_graph_html(struct cb_strbuf *out, const struct cb_drawn_graph *graph)
{
    const char *what = graph->built.id ? "Build" : "Plan";

    cb_strbuf_adds(out, head);
    for (int i = 0; i < 2; i++) {
        cb_strbuf_adds(out, i ? "<h1>" : "<title>");
        cb_strbuf_addf(out, graph->title ? "%s of " : "%s", what);
        add_html(out, graph->title);
        cb_strbuf_adds(out, i ? "</h1>\n" : "</title>\n</head>\n<body>\n");
    }
    add_facts(out, graph);
    if (graph->steps.count) {
        add_legend(out, graph);
        add_graph(out, (struct cb_drawn_graph *)graph);
        add_reasons(out, graph);
    } else {
        cb_strbuf_adds(out, "<p>No step was begun.</p>\n");
    }
    cb_strbuf_adds(out, "</body>\n</html>\n");
}
