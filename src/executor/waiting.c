/* A child of the launcher that waits. Until it has its request it executes nothing, and
 * only the launcher can reach it; it dies with the launcher like every child. */
#include "executor/waiting-priv.h"

#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void wait_in_child(struct cb_waiting *waiting,
                                    const struct cb_stage *stage,
                                    const struct cb_launch_request *request, int socket,
                                    int plan_fd)
{
    struct cb_sandbox sandbox = {
        .stage = stage,
        .cgroup = &waiting->cgroup,
        .join_fd = -1,
        .private_cgroup = (request->namespaces & CLONE_NEWCGROUP) != 0,
        .report_fd = -1,
    };

    cb_launcher_mask_signals(0);
    cb_close(&waiting->socket);
    cb_sandbox_wait(&sandbox, socket, plan_fd, request->plan_len);
}

void cb_waiting_start(struct cb_waiting *waiting, struct cb_stage *stage,
                      const struct cb_launch_request *request, int plan_fd)
{
    /* Its view of control groups is made when it is in the right one. */
    uint64_t flags = request->namespaces & ~(uint64_t)CLONE_NEWCGROUP;
    int sockets[2];

    if (waiting->pid || stage->legacy || !(flags & CLONE_NEWPID) ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return;
    *waiting = (struct cb_waiting){
        .socket = sockets[1], .pidfd = -1, .namespaces = request->namespaces};
    cb_cgroup_none(&waiting->cgroup);
    if (cb_cgroup_create(&stage->cgroups, request->cgroup_name, &request->limits,
                         &waiting->cgroup, NULL) == 0)
        waiting->pid = cb_launcher_clone(flags, &waiting->pidfd);
    else
        waiting->pid = -1;
    if (waiting->pid == 0)
        wait_in_child(waiting, stage, request, sockets[0], plan_fd);
    cb_close(&sockets[0]);
    if (waiting->pid < 0)
        cb_waiting_end(waiting, stage);
}

int cb_waiting_take(struct cb_waiting *waiting, struct cb_stage *stage,
                    const struct cb_launch_request *request, const int *fds, size_t count)
{
    if (!waiting->pid)
        return 0;
    if (!request->takes_waiting || request->namespaces != waiting->namespaces ||
        cb_message_send(waiting->socket, request, sizeof(*request), fds, count) < 0) {
        cb_waiting_end(waiting, stage);
        return 0;
    }
    cb_close(&waiting->socket);
    waiting->pid = 0;
    return 1;
}

void cb_waiting_end(struct cb_waiting *waiting, struct cb_stage *stage)
{
    if (!waiting->pid)
        return;
    if (waiting->pid > 0) {
        syscall(SYS_pidfd_send_signal, waiting->pidfd, SIGKILL, NULL, 0);
        waitpid(waiting->pid, NULL, 0);
    }
    cb_close(&waiting->pidfd);
    cb_close(&waiting->socket);
    cb_cgroup_finish(&stage->cgroups, &waiting->cgroup, NULL);
    waiting->pid = 0;
}
