/* Signals on their way to a container. Private to this directory. */
#ifndef CB_CONTAINER_SIGNALS_H
#define CB_CONTAINER_SIGNALS_H

#include "executor/executor.h"

struct cb_insistence { /* zero to start with */
    unsigned count;
    int64_t first_ns;
};

/* Gives the process signal NUMBER. The third SIGINT or SIGTERM within a few seconds kills
 * it: the first process of a container ignores both unless it handles them. */
int cb_signal_pass_on(struct cb_process *process, int number,
                      struct cb_insistence *insistence, struct cb_error **err);

#endif
