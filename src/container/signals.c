/* A program that handles no signals cannot be interrupted as the first process of a pid
 * namespace, so that Ctrl-C would do nothing for ever. Whoever insists gets it killed; a
 * program that is interrupted now and then, as an interpreter's prompt is, is not. */
#include "container/signals.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

#define INSISTING_NS INT64_C(5000000000)

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int cb_signal_pass_on(struct cb_process *process, int number,
                      struct cb_insistence *insistence, struct cb_error **err)
{
    int64_t now = now_ns();

    if (number != SIGINT && number != SIGTERM)
        return cb_process_signal(process, number, err);
    if (!insistence->count || now - insistence->first_ns > INSISTING_NS) {
        insistence->count = 0;
        insistence->first_ns = now;
    }
    if (++insistence->count == 2)
        fputs("\ncbuild: the container goes on; once more kills it\n", stderr);
    if (insistence->count > 2)
        number = SIGKILL;
    return cb_process_signal(process, number, err);
}
