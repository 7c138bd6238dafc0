/* BuildKit's plain progress: "#3 [2/4] RUN make", "#3 0.412 cc -c x.c", "#3 DONE 1.2s".
 * Lines of different steps never mix: each is printed whole, and a step's number is
 * repeated when the printing moves on to another, "#3 ..." if it is to be gone on with.
 * The last lines of a step that failed are shown again at the end, where people look. */
#include "base/timestamp.h"
#include "commands/display.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NOTABLE_CPU_NS INT64_C(5000000000)
#define NOTABLE_MEMORY (UINT64_C(512) << 20)
#define LAST_LINES     10
#define LAST_BYTES     (32u << 10)

struct step {
    struct cb_progress_step base;
    struct cb_step_usage usage;
    struct cb_strbuf partial[3]; /* an unfinished line of stdout (1) and stderr (2) */
    struct cb_step_log log;      /* its end */
    struct cb_map *items;
    int failed;
};

struct plain {
    struct cb_progress base;
    uint64_t last; /* step printed last */
    int is_open;   /* it is not done */
    int colour;
};

static void free_step(void *value)
{
    struct step *step = value;

    free(step->base.name);
    cb_strbuf_free(&step->partial[1]);
    cb_strbuf_free(&step->partial[2]);
    cb_step_log_clear(&step->log);
    cb_map_free(step->items);
    free(step);
}

/* Says which step the next lines belong to, when it is not the one printed last. */
static void move_to(struct plain *plain, const struct cb_event *event,
                    const struct step *step)
{
    cb_auto_value(cb_strbuf) name = {0};

    if (plain->last == event->id)
        return;
    if (plain->is_open)
        fprintf(stderr, "#%" PRIu64 " ...\n", plain->last);
    if (plain->last)
        fputc('\n', stderr);
    cb_strbuf_add_escaped(&name, step->base.name, strlen(step->base.name), 0);
    fprintf(stderr, "#%" PRIu64 " %s\n", event->id, cb_strbuf_text(&name));
    plain->last = event->id;
    plain->is_open = 1;
}

static void print_line(struct plain *plain, const struct cb_event *event,
                       const struct step *step, const char *line, size_t len)
{
    cb_auto_value(cb_strbuf) text = {0};

    line = cb_progress_line(line, &len);
    move_to(plain, event, step);
    cb_colour_add(&text, line, len, plain->colour);
    fprintf(stderr, "#%" PRIu64 " %.3f %s\n", event->id,
            (double)(event->time_ns - step->base.start_ns) / 1e9, cb_strbuf_text(&text));
}

static void print_log(struct plain *plain, const struct cb_event *event,
                      struct step *step)
{
    struct cb_strbuf *partial = &step->partial[event->stream == 2 ? 2 : 1];
    const char *text = event->text;
    size_t left = event->len;
    const char *end;

    step->log.max = LAST_BYTES;
    cb_step_log_add(&step->log, text, left);
    while ((end = memchr(text, '\n', left))) {
        size_t len = (size_t)(end - text);

        cb_strbuf_add(partial, text, len);
        print_line(plain, event, step, cb_strbuf_text(partial), partial->len);
        cb_strbuf_truncate(partial, 0);
        text = end + 1;
        left -= len + 1;
    }
    cb_strbuf_add(partial, text, left);
    if (partial->len > 1 << 16) { /* a line without end is not kept in memory */
        print_line(plain, event, step, partial->text, partial->len);
        cb_strbuf_truncate(partial, 0);
    }
}

static void flush_partial(struct plain *plain, const struct cb_event *event,
                          struct step *step)
{
    for (int i = 1; i <= 2; i++) {
        if (step->partial[i].len)
            print_line(plain, event, step, step->partial[i].text, step->partial[i].len);
        cb_strbuf_truncate(&step->partial[i], 0);
    }
}

static void print_error(const struct cb_event *event)
{
    cb_auto_value(cb_strbuf) text = {0};
    const char *message = event->error ? cb_error_message(event->error) : "failed";

    cb_strbuf_add_escaped(&text, message, strlen(message), 0);
    fprintf(stderr, "#%" PRIu64 " ERROR: %s\n", event->id, cb_strbuf_text(&text));
}

static void print_miss(const struct cb_event *event)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_add_escaped(&text, event->text, strlen(event->text), 0);
    fprintf(stderr, "#%" PRIu64 " not cached: %s\n", event->id, cb_strbuf_text(&text));
}

/* What a step took, when it is worth a word: " (cpu 12.3s, memory 512MB)". */
static char *usage_text(const struct step *step)
{
    const struct cb_step_usage *usage = &step->usage;
    cb_autofree char *memory = cb_size_human(usage->peak_memory_bytes);

    if (usage->cpu_ns < NOTABLE_CPU_NS && usage->peak_memory_bytes < NOTABLE_MEMORY &&
        !usage->memory_limit_bytes)
        return xstrdup("");
    return xasprintf(" (cpu %.1fs, memory %s%s)", (double)usage->cpu_ns / 1e9, memory,
                     usage->oom_killed ? ", OOM killer struck" : "");
}

static void print_done(const struct cb_event *event, const struct step *step)
{
    cb_autofree char *usage = usage_text(step);
    char seconds[32];

    fprintf(stderr, "#%" PRIu64 " DONE %s%s\n", event->id,
            cb_progress_seconds(event->time_ns - step->base.start_ns, seconds), usage);
}

static void print_step(struct plain *plain, const struct cb_event *event)
{
    struct step *step = cb_progress_step(&plain->base, event);
    cb_auto_value(cb_strbuf) status = {0};

    if (event->kind == CB_EVENT_STEP_USAGE) {
        step->usage = *event->usage;
        return;
    }
    if (event->kind == CB_EVENT_STEP_LOG) {
        print_log(plain, event, step);
        return;
    }
    if (event->kind == CB_EVENT_STEP_STATUS &&
        !cb_progress_item(&step->items, event, &status))
        return;
    flush_partial(plain, event, step);
    move_to(plain, event, step);
    switch (event->kind) {
    case CB_EVENT_STEP_STATUS:
        fprintf(stderr, "#%" PRIu64 " %s\n", event->id, cb_strbuf_text(&status));
        return;
    case CB_EVENT_STEP_CACHED:
        fprintf(stderr, "#%" PRIu64 " CACHED\n", event->id);
        break;
    case CB_EVENT_STEP_DONE:
        print_done(event, step);
        break;
    case CB_EVENT_STEP_ERROR:
        print_error(event);
        break;
    case CB_EVENT_STEP_CANCELED:
        fprintf(stderr, "#%" PRIu64 " CANCELED\n", event->id);
        break;
    case CB_EVENT_MISS:
        print_miss(event);
        return;
    default:
        return;
    }
    plain->is_open = 0;
    step->failed = event->kind == CB_EVENT_STEP_ERROR;
    if (!step->failed)
        cb_step_log_clear(&step->log);
}

/* Below what its step said so far, if it is of one. */
static void print_warning(struct plain *plain, const struct cb_event *event)
{
    struct step *step = event->id ? cb_progress_step(&plain->base, event) : NULL;
    char prefix[32] = "";

    if (step) {
        flush_partial(plain, event, step);
        move_to(plain, event, step);
        snprintf(prefix, sizeof(prefix), "#%" PRIu64 " ", event->id);
    }
    cb_progress_print_warning(event, prefix);
}

static void take(struct cb_progress *progress, const struct cb_event *event)
{
    struct plain *plain = (struct plain *)progress;

    if (event->kind == CB_EVENT_WARNING || event->kind == CB_EVENT_NOTICE)
        print_warning(plain, event);
    else
        print_step(plain, event);
}

static void open_plain(struct cb_progress *progress)
{
    ((struct plain *)progress)->colour = cb_colour_wanted(STDERR_FILENO);
    /* one write per line, not one per piece */
    setvbuf(stderr, NULL, _IOLBF, 1 << 12);
}

static void close_plain(struct cb_progress *progress)
{
    size_t position = 0;
    const char *key;
    void *value;

    while (cb_map_next(progress->steps, &position, &key, &value)) {
        const struct step *step = value;

        if (step->failed)
            cb_step_log_print(&step->log, step->base.name, LAST_LINES);
    }
}

const struct cb_progress_class cb_progress_plain = {
    .mode = "plain",
    .size = sizeof(struct plain),
    .step_size = sizeof(struct step),
    .open = open_plain,
    .take = take,
    .close = close_plain,
    .free_step = free_step,
    .tells_image = 1,
};
