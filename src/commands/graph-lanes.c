/* Lanes are columns. A step's result occupies one from its line to the line of the last
 * step that takes it; a step goes on in the lane of an input that ends there, so that a
 * chain is one straight line, or else takes the first free column. */
#include "commands/graph.h"

#define FREE SIZE_MAX

struct lane {
    size_t step; /* whose result runs in it; FREE */
};

void cb_lanes_start(struct cb_lanes *lanes, struct cb_drawn_graph *graph)
{
    *lanes = (struct cb_lanes){.graph = graph};
    lanes->left = xcalloc(graph->steps.count + 1, sizeof(*lanes->left));
    cb_vec_foreach (step, &graph->steps)
        cb_vec_foreach (input, &step->inputs)
            lanes->left[*input]++;
}

void cb_lanes_free(struct cb_lanes *lanes)
{
    cb_vec_free(lanes);
    free(lanes->left);
}

static size_t first_free(struct cb_lanes *lanes)
{
    for (size_t i = 0; i < lanes->count; i++)
        if (lanes->items[i].step == FREE)
            return i;
    cb_vec_push(lanes, ((struct lane){FREE}));
    return lanes->count - 1;
}

/* An input's column that is free from here on, else a free one. */
static size_t choose_column(struct cb_lanes *lanes, const struct cb_drawn_step *step)
{
    cb_vec_foreach (input, &step->inputs)
        if (lanes->left[*input] == 0)
            return lanes->graph->steps.items[*input].column;
    return first_free(lanes);
}

/* A line across all columns from FROM to TO. */
static void add_across(unsigned char *cells, size_t from, size_t to)
{
    size_t low = from < to ? from : to, high = from < to ? to : from;

    for (size_t i = low; i <= high && i < CB_LANES_MAX; i++) {
        cells[i] |= i > low ? CB_LANE_LEFT : 0;
        cells[i] |= i < high ? CB_LANE_RIGHT : 0;
    }
}

size_t cb_lanes_next(struct cb_lanes *lanes, size_t index,
                     unsigned char cells[CB_LANES_MAX], size_t *column)
{
    struct cb_drawn_step *step = &lanes->graph->steps.items[index];
    size_t width;

    memset(cells, 0, CB_LANES_MAX);
    for (size_t i = 0; i < lanes->count && i < CB_LANES_MAX; i++)
        cells[i] = lanes->items[i].step == FREE ? 0 : CB_LANE_UP | CB_LANE_DOWN;
    cb_vec_foreach (input, &step->inputs) {
        size_t from = lanes->graph->steps.items[*input].column;

        if (--lanes->left[*input] == 0) {
            lanes->items[from].step = FREE;
            if (from < CB_LANES_MAX)
                cells[from] &= (unsigned char)~CB_LANE_DOWN;
        }
    }
    *column = choose_column(lanes, step);
    cb_vec_foreach (input, &step->inputs)
        add_across(cells, lanes->graph->steps.items[*input].column, *column);
    step->column = *column;
    lanes->items[*column].step = lanes->left[index] ? index : FREE;
    if (*column < CB_LANES_MAX)
        cells[*column] |=
            (unsigned char)(CB_LANE_STEP | (lanes->left[index] ? CB_LANE_DOWN : 0));
    width = lanes->count < CB_LANES_MAX ? lanes->count : CB_LANES_MAX;
    while (width && !cells[width - 1])
        width--;
    return width;
}
