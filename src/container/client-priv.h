/* Between client.c, client-answer.c, client-end.c and client-streams.c. */
#ifndef CB_CONTAINER_CLIENT_PRIV_H
#define CB_CONTAINER_CLIENT_PRIV_H

#include "container/client.h"
#include "container/wire.h"

#include <errno.h>

/* A monitor that does not run (SIGSTOP, a debugger) answers nobody: after
 * CB_CLIENT_STOPPED_MS of that every wait for an answer ends. */
#define CB_CLIENT_STOPPED_MS 5000
/* For what a monitor answers at once; it may wait for its launcher. */
#define CB_CLIENT_LIMIT_MS 60000
#define CB_CLIENT_NO_LIMIT (-1) /* it may take its time, as long as it runs */

/* The answer: 0 when it is good. GOT_FD may be NULL. LIMIT_MS is one of those above. An
 * error whose errnum is ETIMEDOUT: it has not answered; its process is named if seen. */
int cb_client_receive(int fd, int limit_ms, struct cb_cancel *cancel,
                      struct cb_wire_message *answer, int *got_fd, struct cb_error **err);
/* Does whoever listens at the other end of FD not run (SIGSTOP, a debugger)? */
int cb_client_is_stopped(int fd);
/* Does the process PID not run? */
int cb_client_process_is_stopped(pid_t pid);
/* Is it this program, and no other version of it? */
int cb_client_is_same_program(int fd);
int cb_client_gone(struct cb_error **err);
/* The same before there was an answer: the errnum is CB_CLIENT_UNHEARD. */
#define CB_CLIENT_UNHEARD EOWNERDEAD
int cb_client_unheard(struct cb_error **err);
/* What a monitor says while it starts: the bytes of FD behind SEEN. */
struct cb_client_log {
    int fd;
    size_t seen;
};
static inline void cb_client_log_close(struct cb_client_log *log)
{
    cb_close(&log->fd);
}
CB_AUTO_VALUE_DEFINE(cb_client_log, cb_client_log_close)
/* FD is a connection whose first message was sent and is about to be answered: passes on
 * streams, signals and sizes until the end. What the LOG of a monitor that is only just
 * started (or NULL) has by the answer is shown first. */
int cb_client_relay(int fd, const struct cb_client_options *options,
                    struct cb_cancel *cancel, const struct cb_client_log *log,
                    struct cb_client_end *end, struct cb_error **err);

/* Until FD is readable, TIMEOUT_MS (-1: without end) have passed, or CANCEL: -1. */
int cb_client_wait(int fd, int timeout_ms, struct cb_cancel *cancel,
                   struct cb_error **err);

#endif
