/* The caller's handle on its launcher. A launcher that is its program executed once more
 * is started by the first who needs it, on whatever thread: between vfork and exec
 * nothing is touched that others use. */
#include "executor/launcher-priv.h"
#include "executor/mount-api-priv.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* Where mounts cannot be detached, or nothing can be mounted of one that is, those of the
 * store are made in a namespace that the launcher and we share and nobody else: they end
 * with us. */
static int leave_host_mounts(int *attaches, struct cb_error **err)
{
    int missing = cb_mount_api_is_missing();

    *attaches = !missing && !cb_mount_api_clones_detached();
    if (!missing && !*attaches)
        return 0;
    if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0)
        return 0;
    cb_error_errno(err, errno, "new mount namespace");
    return cb_error_hint(err, "running steps needs root (CAP_SYS_ADMIN)");
}

static int new_launcher(struct cb_launcher **out, struct cb_error **err)
{
    int attaches;

    if (leave_host_mounts(&attaches, err) < 0)
        return -1;
    *out = xcalloc(1, sizeof(**out));
    pthread_mutex_init(&(*out)->starting, NULL);
    (*out)->control_fd = -1;
    (*out)->process.program_fd = -1;
    (*out)->attaches = attaches;
    return 0;
}

static int new_sockets(int sockets[2], struct cb_error **err)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return cb_error_errno(err, errno, "launcher: socketpair");
    return 0;
}

int cb_launcher_start(struct cb_launcher **out, struct cb_error **err)
{
    cb_auto(cb_launcher) launcher = NULL;
    int sockets[2];

    if (new_launcher(&launcher, err) < 0 || new_sockets(sockets, err) < 0)
        return -1;
    launcher->process.pid = fork();
    if (launcher->process.pid == 0) {
        cb_close(&sockets[0]);
        cb_launcher_main(sockets[1]);
    }
    cb_close(&sockets[1]);
    launcher->control_fd = sockets[0];
    if (launcher->process.pid < 0)
        return cb_error_errno(err, errno, "launcher: fork");
    *out = cb_steal(&launcher);
    return 0;
}

int cb_launcher_start_sealed(struct cb_launcher **out, struct cb_error **err)
{
    if (new_launcher(out, err) < 0)
        return -1;
    (*out)->is_sealed = 1;
    return 0;
}

/* With the lock held. */
static int send_to(struct cb_launcher *launcher, const struct cb_launch_request *request,
                   const int *fds, size_t count)
{
    return cb_message_send(launcher->control_fd, request, sizeof(*request), fds, count);
}

/* What it is asked is there before it is: who starts a program waits until it is
 * executed, and may then be slow to be given a processor again. */
static int start_asked(struct cb_launcher *launcher,
                       const struct cb_launch_request *request, const int *fds,
                       size_t count, struct cb_error **err)
{
    int sockets[2], failed;

    if (new_sockets(sockets, err) < 0)
        return -1;
    launcher->control_fd = sockets[0];
    failed = send_to(launcher, request, fds, count) < 0;
    if (failed)
        cb_error_errno(err, errno, "ask the launcher");
    else
        failed = cb_launcher_execute(sockets[1], &launcher->process, err) < 0;
    cb_close(&sockets[1]);
    if (failed)
        cb_close(&launcher->control_fd);
    return failed ? -1 : 0;
}

/* One that was killed took its processes along; the next process has another. What was
 * asked about those that are gone is asked of nobody. */
static int is_gone_and_needed(const struct cb_launcher *launcher,
                              const struct cb_launch_request *request)
{
    return (errno == EPIPE || errno == ECONNRESET) && launcher->is_sealed &&
           request->kind == CB_REQUEST_LAUNCH && !request->inside_pid;
}

static void forget(struct cb_launcher *launcher)
{
    cb_close(&launcher->control_fd);
    cb_launcher_let_go(launcher);
    while (waitpid(launcher->process.pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    launcher->process.pid = 0;
}

static int ask(struct cb_launcher *launcher, const struct cb_launch_request *request,
               const int *fds, size_t count, struct cb_error **err)
{
    if (launcher->process.pid <= 0)
        return start_asked(launcher, request, fds, count, err);
    if (send_to(launcher, request, fds, count) == 0)
        return 0;
    if (!is_gone_and_needed(launcher, request))
        return cb_error_errno(err, errno, "ask the launcher");
    forget(launcher);
    return start_asked(launcher, request, fds, count, err);
}

int cb_launcher_ask(struct cb_launcher *launcher, const struct cb_launch_request *request,
                    const int *fds, size_t count, struct cb_error **err)
{
    int result;

    pthread_mutex_lock(&launcher->starting);
    result = ask(launcher, request, fds, count, err);
    pthread_mutex_unlock(&launcher->starting);
    return result;
}

/* Whether it could be asked is of no interest: it prepares for the first process at the
 * latest. */
void cb_launcher_prepare(struct cb_launcher *launcher)
{
    const struct cb_launch_request request = {.kind = CB_REQUEST_PREPARE};

    cb_launcher_ask(launcher, &request, NULL, 0, NULL);
}

void cb_launcher_let_go(struct cb_launcher *launcher)
{
    int fd = __atomic_exchange_n(&launcher->process.program_fd, -1, __ATOMIC_RELAXED);

    cb_close(&fd);
}

void cb_launcher_dismiss(struct cb_launcher *launcher)
{
    cb_close(&launcher->control_fd);
}

int cb_launcher_attaches(const struct cb_launcher *launcher)
{
    return launcher->attaches;
}

void cb_launcher_stop(struct cb_launcher *launcher)
{
    if (!launcher)
        return;
    cb_close(&launcher->control_fd);
    cb_launcher_let_go(launcher);
    while (launcher->process.pid > 0 && waitpid(launcher->process.pid, NULL, 0) < 0 &&
           errno == EINTR)
        continue;
    pthread_mutex_destroy(&launcher->starting);
    free(launcher);
}
