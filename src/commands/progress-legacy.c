/* The output of docker's first builder, for eyes and scripts that are used to it: "Step
 * 2/3 : RUN make", what the step says, " ---> Using cache". That builder did one thing
 * after the other; here one step has the screen at a time, in the order in which they
 * began, and what others say waits. Numbers are those of the stage, and what has none
 * (contexts, exports) is not shown unless it fails. */
#include "base/map.h"
#include "commands/progress.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct step {
    char *heading; /* "Step 2/3 : RUN make", or NULL */
    char *name;
    struct cb_strbuf waiting; /* lines, and the end, of one that does not have the screen
                               */
    int ended;
};

struct legacy {
    struct cb_event_sink sink;
    pthread_mutex_t lock;
    struct cb_map *steps; /* by number as text, in the order in which they began */
    struct step *shown;   /* has the screen; or NULL */
};

static void free_step(void *value)
{
    struct step *step = value;

    free(step->heading);
    free(step->name);
    cb_strbuf_free(&step->waiting);
    free(step);
}

/* "[builder 2/3] RUN make" → "Step 2/3 : RUN make". */
static char *heading_of(const char *name)
{
    const char *end = *name == '[' ? strstr(name, "] ") : NULL;
    const char *count = end;
    cb_auto_value(cb_strbuf) text = {0};

    while (count && count > name + 1 && strchr("0123456789/", count[-1]))
        count--;
    if (!end || !memchr(count, '/', (size_t)(end - count)))
        return NULL;
    cb_strbuf_addf(&text, "Step %.*s : ", (int)(end - count), count);
    cb_strbuf_add_escaped(&text, end + 2, strlen(end + 2), 0);
    return cb_strbuf_steal(&text);
}

static void say(struct legacy *legacy, struct step *step, const char *text, size_t len)
{
    if (legacy->shown == step)
        fwrite(text, 1, len, stderr);
    else
        cb_strbuf_add(&step->waiting, text, len);
}

/* The oldest that was not shown yet gets the screen, and the next one if that is over. */
static void show_next(struct legacy *legacy)
{
    while (!legacy->shown) {
        size_t position = 0;
        const char *key;
        void *value = NULL;

        if (!cb_map_next(legacy->steps, &position, &key, &value))
            return;
        legacy->shown = value;
        if (legacy->shown->heading)
            fprintf(stderr, "%s\n", legacy->shown->heading);
        fwrite(cb_strbuf_text(&legacy->shown->waiting), 1, legacy->shown->waiting.len,
               stderr);
        cb_strbuf_truncate(&legacy->shown->waiting, 0);
        if (!legacy->shown->ended)
            return;
        cb_map_remove(legacy->steps, key);
        legacy->shown = NULL;
    }
}

static void say_log(struct legacy *legacy, struct step *step,
                    const struct cb_event *event)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_add_escaped(&text, event->text, event->len, 1);
    say(legacy, step, cb_strbuf_text(&text), text.len);
}

static void say_end(struct legacy *legacy, struct step *step,
                    const struct cb_event *event, const char *key)
{
    static const char cached[] = " ---> Using cache\n", canceled[] = " ---> Canceled\n";

    if (step->heading && event->kind == CB_EVENT_STEP_CACHED)
        say(legacy, step, cached, sizeof(cached) - 1);
    if (step->heading && event->kind == CB_EVENT_STEP_CANCELED)
        say(legacy, step, canceled, sizeof(canceled) - 1);
    step->ended = 1;
    if (legacy->shown != step)
        return;
    legacy->shown = NULL;
    cb_map_remove(legacy->steps, key);
    show_next(legacy);
}

static void take(struct legacy *legacy, const struct cb_event *event)
{
    struct step *step;
    char key[24];

    snprintf(key, sizeof(key), "%" PRIu64, event->id);
    step = cb_map_get(legacy->steps, key);
    if (!step && event->kind == CB_EVENT_STEP_START) {
        step = xcalloc(1, sizeof(*step));
        step->name = xstrdup(event->name);
        step->heading = heading_of(step->name);
        cb_map_set(legacy->steps, key, step);
        show_next(legacy);
    }
    if (!step)
        return;
    switch (event->kind) {
    case CB_EVENT_STEP_LOG:
        say_log(legacy, step, event);
        break;
    case CB_EVENT_STEP_CACHED:
    case CB_EVENT_STEP_DONE:
    case CB_EVENT_STEP_ERROR:
    case CB_EVENT_STEP_CANCELED:
        say_end(legacy, step, event, key);
        break;
    default:
        break;
    }
}

static void emit(struct cb_event_sink *sink, const struct cb_event *event)
{
    struct legacy *legacy = (struct legacy *)sink;

    pthread_mutex_lock(&legacy->lock);
    if (event->kind == CB_EVENT_WARNING || event->kind == CB_EVENT_NOTICE)
        cb_progress_print_warning(event, "");
    else if (event->id)
        take(legacy, event);
    pthread_mutex_unlock(&legacy->lock);
}

static struct cb_event_sink *open_legacy(void)
{
    struct legacy *legacy = xcalloc(1, sizeof(*legacy));

    legacy->sink.emit = emit;
    pthread_mutex_init(&legacy->lock, NULL);
    legacy->steps = cb_map_new(free_step);
    return &legacy->sink;
}

static void close_legacy(struct cb_event_sink *sink)
{
    struct legacy *legacy = (struct legacy *)sink;

    fflush(stderr);
    cb_map_free(legacy->steps);
    pthread_mutex_destroy(&legacy->lock);
    free(legacy);
}

static void suspend_legacy(struct cb_event_sink *sink, int suspend)
{
    struct legacy *legacy = (struct legacy *)sink;

    if (suspend) {
        pthread_mutex_lock(&legacy->lock);
        fflush(stderr);
    } else {
        pthread_mutex_unlock(&legacy->lock);
    }
}

const struct cb_progress_class cb_progress_legacy = {
    .mode = "legacy",
    .open = open_legacy,
    .close = close_legacy,
    .suspend = suspend_legacy,
    .no_summary = 1,
    .legacy_result = 1,
};
