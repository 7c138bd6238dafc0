/* The caller's handle on the launcher. */
#ifndef CB_EXECUTOR_LAUNCHER_PRIV_H
#define CB_EXECUTOR_LAUNCHER_PRIV_H

#include "executor/protocol-priv.h"

struct cb_launcher {
    int attaches;   /* see cb_launcher_attaches */
    int control_fd; /* any thread may send a datagram; nobody reads */
    pid_t pid;
};
#define CB_LAUNCHER_NAME "cbuild-launcher"
#define CB_LAUNCHER_FD   3

/* The launcher's life; never returns. SEALED: it executes its own program once more, see
 * seal.c. */
_Noreturn void cb_launcher_main(int control_fd, int sealed);
/* Returns only when that cannot be done. */
void cb_launcher_seal(int control_fd);

/* Closes all descriptors from FIRST on, now or when a program is executed. PROC_FD: a
 * procfs, or AT_FDCWD where /proc is one. */
void cb_descriptors_close(int proc_fd, int first, int on_exec);
/* Closes all but the lowest three and COUNT others. */
void cb_descriptors_keep(int proc_fd, const int *keep, size_t count);

#endif
