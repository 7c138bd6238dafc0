/* What is done to containers by name: start, stop, kill, restart, wait, rm, rename,
 * attach. */
#include "commands/containers.h"

#include "commands/run.h"
#include "container/create.h"
#include "container/journal.h"
#include "container/restart.h"
#include "container/signals.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

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

/* ── start ── */

struct start_values {
    int attach, interactive, all;
    const char *detach_keys;
};
#define AT(field) offsetof(struct start_values, field)
static const struct cb_option start_options[] = {
    {"all", 0, CB_OPTION_FLAG, AT(all), NULL,
     "Start those whose restart policy asks for it"},
    {"attach", 'a', CB_OPTION_FLAG, AT(attach), NULL,
     "Show its output, and end with its exit status"},
    {"detach-keys", 0, CB_OPTION_TEXT, AT(detach_keys), "KEYS",
     "Keys that leave it running (default ctrl-p,ctrl-q)"},
    {"interactive", 'i', CB_OPTION_FLAG, AT(interactive), NULL, "Pass standard input on"},
    {0},
};
#undef AT

static const struct cb_absent_option start_absent[] = {
    {"checkpoint", 0, "there are no checkpoints"},
    {"checkpoint-dir", 0, "there are no checkpoints"},
    {0},
};

static int start_one(const struct cb_each_container *at, struct cb_container *container,
                     struct cb_error **err)
{
    const struct cb_client_options options = {0};
    struct cb_client_end end;

    if (cb_container_is_running(container))
        return 0;
    return cb_container_start(cb_store_root(at->store), container, &options,
                              at->app->cancel, &end, err);
}

static int start_attached(struct cb_app *app, const char *name,
                          const struct start_values *values, struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_container) container = NULL;
    struct cb_client_end end = {0};
    struct cb_client_options options = {
        .attach = 1,
        .detach_keys = cb_docker_config_or(app, values->detach_keys, "detachKeys")};
    int status;

    if (cb_app_container(app, name, &store, &container, err) < 0)
        return -1;
    options.tty = container->options.request.tty;
    options.interactive = values->interactive && container->options.request.interactive;
    if (options.tty && options.interactive && !isatty(STDIN_FILENO))
        return cb_error_set(err, CB_ERR_USAGE, "the input device is not a TTY");
    status = cb_container_is_running(container)
                 ? cb_container_attach(container, &options, app->cancel, &end, err)
                 : cb_container_start(cb_store_root(store), container, &options,
                                      app->cancel, &end, err);
    return status < 0 ? cb_run_fail(err) : end.exit_code;
}

/* After the machine was started: docker's daemon does it then. What never ran is not
 * started; what somebody stopped only with the policy that says so. */
static int wants_start(const struct cb_container *container)
{
    struct cb_restart_policy policy;

    if (cb_container_is_running(container) || !*container->state.started ||
        cb_restart_policy_parse(&policy, container->options.restart, NULL) < 0)
        return 0;
    if (container->state.stopped_by_hand && policy.kind != CB_RESTART_ALWAYS)
        return 0;
    return cb_restart_wanted(&policy, container->state.exit_code, 0);
}

static int start_all(struct cb_app *app, struct start_values *values,
                     struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto_value(cb_containers) all = {0};
    cb_auto_value(cb_strings) names = {0};

    if (cb_app_store(app, 1, &store, err) < 0 || cb_containers_list(store, &all, err) < 0)
        return -1;
    for (size_t i = all.count; i-- > 0;) { /* the oldest first: others may need it */
        if (wants_start(all.items[i]))
            cb_strings_add(&names, all.items[i]->name);
    }
    return cb_containers_each(app, &names, values, start_one, 1, err);
}

static int run_start(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    struct start_values values = {0};
    int status = cb_options_parse(&cb_start_command, argc, argv, 0, &values, &args, err);

    if (status)
        return status < 0 ? -1 : 0;
    if (values.all)
        return cb_app_arguments(&cb_start_command, &args, 0, 0, err) < 0
                   ? -1
                   : start_all(app, &values, err);
    if (cb_app_arguments(&cb_start_command, &args, 1, -1, err) < 0)
        return -1;
    if (!values.attach && !values.interactive)
        return cb_containers_each(app, &args, &values, start_one, 1, err);
    if (args.count > 1)
        return cb_error_set(err, CB_ERR_USAGE,
                            "you cannot start and attach multiple containers at once");
    return start_attached(app, args.items[0], &values, err);
}

const struct cb_cli_command cb_start_command = {
    .name = "start",
    .summary = "Start containers that do not run",
    .usage = "start [OPTIONS] CONTAINER... | start --all",
    .options = start_options,
    .absent = start_absent,
    .run = run_start,
    .meets = CB_MEETS_OTHERS,
};

/* ── attach ── */

struct attach_values {
    int no_input;
    const char *detach_keys, *sig_proxy;
};
#define AT(field) offsetof(struct attach_values, field)
static const struct cb_option attach_options[] = {
    {"detach-keys", 0, CB_OPTION_TEXT, AT(detach_keys), "KEYS",
     "Keys that leave it running (default ctrl-p,ctrl-q)"},
    {"sig-proxy", 0, CB_OPTION_OPTIONAL, AT(sig_proxy), "BOOL",
     "Pass our signals on to it (default true)"},
    {"no-stdin", 0, CB_OPTION_FLAG, AT(no_input), NULL, "Do not pass standard input on"},
    {0},
};
#undef AT

static int check_attachable(const struct cb_container *container, struct cb_error **err)
{
    switch (container->state.status) {
    case CB_CONTAINER_RUNNING:
        return 0;
    case CB_CONTAINER_PAUSED:
        return cb_error_set(err, CB_ERR_EXISTS,
                            "You cannot attach to a paused container, unpause it first");
    case CB_CONTAINER_RESTARTING:
        return cb_error_set(err, CB_ERR_EXISTS,
                            "You cannot attach to a restarting container, wait until it "
                            "is running");
    default:
        return cb_error_set(err, CB_ERR_EXISTS,
                            "You cannot attach to a stopped container, start it first");
    }
}

static int run_attach(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_container) container = NULL;
    struct attach_values values = {0};
    struct cb_client_end end = {0};
    struct cb_client_options options = {.attach = 1};
    int status = cb_options_parse(&cb_attach_command, argc, argv, 0, &values, &args, err);

    if (status)
        return status < 0 ? -1 : 0;
    if (cb_app_arguments(&cb_attach_command, &args, 1, 1, err) < 0 ||
        cb_app_container(app, args.items[0], &store, &container, err) < 0)
        return -1;
    if (check_attachable(container, err) < 0 ||
        cb_run_parse_sig_proxy(values.sig_proxy, &options.keep_signals, err) < 0)
        return -1;
    options.detach_keys = cb_docker_config_or(app, values.detach_keys, "detachKeys");
    options.tty = container->options.request.tty;
    options.interactive = !values.no_input && container->options.request.interactive;
    if (options.tty && options.interactive && !isatty(STDIN_FILENO))
        return cb_error_set(err, CB_ERR_USAGE, "the input device is not a TTY");
    if (cb_container_attach(container, &options, app->cancel, &end, err) < 0)
        return -1;
    return end.exit_code;
}

const struct cb_cli_command cb_attach_command = {
    .name = "attach",
    .summary = "Attach to a container's standard streams",
    .usage = "attach [OPTIONS] CONTAINER",
    .options = attach_options,
    .run = run_attach,
};

/* ── stop, restart ── */

struct stop_values {
    const char *signal, *timeout;
};
#define AT(field) offsetof(struct stop_values, field)
static const struct cb_option stop_options[] = {
    {"signal", 's', CB_OPTION_TEXT, AT(signal), "SIGNAL",
     "Send this instead of the image's (default SIGTERM)"},
    {"time", 't', CB_OPTION_TEXT, AT(timeout), "SECONDS",
     "Kill it after that (default 10; -1: never)"},
    {"timeout", 0, CB_OPTION_TEXT, AT(timeout), "SECONDS", NULL},
    {0},
};
#undef AT

static int stop_one(const struct cb_each_container *at, struct cb_container *container,
                    struct cb_error **err)
{
    const struct stop_values *values = at->values;
    int was_running = cb_container_is_running(container);
    struct cb_stopping stopping;

    if (stopping_of(container, values->signal, values->timeout, &stopping, err) < 0 ||
        cb_container_stop(container, stopping.signal, stopping.timeout_s, at->app->cancel,
                          err) < 0)
        return -1;
    if (was_running)
        cb_container_tell(at->store, container, "stop", NULL, NULL);
    return 0;
}

static int restart_one(const struct cb_each_container *at, struct cb_container *container,
                       struct cb_error **err)
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

/* Before any container is looked for. */
static int parse_stop(const struct cb_cli_command *command, int argc, char **argv,
                      struct stop_values *values, struct cb_strings *args,
                      struct cb_error **err)
{
    int status = cb_options_parse(command, argc, argv, 0, values, args, err);
    struct cb_stopping stopping;

    if (status)
        return status;
    if (cb_stopping_parse(&stopping, NULL, values->timeout, NULL) < 0)
        return cb_error_flag(err, values->timeout, "-t, --time",
                             "expected a number of seconds");
    return cb_app_arguments(command, args, 1, -1, err);
}

static int run_stop(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    struct stop_values values = {0};
    int status = parse_stop(&cb_stop_command, argc, argv, &values, &args, err);

    if (status)
        return status < 0 ? -1 : 0;
    return cb_containers_each(app, &args, &values, stop_one, 1, err);
}

static int run_restart(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    struct stop_values values = {0};
    int status = parse_stop(&cb_restart_command, argc, argv, &values, &args, err);

    if (status)
        return status < 0 ? -1 : 0;
    return cb_containers_each(app, &args, &values, restart_one, 1, err);
}

const struct cb_cli_command cb_stop_command = {
    .name = "stop",
    .summary = "Stop containers",
    .usage = "stop [OPTIONS] CONTAINER...",
    .options = stop_options,
    .run = run_stop,
};

const struct cb_cli_command cb_restart_command = {
    .name = "restart",
    .summary = "Stop containers and start them again",
    .usage = "restart [OPTIONS] CONTAINER...",
    .options = stop_options,
    .run = run_restart,
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
    char number[12];
    int exit_code;

    if (values->signal && cb_stopping_parse(&stopping, values->signal, NULL, err) < 0)
        return -1;
    if (!cb_container_is_running(container))
        return cb_error_set(err, CB_ERR_EXISTS,
                            "cannot kill container: %s: container %s is not running",
                            container->name, container->id);
    if (cb_container_signal(container, stopping.signal, err) < 0)
        return -1;
    snprintf(number, sizeof(number), "%d", stopping.signal);
    cb_container_tell(at->store, container, "kill", "signal", number);
    return stopping.signal == SIGKILL
               ? cb_container_wait(container, at->app->cancel, &exit_code, err)
               : 0;
}

static int run_kill(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    struct kill_values values = {0};
    int status = cb_options_parse(&cb_kill_command, argc, argv, 0, &values, &args, err);

    if (status)
        return status < 0 ? -1 : 0;
    if (cb_app_arguments(&cb_kill_command, &args, 1, -1, err) < 0)
        return -1;
    return cb_containers_each(app, &args, &values, kill_one, 1, err);
}

const struct cb_cli_command cb_kill_command = {
    .name = "kill",
    .summary = "Send containers a signal",
    .usage = "kill [OPTIONS] CONTAINER...",
    .options = kill_options,
    .run = run_kill,
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

static int run_wait(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    int status = cb_options_parse(&cb_wait_command, argc, argv, 0, NULL, &args, err);

    if (status)
        return status < 0 ? -1 : 0;
    if (cb_app_arguments(&cb_wait_command, &args, 1, -1, err) < 0)
        return -1;
    return cb_containers_each(app, &args, NULL, wait_one, 0, err);
}

const struct cb_cli_command cb_wait_command = {
    .name = "wait",
    .summary = "Wait for containers to end and print their exit statuses",
    .usage = "wait CONTAINER...",
    .options = no_options,
    .run = run_wait,
    .watches = 1,
};

/* ── rm ── */

struct rm_values {
    int force, volumes, link;
};
#define AT(field) offsetof(struct rm_values, field)
static const struct cb_option rm_options[] = {
    {"force", 'f', CB_OPTION_FLAG, AT(force), NULL,
     "Kill what runs; a missing container is no error"},
    {"link", 'l', CB_OPTION_FLAG, AT(link), NULL,
     "Remove the link /CONTAINER/ALIAS, not a container"},
    {"volumes", 'v', CB_OPTION_FLAG, AT(volumes), NULL,
     "Remove its anonymous volumes, too"},
    {0},
};
#undef AT

static int remove_one(const struct cb_each_container *at, struct cb_container *container,
                      struct cb_error **err)
{
    const struct rm_values *values = at->values;
    int runs = cb_container_is_running(container);

    if (values->force && cb_container_kill(container, at->app->cancel, err) < 0)
        return -1;
    if (runs && values->force && faccessat(container->dir_fd, "config.json", F_OK, 0) < 0)
        return 0; /* it went with its end */
    return cb_container_remove_ended(at->store, container, values->volumes,
                                     at->app->cancel, err);
}

/* Whether NAME stays in the list of what is to be removed: 0 if there is nothing by it.
 */
static int drop_if_missing(struct cb_store *store, const char *name,
                           struct cb_error **err)
{
    cb_auto(cb_container) container = NULL;
    cb_auto(cb_error) error = NULL;
    int dropped;

    if (cb_container_find(store, name, &container, &error) == 0 ||
        cb_error_kind(error) != CB_ERR_NOT_FOUND)
        return 1;
    dropped = cb_container_discard(store, name, err);
    if (dropped == 0)
        fprintf(stderr, "cbuild: %s\n", cb_error_message(error));
    return dropped < 0 ? -1 : 0;
}

/* With -f what is not there is as it should be, and what cannot be read goes. */
static int drop_missing(struct cb_app *app, const struct cb_strings *names,
                        struct cb_strings *left, struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;

    if (cb_app_store(app, 1, &store, err) < 0)
        return -1;
    for (size_t i = 0; i < names->count; i++) {
        int stays = drop_if_missing(store, names->items[i], err);

        if (stays < 0)
            return -1;
        if (stays)
            cb_strings_add(left, names->items[i]);
    }
    return 0;
}

static int remove_link(struct cb_app *app, const char *text, struct cb_error **err)
{
    const char *name = text + (*text == '/'), *alias = strchr(name, '/');
    cb_autofree char *parent = xstrndup(name, strcspn(name, "/"));
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_container) container = NULL;

    if (!alias || !alias[1])
        return cb_error_set(err, CB_ERR_USAGE,
                            "Conflict, cannot remove the default link name of the "
                            "container");
    if (cb_app_container(app, parent, &store, &container, err) < 0)
        return cb_error_wrap(err, "Cannot get parent /%s for link name %s", parent, text);
    if (cb_container_unlink(store, container, alias + 1, err) < 0)
        return -1;
    printf("%s\n", text);
    return 0;
}

static int run_rm(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0}, left = {0};
    struct rm_values values = {0};
    int status = cb_options_parse(&cb_rm_command, argc, argv, 0, &values, &args, err);

    if (status)
        return status < 0 ? -1 : 0;
    if (cb_app_arguments(&cb_rm_command, &args, 1, -1, err) < 0)
        return -1;
    if (values.link) {
        for (size_t i = 0; i < args.count; i++)
            if (remove_link(app, args.items[i], err) < 0)
                return -1;
        return 0;
    }
    if (values.force && drop_missing(app, &args, &left, err) < 0)
        return -1;
    return cb_containers_each(app, values.force ? &left : &args, &values, remove_one, 1,
                              err);
}

const struct cb_cli_command cb_rm_command = {
    .name = "rm",
    .summary = "Remove containers",
    .usage = "rm [OPTIONS] CONTAINER...",
    .options = rm_options,
    .run = run_rm,
};

/* ── rename ── */

static int check_not_empty(const struct cb_strings *names, struct cb_error **err)
{
    if (*names->items[0] && *names->items[1])
        return 0;
    return cb_error_set(err, CB_ERR_USAGE, "Neither old nor new names may be empty");
}

static int run_rename(struct cb_app *app, int argc, char **argv, struct cb_error **err)
{
    cb_auto_value(cb_strings) args = {0};
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_container) container = NULL;
    int status = cb_options_parse(&cb_rename_command, argc, argv, 0, NULL, &args, err);

    if (status)
        return status < 0 ? -1 : 0;
    if (cb_app_arguments(&cb_rename_command, &args, 2, 2, err) < 0 ||
        check_not_empty(&args, err) < 0 ||
        cb_app_container(app, args.items[0], &store, &container, err) < 0)
        return -1;
    return cb_container_rename(store, container, args.items[1], err);
}

const struct cb_cli_command cb_rename_command = {
    .name = "rename",
    .summary = "Rename a container",
    .usage = "rename CONTAINER NEW_NAME",
    .options = no_options,
    .run = run_rename,
};
