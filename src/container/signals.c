/* A program that handles no signals cannot be interrupted as the first process of a pid
 * namespace, so that Ctrl-C would do nothing for ever. Whoever insists gets it killed; a
 * program that is interrupted now and then, as an interpreter's prompt is, is not. */
#include "container/signals.h"

#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define INSISTING_NS INT64_C(5000000000)

/* "TERM", "SIGTERM", "15", "RTMIN+3"; 0: none. */
static int find_signal(const char *text)
{
    const char *name = strncasecmp(text, "SIG", 3) ? text : text + 3;
    char *end;
    long number = strtol(text, &end, 10);

    if (end != text)
        return !*end && number > 0 && number < NSIG ? (int)number : 0;
    if (!strncasecmp(name, "RTMIN", 5)) {
        number = strtol(name + 5, &end, 10);
        return !*end && number >= 0 && SIGRTMIN + number <= SIGRTMAX
                   ? SIGRTMIN + (int)number
                   : 0;
    }
    for (int signal = 1; signal < SIGRTMIN; signal++) {
        const char *known = sigabbrev_np(signal);

        if (known && !strcasecmp(name, known))
            return signal;
    }
    return 0;
}

int cb_stopping_parse(struct cb_stopping *out, const char *signal, const char *timeout,
                      struct cb_error **err)
{
    char *end;
    long seconds;

    *out = (struct cb_stopping){.signal = SIGTERM, .timeout_s = -1};
    if (signal)
        out->signal = find_signal(signal);
    if (!out->signal)
        return cb_error_set(err, CB_ERR_USAGE, "invalid signal: %s", signal);
    if (!timeout)
        return 0;
    seconds = strtol(timeout, &end, 10);
    if (end == timeout || *end || seconds > INT_MAX)
        return cb_error_flag(err, timeout, "--stop-timeout",
                             "expected a number of seconds");
    out->timeout_s = seconds < 0 ? -1 : (int)seconds; /* docker waits for ever */
    return 0;
}

/* The first signal that asks us to end: what the container knows as that, and its time
 * begins. */
static int stop(struct cb_process *process, const struct cb_stopping *stopping,
                struct cb_error **err)
{
    if (stopping->timeout_s == 0)
        return cb_process_signal(process, SIGKILL, err);
    if (stopping->timeout_s > 0)
        alarm((unsigned)stopping->timeout_s);
    return cb_process_signal(process, stopping->signal, err);
}

int cb_signal_insist(struct cb_insistence *insistence, int number)
{
    int64_t now = cb_clock_ns();

    if (number != SIGINT && number != SIGTERM)
        return number;
    if (!insistence->count || now - insistence->first_ns > INSISTING_NS) {
        insistence->count = 0;
        insistence->first_ns = now;
    }
    if (++insistence->count == 2)
        fputs("\ncbuild: the container goes on; once more kills it\n", stderr);
    return insistence->count > 2 ? SIGKILL : number;
}

int cb_signal_pass_on(struct cb_process *process, int number,
                      struct cb_insistence *insistence, struct cb_error **err)
{
    if (number == SIGALRM)
        return cb_process_signal(process, SIGKILL, err);
    number = cb_signal_insist(insistence, number);
    if (number == SIGTERM)
        return stop(process, insistence->stopping, err);
    return cb_process_signal(process, number, err);
}

int cb_signals_open(sigset_t *saved, struct cb_error **err)
{
    static const int forwarded[] = {SIGINT,  SIGTERM, SIGHUP,   SIGQUIT,
                                    SIGUSR1, SIGUSR2, SIGWINCH, SIGALRM};
    sigset_t set;
    int fd;

    sigemptyset(&set);
    for (size_t i = 0; i < CB_ARRAY_SIZE(forwarded); i++)
        sigaddset(&set, forwarded[i]);
    pthread_sigmask(SIG_BLOCK, &set, saved);
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        cb_error_errno(err, errno, "signalfd");
        pthread_sigmask(SIG_SETMASK, saved, NULL);
    }
    return fd;
}
