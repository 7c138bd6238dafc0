/* Signals on their way to a container. Private to this directory. */
#ifndef CB_CONTAINER_SIGNALS_H
#define CB_CONTAINER_SIGNALS_H

#include "executor/executor.h"

#include <signal.h>

/* Blocks what is passed on to a container instead of ending us: a signalfd, to be closed;
 * *SAVED is the mask to be restored. -1: nothing is blocked. */
int cb_signals_open(sigset_t *saved, struct cb_error **err);

/* --stop-signal, --stop-timeout: what becomes of our SIGTERM. */
struct cb_stopping {
    int signal;    /* SIGTERM unless another was asked for */
    int timeout_s; /* how long after that the container is killed; -1: never */
};
/* Either text may be NULL. USAGE. */
int cb_stopping_parse(struct cb_stopping *out, const char *signal, const char *timeout,
                      struct cb_error **err);

struct cb_insistence { /* all else zero to start with */
    const struct cb_stopping *stopping;
    unsigned count;
    int64_t first_ns;
};

/* The signal to pass on in the place of NUMBER. */
int cb_signal_insist(struct cb_insistence *insistence, int number);
/* Gives the process signal NUMBER; SIGALRM ends the time it had to stop. The third SIGINT
 * or SIGTERM within a few seconds kills it: the first process of a container ignores both
 * unless it handles them. */
int cb_signal_pass_on(struct cb_process *process, int number,
                      struct cb_insistence *insistence, struct cb_error **err);

#endif
