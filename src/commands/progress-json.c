/* BuildKit's rawjson progress, for tools: a JSON object a line, with what changed since
 * the line before: "vertexes" (steps), "statuses" (parts of a step, such as layers that
 * arrive), "logs" and "warnings", each a list of one. A step is named by a digest that
 * means nothing outside of this output. Text that BuildKit has as bytes is base 64. */
#include "base/base64.h"
#include "base/digest.h"
#include "base/json-writer.h"
#include "base/timestamp.h"
#include "commands/display.h"
#include "engine/engine.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef char text_time[CB_TIMESTAMP_MAX];

struct step {
    struct cb_progress_step base;
    char digest[CB_DIGEST_MAX_TEXT];
    text_time started;
    struct cb_map *items; /* name → when it was first heard of */
};

static void free_step(void *value)
{
    struct step *step = value;

    cb_map_free(step->items);
    free(step->base.name);
    free(step);
}

static struct step *step_of(struct cb_progress *progress, const struct cb_event *event)
{
    struct step *step = cb_progress_step(progress, event);
    cb_autofree char *named = NULL;
    struct cb_digest digest;

    if (step->items)
        return step;
    named = xasprintf("%" PRIu64 " %s", event->id, step->base.name);
    digest = cb_digest_of(named, strlen(named));
    cb_digest_text(&digest, step->digest);
    cb_timestamp_format(cb_timestamp_now(), step->started);
    step->items = cb_map_new(free);
    return step;
}

/* ── Members ── */

static void add_bytes(struct cb_writer *line, const char *key, const char *bytes,
                      size_t len)
{
    cb_auto_value(cb_strbuf) encoded = {0};

    cb_base64_encode(&encoded, bytes, len);
    cb_writer_text(line, key, cb_strbuf_text(&encoded));
}

static void add_now(struct cb_writer *line, const char *key)
{
    text_time now;

    cb_writer_text(line, key, cb_timestamp_format(cb_timestamp_now(), now));
}

static void add_vertex(struct cb_writer *line, const struct step *step,
                       const struct cb_event *event)
{
    const char *error = NULL;

    if (event->kind == CB_EVENT_STEP_ERROR)
        error = event->error ? cb_error_message(event->error) : "failed";
    else if (event->kind == CB_EVENT_STEP_CANCELED)
        error = "context canceled"; /* what tells it from a failure in BuildKit */
    cb_writer_text(line, "digest", step->digest);
    cb_writer_string(line, "name", step->base.name);
    cb_writer_text(line, "started", step->started);
    if (event->kind != CB_EVENT_STEP_START)
        add_now(line, "completed");
    cb_writer_true(line, "cached", event->kind == CB_EVENT_STEP_CACHED);
    cb_writer_string(line, "error", error);
}

/* TEXT is an item of its own that is done at once, or NULL. */
static void add_status(struct cb_writer *line, struct step *step,
                       const struct cb_event *event, const char *text)
{
    const char *item = text ? text : event->item;
    char *started = cb_map_get(step->items, item);

    if (!started) {
        started = xmalloc(sizeof(text_time));
        cb_timestamp_format(cb_timestamp_now(), started);
        cb_map_set(step->items, item, started);
    }
    cb_writer_text(line, "id", item);
    cb_writer_text(line, "vertex", step->digest);
    if (event->total)
        cb_writer_int(line, "total", (int64_t)event->total);
    cb_writer_int(line, "current", (int64_t)event->current);
    add_now(line, "timestamp");
    cb_writer_text(line, "started", started);
    if (text || event->done)
        add_now(line, "completed");
}

static void add_log(struct cb_writer *line, const struct step *step,
                    const struct cb_event *event)
{
    cb_writer_text(line, "vertex", step->digest);
    cb_writer_int(line, "stream", event->stream);
    add_bytes(line, "data", event->text, event->len);
    add_now(line, "timestamp");
}

/* ── Lines ── */

static const char *list_of(const struct cb_event *event)
{
    switch (event->kind) {
    case CB_EVENT_WARNING:
    case CB_EVENT_NOTICE:
        return "warnings";
    case CB_EVENT_STEP_LOG:
        return "logs";
    case CB_EVENT_STEP_STATUS:
    case CB_EVENT_MISS:
        return "statuses";
    default:
        return "vertexes";
    }
}

static void add_entry(struct cb_progress *progress, struct cb_writer *line,
                      const struct cb_event *event)
{
    cb_autofree char *miss = NULL;

    switch (event->kind) {
    case CB_EVENT_WARNING:
    case CB_EVENT_NOTICE:
        cb_warning_write(line, event);
        break;
    case CB_EVENT_STEP_LOG:
        add_log(line, step_of(progress, event), event);
        break;
    case CB_EVENT_MISS:
        miss = xasprintf("not cached: %s", event->text);
        add_status(line, step_of(progress, event), event, miss);
        break;
    case CB_EVENT_STEP_STATUS:
        add_status(line, step_of(progress, event), event, NULL);
        break;
    default:
        add_vertex(line, step_of(progress, event), event);
        break;
    }
}

static void take(struct cb_progress *progress, const struct cb_event *event)
{
    cb_auto_value(cb_strbuf) text = {0};
    struct cb_writer line = {.out = &text};

    if (event->kind == CB_EVENT_STEP_USAGE)
        return;
    cb_writer_open(&line, NULL, '{');
    cb_writer_open(&line, list_of(event), '[');
    cb_writer_open(&line, NULL, '{');
    add_entry(progress, &line, event);
    cb_writer_close(&line, '}');
    cb_writer_close(&line, ']');
    cb_writer_close(&line, '}');
    fprintf(stderr, "%s\n", cb_strbuf_text(&text));
}

static void open_json(struct cb_progress *progress)
{
    (void)progress;
    setvbuf(stderr, NULL, _IOLBF, 1 << 12); /* one write per line */
}

const struct cb_progress_class cb_progress_json = {
    .mode = "rawjson",
    .size = sizeof(struct cb_progress),
    .step_size = sizeof(struct step),
    .open = open_json,
    .take = take,
    .free_step = free_step,
    .no_summary = 1,
};
