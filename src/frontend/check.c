/* A Dockerfile checked for its own sake: planned as for a build, all stages of it, with
 * all rules, and then thrown away. Nothing is executed, no layer is fetched; offline, no
 * image is asked about either. */
#include "frontend/checks-priv.h"

#include <string.h>

void cb_check_result_clear(struct cb_check_result *result)
{
    cb_vec_foreach (warning, &result->warnings)
        free(warning->message);
    cb_vec_free(&result->warnings);
    cb_error_free(result->error);
    result->error = NULL;
}

/* ── Taking warnings ── */

struct collector {
    struct cb_event_sink sink;
    struct cb_event_sink *next; /* for all else */
    struct cb_check_result *result;
};

static void collect(struct cb_event_sink *sink, const struct cb_event *event)
{
    struct collector *collector = (struct collector *)sink;
    struct cb_check_warning warning = {.span = event->span};

    if (event->kind != CB_EVENT_WARNING || !event->rule) {
        if (collector->next)
            collector->next->emit(collector->next, event);
        return;
    }
    warning.rule = cb_rule_find(event->rule);
    warning.message = xstrndup(event->text, event->len);
    cb_vec_push(&collector->result->warnings, warning);
}

/* ── Their lines ── */

static int holds(const struct cb_instruction *inst, struct cb_span span)
{
    return span.start >= inst->span.start && span.start < inst->span.end;
}

/* FILE may be NULL. */
static const struct cb_instruction *find_instruction(const struct cb_dockerfile *file,
                                                     struct cb_span span)
{
    for (size_t i = 0; file && i < file->global_arg_count; i++) {
        if (holds(file->global_args[i], span))
            return file->global_args[i];
    }
    for (size_t s = 0; file && s < file->stage_count; s++) {
        const struct cb_stage_def *def = &file->stages[s];

        if (holds(def->from, span))
            return def->from;
        for (size_t i = 0; i < def->count; i++) {
            if (holds(def->items[i], span))
                return def->items[i];
        }
    }
    return NULL;
}

static void set_lines(struct cb_check_warning *warning, const struct cb_dockerfile *file,
                      const struct cb_source *source)
{
    const struct cb_instruction *inst = find_instruction(file, warning->span);
    size_t end = warning->span.end;

    if (inst) {
        warning->line = inst->line;
        warning->end_line = inst->end_line;
        return;
    }
    cb_source_position(source, warning->span.start, &warning->line, NULL);
    cb_source_position(source, end > warning->span.start ? end - 1 : end,
                       &warning->end_line, NULL);
}

static int by_place(const void *a, const void *b)
{
    const struct cb_check_warning *one = a, *other = b;

    if (one->span.start != other->span.start)
        return one->span.start < other->span.start ? -1 : 1;
    if (one->rule != other->rule)
        return one->rule < other->rule ? -1 : 1;
    return strcmp(one->message, other->message);
}

static void finish(struct cb_check_result *result, const struct cb_planner *planner)
{
    cb_vec_foreach (warning, &result->warnings)
        set_lines(warning, planner->file, planner->options->source);
    if (result->warnings.count)
        qsort(result->warnings.items, result->warnings.count,
              sizeof(*result->warnings.items), by_place);
    result->is_error = planner->checks.config.is_error;
}

void cb_frontend_check(struct cb_check_result *out,
                       const struct cb_frontend_options *options)
{
    struct cb_frontend_options all = *options;
    struct cb_event_sink *sink = options->env->sink;
    struct collector collector = {.sink.emit = collect, .next = sink, .result = out};
    struct cb_planner planner;
    struct cb_stage *target = NULL;

    all.purpose = CB_PLAN_CHECK;
    all.allow_host_network = all.allow_insecure = 1;
    all.env->sink = &collector.sink;
    cb_planner_init(&planner, &all);
    if (cb_planner_run(&planner, &target, &out->error) == 0)
        cb_planner_end(&planner, &out->error);
    finish(out, &planner);
    cb_planner_clear(&planner);
    all.env->sink = sink;
}
