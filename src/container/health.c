/* What is to be run to find out whether a container is well, and what becomes of the
 * results. Nothing here runs anything. */
#include "container/health.h"

#include "base/json.h"
#include "base/timestamp.h"

#include <stdio.h>
#include <string.h>

#define INTERVAL_MS       30000
#define TIMEOUT_MS        30000
#define START_INTERVAL_MS 5000
#define RETRIES           3

void cb_health_clear(struct cb_health *health)
{
    cb_strings_free(&health->argv);
}

/* ── What is wished for ── */

static int64_t choose(int64_t of_image_ns, int64_t otherwise_ms)
{
    return of_image_ns > 0 ? (of_image_ns - 1) / 1000000 + 1 : otherwise_ms;
}

static int set_time(int64_t *out_ms, const char *text, const char *option,
                    struct cb_error **err)
{
    cb_auto(cb_error) cause = NULL;
    int64_t ns;

    if (!text)
        return 0;
    if (cb_duration_parse(&ns, text, &cause) < 0) {
        cb_autofree char *flag = xasprintf("--%s", option);

        return cb_error_flag(err, text, flag, "%s", cb_error_message(cause));
    }
    if (ns && ns < 1000000)
        return cb_error_set(err, CB_ERR_USAGE, "--%s cannot be less than 1ms", option);
    if (ns) /* 0 is what would be without the option */
        *out_ms = ns / 1000000;
    return 0;
}

static int set_retries(unsigned *out, const char *text, struct cb_error **err)
{
    char *end;
    long count;

    if (!text)
        return 0;
    count = strtol(text, &end, 10);
    if (end == text || *end || count > 1000000)
        return cb_error_flag(err, text, "--health-retries", "expected a number");
    if (count < 0)
        return cb_error_set(err, CB_ERR_USAGE, "--health-retries cannot be negative");
    if (count)
        *out = (unsigned)count;
    return 0;
}

static void add_shell(struct cb_strings *argv, const struct cb_image_config *config,
                      const char *command)
{
    if (config->shell.count) {
        cb_strings_copy(argv, &config->shell);
    } else {
        cb_strings_add(argv, "/bin/sh");
        cb_strings_add(argv, "-c");
    }
    cb_strings_add(argv, command);
}

static void choose_command(struct cb_health *out,
                           const struct cb_container_options *options,
                           const struct cb_image_config *config)
{
    const struct cb_strings *test =
        config->healthcheck ? &config->healthcheck->test : NULL;

    if (options->health.command && *options->health.command)
        add_shell(&out->argv, config, options->health.command);
    else if (test && test->count > 1 && strcmp(test->items[0], "CMD-SHELL") == 0)
        add_shell(&out->argv, config, test->items[1]);
    else if (test && test->count > 1 && strcmp(test->items[0], "CMD") == 0)
        for (size_t i = 1; i < test->count; i++)
            cb_strings_add(&out->argv, test->items[i]);
}

int cb_health_make(struct cb_health *out, const struct cb_container_options *options,
                   const struct cb_image_config *config, struct cb_error **err)
{
    static const struct cb_healthcheck none;
    const struct cb_healthcheck *image =
        config->healthcheck ? config->healthcheck : &none;
    const struct cb_health_options *given = &options->health;
    int any = given->command || given->interval || given->timeout || given->retries ||
              given->start_period || given->start_interval;

    *out = (struct cb_health){0};
    if (given->none && any)
        return cb_error_set(err, CB_ERR_USAGE,
                            "--no-healthcheck conflicts with --health-* options");
    out->interval_ms = choose(image->interval_ns, INTERVAL_MS);
    out->timeout_ms = choose(image->timeout_ns, TIMEOUT_MS);
    out->start_period_ms = choose(image->start_period_ns, 0);
    out->start_interval_ms = choose(image->start_interval_ns, START_INTERVAL_MS);
    out->retries = image->retries > 0 && image->retries <= 1000000
                       ? (unsigned)image->retries
                       : RETRIES;
    if (set_time(&out->interval_ms, given->interval, "health-interval", err) < 0 ||
        set_time(&out->timeout_ms, given->timeout, "health-timeout", err) < 0 ||
        set_time(&out->start_period_ms, given->start_period, "health-start-period", err) <
            0 ||
        set_time(&out->start_interval_ms, given->start_interval, "health-start-interval",
                 err) < 0 ||
        set_retries(&out->retries, given->retries, err) < 0)
        return -1;
    if (!given->none)
        choose_command(out, options, config);
    return 0;
}

static void settle_time(int64_t *out_ns, const char *text)
{
    if (text)
        cb_duration_parse(out_ns, text, NULL);
}

void cb_health_settle(struct cb_image_config *config,
                      const struct cb_container_options *options)
{
    const struct cb_health_options *given = &options->health;
    struct cb_healthcheck *check;

    if (!config->healthcheck &&
        (given->none || given->command || given->interval || given->timeout ||
         given->retries || given->start_period || given->start_interval))
        config->healthcheck = xcalloc(1, sizeof(*config->healthcheck));
    check = config->healthcheck;
    if (!check)
        return;
    if (given->none || (given->command && *given->command)) {
        cb_strings_free(&check->test);
        cb_strings_add(&check->test, given->none ? "NONE" : "CMD-SHELL");
        if (!given->none)
            cb_strings_add(&check->test, given->command);
    }
    settle_time(&check->interval_ns, given->interval);
    settle_time(&check->timeout_ns, given->timeout);
    settle_time(&check->start_period_ns, given->start_period);
    settle_time(&check->start_interval_ns, given->start_interval);
    if (given->retries)
        check->retries = strtol(given->retries, NULL, 10);
}

/* ── Results ── */

json_t *cb_health_json_new(void)
{
    json_t *health = json_object();

    json_object_set_new(health, "Status", json_string("starting"));
    json_object_set_new(health, "FailingStreak", json_integer(0));
    json_object_set_new(health, "Log", json_array());
    return health;
}

static void judge(json_t *health, const struct cb_health *wish, int in_start_period,
                  int exit_code)
{
    json_int_t streak = json_integer_value(json_object_get(health, "FailingStreak"));
    int is_starting = strcmp(cb_health_status(health), "starting") == 0;

    if (exit_code == 0) {
        json_object_set_new(health, "FailingStreak", json_integer(0));
        json_object_set_new(health, "Status", json_string("healthy"));
        return;
    }
    if (is_starting && in_start_period)
        return; /* it has time to begin */
    streak++;
    json_object_set_new(health, "FailingStreak", json_integer(streak));
    if (streak >= (json_int_t)wish->retries)
        json_object_set_new(health, "Status", json_string("unhealthy"));
}

void cb_health_json_add(json_t *health, const struct cb_health *wish,
                        const struct cb_health_result *result)
{
    json_t *log = json_object_get(health, "Log"), *entry = json_object();
    char text[CB_TIMESTAMP_MAX];

    judge(health, wish, result->is_early, result->exit_code);
    json_object_set_new(entry, "Start",
                        json_string(cb_timestamp_format(result->start, text)));
    json_object_set_new(entry, "End",
                        json_string(cb_timestamp_format(result->end, text)));
    json_object_set_new(entry, "ExitCode", json_integer(result->exit_code));
    json_object_set_new(entry, "Output", cb_json_from_text(result->output));
    json_array_append_new(log, entry);
    while (json_array_size(log) > CB_HEALTH_LOG_MAX)
        json_array_remove(log, 0);
}

const char *cb_health_status(const json_t *health)
{
    const char *status = json_string_value(json_object_get(health, "Status"));

    return status ? status : "none";
}
