/* The launcher's side of a child that is made before it is known what it will be
 * (cb_process_expect): it has its namespaces and its control group, mounts what needs no
 * root, and waits for its request. */
#ifndef CB_EXECUTOR_WAITING_PRIV_H
#define CB_EXECUTOR_WAITING_PRIV_H

#include "executor/sandbox-priv.h"

struct cb_waiting {
    pid_t pid; /* 0: there is none */
    int pidfd;
    int socket; /* its request goes here */
    uint64_t namespaces;
    struct cb_cgroup cgroup;
};
/* Of what cannot be made nothing is heard before it is asked for. PLAN_FD: the early
 * part, borrowed. */
void cb_waiting_start(struct cb_waiting *waiting, struct cb_stage *stage,
                      const struct cb_launch_request *request, int plan_fd);
/* 1: it is who REQUEST asks for, has got it, and is the caller's, with its control group.
 * 0: it is not, and is gone. */
int cb_waiting_take(struct cb_waiting *waiting, struct cb_stage *stage,
                    const struct cb_launch_request *request, const int *fds,
                    size_t count);
void cb_waiting_end(struct cb_waiting *waiting, struct cb_stage *stage);

/* launcher.c: a child in new namespaces FLAGS. */
pid_t cb_launcher_clone(uint64_t flags, int *pidfd);
/* ON: those that ask the launcher to end wait; off, in a child: they are its own. */
void cb_launcher_mask_signals(int on);

#endif
