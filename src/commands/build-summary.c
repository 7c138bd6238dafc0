/* Steps are noted as the log of a build has them, and the critical path is found as for
 * `cbuild graph`. */
#include "commands/build-summary.h"

#include "base/clock.h"
#include "commands/graph.h"
#include "commands/progress-tty.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define WORTH_A_WORD_S 1.0
#define SHOWN          3

struct cb_build_summary {
    struct cb_event_sink sink;
    struct cb_event_sink *next;
    pthread_mutex_t lock; /* guards what follows */
    struct cb_built built;
};

/* Seconds that are later than 0: that would be "not known". */
static double seconds_of(int64_t ns)
{
    return (double)ns / 1e9 + 1;
}

static double now_s(void)
{
    return seconds_of(cb_clock_ns());
}

static struct cb_built_step *find(struct cb_build_summary *summary, uint64_t number)
{
    for (size_t i = summary->built.steps.count; i-- > 0;)
        if (summary->built.steps.items[i].number == number)
            return &summary->built.steps.items[i];
    return NULL;
}

static void note_start(struct cb_build_summary *summary, const struct cb_event *event)
{
    struct cb_built_step step = {.number = event->id,
                                 .name = xstrdup(event->name),
                                 .state = "running",
                                 .start_s = seconds_of(event->time_ns)};

    cb_vec_push(&summary->built.steps, step);
}

static void note_end(struct cb_build_summary *summary, const struct cb_event *event)
{
    struct cb_built_step *step = find(summary, event->id);

    if (!step)
        return;
    step->state = event->kind == CB_EVENT_STEP_CACHED ? "cached" : "done";
    step->end_s = seconds_of(event->time_ns);
    for (size_t i = 0; i < event->input_count; i++)
        cb_vec_push(&step->inputs, event->inputs[i]);
}

static void emit(struct cb_event_sink *sink, const struct cb_event *event)
{
    struct cb_build_summary *summary = (struct cb_build_summary *)sink;

    pthread_mutex_lock(&summary->lock);
    if (event->kind == CB_EVENT_STEP_START)
        note_start(summary, event);
    else if (event->kind == CB_EVENT_STEP_CACHED || event->kind == CB_EVENT_STEP_DONE ||
             event->kind == CB_EVENT_STEP_ERROR)
        note_end(summary, event);
    pthread_mutex_unlock(&summary->lock);
    summary->next->emit(summary->next, event);
}

struct cb_build_summary *cb_build_summary_new(struct cb_event_sink *next)
{
    struct cb_build_summary *summary = xcalloc(1, sizeof(*summary));

    summary->sink.emit = emit;
    summary->next = next;
    summary->built.id = xstrdup("");
    summary->built.start_s = now_s();
    pthread_mutex_init(&summary->lock, NULL);
    return summary;
}

struct cb_event_sink *cb_build_summary_sink(struct cb_build_summary *summary)
{
    return &summary->sink;
}

void cb_build_summary_free(struct cb_build_summary *summary)
{
    if (!summary)
        return;
    cb_built_clear(&summary->built);
    pthread_mutex_destroy(&summary->lock);
    free(summary);
}

/* The longest of the critical steps that comes behind AFTER (NULL: of all). */
static const struct cb_drawn_step *next_longest(const struct cb_drawn_graph *graph,
                                                const struct cb_drawn_step *after)
{
    const struct cb_drawn_step *longest = NULL;

    cb_vec_foreach (step, &graph->steps) {
        int is_later = !after || step->took_s < after->took_s ||
                       (step->took_s <= after->took_s && step > after);

        if (step->critical && is_later && (!longest || step->took_s > longest->took_s))
            longest = step;
    }
    return longest;
}

/* On a terminal a line stays one. */
static void print_step(const struct cb_drawn_step *step)
{
    cb_auto_value(cb_strbuf) name = {0};
    struct winsize size = {0};
    size_t width = SIZE_MAX;
    char text[32];

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20)
        width = size.ws_col - 10u;
    cb_tty_add_cut(&name, step->name, width);
    fprintf(stderr, "%8s  %s\n", cb_graph_seconds(step->took_s, text),
            cb_strbuf_text(&name));
}

void cb_build_summary_print(struct cb_build_summary *summary)
{
    cb_auto_value(cb_drawn_graph) graph = {0};
    double took = now_s() - summary->built.start_s;
    const struct cb_drawn_step *step = NULL;
    char text[32], path[32];

    if (took < WORTH_A_WORD_S)
        return;
    cb_drawn_from_build(&graph, &summary->built);
    fprintf(stderr, "took %s, critical path %s (`cbuild graph --build last`)\n",
            cb_graph_seconds(took, text), cb_graph_seconds(graph.critical_s, path));
    for (int i = 0; i < SHOWN && (step = next_longest(&graph, step)); i++)
        if (step->took_s >= 0.1)
            print_step(step);
}
