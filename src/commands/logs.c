/* cbuild logs. */
#include "commands/containers.h"

#include "container/log.h"
#include "http/http.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct values {
    const char *tail, *since, *until;
    int follow, times, details;
};

#define AT(field) offsetof(struct values, field)

static const struct cb_option options[] = {
    {"details", 0, CB_OPTION_FLAG, AT(details), NULL,
     "Show what --log-opt labels, env and tag add"},
    {"follow", 'f', CB_OPTION_FLAG, AT(follow), NULL, "Go on until the container ends"},
    {"since", 0, CB_OPTION_TEXT, AT(since), "TIME", "Only from then on: a time or 10m"},
    {"tail", 'n', CB_OPTION_TEXT, AT(tail), "N", "Only the last N lines; no number: all"},
    {"timestamps", 't', CB_OPTION_FLAG, AT(times), NULL, "Show when each was printed"},
    {"until", 0, CB_OPTION_TEXT, AT(until), "TIME", "Only up to then"},
    {0},
};

/* "2026-01-02T03:04:05.123456789Z", always of one width. */
static void print_time(FILE *out, const struct timespec *time)
{
    struct tm parts;
    char text[40];

    gmtime_r(&time->tv_sec, &parts);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
    fprintf(out, "%s.%09ldZ ", text, time->tv_nsec);
}

/* As in a URL's query. */
static void add_escaped(struct cb_strbuf *out, const char *text)
{
    for (; *text; text++) {
        char one[] = {*text, '\0'};

        if (*text == ' ')
            cb_strbuf_addc(out, '+');
        else
            cb_url_encode(out, one);
    }
}

/* "k=v,k=v ", by name; a blank alone for none. */
static void print_details(FILE *out, json_t *attributes)
{
    cb_auto_value(cb_strings) pairs = {0};
    cb_auto_value(cb_strbuf) text = {0};
    const char *key;
    json_t *value;

    json_object_foreach(attributes, key, value)
    {
        cb_strings_addf(&pairs, "%s=%s", key,
                        json_is_string(value) ? json_string_value(value) : "");
    }
    cb_env_sort(&pairs);
    cb_vec_foreach (pair, &pairs) {
        cb_autofree char *name = xstrndup(*pair, strcspn(*pair, "="));

        if (text.len)
            cb_strbuf_addc(&text, ',');
        add_escaped(&text, name);
        cb_strbuf_addc(&text, '=');
        add_escaped(&text, *pair + strlen(name) + 1);
    }
    fprintf(out, "%s ", cb_strbuf_text(&text));
}

static int show(void *arg, const struct cb_log_line *line)
{
    const struct values *values = arg;
    FILE *out = line->stream == 2 ? stderr : stdout;

    if (out == stderr)
        fflush(stdout); /* both may go to one place */
    if (values->times)
        print_time(out, &line->time);
    if (values->details)
        print_details(out, line->attributes);
    fwrite(line->text, 1, line->len, out);
    return ferror(out) ? -1 : 0;
}

/* What was shown is seen before more is waited for, if there is somebody who sees it. */
static int rest(void *arg)
{
    fflush(stdout);
    return cb_stdout_is_unread() ? -1 : 0;
}

/* As docker has it, everything that is no number means all, and so does one below 0. */
static long long read_tail(const char *text)
{
    char *end;
    long long lines;

    if (!text || !text[strcspn(text, "0123456789")] || isspace((unsigned char)*text))
        return -1;
    lines = strtoll(text, &end, 10);
    return *end ? -1 : lines;
}

static int read_wish(struct cb_log_wish *wish, const struct values *values,
                     struct cb_error **err)
{
    *wish = (struct cb_log_wish){.tail = read_tail(values->tail),
                                 .follow = values->follow,
                                 .details = values->details,
                                 .rest = rest};
    wish->has_since = values->since && *values->since;
    wish->has_until = values->until && *values->until && strcmp(values->until, "0") != 0;
    if (wish->has_since && cb_moment_parse(&wish->since, values->since, err) < 0)
        return cb_error_wrap(err, "invalid value for \"since\"");
    if (wish->has_until && cb_moment_parse(&wish->until, values->until, err) < 0)
        return cb_error_wrap(err, "invalid value for \"until\"");
    return 0;
}

static int run(struct cb_app *app, void *given, const struct cb_strings *args,
               struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_container) container = NULL;
    struct values *values = given;
    struct cb_log_wish wish;
    const char *driver;

    if (read_wish(&wish, values, err) < 0 ||
        cb_app_container(app, args->items[0], &store, &container, err) < 0)
        return -1;
    driver = container->options.log_driver;
    if (driver && strcmp(driver, "none") == 0)
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "configured logging driver does not support reading");
    return cb_log_read(container, &wish, show, values, app->cancel, err);
}

const struct cb_cli_command cb_logs_command = {
    .name = "logs",
    .summary = "Show what a container printed",
    .usage = "logs [OPTIONS] CONTAINER",
    .options = options,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = 1,
    .act = run,
    .watches = 1,
};
