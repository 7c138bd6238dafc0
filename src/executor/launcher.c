/* The launcher: single-threaded, with a small address space, so that a clone is cheap and
 * safe; our program executed once more, or forked before any thread. It takes requests,
 * clones children into all their namespaces at once, tells their ends, and when the
 * control socket closes, for whatever reason, kills all that still runs. Its own death
 * takes the children along (death signal of their parent, and every one is pid 1 of its
 * namespace). */
#include "executor/launcher-priv.h"

#include "base/descriptors.h"
#include "executor/remnant-priv.h"
#include "executor/sandbox-priv.h"
#include "executor/waiting-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define SWEEP_AFTER_MS 20

struct child {
    pid_t pid;
    int pidfd;
    int reply_fd;
    struct cb_cgroup cgroup; /* none, if it joined another child */
    struct cb_remnant remnant;
    pid_t *born;   /* of a helper: who is to take its place */
    int images_fd; /* of a helper that is criu; or -1 */
};

struct launcher {
    int control_fd;
    int prepared;
    int sweeps; /* what launchers that are gone have left is to be cleared */
    int swept;
    struct cb_error *broken; /* why the stage could not be set, said to every request */
    struct cb_stage stage;
    struct cb_waiting waiting;
    CB_VEC(struct child) children;
    CB_VEC(struct pollfd) polls;
};

/* ── Answers ── */

static void reply_failed(int reply_fd, const struct cb_error *error)
{
    struct cb_launch_reply reply = {
        .type = CB_REPLY_FAILED,
        .kind = cb_error_kind(error),
    };

    cb_message_pack_error(reply.text, error);
    cb_message_send(reply_fd, &reply, sizeof(reply), NULL, 0);
}

static void reply_started(const struct child *child)
{
    struct cb_launch_reply reply = {.type = CB_REPLY_STARTED, .pid = child->pid};

    cb_message_send(child->reply_fd, &reply, sizeof(reply), &child->pidfd, 1);
}

/* ── Starting ── */

pid_t cb_launcher_clone(uint64_t flags, int *pidfd)
{
    struct clone_args args = {
        .flags = flags | CLONE_PIDFD,
        .pidfd = (uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
    };
    pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

    if (pid < 0 && errno == ENOSYS)
        pid = syscall(SYS_clone, flags | CLONE_PIDFD | SIGCHLD, NULL, pidfd, NULL, NULL);
    return pid;
}

/* Who ends everything, as the machine's shutdown does, means our caller, who will let us
 * go when its steps have ended well. */
void cb_launcher_mask_signals(int on)
{
    sigset_t set;

    sigemptyset(&set);
    if (on) {
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGHUP);
    }
    sigprocmask(SIG_SETMASK, &set, NULL);
}

static _Noreturn void run_child(struct launcher *launcher, const struct cb_cgroup *cgroup,
                                const struct child *inside, pid_t *born,
                                const struct cb_launch_request *request, int *fds,
                                size_t count)
{
    struct cb_sandbox sandbox = {
        .stage = &launcher->stage,
        .cgroup = cgroup,
        .join_fd = inside ? inside->pidfd : -1,
        .join_pid = inside ? inside->pid : 0,
        .born = born,
        .private_cgroup = (request->namespaces & CLONE_NEWCGROUP) != 0,
        .fds = fds + CB_REQUEST_FDS,
        .fd_count = count - CB_REQUEST_FDS,
        .report_fd = fds[CB_REQUEST_FD_REPORT],
    };

    cb_launcher_mask_signals(0);
    cb_sandbox_run(&sandbox, fds[CB_REQUEST_FD_PLAN], request->plan_len);
}

static int prepare(struct launcher *launcher, struct cb_error **err)
{
    if (!launcher->prepared) {
        launcher->prepared = 1;
        cb_stage_prepare(&launcher->stage, &launcher->broken);
    }
    if (!launcher->broken)
        return 0;
    cb_error_set(err, cb_error_kind(launcher->broken), "%s",
                 cb_error_message(launcher->broken));
    if (cb_error_hint_text(launcher->broken))
        cb_error_hint(err, "%s", cb_error_hint_text(launcher->broken));
    return -1;
}

static struct child *find_child(struct launcher *launcher, pid_t pid)
{
    cb_vec_foreach (child, &launcher->children) {
        if (child->pid == pid)
            return child;
    }
    return NULL;
}

static pid_t *map_born(void)
{
    pid_t *born = mmap(NULL, CB_BORN_BYTES, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return born == MAP_FAILED ? NULL : born;
}

static void forget_born(struct child *child)
{
    if (child->born)
        munmap(child->born, CB_BORN_BYTES);
    child->born = NULL;
    cb_close(&child->images_fd);
}

static int is_helper(const struct child *child)
{
    return child->born || child->images_fd >= 0;
}

/* 0, or -1 for a request without its descriptor. */
static int take_images(struct child *child, const struct cb_launch_request *request,
                       const int *fds, size_t count)
{
    size_t at = CB_REQUEST_FDS + (size_t)request->restores - 1;

    if (!request->restores)
        return 0;
    child->images_fd = at < count ? fcntl(fds[at], F_DUPFD_CLOEXEC, 3) : -1;
    return child->images_fd < 0 ? -1 : 0;
}

/* A pid namespace is joined by being born in it: a helper does what is to be done before
 * (join.c), and its end tells who was born, a child of ours. */
static int launch_inside(struct launcher *launcher,
                         const struct cb_launch_request *request, int *fds, size_t count,
                         struct cb_error **err)
{
    const struct child *inside = find_child(launcher, request->inside_pid);
    struct child child = {.pidfd = -1, .images_fd = -1};

    cb_cgroup_none(&child.cgroup);
    if (!inside)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "the container has ended");
    child.born = map_born();
    child.pid = child.born ? cb_launcher_clone(0, &child.pidfd) : -1;
    if (child.pid == 0)
        run_child(launcher, &inside->cgroup, inside, child.born, request, fds, count);
    if (child.pid < 0) {
        cb_error_errno(err, errno, "clone");
        forget_born(&child);
        return -1;
    }
    child.reply_fd = cb_steal_fd(&fds[CB_REQUEST_FD_REPLY]);
    cb_vec_push(&launcher->children, child);
    return 0;
}

/* A pid namespace takes along what is in it, and so does a control group. A child with
 * neither is watched. */
static int watch(struct launcher *launcher, uint64_t flags, struct child *child,
                 struct cb_error **err)
{
    if (flags & CLONE_NEWPID || cb_cgroup_is_there(&child->cgroup) ||
        cb_remnant_watch(&child->remnant, launcher->stage.proc_fd, child->pid, err) == 0)
        return 0;
    syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0);
    waitpid(child->pid, NULL, 0);
    cb_close(&child->pidfd);
    return -1;
}

static int make_child(struct launcher *launcher, const struct cb_launch_request *request,
                      int *fds, size_t count, struct child *child, struct cb_error **err)
{
    /* Its view of control groups is made when it is in the right one. */
    uint64_t flags = request->namespaces & ~(uint64_t)CLONE_NEWCGROUP;

    if (cb_cgroup_create(&launcher->stage.cgroups, request->cgroup_name, &request->limits,
                         &child->cgroup, err) < 0)
        return -1;
    child->born = request->born_late ? map_born() : NULL;
    if (take_images(child, request, fds, count) == 0 &&
        (!request->born_late || child->born))
        child->pid = cb_launcher_clone(flags, &child->pidfd);
    else
        child->pid = -1;
    if (child->pid == 0)
        run_child(launcher, &child->cgroup, NULL, child->born, request, fds, count);
    if (child->pid < 0)
        cb_error_errno(err, errno, "clone");
    if (child->pid < 0 || watch(launcher, flags, child, err) < 0) {
        forget_born(child);
        cb_cgroup_finish(&launcher->stage.cgroups, &child->cgroup, NULL);
        return -1;
    }
    return 0;
}

/* 1: the one that waits is it. */
static int take_waiting(struct launcher *launcher,
                        const struct cb_launch_request *request, const int *fds,
                        size_t count, struct child *child)
{
    struct cb_waiting *waiting = &launcher->waiting;

    child->pid = waiting->pid;
    child->pidfd = waiting->pidfd;
    child->cgroup = waiting->cgroup;
    return cb_waiting_take(waiting, &launcher->stage, request, fds, count);
}

static int launch(struct launcher *launcher, const struct cb_launch_request *request,
                  int *fds, size_t count, struct cb_error **err)
{
    struct child child = {.pidfd = -1, .images_fd = -1};

    if (prepare(launcher, err) < 0)
        return -1;
    if (request->inside_pid)
        return launch_inside(launcher, request, fds, count, err);
    if (!take_waiting(launcher, request, fds, count, &child)) {
        child = (struct child){.pidfd = -1, .images_fd = -1};
        if (make_child(launcher, request, fds, count, &child, err) < 0)
            return -1;
    }
    child.reply_fd = cb_steal_fd(&fds[CB_REQUEST_FD_REPLY]);
    if (!is_helper(&child))
        reply_started(&child);
    cb_vec_push(&launcher->children, child);
    launcher->sweeps = !launcher->swept;
    if (*request->limits.cgroup_parent)
        cb_cgroup_sweep_beside(&child.cgroup, launcher->stage.proc_fd);
    return 0;
}

static void expect(struct launcher *launcher, const struct cb_launch_request *request,
                   int plan_fd)
{
    if (plan_fd >= 0 && prepare(launcher, NULL) == 0)
        cb_waiting_start(&launcher->waiting, &launcher->stage, request, plan_fd);
}

/* Something is asked about a child that runs. */
static int change(struct launcher *launcher, const struct cb_launch_request *request,
                  int reply_fd, struct cb_error **err)
{
    const struct cb_launch_reply reply = {.type = CB_REPLY_DONE};
    struct cb_cgroups *cgroups = &launcher->stage.cgroups;
    const struct child *child = find_child(launcher, request->inside_pid);
    int failed;

    if (!child)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "the container has ended");
    failed = request->kind == CB_REQUEST_FREEZE
                 ? cb_cgroup_freeze(cgroups, &child->cgroup, request->freeze, err)
                 : cb_cgroup_change(cgroups, &child->cgroup, &request->limits, err);
    if (failed)
        return -1;
    cb_message_send(reply_fd, &reply, sizeof(reply), NULL, 0);
    return 0;
}

static int answer(struct launcher *launcher, const struct cb_launch_request *request,
                  int *fds, size_t count, struct cb_error **err)
{
    if (request->kind != CB_REQUEST_LAUNCH)
        return change(launcher, request, fds[CB_REQUEST_FD_REPLY], err);
    if (count < CB_REQUEST_FDS)
        return cb_error_set(err, CB_ERR_INTEGRITY, "a request without its sockets");
    return launch(launcher, request, fds, count, err);
}

/* 0 once the other side is gone. */
static int take_request(struct launcher *launcher)
{
    struct cb_launch_request request;
    int fds[CB_MESSAGE_MAX_FDS];
    size_t count;
    ssize_t got = cb_message_receive(launcher->control_fd, &request, sizeof(request), fds,
                                     CB_MESSAGE_MAX_FDS, &count);
    cb_auto(cb_error) error = NULL;

    if (got <= 0)
        return 0;
    if (got == sizeof(request) && request.kind == CB_REQUEST_PREPARE)
        prepare(launcher, NULL);
    else if (got == sizeof(request) && request.kind == CB_REQUEST_EXPECT)
        expect(launcher, &request, count ? fds[0] : -1);
    else if (got == sizeof(request) && count &&
             answer(launcher, &request, fds, count, &error) < 0)
        reply_failed(fds[CB_REQUEST_FD_REPLY], error);
    for (size_t i = 0; i < count; i++)
        cb_close(&fds[i]);
    return 1;
}

/* ── Ending ── */

static uint64_t nanoseconds(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_usec * 1000;
}

/* Pid 1 of a namespace is not reaped before everything in it is gone. */
static void finish_child(struct launcher *launcher, struct child *child)
{
    struct cb_launch_reply reply = {.type = CB_REPLY_EXIT};
    struct rusage usage = {0};
    siginfo_t info = {0};

    while (syscall(SYS_waitid, P_PIDFD, child->pidfd, &info, WEXITED, &usage) < 0 &&
           errno == EINTR)
        continue;
    if (info.si_code == CLD_EXITED) {
        reply.exit.code = info.si_status & 0xff;
    } else {
        reply.exit.signal = info.si_status;
        reply.exit.code = 128 + info.si_status;
    }
    /* Where a memory control group was, it knows better. */
    reply.exit.peak_memory_bytes = (uint64_t)usage.ru_maxrss * 1024;
    reply.exit.read_bytes = (uint64_t)usage.ru_inblock * 512;
    reply.exit.written_bytes = (uint64_t)usage.ru_oublock * 512;
    reply.exit.cpu_ns = nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime);
    cb_remnant_end(&child->remnant, launcher->stage.proc_fd);
    cb_cgroup_finish(&launcher->stage.cgroups, &child->cgroup, &reply.exit);
    cb_message_send(child->reply_fd, &reply, sizeof(reply), NULL, 0);
    cb_close(&child->pidfd);
    cb_close(&child->reply_fd);
    forget_born(child);
}

static void reply_not_restored(const struct child *child)
{
    struct cb_launch_reply reply = {
        .type = CB_REPLY_FAILED,
        .kind = CB_ERR_SYSTEM,
        .text = "criu could not bring the processes back",
    };

    cb_message_send(child->reply_fd, &reply, sizeof(reply), NULL, 0);
}

/* What criu has not finished does not count, though it may be there. */
static pid_t restored(const struct child *child)
{
    siginfo_t info = {0};

    if (waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOWAIT) < 0 ||
        info.si_code != CLD_EXITED || info.si_status)
        return 0;
    return cb_restored_pid(child->images_fd);
}

/* The helper has ended: 1 if CHILD is now the one that was born, which nobody but us
 * reaps, so its number is its own. Without one the helper's end tells why. */
static int replace_helper(struct child *child)
{
    int restores = child->images_fd >= 0;
    pid_t pid = restores ? restored(child) : *child->born;
    int pidfd = pid ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

    forget_born(child);
    if (pidfd >= 0) {
        waitpid(child->pid, NULL, 0);
        cb_close(&child->pidfd);
        fcntl(pidfd, F_SETFD, FD_CLOEXEC);
        child->pid = pid;
        child->pidfd = pidfd;
    } else if (pid) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    if (restores && pidfd < 0)
        reply_not_restored(child);
    else
        reply_started(child);
    return pidfd >= 0;
}

/* 1: one has ended. */
static int finish_ended(struct launcher *launcher)
{
    size_t before = launcher->children.count, kept = 0;

    /* polls[0] is the control socket, polls[i + 1] child i. */
    for (size_t i = 0; i < launcher->children.count; i++) {
        struct child *child = &launcher->children.items[i];

        if (i + 1 >= launcher->polls.count || !launcher->polls.items[i + 1].revents ||
            (is_helper(child) && replace_helper(child)))
            launcher->children.items[kept++] = *child;
        else
            finish_child(launcher, child);
    }
    launcher->children.count = kept;
    return kept < before;
}

/* Once, when the first child runs or has ended: nobody waits for it, and a processor that
 * is free is needed by who gets ready. */
static void sweep(struct launcher *launcher)
{
    if (launcher->sweeps)
        cb_cgroups_sweep(&launcher->stage.cgroups, launcher->stage.proc_fd);
    launcher->swept |= launcher->sweeps;
    launcher->sweeps = 0;
}

/* ── The loop ── */

static void fill_polls(struct launcher *launcher)
{
    struct pollfd control = {.fd = launcher->control_fd, .events = POLLIN};

    launcher->polls.count = 0;
    cb_vec_push(&launcher->polls, control);
    cb_vec_foreach (child, &launcher->children) {
        struct pollfd poll = {.fd = child->pidfd, .events = POLLIN};

        cb_vec_push(&launcher->polls, poll);
    }
}

static void kill_each(struct launcher *launcher)
{
    cb_vec_foreach (child, &launcher->children) {
        syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0);
        cb_cgroup_freeze(&launcher->stage.cgroups, &child->cgroup, 0, NULL);
    }
}

/* The first process of a container has not ended before those are reaped that were put
 * into it, which are children of ours, too: so each is waited for when it has ended, in
 * whatever order. In place of a helper there may be another that has to be killed. */
static void kill_all(struct launcher *launcher)
{
    while (launcher->children.count) {
        kill_each(launcher);
        fill_polls(launcher);
        launcher->polls.items[0].fd = -1;
        if (poll(launcher->polls.items, launcher->polls.count, -1) > 0)
            finish_ended(launcher);
    }
    cb_waiting_end(&launcher->waiting, &launcher->stage);
}

/* What every child inherits is set here, once, when the first is to be made. */
static void settle(int control_fd)
{
    sigset_t none;
    int null;

    umask(0022);
    for (int signal = 1; signal < NSIG; signal++) {
        struct sigaction action = {.sa_handler = SIG_DFL};

        sigaction(signal, &action, NULL);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* Standard error stays, for warnings. The three lowest numbers are always taken, so
     * that no descriptor of a plan ever has one. */
    control_fd = fcntl(control_fd, F_DUPFD_CLOEXEC, 3);
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, 0);
    dup2(null, 1);
    if (fcntl(2, F_GETFD) < 0)
        dup2(null, 2);
    if (control_fd != CB_LAUNCHER_FD)
        dup3(control_fd, CB_LAUNCHER_FD, O_CLOEXEC);
    cb_descriptors_close(AT_FDCWD, CB_LAUNCHER_FD + 1, 0);
}

/* Most builds run nothing: then this is all the launcher ever does. */
static void wait_for_work(int control_fd)
{
    struct pollfd control = {.fd = control_fd, .events = POLLIN};

    /* Own session: a terminal's interrupt or hang-up is for the command, which then
     * decides what to do with its steps. */
    setsid();
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    while (poll(&control, 1, -1) < 0 && errno == EINTR)
        continue;
    if (control.revents & POLLHUP)
        _exit(0);
}

static _Noreturn void serve(void)
{
    struct launcher launcher = {.control_fd = CB_LAUNCHER_FD};
    int open = 1, ready;

    prctl(PR_SET_NAME, CB_LAUNCHER_NAME, 0, 0, 0);
    cb_launcher_mask_signals(1);
    while (open) {
        fill_polls(&launcher);
        ready = poll(launcher.polls.items, launcher.polls.count,
                     launcher.sweeps ? SWEEP_AFTER_MS : -1);
        if (ready < 0)
            continue;
        if (finish_ended(&launcher) || !ready)
            sweep(&launcher);
        if (launcher.polls.items[0].revents)
            open = take_request(&launcher);
    }
    kill_all(&launcher);
    if (launcher.prepared && !launcher.broken)
        cb_cgroups_leave(&launcher.stage.cgroups);
    _exit(0);
}

_Noreturn void cb_launcher_main(int control_fd)
{
    wait_for_work(control_fd);
    settle(control_fd);
    serve();
}

void cb_launcher_reenter(int argc, char **argv)
{
    struct stat st;

    /* Only what the launcher left us makes one of us: a socket, and no other argument. */
    if (argc != 1 || strcmp(argv[0], CB_LAUNCHER_NAME) != 0 ||
        fstat(CB_LAUNCHER_FD, &st) < 0 || !S_ISSOCK(st.st_mode))
        return;
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    settle(CB_LAUNCHER_FD);
    serve();
}
