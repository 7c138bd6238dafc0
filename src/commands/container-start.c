/* cbuild start and attach: containers that were made run again, with or without us. */
#include "commands/containers.h"

#include "commands/run.h"
#include "container/checkpoint.h"
#include "container/journal.h"
#include "container/restart.h"

#include <errno.h>
#include <unistd.h>

/* ── start ── */

struct start_values {
    int attach, interactive, all;
    const char *detach_keys, *checkpoint, *checkpoint_dir;
};
#define AT(field) offsetof(struct start_values, field)
static const struct cb_option start_options[] = {
    {"all", 0, CB_OPTION_FLAG, AT(all), NULL,
     "Start those whose restart policy asks for it"},
    {"attach", 'a', CB_OPTION_FLAG, AT(attach), NULL,
     "Show its output, and end with its exit status"},
    {"checkpoint", 0, CB_OPTION_TEXT, AT(checkpoint), "NAME",
     "Go on from this checkpoint, as criu brings it back"},
    {"checkpoint-dir", 0, CB_OPTION_TEXT, AT(checkpoint_dir), "DIR",
     "Where it is (default: with the container)"},
    {"detach-keys", 0, CB_OPTION_TEXT, AT(detach_keys), "KEYS",
     "Keys that leave it running (default ctrl-p,ctrl-q)"},
    {"interactive", 'i', CB_OPTION_FLAG, AT(interactive), NULL, "Pass standard input on"},
    {0},
};
#undef AT

static int check_not_paused(const struct cb_container *container, struct cb_error **err)
{
    if (container->state.status != CB_CONTAINER_PAUSED)
        return 0;
    return cb_error_set(err, CB_ERR_EXISTS,
                        "cannot start a paused container, try unpause instead");
}

static int start_one(const struct cb_each_container *at, struct cb_container *container,
                     struct cb_error **err)
{
    const struct cb_client_options options = {0};
    struct cb_client_end end;

    if (check_not_paused(container, err) < 0)
        return -1;
    if (cb_container_is_running(container))
        return 0;
    return cb_container_start(cb_store_root(at->store), container, &options,
                              at->app->cancel, &end, err);
}

static const struct cb_container_act start_act = {.each = start_one};

/* *FD stays -1 unless it is to go on from a checkpoint. */
static int open_checkpoint(const struct start_values *values,
                           const struct cb_container *container, const char *name,
                           struct cb_client_options *options, int *fd,
                           struct cb_error **err)
{
    const struct cb_checkpoint_place place = {
        .container = container, .called = name, .dir = values->checkpoint_dir};

    if (!values->checkpoint)
        return 0;
    if (cb_checkpoint_check(container, err) < 0 ||
        cb_checkpoint_open(&place, values->checkpoint, fd, err) < 0)
        return -1;
    options->images_fd = fd;
    return 0;
}

/* Nothing is printed, as docker has it. */
static int start_from_checkpoint(struct cb_app *app, const char *name,
                                 const struct start_values *values, struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_container) container = NULL;
    struct cb_client_options options = {0};
    struct cb_client_end end;
    cb_autofd int fd = -1;

    if (cb_app_container(app, name, &store, &container, err) < 0 ||
        check_not_paused(container, err) < 0)
        return -1;
    if (cb_container_is_running(container))
        return 0;
    if (open_checkpoint(values, container, name, &options, &fd, err) < 0)
        return -1;
    return cb_container_start(cb_store_root(store), container, &options, app->cancel,
                              &end, err);
}

/* 1: we were attached. 0: it does not run, or has just ended. */
static int attach_if_running(struct cb_app *app, struct cb_container *container,
                             const struct cb_client_options *options,
                             struct cb_client_end *end, struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;

    if (!cb_container_is_running(container))
        return 0;
    if (cb_container_attach(container, options, app->cancel, end, &error) == 0)
        return 1;
    return cb_error_errnum(error) == ESRCH ? 0 : cb_error_move(err, &error);
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
    cb_autofd int fd = -1;
    int status;

    if (cb_app_container(app, name, &store, &container, err) < 0 ||
        check_not_paused(container, err) < 0 ||
        open_checkpoint(values, container, name, &options, &fd, err) < 0)
        return -1;
    options.tty = container->options.request.tty;
    options.interactive = values->interactive && container->options.request.interactive;
    cb_container_tell(store, container, "attach", NULL, NULL);
    status = attach_if_running(app, container, &options, &end, err);
    if (status == 0)
        status = cb_container_start(cb_store_root(store), container, &options,
                                    app->cancel, &end, err);
    return status < 0 ? -1 : end.exit_code;
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

    if (cb_app_store(app, CB_STORE_CREATE, &store, err) < 0 ||
        cb_containers_list(store, &all, err) < 0)
        return -1;
    for (size_t i = all.count; i-- > 0;) { /* the oldest first: others may need it */
        if (wants_start(all.items[i]))
            cb_strings_add(&names, all.items[i]->name);
    }
    return cb_containers_each(app, &start_act, &names, values, err);
}

static int run_start(struct cb_app *app, void *given, const struct cb_strings *args,
                     struct cb_error **err)
{
    struct start_values *values = given;

    if (cb_command_check_args(&cb_start_command, args, values->all ? 0 : 1,
                              values->all ? 0 : -1, err) < 0)
        return -1;
    if (values->all && values->checkpoint)
        return cb_error_set(err, CB_ERR_USAGE,
                            "you cannot restore multiple containers at once");
    if (values->all)
        return start_all(app, values, err);
    if (!values->attach && !values->interactive && !values->checkpoint)
        return cb_containers_each(app, &start_act, args, values, err);
    if (args->count > 1)
        return cb_error_set(err, CB_ERR_USAGE,
                            values->attach || values->interactive
                                ? "you cannot start and attach multiple containers at "
                                  "once"
                                : "you cannot restore multiple containers at once");
    if (!values->attach && !values->interactive)
        return start_from_checkpoint(app, args->items[0], values, err);
    return start_attached(app, args->items[0], values, err);
}

const struct cb_cli_command cb_start_command = {
    .name = "start",
    .summary = "Start containers that do not run",
    .usage = "start [OPTIONS] CONTAINER... | start --all",
    .options = start_options,
    .values_size = sizeof(struct start_values),
    .max_args = -1,
    .act = run_start,
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

static int refuse_stopped(struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_EXISTS,
                        "You cannot attach to a stopped container, start it first");
}

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
        return refuse_stopped(err);
    }
}

/* It may have ended since it was looked at. */
static int attach(struct cb_app *app, struct cb_container *container,
                  const struct cb_client_options *options, struct cb_client_end *end,
                  struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;

    if (cb_container_attach(container, options, app->cancel, end, &error) == 0)
        return 0;
    return cb_error_errnum(error) == ESRCH ? refuse_stopped(err)
                                           : cb_error_move(err, &error);
}

static int run_attach(struct cb_app *app, void *given, const struct cb_strings *args,
                      struct cb_error **err)
{
    cb_auto(cb_store) store = NULL;
    cb_auto(cb_container) container = NULL;
    struct attach_values *values = given;
    struct cb_client_end end = {0};
    struct cb_client_options options = {.attach = 1};

    if (cb_app_container(app, args->items[0], &store, &container, err) < 0)
        return -1;
    if (check_attachable(container, err) < 0 ||
        cb_run_parse_sig_proxy(values->sig_proxy, &options.keep_signals, err) < 0)
        return -1;
    options.detach_keys = cb_docker_config_or(app, values->detach_keys, "detachKeys");
    options.tty = container->options.request.tty;
    options.interactive = !values->no_input && container->options.request.interactive;
    if (options.tty && options.interactive && !isatty(STDIN_FILENO))
        return cb_error_set(err, CB_ERR_USAGE, "the input device is not a TTY");
    cb_container_tell(store, container, "attach", NULL, NULL);
    if (attach(app, container, &options, &end, err) < 0)
        return -1;
    return cb_containers_end(&end);
}

const struct cb_cli_command cb_attach_command = {
    .name = "attach",
    .summary = "Attach to a container's standard streams",
    .usage = "attach [OPTIONS] CONTAINER",
    .options = attach_options,
    .values_size = sizeof(struct attach_values),
    .min_args = 1,
    .max_args = 1,
    .act = run_attach,
};
