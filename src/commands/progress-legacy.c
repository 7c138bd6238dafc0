/* The output of docker's first builder, for eyes and scripts that are used to it: "Step
 * 2/3 : RUN make", what the step says, " ---> Using cache". That builder did one thing
 * after the other; here one step has the screen at a time, in the order in which they
 * began, and what others say waits. Numbers are those of the stage, and what has none
 * (contexts, exports) is not shown unless it fails. */
#include "commands/display.h"

#include <stdio.h>
#include <string.h>

struct step {
    struct cb_progress_step base;
    char *heading;            /* "Step 2/3 : RUN make", or NULL */
    struct cb_strbuf waiting; /* lines, and the end, of one that does not have the screen
                               */
    int ended;
};

struct legacy {
    struct cb_progress base;
    struct step *shown; /* has the screen; or NULL */
};

static void free_step(void *value)
{
    struct step *step = value;

    free(step->heading);
    free(step->base.name);
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

        if (!cb_map_next(legacy->base.steps, &position, &key, &value))
            return;
        legacy->shown = value;
        if (legacy->shown->heading)
            fprintf(stderr, "%s\n", legacy->shown->heading);
        fwrite(cb_strbuf_text(&legacy->shown->waiting), 1, legacy->shown->waiting.len,
               stderr);
        cb_strbuf_truncate(&legacy->shown->waiting, 0);
        if (!legacy->shown->ended)
            return;
        cb_map_remove(legacy->base.steps, key);
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
                    const struct cb_event *event)
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
    cb_progress_drop_step(&legacy->base, event);
    show_next(legacy);
}

static void take_step(struct legacy *legacy, const struct cb_event *event)
{
    struct step *step = cb_progress_find_step(&legacy->base, event);

    if (!step && event->kind == CB_EVENT_STEP_START) {
        step = cb_progress_step(&legacy->base, event);
        step->heading = heading_of(step->base.name);
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
        say_end(legacy, step, event);
        break;
    default:
        break;
    }
}

static void take(struct cb_progress *progress, const struct cb_event *event)
{
    if (event->kind == CB_EVENT_WARNING || event->kind == CB_EVENT_NOTICE)
        cb_progress_print_warning(event, "");
    else
        take_step((struct legacy *)progress, event);
}

const struct cb_progress_class cb_progress_legacy = {
    .mode = "legacy",
    .size = sizeof(struct legacy),
    .step_size = sizeof(struct step),
    .take = take,
    .free_step = free_step,
    .no_summary = 1,
    .legacy_result = 1,
};
