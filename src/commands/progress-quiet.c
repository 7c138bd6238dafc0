/* Nothing while all goes well; of a step that fails, what it said. */
#include "base/map.h"
#include "commands/progress.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

struct step {
    char *name;
    struct cb_step_log log;
};

struct quiet {
    struct cb_event_sink sink;
    pthread_mutex_t lock;
    struct cb_map *steps; /* that run, by number as text */
};

static void free_step(void *value)
{
    struct step *step = value;

    cb_step_log_clear(&step->log);
    free(step->name);
    free(step);
}

static struct step *step_of(struct quiet *quiet, const struct cb_event *event,
                            const char *key)
{
    struct step *step = cb_map_get(quiet->steps, key);

    if (step)
        return step;
    step = xcalloc(1, sizeof(*step));
    step->name = xstrdup(event->name ? event->name : "");
    cb_map_set(quiet->steps, key, step);
    return step;
}

static void take(struct quiet *quiet, const struct cb_event *event)
{
    char key[24];
    struct step *step;

    snprintf(key, sizeof(key), "%" PRIu64, event->id);
    step = step_of(quiet, event, key);
    switch (event->kind) {
    case CB_EVENT_STEP_LOG:
        cb_step_log_add(&step->log, event->text, event->len);
        break;
    case CB_EVENT_STEP_ERROR:
        cb_step_log_print(&step->log, step->name);
        cb_map_remove(quiet->steps, key);
        break;
    case CB_EVENT_STEP_CACHED:
    case CB_EVENT_STEP_DONE:
    case CB_EVENT_STEP_CANCELED:
        cb_map_remove(quiet->steps, key);
        break;
    default:
        break;
    }
}

static void emit_quiet(struct cb_event_sink *sink, const struct cb_event *event)
{
    struct quiet *quiet = (struct quiet *)sink;

    if (!event->id)
        return;
    pthread_mutex_lock(&quiet->lock);
    take(quiet, event);
    pthread_mutex_unlock(&quiet->lock);
}

static struct cb_event_sink *open_quiet(void)
{
    struct quiet *quiet = xcalloc(1, sizeof(*quiet));

    quiet->sink.emit = emit_quiet;
    pthread_mutex_init(&quiet->lock, NULL);
    quiet->steps = cb_map_new(free_step);
    return &quiet->sink;
}

static void close_quiet(struct cb_event_sink *sink)
{
    struct quiet *quiet = (struct quiet *)sink;

    cb_map_free(quiet->steps);
    pthread_mutex_destroy(&quiet->lock);
    free(quiet);
}

static void suspend_quiet(struct cb_event_sink *sink, int suspend)
{
    struct quiet *quiet = (struct quiet *)sink;

    if (suspend) {
        pthread_mutex_lock(&quiet->lock);
        fflush(stderr);
    } else {
        pthread_mutex_unlock(&quiet->lock);
    }
}

const struct cb_progress_class cb_progress_quiet = {
    .mode = "quiet",
    .open = open_quiet,
    .close = close_quiet,
    .no_summary = 1,
    .suspend = suspend_quiet,
};
