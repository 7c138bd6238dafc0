/* The build graph as `cbuild graph` draws it: steps of a plan or of a build that was, in
 * an order in which inputs come first. Every text in it is foreign: names are made safe
 * for a terminal when they are read, and each drawing quotes them for its own form. */
#ifndef CB_COMMANDS_GRAPH_H
#define CB_COMMANDS_GRAPH_H

#include "base/strbuf.h"
#include "engine/engine.h"

struct cb_drawn_step {
    uint64_t number;       /* as progress shows it; of a plan from 1 */
    char *name;            /* "[builder 2/3] RUN make" */
    char *stage;           /* "builder"; "" for what is of no stage */
    const char *state;     /* as struct cb_built_step has it, or "planned" */
    double start_s, end_s; /* since 1970; 0: not known */
    double took_s;         /* of a plan: the last time it ran; < 0: not known */
    char *miss, *error;    /* or NULL */
    CB_VEC(size_t) inputs; /* positions, each smaller than its own, each once */
    size_t column;         /* the lane that its result runs in */
    int critical;          /* on the way that took longest */
};
struct cb_drawn_graph {
    CB_VEC(struct cb_drawn_step) steps;
    struct cb_built built; /* id NULL: a plan */
    char *title;
    double critical_s; /* of the critical steps together */
};
void cb_drawn_graph_clear(struct cb_drawn_graph *graph);
CB_AUTO_VALUE_DEFINE(cb_drawn_graph, cb_drawn_graph_clear)

/* ── graph-load.c ── */
void cb_drawn_from_build(struct cb_drawn_graph *out, struct cb_built *built);
/* STORE: for how long steps took the last time; or NULL. */
void cb_drawn_from_plan(struct cb_drawn_graph *out, const struct cb_graph *graph,
                        const struct cb_vertex *result, struct cb_store *store);

/* ── graph-order.c ── */
/* NUMBERS: for each step, of the inputs as they were recorded. Puts the steps in order
 * and fills in their inputs; numbers that are no step's, and what would be a circle, are
 * left out. */
struct cb_drawn_numbers {
    CB_VEC(uint64_t) items;
};
void cb_drawn_order(struct cb_drawn_graph *graph, const struct cb_drawn_numbers *numbers);
/* Marks the critical path. */
void cb_drawn_critical(struct cb_drawn_graph *graph);

/* ── graph-lanes.c: the drawing that text and page share ──
 * A step's result runs down in a lane, its column, until the last step that takes it. */
#define CB_LANE_UP    1u
#define CB_LANE_DOWN  2u
#define CB_LANE_LEFT  4u
#define CB_LANE_RIGHT 8u
#define CB_LANE_STEP  16u
#define CB_LANES_MAX  32 /* columns that are drawn */
struct cb_lanes {
    struct lane *items;
    size_t count, capacity;
    struct cb_drawn_graph *graph;
    unsigned *left; /* for each step, how many steps have yet to take it */
};
void cb_lanes_start(struct cb_lanes *lanes, struct cb_drawn_graph *graph);
void cb_lanes_free(struct cb_lanes *lanes);
CB_AUTO_VALUE_DEFINE(cb_lanes, cb_lanes_free)
/* For the steps in their order: what is drawn in each column of step INDEX's line, as
 * bits of CB_LANE_. Returns how many there are; *COLUMN is the step's, and may be
 * beyond. */
size_t cb_lanes_next(struct cb_lanes *lanes, size_t index,
                     unsigned char cells[CB_LANES_MAX], size_t *column);

/* ── The forms ── */
/* WIDTH: columns of the terminal, 0: no limit. UNICODE: lines instead of "|". */
void cb_graph_text(struct cb_strbuf *out, const struct cb_drawn_graph *graph,
                   size_t width, int unicode);
void cb_graph_dot(struct cb_strbuf *out, const struct cb_drawn_graph *graph);
void cb_graph_html(struct cb_strbuf *out, const struct cb_drawn_graph *graph);
void cb_graph_json(struct cb_strbuf *out, const struct cb_drawn_graph *graph);
/* "12.3s", "2m05s"; "" for what is not known. */
const char *cb_graph_seconds(double seconds, char buffer[32]);

#endif
