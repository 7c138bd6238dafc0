/* Warnings as BuildKit's clients write them, in the progress of --progress=rawjson and in
 * --metadata-file. Text that BuildKit has as bytes is base 64. */
#include "engine/engine-priv.h"

#include "base/base64.h"
#include "base/json-writer.h"
#include "base/text.h"

#include <pthread.h>
#include <string.h>

#define VARIABLE "BUILDX_METADATA_WARNINGS"

/* ── One ── */

static void add_position(struct cb_writer *out, const char *key,
                         const struct cb_source *file, size_t offset)
{
    unsigned row, column;

    cb_source_position(file, offset, &row, &column);
    cb_writer_open(out, key, '{');
    cb_writer_int(out, "line", row);
    cb_writer_int(out, "character", column - 1);
    cb_writer_close(out, '}');
}

static void add_place(struct cb_writer *out, const struct cb_event *event)
{
    struct cb_span span = event->span;
    const struct cb_source *file = cb_source_file(event->source, &span);

    cb_writer_open(out, "sourceInfo", '{');
    cb_writer_text(out, "filename", cb_source_name(file));
    cb_writer_close(out, '}');
    cb_writer_open(out, "range", '[');
    cb_writer_open(out, NULL, '{');
    add_position(out, "start", file, span.start);
    add_position(out, "end", file, span.end);
    cb_writer_close(out, '}');
    cb_writer_close(out, ']');
}

void cb_warning_write(struct cb_writer *out, const struct cb_event *event)
{
    const struct cb_rule *rule = event->rule ? cb_rule_find(event->rule) : NULL;
    cb_autofree char *url = rule ? cb_rule_url(rule) : NULL;
    cb_autofree char *text = event->rule ? xasprintf("%s: %s", event->rule, event->text)
                                         : xstrdup(event->text);
    cb_auto_value(cb_strbuf) encoded = {0};

    cb_base64_encode(&encoded, text, strlen(text));
    if (event->kind == CB_EVENT_WARNING)
        cb_writer_int(out, "level", 1);
    cb_writer_text(out, "short", cb_strbuf_text(&encoded));
    cb_writer_string(out, "url", url);
    if (event->source)
        add_place(out, event);
}

/* ── Those of a build ── */

struct cb_warnings {
    struct cb_event_sink sink; /* first: the sink handed out */
    struct cb_event_sink *next;
    pthread_mutex_t lock; /* list */
    json_t *list;
};

static void keep(struct cb_warnings *warnings, const struct cb_event *event)
{
    cb_auto_value(cb_strbuf) text = {0};
    struct cb_writer out = {.out = &text};

    cb_writer_open(&out, NULL, '{');
    cb_warning_write(&out, event);
    cb_writer_close(&out, '}');
    pthread_mutex_lock(&warnings->lock);
    json_array_append_new(warnings->list, json_loads(cb_strbuf_text(&text), 0, NULL));
    pthread_mutex_unlock(&warnings->lock);
}

static void emit(struct cb_event_sink *sink, const struct cb_event *event)
{
    struct cb_warnings *warnings = (struct cb_warnings *)sink;

    if (event->kind == CB_EVENT_WARNING)
        keep(warnings, event);
    if (warnings->next)
        warnings->next->emit(warnings->next, event);
}

struct cb_warnings *cb_warnings_new(struct cb_event_sink *next)
{
    const char *wanted = getenv(VARIABLE);
    struct cb_warnings *warnings;
    int yes = 0;

    if (!wanted || cb_parse_bool(wanted, &yes) < 0 || !yes)
        return NULL;
    warnings = xcalloc(1, sizeof(*warnings));
    warnings->sink.emit = emit;
    warnings->next = next;
    warnings->list = json_array();
    pthread_mutex_init(&warnings->lock, NULL);
    return warnings;
}

struct cb_event_sink *cb_warnings_sink(struct cb_warnings *warnings)
{
    return &warnings->sink;
}

json_t *cb_warnings_json(struct cb_warnings *warnings)
{
    json_t *list = NULL;

    if (!warnings)
        return NULL;
    pthread_mutex_lock(&warnings->lock);
    if (json_array_size(warnings->list))
        list = json_copy(warnings->list);
    pthread_mutex_unlock(&warnings->lock);
    return list;
}

void cb_warnings_free(struct cb_warnings *warnings)
{
    if (!warnings)
        return;
    json_decref(warnings->list);
    pthread_mutex_destroy(&warnings->lock);
    free(warnings);
}
