/* What a process in the foreground has for standard streams when it has no terminal.
 * Private to this directory. */
#ifndef CB_CONTAINER_STREAMS_H
#define CB_CONTAINER_STREAMS_H

#include "container/signals.h"
#include "executor/executor.h"

#define CB_STREAM_BUFFER 65536

struct cb_streams {
    int given[3]; /* to the process: ours, a pipe, or -1 for its own /dev/null */
    int ends[3];  /* of those pipes, ours; or -1 */
    int write_errno;
    size_t at, len; /* of BUFFER: input on its way */
    char *buffer;   /* of CB_STREAM_BUFFER, once there is input */
};
/* INTERACTIVE 0: without our standard input. */
int cb_streams_open(struct cb_streams *streams, int interactive, struct cb_error **err);
void cb_streams_close(struct cb_streams *streams);
CB_AUTO_VALUE_DEFINE(cb_streams, cb_streams_close)

/* Who wants to know of a process that lasts: most have ended before anybody could ask for
 * them. */
struct cb_witness {
    int64_t after_ms;
    void (*lasts)(void *arg, struct cb_process *process); /* called at most once */
    void (*signaled)(void *arg); /* after each signal that was passed on */
    void *arg;
};

/* Moves bytes between our streams and the process, which has what was given to it, and
 * passes on what comes from SIGNALS, a signalfd, until it has ended. WITNESS or NULL.
 * SYSTEM when its output could not be written. */
int cb_streams_relay(struct cb_streams *streams, struct cb_process *process, int signals,
                     const struct cb_stopping *stopping, const struct cb_witness *witness,
                     struct cb_error **err);

#endif
