/* What is changed of a container while it runs: it is paused, gets a signal, or other
 * limits and another restart policy. */
#include "container/monitor-priv.h"

#include "container/journal.h"
#include "executor/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

static void set_status(struct monitor *monitor, enum cb_container_status status)
{
    monitor->container->state.status = status;
    cb_container_save_state(monitor->container, NULL);
}

int cb_monitor_not_running(const struct monitor *monitor, struct cb_error **err)
{
    if (monitor->start_at_ms >= 0)
        return cb_error_set(
            err, CB_ERR_EXISTS,
            "Container %s is restarting, wait until the container is running",
            monitor->container->id);
    cb_error_set(err, CB_ERR_EXISTS, "Container %s is not running",
                 monitor->container->id);
    cb_error_set_errnum(err, ESRCH);
    return -1;
}

int cb_monitor_went(const struct monitor *monitor, struct cb_error **err)
{
    cb_autofd int fd = cb_process_open(monitor->main->process, "stat", O_RDONLY);

    if (fd >= 0 || (errno != ENOENT && errno != ESRCH))
        return -1;
    if (err)
        cb_error_free(cb_steal(err));
    return cb_monitor_not_running(monitor, err);
}

int cb_monitor_pause(struct monitor *monitor, int on, struct cb_error **err)
{
    const char *id = monitor->container->id;
    int is_paused = monitor->container->state.status == CB_CONTAINER_PAUSED;

    if (!on)
        monitor->pauser = NULL;
    if (!monitor->main && on)
        return cb_monitor_not_running(monitor, err);
    if (on == is_paused)
        return cb_error_set(
            err, CB_ERR_EXISTS,
            on ? "Container %s is already paused" : "Container %s is not paused", id);
    if (cb_process_freeze(monitor->launcher, monitor->main->process, on, err) < 0) {
        cb_error_wrap(
            err, on ? "cannot pause container %s" : "cannot unpause container %s", id);
        return cb_monitor_went(monitor, err);
    }
    set_status(monitor, on ? CB_CONTAINER_PAUSED : CB_CONTAINER_RUNNING);
    cb_container_tell_at(monitor->store_root, monitor->container,
                         on ? "pause" : "unpause", NULL, NULL);
    return 0;
}

int cb_monitor_signal(struct monitor *monitor, int number, struct cb_error **err)
{
    char text[12];

    if (cb_process_signal(monitor->main->process, number, err) < 0)
        return -1;
    if (monitor->is_killed) /* whoever wants its end may say so several times */
        return 0;
    monitor->is_killed = number == SIGKILL;
    snprintf(text, sizeof(text), "%d", number);
    cb_container_tell_at(monitor->store_root, monitor->container, "kill", "signal", text);
    return 0;
}

void cb_monitor_kill_within(struct monitor *monitor, int seconds)
{
    int64_t at = cb_clock_ms() + (int64_t)seconds * 1000;

    if (seconds >= 0 && (monitor->kill_at_ms < 0 || at < monitor->kill_at_ms))
        monitor->kill_at_ms = at;
}

void cb_monitor_wake(struct monitor *monitor)
{
    if (monitor->main && monitor->container->state.status == CB_CONTAINER_PAUSED &&
        cb_process_freeze(monitor->launcher, monitor->main->process, 0, NULL) == 0)
        set_status(monitor, CB_CONTAINER_RUNNING);
}

/* What runs still points into the record that it was started with. */
static void adopt(struct monitor *monitor, struct cb_container **changed)
{
    struct cb_container *container = monitor->container;

    cb_container_state_clear(&(*changed)->state);
    (*changed)->state = container->state;
    container->state = (struct cb_container_state){0};
    if (monitor->main && !monitor->former)
        monitor->former = cb_steal(&container);
    cb_container_free(container);
    monitor->container = cb_steal(changed);
}

/* One that ends just now needs none. */
static int set_limits(struct monitor *monitor, const struct cb_limits *limits,
                      struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;

    if (!monitor->main ||
        cb_process_limit(monitor->launcher, monitor->main->process, limits, &error) ==
            0 ||
        cb_error_kind(error) == CB_ERR_NOT_FOUND)
        return 0;
    return cb_error_move(err, &error);
}

int cb_monitor_reload(struct monitor *monitor, struct cb_error **err)
{
    cb_auto(cb_container) changed = NULL;
    struct cb_restart_policy policy;
    struct cb_limits limits = {0};

    if (monitor->main && monitor->main->is_lent) {
        cb_error_set(err, CB_ERR_UNSUPPORTED,
                     "container %s runs in the foreground and goes with its end",
                     monitor->container->id);
        return cb_error_hint(err, "one that is to be changed needs a --name, or -d");
    }
    if (cb_container_open(monitor->store_root, monitor->container->id, &changed, err) <
            0 ||
        cb_restart_policy_parse(&policy, changed->options.restart, err) < 0 ||
        cb_limits_parse(&limits, &changed->options.request.limits, err) < 0)
        return -1;
    limits.all_controllers = 1;
    if (set_limits(monitor, &limits, err) < 0)
        return -1;
    monitor->policy = policy;
    adopt(monitor, &changed);
    return 0;
}
