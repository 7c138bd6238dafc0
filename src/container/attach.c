/* A process of a sandbox on our standard streams, or on our terminal, until it ends. */
#include "container/attach.h"

#include "container/container.h"
#include "container/terminal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* What SPEC is given: our terminal's size, or the other ends of STREAMS. */
static int prepare(struct cb_process_spec *spec, struct cb_streams *streams,
                   int interactive, struct cb_error **err)
{
    if (spec->tty) {
        cb_terminal_size(STDOUT_FILENO, &spec->rows, &spec->columns);
        return 0;
    }
    if (cb_streams_open(streams, interactive, err) < 0)
        return -1;
    spec->stdin_fd = streams->given[0];
    spec->stdout_fd = streams->given[1];
    spec->stderr_fd = streams->given[2];
    return 0;
}

int cb_attach(struct cb_launcher *launcher, struct cb_process_spec *spec,
              const struct cb_attach_options *options, struct cb_cancel *cancel,
              struct cb_exit *result, struct cb_error **err)
{
    cb_auto(cb_process) process = NULL;
    cb_auto(cb_terminal) terminal = NULL;
    cb_auto_value(cb_streams) streams = {.given = {-1, -1, -1}, .ends = {-1, -1, -1}};
    cb_autofd int signals = -1;
    sigset_t saved;
    int status;

    if (prepare(spec, &streams, options->interactive, err) < 0 ||
        (signals = cb_signals_open(&saved, err)) < 0)
        return -1;
    /* A signal that came before they were taken for the container's was meant for us. */
    status = cb_cancel_check(cancel, err) < 0
                 ? -1
                 : cb_process_request(launcher, spec, &process, err);
    if (status == 0) {
        if (options->requested)
            options->requested(options->witness->arg);
        status = cb_process_await(process, err);
    }
    if (status == 0 && spec->tty) {
        terminal = options->interactive ? cb_terminal_open(STDIN_FILENO) : NULL;
        status = cb_terminal_relay(process, signals, options->interactive,
                                   options->stopping, cancel, err);
    } else if (status == 0) {
        status = cb_streams_relay(&streams, process, signals, options->stopping,
                                  options->witness, err);
    }
    if (status == 0)
        status = cb_process_wait(process, NULL, result, err);
    if (options->ended)
        options->ended(options->witness->arg);
    alarm(0);
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
    return status;
}

int cb_container_shell(struct cb_launcher *launcher, const struct cb_process_spec *spec,
                       struct cb_cancel *cancel, struct cb_exit *result,
                       struct cb_error **err)
{
    const struct cb_stopping stopping = {.signal = SIGTERM, .timeout_s = -1};
    const struct cb_attach_options options = {.interactive = 1, .stopping = &stopping};
    const size_t count = spec->argv->count;
    /* What follows the shell in ["/bin/sh", "-c", …]; a command without one has none. */
    int is_shell = count > 2 && !strcmp(spec->argv->items[count - 2], "-c");
    cb_auto_value(cb_strings) argv = {0};
    cb_auto_value(cb_strings) env = {0};
    struct cb_process_spec shell = *spec;

    cb_strings_add(&argv, is_shell ? spec->argv->items[0] : "/bin/sh");
    if (spec->env)
        cb_strings_copy(&env, spec->env);
    if (!cb_env_get(&env, "TERM"))
        cb_env_set(&env, "TERM", "xterm");
    shell.argv = &argv;
    shell.env = &env;
    shell.tty = 1;
    return cb_attach(launcher, &shell, &options, cancel, result, err);
}
