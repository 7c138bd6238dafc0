/* What ends a container, or waits for its end: stop, restart, kill, wait. */
#include "commands/containers.h"

#include "container/journal.h"
#include "container/signals.h"

#include <signal.h>
#include <stdio.h>

#define STOP_SECONDS 10

/* The container's own way to be stopped, unless this command has another. */
static int stopping_of(const struct cb_container *container, const char *given_signal,
                       const char *given_timeout, struct cb_stopping *out,
                       struct cb_error **err)
{
    const struct cb_run_request *request = &container->options.request;
    const char *number = given_signal           ? given_signal
                         : request->stop_signal ? request->stop_signal
                                                : container->config->stop_signal;
    const char *seconds = given_timeout ? given_timeout : request->stop_timeout;

    if (cb_stopping_parse(out, number && *number ? number : NULL, seconds, err) < 0)
        return -1;
    if (!seconds)
        out->timeout_s = STOP_SECONDS;
    return 0;
}

/* ── stop, restart ── */

struct stop_values {
    const char *signal, *timeout;
    int all;
};
#define AT(field) offsetof(struct stop_values, field)
static const struct cb_option stop_options[] = {
    {"all", 0, CB_OPTION_FLAG, AT(all), NULL,
     "Stop all, until the machine starts or start --all"},
    {"signal", 's', CB_OPTION_TEXT, AT(signal), "SIGNAL",
     "Send this instead of the image's (default SIGTERM)"},
    {"time", 't', CB_OPTION_TEXT, AT(timeout), "SECONDS",
     "Kill it after that (default 10; -1: never)"},
    {"timeout", 0, CB_OPTION_TEXT, AT(timeout), "SECONDS", NULL},
    {0},
};
#undef AT

static int ask_to_stop(const struct cb_each_container *at, struct cb_container *container)
{
    const struct stop_values *values = at->values;
    struct cb_stopping stopping;

    if (stopping_of(container, values->signal, values->timeout, &stopping, NULL) < 0)
        return -1;
    return cb_container_ask_stop(container, stopping.signal, stopping.timeout_s);
}

static int stop_one(const struct cb_each_container *at, struct cb_container *container,
                    struct cb_error **err)
{
    const struct stop_values *values = at->values;
    int was_running = cb_container_is_running(container);
    struct cb_stopping stopping;

    if (stopping_of(container, values->signal, values->timeout, &stopping, err) < 0 ||
        (at->asked_fd >= 0
             ? cb_container_await_stop(container, at->asked_fd, at->app->cancel, err)
             : cb_container_stop(container, stopping.signal, stopping.timeout_s,
                                 at->app->cancel, err)) < 0)
        return -1;
    if (was_running)
        cb_container_tell(at->store, container, "stop", NULL, NULL);
    return 0;
}

static int stop_and_start(const struct cb_each_container *at,
                          struct cb_container *container, struct cb_error **err)
{
    const struct cb_client_options options = {0};
    struct cb_client_end end;

    if (stop_one(at, container, err) < 0 ||
        cb_container_start(cb_store_root(at->store), container, &options, at->app->cancel,
                           &end, err) < 0)
        return -1;
    cb_container_tell(at->store, container, "restart", NULL, NULL);
    return 0;
}

static int restart_one(const struct cb_each_container *at, struct cb_container *container,
                       struct cb_error **err)
{
    const struct stop_values *values = at->values;
    struct cb_stopping stopping;
    int done;

    if (stopping_of(container, values->signal, values->timeout, &stopping, err) < 0)
        return -1;
    done = cb_container_restart(container, stopping.signal, stopping.timeout_s,
                                at->app->cancel, err);
    return done ? (done < 0 ? -1 : 0) : stop_and_start(at, container, err);
}

/* Before any container is looked for. */
static int check_timeout(const struct stop_values *values, struct cb_error **err)
{
    struct cb_stopping stopping;

    if (cb_stopping_parse(&stopping, NULL, values->timeout, NULL) == 0)
        return 0;
    return cb_error_flag(err, values->timeout, "-t, --time",
                         "expected a number of seconds");
}

static const struct cb_container_act stop_act = {.each = stop_one, .ask = ask_to_stop};

static void await_gone(struct cb_app *app, struct cb_container *container,
                       struct cb_error **errors)
{
    cb_auto(cb_error) error = NULL;

    if (cb_container_wait_gone(container, app->cancel, &error) < 0) {
        cb_error_wrap(&error, "wait for the end of %s", container->name);
        cb_error_append(errors, cb_steal(&error));
        return;
    }
    printf("%s\n", container->name);
    fflush(stdout);
}

/* Each is told before the first is waited for, and all are waited for, whatever goes
 * wrong with one. One may go with its end. */
static void quit_all(struct cb_app *app, const struct cb_containers *all,
                     struct cb_error **errors)
{
    cb_vec_foreach (container, all)
        if (cb_container_is_running(*container) && !(*container)->in_foreground)
            cb_container_ask_quit(*container);
    cb_vec_foreach (container, all) {
        if (cb_cancel_requested(app->cancel))
            return;
        if (cb_container_is_running(*container) && !(*container)->in_foreground)
            await_gone(app, *container, errors);
    }
}

static int all_went(const struct cb_error *errors)
{
    for (; errors; errors = cb_error_next(errors))
        if (cb_error_kind(errors) != CB_ERR_NOT_FOUND)
            return 0;
    return 1;
}

/* As when the machine is shut down: each has its own signal and its own time, and is not
 * noted as stopped by somebody. Who runs one in the foreground would pass a signal on;
 * those have no policy, and are stopped. */
static int stop_all(struct cb_app *app, struct stop_values *values, struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto_value(cb_containers) all = {0};
    cb_auto_value(cb_strings) in_foreground = {0};
    cb_auto(cb_error) errors = NULL;
    cb_auto(cb_error) error = NULL;

    if (cb_app_store(app, CB_STORE_CREATE, &store, err) < 0 ||
        cb_containers_list(store, &all, err) < 0)
        return -1;
    cb_vec_foreach (container, &all)
        if (cb_container_is_running(*container) && (*container)->in_foreground)
            cb_strings_add(&in_foreground, (*container)->name);
    quit_all(app, &all, &errors);
    if (cb_cancel_check(app->cancel, err) < 0)
        return -1;
    if (cb_containers_each(app, &stop_act, &in_foreground, values, &error) < 0 &&
        !all_went(error)) /* with their end */
        cb_error_append(&errors, cb_steal(&error));
    return errors ? cb_error_move(err, &errors) : 0;
}

static int run_stop(struct cb_app *app, void *given, const struct cb_strings *args,
                    struct cb_error **err)
{
    struct stop_values *values = given;

    if (cb_command_check_args(&cb_stop_command, args, values->all ? 0 : 1,
                              values->all ? 0 : -1, err) < 0 ||
        check_timeout(values, err) < 0)
        return -1;
    if (!values->all)
        return cb_containers_each(app, &stop_act, args, given, err);
    if (values->signal || values->timeout)
        return cb_error_set(err, CB_ERR_USAGE,
                            "--all stops each with its own signal and in its own time");
    return stop_all(app, values, err);
}

static int run_restart(struct cb_app *app, void *given, const struct cb_strings *args,
                       struct cb_error **err)
{
    static const struct cb_container_act act = {.each = restart_one};

    if (check_timeout(given, err) < 0)
        return -1;
    return cb_containers_each(app, &act, args, given, err);
}

const struct cb_cli_command cb_stop_command = {
    .name = "stop",
    .summary = "Stop containers",
    .usage = "stop [OPTIONS] CONTAINER... | stop --all",
    .options = stop_options,
    .values_size = sizeof(struct stop_values),
    .min_args = 0,
    .max_args = -1,
    .act = run_stop,
};

const struct cb_cli_command cb_restart_command = {
    .name = "restart",
    .summary = "Stop containers and start them again",
    .usage = "restart [OPTIONS] CONTAINER...",
    .options = stop_options + 1,
    .values_size = sizeof(struct stop_values),
    .min_args = 1,
    .max_args = -1,
    .act = run_restart,
    .meets = CB_MEETS_OTHERS,
};

/* ── kill ── */

struct kill_values {
    const char *signal;
};
static const struct cb_option kill_options[] = {
    {"signal", 's', CB_OPTION_TEXT, offsetof(struct kill_values, signal), "SIGNAL",
     "Send this (default KILL)"},
    {0},
};

static int kill_one(const struct cb_each_container *at, struct cb_container *container,
                    struct cb_error **err)
{
    const struct kill_values *values = at->values;
    struct cb_stopping stopping = {.signal = SIGKILL};
    int exit_code;

    if (values->signal && cb_stopping_parse(&stopping, values->signal, NULL, err) < 0)
        return -1;
    if (!cb_container_is_running(container))
        return cb_error_set(err, CB_ERR_EXISTS,
                            "cannot kill container: %s: container %s is not running",
                            container->name, container->id);
    if (cb_container_signal(container, stopping.signal, err) < 0)
        return -1;
    return stopping.signal == SIGKILL
               ? cb_container_wait(container, at->app->cancel, &exit_code, err)
               : 0;
}

static int run_kill(struct cb_app *app, void *given, const struct cb_strings *args,
                    struct cb_error **err)
{
    static const struct cb_container_act act = {.each = kill_one};

    return cb_containers_each(app, &act, args, given, err);
}

const struct cb_cli_command cb_kill_command = {
    .name = "kill",
    .summary = "Send containers a signal",
    .usage = "kill [OPTIONS] CONTAINER...",
    .options = kill_options,
    .values_size = sizeof(struct kill_values),
    .min_args = 1,
    .max_args = -1,
    .act = run_kill,
};

/* ── wait ── */

static const struct cb_option no_options[] = {{0}};

static int wait_one(const struct cb_each_container *at, struct cb_container *container,
                    struct cb_error **err)
{
    int exit_code;

    if (cb_container_wait(container, at->app->cancel, &exit_code, err) < 0)
        return -1;
    printf("%d\n", exit_code);
    return 0;
}

static int run_wait(struct cb_app *app, void *values, const struct cb_strings *args,
                    struct cb_error **err)
{
    static const struct cb_container_act act = {.each = wait_one, .is_silent = 1};

    return cb_containers_each(app, &act, args, NULL, err);
}

const struct cb_cli_command cb_wait_command = {
    .name = "wait",
    .summary = "Wait for containers to end and print their exit statuses",
    .usage = "wait CONTAINER...",
    .options = no_options,
    .min_args = 1,
    .max_args = -1,
    .act = run_wait,
    .watches = 1,
};
