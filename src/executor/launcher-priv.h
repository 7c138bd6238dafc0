/* The caller's handle on the launcher. */
#ifndef CB_EXECUTOR_LAUNCHER_PRIV_H
#define CB_EXECUTOR_LAUNCHER_PRIV_H

#include "executor/protocol-priv.h"

#include <pthread.h>

/* A launcher that was executed. Its program's mount ends with the last descriptor of it,
 * which takes the kernel a moment: who holds it lets it go when there is time. */
struct cb_launched {
    pid_t pid; /* 0 until it is needed */
    int program_fd;
};
struct cb_launcher {
    int attaches;             /* see cb_launcher_attaches */
    int is_sealed;            /* it is executed when it is needed, and may be again */
    pthread_mutex_t starting; /* held while CONTROL_FD and PROCESS are used */
    int control_fd;           /* datagrams go there; nobody reads */
    struct cb_launched process;
};
#define CB_LAUNCHER_NAME "cbuild-launcher"
#define CB_LAUNCHER_FD   3

/* Starts the launcher where it is not there yet, and sends it a request. */
int cb_launcher_ask(struct cb_launcher *launcher, const struct cb_launch_request *request,
                    const int *fds, size_t count, struct cb_error **err);

/* The launcher's life in a process that was forked; never returns. */
_Noreturn void cb_launcher_main(int control_fd);
/* seal.c: the same in a program of its own, or else in ours executed once more. The
 * caller closes CONTROL_FD. */
int cb_launcher_execute(int control_fd, struct cb_launched *out, struct cb_error **err);
/* There is time. From any thread. */
void cb_launcher_let_go(struct cb_launcher *launcher);
/* The file of the launcher that was made with this program, or -1. */
int cb_launcher_program_open(void);

#endif
