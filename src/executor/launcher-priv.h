/* The caller's handle on the launcher. */
#ifndef CB_EXECUTOR_LAUNCHER_PRIV_H
#define CB_EXECUTOR_LAUNCHER_PRIV_H

#include "executor/protocol-priv.h"

struct cb_launcher {
    int control_fd; /* any thread may send a datagram; nobody reads */
    pid_t pid;
};
/* The launcher's life; never returns. */
_Noreturn void cb_launcher_main(int control_fd);

#endif
