/* Chooses the display, and holds what all displays share. */
#include "commands/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct cb_progress {
    const struct cb_progress_class *class;
    struct cb_event_sink *sink;
};

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
                     "tty, quiet, rawjson or legacy",
                     variable);
    else if (!class)
        cb_error_set(err, CB_ERR_USAGE,
                     "invalid argument \"%s\" for \"--progress\": expected auto, "
                     "plain, tty, quiet, rawjson or legacy",
                     mode);
    return class;
}

int cb_progress_check(const char *mode, struct cb_error **err)
{
    return class_of(mode, err) ? 0 : -1;
}

int cb_progress_new(struct cb_progress **out, const char *mode, struct cb_error **err)
{
    const struct cb_progress_class *class = class_of(mode, err);
    struct cb_progress *progress;

    if (!class)
        return -1;
    progress = xcalloc(1, sizeof(*progress));
    progress->class = class;
    progress->sink = class->open();
    *out = progress;
    return 0;
}

struct cb_event_sink *cb_progress_sink(struct cb_progress *progress)
{
    return progress->sink;
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
    progress->class->suspend(progress->sink, 1);
}

void cb_progress_resume(struct cb_progress *progress)
{
    progress->class->suspend(progress->sink, 0);
}

void cb_progress_free(struct cb_progress *progress)
{
    if (!progress)
        return;
    progress->class->close(progress->sink);
    free(progress);
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
    unsigned line, column;

    cb_strbuf_add_escaped(&text, prefix, strlen(prefix), 0);
    if (event->kind == CB_EVENT_WARNING)
        cb_strbuf_adds(&text, "warning: ");
    if (event->source) {
        cb_source_position(event->source, event->span.start, &line, &column);
        cb_strbuf_addf(&text, "%s:%u:%u: ", cb_source_name(event->source), line, column);
    }
    cb_strbuf_add_escaped(&text, event->text, strlen(event->text), 0);
    if (event->rule)
        cb_strbuf_addf(&text, " (%s)", event->rule);
    fprintf(stderr, "%s\n", cb_strbuf_text(&text));
}
