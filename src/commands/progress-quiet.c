/* Nothing while all goes well; of a step that fails, what it said. */
#include "commands/display.h"

struct step {
    struct cb_progress_step base;
    struct cb_step_log log;
};

static void free_step(void *value)
{
    struct step *step = value;

    cb_step_log_clear(&step->log);
    free(step->base.name);
    free(step);
}

static void take(struct cb_progress *progress, const struct cb_event *event)
{
    struct step *step;

    if (!event->id)
        return;
    step = cb_progress_step(progress, event);
    switch (event->kind) {
    case CB_EVENT_STEP_LOG:
        cb_step_log_add(&step->log, event->text, event->len);
        break;
    case CB_EVENT_STEP_ERROR:
        cb_step_log_print(&step->log, step->base.name, 0);
        cb_progress_drop_step(progress, event);
        break;
    case CB_EVENT_STEP_CACHED:
    case CB_EVENT_STEP_DONE:
    case CB_EVENT_STEP_CANCELED:
        cb_progress_drop_step(progress, event);
        break;
    default:
        break;
    }
}

const struct cb_progress_class cb_progress_quiet = {
    .mode = "quiet",
    .size = sizeof(struct cb_progress),
    .step_size = sizeof(struct step),
    .take = take,
    .free_step = free_step,
    .no_summary = 1,
};
