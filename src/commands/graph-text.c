/* The graph as text: a line for each step, inputs above what takes them, with lines
 * between them as version control systems draw their histories. */
#include "commands/graph.h"

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

const char *cb_graph_seconds(double seconds, char buffer[32])
{
    buffer[0] = '\0';
    if (seconds >= 0 && seconds < 60)
        snprintf(buffer, 32, "%.1fs", seconds);
    else if (seconds >= 60 && seconds < 1e9)
        snprintf(buffer, 32, "%dm%02ds", (int)(seconds / 60), (int)seconds % 60);
    return buffer;
}

/* By the bits up, down, left, right. */
static const char *const lines_of_unicode[] = {" ", "╵", "╷", "│", "╴", "╯", "╮", "┤",
                                               "╶", "╰", "╭", "├", "─", "┴", "┬", "┼"};
static const char *const lines_of_ascii[] = {" ", "'", ".", "|", "-", "'", ".", "+",
                                             "-", "'", ".", "+", "-", "+", "+", "+"};

static void add_cells(struct cb_strbuf *out, const unsigned char *cells, size_t count,
                      int unicode)
{
    const char *const *lines = unicode ? lines_of_unicode : lines_of_ascii;

    for (size_t i = 0; i < count; i++) {
        if (cells[i] & CB_LANE_STEP)
            cb_strbuf_adds(out, unicode ? "●" : "*");
        else
            cb_strbuf_adds(out, lines[cells[i] & 15]);
        cb_strbuf_adds(out, cells[i] & CB_LANE_RIGHT ? lines[12] : " ");
    }
}

/* At most WIDTH characters more, from column AT on. */
static void add_clipped(struct cb_strbuf *out, const char *text, size_t at, size_t width)
{
    size_t len = strlen(text), end = 0, room = width > at ? width - at : 0;

    if (!width) {
        cb_strbuf_adds(out, text);
        return;
    }
    for (size_t i = 0, points = 0; i < len; points++) {
        unsigned point;
        size_t size = cb_utf8_decode(text + i, len - i, &point);

        i += size ? size : 1;
        if (points + 1 < room)
            end = i;
        if (points >= room) {
            cb_strbuf_add(out, text, end);
            cb_strbuf_adds(out, room ? "~" : "");
            return;
        }
    }
    cb_strbuf_adds(out, text);
}

static const char *state_shown(const struct cb_drawn_step *step)
{
    return strcmp(step->state, "planned") ? step->state : "";
}

struct row {
    const struct cb_drawn_step *step;
    unsigned char cells[CB_LANES_MAX];
    size_t count;  /* of cells */
    size_t column; /* the step's; CB_LANES_MAX or more: it has none */
};

static void add_row(struct cb_strbuf *out, const struct cb_drawn_graph *graph,
                    const struct row *row, size_t width, int unicode)
{
    const struct cb_drawn_step *step = row->step;
    int is_build = graph->built.id != NULL;
    char took[32];
    size_t at = 8 + 3 + row->count * 2;

    cb_strbuf_addf(out, "%8s", cb_graph_seconds(step->took_s, took));
    if (is_build) {
        cb_strbuf_addf(out, "  %-10s", state_shown(step));
        at += 12;
    }
    cb_strbuf_adds(out, step->critical ? " * " : "   ");
    add_cells(out, row->cells, row->count, unicode);
    if (row->column >= CB_LANES_MAX) {
        cb_strbuf_adds(out, "> ");
        at += 2;
    }
    add_clipped(out, step->name, at, width);
    while (out->len && out->text[out->len - 1] == ' ')
        cb_strbuf_truncate(out, out->len - 1);
    cb_strbuf_addc(out, '\n');
}

static void add_summary(struct cb_strbuf *out, const struct cb_drawn_graph *graph)
{
    const struct cb_built *built = &graph->built;
    char path[32], whole[32];

    if (!graph->steps.count) {
        cb_strbuf_adds(out, built->id ? "no step was begun\n" : "nothing to do\n");
        return;
    }
    if (graph->critical_s <= 0)
        return;
    cb_strbuf_addf(out, "\n* critical path: %s",
                   cb_graph_seconds(graph->critical_s, path));
    if (built->id && built->end_s >= built->start_s && built->start_s > 0)
        cb_strbuf_addf(out, " of %s",
                       cb_graph_seconds(built->end_s - built->start_s, whole));
    cb_strbuf_adds(out, built->id ? "\n" : ", by what the steps took the last time\n");
}

void cb_graph_text(struct cb_strbuf *out, const struct cb_drawn_graph *graph,
                   size_t width, int unicode)
{
    cb_auto_value(cb_lanes) lanes = {0};
    struct row row;

    cb_lanes_start(&lanes, (struct cb_drawn_graph *)graph);
    for (size_t i = 0; i < graph->steps.count; i++) {
        row.step = &graph->steps.items[i];
        row.count = cb_lanes_next(&lanes, i, row.cells, &row.column);
        add_row(out, graph, &row, width, unicode);
    }
    add_summary(out, graph);
}
