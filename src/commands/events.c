/* cbuild events: what happened to images, builds, networks, volumes and containers, from
 * the store's journal; printed as docker prints its events. There is no daemon: what is
 * to come is seen in the file that whoever does it writes to. */
#include "commands/commands.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/template.h"
#include "base/timestamp.h"
#include "commands/event-filter.h"
#include "commands/listing.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct values {
    const char *since, *until, *format;
    struct cb_strings filters;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"filter", 'f', CB_OPTION_LIST, AT(filters), "FILTER",
     "type=, event=, image=, container=, network=, volume=, label=KEY[=VALUE]"},
    {"format", 0, CB_OPTION_TEXT, AT(format), "FORMAT",
     "json, or a Go template: {{.Type}} {{.Action}} {{.Actor.ID}}"},
    {"since", 0, CB_OPTION_TEXT, AT(since), "TIME",
     "Begin with what happened after this: a time, or 10m, 24h ago"},
    {"until", 0, CB_OPTION_TEXT, AT(until), "TIME", "End there, instead of waiting on"},
    {0},
};

struct watch {
    const struct values *values;
    int64_t since_ns, until_ns; /* 0: none */
    struct cb_template *template;
    int json;
};

/* ── One event ── */

static void add_time(struct cb_strbuf *out, int64_t time_ns)
{
    time_t seconds = (time_t)(time_ns / 1000000000);
    char text[32] = "", zone[8] = "";
    struct tm local;

    if (localtime_r(&seconds, &local)) {
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &local);
        strftime(zone, sizeof(zone), "%z", &local);
    }
    cb_strbuf_addf(out, "%s.%09lld", text, (long long)(time_ns % 1000000000));
    if (strcmp(zone, "+0000") == 0)
        cb_strbuf_addc(out, 'Z');
    else
        cb_strbuf_addf(out, "%.3s:%s", zone, zone + (strlen(zone) > 3 ? 3 : 0));
}

/* Positions of attribute names, in the order of the names. */
static size_t *in_order(const struct cb_strings *attributes, size_t *count)
{
    size_t *order = xcalloc(attributes->count / 2 + 1, sizeof(*order));

    *count = 0;
    for (size_t i = 0; i + 1 < attributes->count; i += 2) {
        size_t at = (*count)++;

        while (at && strcmp(attributes->items[order[at - 1]], attributes->items[i]) > 0) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
    return order;
}

static void add_text(struct cb_strbuf *out, const struct cb_journal_event *event)
{
    const struct cb_strings *attributes = &event->attributes;
    cb_auto_value(cb_strbuf) text = {0};
    size_t count;
    cb_autofree size_t *order = in_order(attributes, &count);

    add_time(&text, event->time_ns);
    cb_strbuf_addf(&text, " %s %s %s", event->type, event->action, event->id);
    for (size_t i = 0; i < count; i++)
        cb_strbuf_addf(&text, "%s%s=%s", i ? ", " : " (", attributes->items[order[i]],
                       attributes->items[order[i] + 1]);
    cb_strbuf_adds(&text, count ? ")" : "");
    cb_strbuf_add_escaped(out, cb_strbuf_text(&text), text.len, 0);
}

static json_t *actor_json(const struct cb_journal_event *event)
{
    const struct cb_strings *attributes = &event->attributes;
    json_t *values = json_object();
    size_t count;
    cb_autofree size_t *order = in_order(attributes, &count);

    for (size_t i = 0; i < count; i++)
        json_object_set_new(values, attributes->items[order[i]],
                            json_string(attributes->items[order[i] + 1]));
    return json_pack("{s:s, s:o}", "ID", event->id, "Attributes", values);
}

/* Docker's message: with what versions before 1.10 had, for images and containers, or
 * with the names that templates use. */
static json_t *event_json(const struct cb_journal_event *event, int for_template)
{
    int old = strcmp(event->type, "image") == 0 || strcmp(event->type, "container") == 0;
    const char *from =
        strcmp(event->type, "container") == 0 ? cb_event_attribute(event, "image") : "";
    json_t *json = json_object();

    if (old || for_template) {
        json_object_set_new(json, for_template ? "Status" : "status",
                            json_string(event->action));
        json_object_set_new(json, for_template ? "ID" : "id", json_string(event->id));
    }
    if (*from || for_template)
        json_object_set_new(json, for_template ? "From" : "from", json_string(from));
    json_object_set_new(json, "Type", json_string(event->type));
    json_object_set_new(json, "Action", json_string(event->action));
    json_object_set_new(json, "Actor", actor_json(event));
    json_object_set_new(json, for_template ? "Scope" : "scope", json_string("local"));
    json_object_set_new(json, for_template ? "Time" : "time",
                        json_integer(event->time_ns / 1000000000));
    json_object_set_new(json, for_template ? "TimeNano" : "timeNano",
                        json_integer(event->time_ns));
    return json;
}

/* Docker's status of it is 64. */
static int bad_template(const struct cb_error *cause, struct cb_error **err)
{
    cb_error_set(err, CB_ERR_FORMAT, "Error parsing format: %s", cb_error_message(cause));
    return cb_error_hint(err, "the fields are .Type .Action .Actor.ID .Actor.Attributes "
                              ".ID .Status .From .Scope .Time .TimeNano");
}

static int print_event(const struct watch *watch, const struct cb_journal_event *event,
                       struct cb_error **err)
{
    cb_auto_value(cb_strbuf) out = {0};
    cb_auto(cb_error) cause = NULL;
    cb_auto_json *json = NULL;

    if (!watch->template && !watch->json) {
        add_text(&out, event);
    } else {
        json = event_json(event, watch->template != NULL);
        if (watch->template) {
            if (cb_template_execute(watch->template, json, &out, &cause) < 0)
                return bad_template(cause, err);
        } else {
            cb_autofree char *text = cb_json_dump(json);

            cb_strbuf_adds(&out, text);
        }
    }
    cb_strbuf_addc(&out, '\n');
    cb_print_foreign(&out);
    return 0;
}

/* ── All of them ── */

static int is_wanted(const struct watch *watch, const struct cb_journal_event *event)
{
    return event->time_ns >= watch->since_ns &&
           (!watch->until_ns || event->time_ns <= watch->until_ns) &&
           cb_filter_takes(cb_event_filters, &watch->values->filters, event);
}

/* Those that are there. One later than --until is no end: the clock may have been ahead
 * when it was written. */
static int print_ready(const struct watch *watch, struct cb_journal_reader *reader,
                       struct cb_error **err)
{
    struct cb_journal_event event = {0};
    int got, result = 0;

    while (result == 0 && (got = cb_journal_next(reader, &event, err)) != 0) {
        if (got < 0)
            return -1;
        if (is_wanted(watch, &event))
            result = print_event(watch, &event, err);
        cb_journal_event_clear(&event);
    }
    if (result >= 0 && cb_flush_stdout(err) < 0)
        return -1;
    return result;
}

/* Until there may be more, it is time to end or nobody reads any more (1), or the user
 * has had enough. */
static int wait_for_more(const struct watch *watch, struct cb_journal_reader *reader,
                         struct cb_cancel *cancel, struct cb_error **err)
{
    struct pollfd fds[] = {{.fd = cb_journal_fd(reader), .events = POLLIN},
                           {.fd = cb_cancel_fd(cancel), .events = POLLIN},
                           {.fd = STDOUT_FILENO}};
    int64_t left_ms = -1;

    if (watch->until_ns) {
        left_ms = (watch->until_ns - cb_now_ns() + 999999) / 1000000;
        if (left_ms <= 0)
            return 1;
    }
    if (poll(fds, 3, left_ms > 3600000 ? 3600000 : (int)left_ms) < 0 && errno != EINTR)
        return cb_error_errno(err, errno, "wait for events");
    if (cb_cancel_check(cancel, err) < 0)
        return -1;
    return fds[2].revents != 0;
}

static int watch_events(const struct watch *watch, struct cb_journal_reader *reader,
                        struct cb_cancel *cancel, struct cb_error **err)
{
    for (;;) {
        int over = watch->until_ns && watch->until_ns <= cb_now_ns();
        int result = print_ready(watch, reader, err);

        if (result == 0 && !over)
            result = wait_for_more(watch, reader, cancel, err);
        else if (result == 0)
            result = 1;
        if (result)
            return result < 0 ? -1 : 0;
    }
}

static int parse_moment(int64_t *out, const char *text, const char *option,
                        struct cb_error **err)
{
    struct timespec moment;

    *out = 0;
    if (!text || !*text)
        return 0;
    if (cb_moment_parse(&moment, text, err) < 0)
        return cb_error_wrap(err, "%s", option);
    *out = (int64_t)moment.tv_sec * 1000000000 + moment.tv_nsec;
    *out += *out == 0; /* 1970 is a moment, too */
    return 0;
}

static int show(struct cb_app *app, void *given, const struct cb_strings *args,
                struct cb_error **err)
{
    const struct values *values = given;
    cb_auto(cb_template) template = NULL;
    cb_auto(cb_error) bad = NULL;
    cb_auto(cb_journal_reader) reader = NULL;
    struct watch watch = {.values = values};
    const char *format = values->format ? values->format : "";
    struct cb_store *store = NULL;
    int result;

    if (cb_filter_check(cb_event_filters, CB_FILTER_LISTS, &values->filters, err) < 0 ||
        parse_moment(&watch.since_ns, values->since, "--since", err) < 0 ||
        parse_moment(&watch.until_ns, values->until, "--until", err) < 0)
        return -1;
    watch.json = strcmp(format, "json") == 0 || strcmp(format, "{{json .}}") == 0;
    if (*format && !watch.json && cb_template_parse(&template, format, &bad) < 0)
        return bad_template(bad, err);
    watch.template = template;
    if (cb_app_store(app, CB_STORE_CREATE, &store, err) < 0)
        return -1;
    /* The journal needs no store, which would be in use as long as this waits. */
    result = cb_journal_open(&reader, store, !values->since, err);
    cb_store_close(store);
    return result < 0 ? -1 : watch_events(&watch, reader, app->cancel, err);
}

const struct cb_cli_command cb_events_command = {
    .name = "events",
    .summary = "Show what happens to images, builds and containers",
    .usage = "events [OPTIONS]",
    .about =
        "Shows what happens from now on, until Ctrl-C; with --since also what happened\n"
        "before, as far as it is kept; with --until it ends. Values of one filter key\n"
        "are alternatives, different keys must all hold.",
    .options = options,
    .filters = cb_event_filters,
    .filter_flag = CB_FILTER_LISTS,
    .values_size = sizeof(struct values),
    .act = show,
    .watches = 1,
};
