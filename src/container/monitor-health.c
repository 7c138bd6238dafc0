/* Looks after a container from time to time by a command in it. One at a time runs, and
 * one that takes too long is killed. Nothing is done while the container is paused. */
#include "container/monitor-priv.h"

#include "container/health.h"
#include "container/journal.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

struct cb_health_watch {
    struct cb_health wish;
    int64_t started_ms, next_ms, deadline_ms; /* DEADLINE of the probe that runs */
    struct session *probe;                    /* or NULL */
    struct timespec probe_start;
    int too_long;
    struct cb_strbuf output;
};

int cb_health_watch_start(struct monitor *monitor, struct cb_error **err)
{
    struct cb_container *container = monitor->container;
    struct cb_health_watch *watch = xcalloc(1, sizeof(*watch));

    json_decref(container->state.health);
    container->state.health = NULL;
    if (cb_health_make(&watch->wish, &container->options, container->config, err) < 0) {
        free(watch);
        return -1;
    }
    if (!watch->wish.argv.count) {
        free(watch);
        return 0;
    }
    watch->started_ms = cb_clock_ms();
    watch->next_ms =
        watch->started_ms + (watch->wish.start_period_ms ? watch->wish.start_interval_ms
                                                         : watch->wish.interval_ms);
    container->state.health = cb_health_json_new();
    monitor->health = watch;
    return 0;
}

void cb_health_watch_stop(struct monitor *monitor)
{
    struct cb_health_watch *watch = cb_steal(&monitor->health);

    if (!watch)
        return;
    if (watch->probe)
        watch->probe->kept = NULL;
    cb_health_clear(&watch->wish);
    cb_strbuf_free(&watch->output);
    free(watch);
}

static int is_paused(const struct monitor *monitor)
{
    return monitor->container->state.status == CB_CONTAINER_PAUSED;
}

int64_t cb_health_watch_due_ms(const struct monitor *monitor)
{
    const struct cb_health_watch *watch = monitor->health;

    if (!watch || is_paused(monitor))
        return INT64_MAX;
    return !watch->probe     ? watch->next_ms
           : watch->too_long ? INT64_MAX
                             : watch->deadline_ms;
}

static int in_start_period(const struct cb_health_watch *watch)
{
    return cb_clock_ms() - watch->started_ms < watch->wish.start_period_ms;
}

/* Only that it has become another. */
static void tell_status(const struct monitor *monitor, const char *before)
{
    const char *status = cb_health_status(monitor->container->state.health);
    cb_autofree char *action = xasprintf("health_status: %s", status);

    if (strcmp(before, status) != 0)
        cb_container_tell_at(monitor->store_root, monitor->container, action, NULL, NULL);
}

static void take_result(struct monitor *monitor, int exit_code, const char *output)
{
    struct cb_health_watch *watch = monitor->health;
    struct cb_container_state *state = &monitor->container->state;
    const struct cb_health_result result = {.start = watch->probe_start,
                                            .end = cb_timestamp_now(),
                                            .exit_code = exit_code,
                                            .is_early = in_start_period(watch),
                                            .output = output};
    cb_autofree char *before = xstrdup(cb_health_status(state->health));
    int is_starting;

    cb_health_json_add(state->health, &watch->wish, &result);
    is_starting = strcmp(cb_health_status(state->health), "starting") == 0;
    watch->next_ms = cb_clock_ms() + (is_starting && in_start_period(watch)
                                          ? watch->wish.start_interval_ms
                                          : watch->wish.interval_ms);
    cb_container_save_state(monitor->container, NULL);
    tell_status(monitor, before);
}

static void begin_probe(struct monitor *monitor)
{
    struct cb_health_watch *watch = monitor->health;
    cb_auto(cb_error) error = NULL;

    cb_strbuf_truncate(&watch->output, 0);
    watch->too_long = 0;
    watch->probe_start = cb_timestamp_now();
    watch->deadline_ms = cb_clock_ms() + watch->wish.timeout_ms;
    if (cb_monitor_probe(monitor, &watch->wish.argv, &watch->output, &watch->probe,
                         &error) < 0)
        take_result(monitor, -1, cb_error_message(error));
}

void cb_health_watch_check(struct monitor *monitor)
{
    struct cb_health_watch *watch = monitor->health;

    if (cb_health_watch_due_ms(monitor) > cb_clock_ms())
        return;
    if (!watch->probe) {
        begin_probe(monitor);
        return;
    }
    watch->too_long = 1;
    cb_process_signal(watch->probe->process, SIGKILL, NULL);
}

int cb_health_watch_ended(struct monitor *monitor, const struct session *session,
                          int exit_code)
{
    struct cb_health_watch *watch = monitor->health;

    if (!watch || watch->probe != session)
        return 0;
    watch->probe = NULL;
    if (watch->too_long) {
        cb_autofree char *text = xasprintf("Health check exceeded timeout (%lldms)",
                                           (long long)watch->wish.timeout_ms);

        take_result(monitor, -1, text);
    } else {
        take_result(monitor, exit_code, cb_strbuf_text(&watch->output));
    }
    return 1;
}
