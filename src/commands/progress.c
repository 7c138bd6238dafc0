/* Chooses the display, and holds what all displays share. */
#include "commands/display.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct cb_progress_class *choose(const char *mode)
{
    static const struct cb_progress_class *const classes[] = {
        &cb_progress_plain, &cb_progress_tty, &cb_progress_quiet, &cb_progress_json,
        &cb_progress_legacy};

    const char *terminal = getenv("TERM");

    if (strcmp(mode, "auto") == 0 || !*mode)
        return isatty(STDERR_FILENO) && !(terminal && strcmp(terminal, "dumb") == 0)
                   ? &cb_progress_tty
                   : &cb_progress_plain;
    if (strcmp(mode, "none") == 0)
        return &cb_progress_quiet;
    for (size_t i = 0; i < CB_ARRAY_SIZE(classes); i++)
        if (strcmp(classes[i]->mode, mode) == 0)
            return classes[i];
    return NULL;
}

static const struct cb_progress_class *class_of(const char *mode, struct cb_error **err)
{
    const char *variable = mode ? NULL : getenv("BUILDKIT_PROGRESS");
    const struct cb_progress_class *class = choose(mode       ? mode
                                                   : variable ? variable
                                                              : "auto");

    if (!class && variable)
        cb_error_set(err, CB_ERR_USAGE,
                     "invalid value \"%s\" of $BUILDKIT_PROGRESS: expected auto, plain, "
                     "tty, quiet, none, rawjson or legacy",
                     variable);
    else if (!class)
        cb_error_argument(err, mode, "--progress",
                          "expected auto, plain, tty, quiet, none, rawjson or legacy");
    return class;
}

int cb_progress_check(const char *mode, struct cb_error **err)
{
    return class_of(mode, err) ? 0 : -1;
}

static void emit(struct cb_event_sink *sink, const struct cb_event *event)
{
    struct cb_progress *progress = (struct cb_progress *)sink;

    if (!event->id && event->kind != CB_EVENT_WARNING && event->kind != CB_EVENT_NOTICE)
        return;
    pthread_mutex_lock(&progress->lock);
    progress->class->take(progress, event);
    pthread_mutex_unlock(&progress->lock);
}

int cb_progress_new(struct cb_progress **out, const char *mode, struct cb_error **err)
{
    const struct cb_progress_class *class = class_of(mode, err);
    struct cb_progress *progress;

    if (!class)
        return -1;
    progress = xcalloc(1, class->size);
    progress->sink.emit = emit;
    progress->class = class;
    pthread_mutex_init(&progress->lock, NULL);
    progress->steps = cb_map_new(class->free_step);
    if (class->open)
        class->open(progress);
    *out = progress;
    return 0;
}

struct cb_event_sink *cb_progress_sink(struct cb_progress *progress)
{
    return &progress->sink;
}

int cb_progress_tells_image(const struct cb_progress *progress)
{
    return progress->class->tells_image;
}

int cb_progress_has_legacy_result(const struct cb_progress *progress)
{
    return progress->class->legacy_result;
}

int cb_progress_wants_summary(const struct cb_progress *progress)
{
    return !progress->class->no_summary;
}

void cb_progress_suspend(struct cb_progress *progress)
{
    pthread_mutex_lock(&progress->lock);
    if (progress->class->suspend)
        progress->class->suspend(progress);
    fflush(stderr);
}

void cb_progress_resume(struct cb_progress *progress)
{
    pthread_mutex_unlock(&progress->lock);
}

void cb_progress_free(struct cb_progress *progress)
{
    if (!progress)
        return;
    if (progress->class->close)
        progress->class->close(progress);
    fflush(stderr);
    cb_map_free(progress->steps);
    pthread_mutex_destroy(&progress->lock);
    free(progress);
}

/* ── For the displays ── */

struct key {
    char text[24];
};

static struct key key_of(const struct cb_event *event)
{
    struct key key;

    snprintf(key.text, sizeof(key.text), "%" PRIu64, event->id);
    return key;
}

void *cb_progress_find_step(struct cb_progress *progress, const struct cb_event *event)
{
    return cb_map_get(progress->steps, key_of(event).text);
}

void *cb_progress_step(struct cb_progress *progress, const struct cb_event *event)
{
    struct cb_progress_step *step = cb_progress_find_step(progress, event);

    if (step)
        return step;
    step = xcalloc(1, progress->class->step_size);
    step->name = xstrdup(event->name ? event->name : "");
    step->start_ns = event->time_ns;
    cb_map_set(progress->steps, key_of(event).text, step);
    return step;
}

void cb_progress_drop_step(struct cb_progress *progress, const struct cb_event *event)
{
    cb_map_remove(progress->steps, key_of(event).text);
}

const char *cb_progress_seconds(int64_t ns, char buffer[32])
{
    snprintf(buffer, 32, "%.1fs", (double)ns / 1e9);
    return buffer;
}

const char *cb_progress_line(const char *line, size_t *len)
{
    const char *end = line + *len;
    const char *kept = line;

    while (end > line && end[-1] == '\r')
        end--;
    for (const char *from = line, *cr; (cr = memchr(from, '\r', (size_t)(end - from)));
         from = cr + 1) {
        const char *next = memchr(cr + 1, '\r', (size_t)(end - cr - 1));

        if ((next ? next : end) - (cr + 1) >= cr - kept)
            kept = cr + 1;
    }
    *len = (size_t)(end - kept);
    return kept;
}

void cb_progress_print_warning(const struct cb_event *event, const char *prefix)
{
    cb_auto_value(cb_strbuf) text = {0};
    struct cb_span place = event->span;
    unsigned line, column;

    cb_strbuf_add_escaped(&text, prefix, strlen(prefix), 0);
    if (event->kind == CB_EVENT_WARNING)
        cb_strbuf_adds(&text, "warning: ");
    if (event->source) {
        cb_source_position(event->source, event->span.start, &line, &column);
        cb_strbuf_addf(
            &text, "%s:%u:%u: ", cb_source_name(cb_source_file(event->source, &place)),
            line, column);
    }
    cb_strbuf_add_escaped(&text, event->text, strlen(event->text), 0);
    if (event->rule)
        cb_strbuf_addf(&text, " (%s)", event->rule);
    place = event->span;
    if (event->source && cb_source_includer(event->source, &place)) {
        cb_strbuf_addf(&text, "\n%s", prefix);
        cb_source_add_includers(event->source, event->span, &text);
    }
    fprintf(stderr, "%s\n", cb_strbuf_text(&text));
}
