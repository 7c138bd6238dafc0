/* The caller's side: user and plan are made here, on whatever thread asks, then one
 * datagram goes to the launcher with fresh sockets for its answers. Threads share nothing
 * but the sending end of the control socket. */
#include "executor/launcher-priv.h"
#include "executor/mount-api-priv.h"
#include "executor/plan-priv.h"
#include "executor/stubs-priv.h"
#include "executor/usage.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define END_STEP_MS 10 /* between looks at one whose end nobody may tell */

struct cb_process {
    pid_t pid;
    int pidfd;
    int reply_fd;
    int report_fd; /* until it is known to run */
    int tty_fd;
    int ended;
    struct cb_exit exit;
    struct cb_stub_list stubs;
};

/* ── Starting ── */

static int resolve_user(const struct cb_process_spec *spec, struct cb_user *user,
                        struct cb_error **err)
{
    if (cb_user_resolve(spec->rootfs_fd, spec->user ? spec->user : "", user, err) < 0)
        return -1;
    for (size_t i = 0; spec->groups && i < spec->groups->count; i++) {
        if (cb_user_add_group(spec->rootfs_fd, spec->groups->items[i], user, err) < 0)
            return -1;
    }
    return 0;
}

static int is_plain_name(const char *name)
{
    return *name && *name != '.' && strlen(name) < CB_CGROUP_NAME_MAX &&
           !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "0123456789_.-")];
}

static int name_cgroup(struct cb_launch_request *request, const char *name,
                       struct cb_error **err)
{
    uint64_t random = 0;

    if (name) {
        if (!is_plain_name(name))
            return cb_error_set(err, CB_ERR_USAGE, "cgroup name `%s` is not plain", name);
        snprintf(request->cgroup_name, sizeof(request->cgroup_name), "%s", name);
        return 0;
    }
    if (getrandom(&random, sizeof(random), 0) != sizeof(random))
        return cb_error_errno(err, errno, "getrandom");
    snprintf(request->cgroup_name, sizeof(request->cgroup_name), "%016llx",
             (unsigned long long)random);
    return 0;
}

/* Its control group is the same whoever it will be. One that joins namespaces makes none
 * of their kinds, as one that has the host's, but what is mounted shows those it is
 * mounted in. */
static int can_wait(const struct cb_process_spec *spec)
{
    static const struct cb_limits none;

    return !spec->inside && !spec->restore && !spec->cgroup_name && spec->netns_fd < 0 &&
           spec->pid_of.fd < 0 && spec->ipc_of.fd < 0 &&
           memcmp(&spec->limits, &none, sizeof(none)) == 0;
}

static int fill_request(struct cb_launch_request *request,
                        const struct cb_process_spec *spec, const struct cb_plan *plan,
                        struct cb_error **err)
{
    request->namespaces = plan->namespaces;
    request->born_late = plan->born_late;
    request->restores = plan->restores;
    request->takes_waiting = can_wait(spec) && !plan->born_late;
    request->inside_pid = spec->inside ? spec->inside->pid : 0;
    request->limits = spec->limits;
    return name_cgroup(request, spec->cgroup_name, err);
}

static int send_request(struct cb_launcher *launcher,
                        const struct cb_launch_request *request,
                        const struct cb_plan *plan, const int own[CB_REQUEST_FDS],
                        struct cb_error **err)
{
    int fds[CB_MESSAGE_MAX_FDS];

    if (plan->fds.count + CB_REQUEST_FDS > CB_MESSAGE_MAX_FDS)
        return cb_error_set(err, CB_ERR_UNSUPPORTED, "more than %d mounts",
                            CB_MESSAGE_MAX_FDS - CB_REQUEST_FDS);
    memcpy(fds, own, CB_REQUEST_FDS * sizeof(*fds));
    if (plan->fds.count)
        memcpy(fds + CB_REQUEST_FDS, plan->fds.items, plan->fds.count * sizeof(*fds));
    return cb_launcher_ask(launcher, request, fds, CB_REQUEST_FDS + plan->fds.count, err);
}

static int launcher_gone(struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_SYSTEM, "the launcher process has ended");
}

static void add_hint(const char text[CB_PROTOCOL_MAX_TEXT], struct cb_error **err)
{
    const char *hint = cb_message_hint(text);

    if (*hint)
        cb_error_hint(err, "%s", hint);
}

/* Waits for the launcher's first answer. */
static int receive_started(struct cb_process *process, struct cb_error **err)
{
    struct cb_launch_reply reply;
    int fds[CB_MESSAGE_MAX_FDS];
    size_t count;

    if (cb_message_receive(process->reply_fd, &reply, sizeof(reply), fds,
                           CB_MESSAGE_MAX_FDS, &count) != sizeof(reply))
        return launcher_gone(err);
    if (reply.type != CB_REPLY_STARTED || count != 1) {
        process->ended = 1;
        cb_error_set(err, reply.kind, "%s", reply.text);
        add_hint(reply.text, err);
        return -1;
    }
    process->pid = reply.pid;
    process->pidfd = fds[0];
    return 0;
}

/* Only the program's own trouble has an errno: "no such file" must mean that the command
 * is missing, never that a mount point is. */
static int rebuild_error(const struct cb_report *report, struct cb_error **err)
{
    if (report->command_errno < 0) {
        cb_error_set(err, CB_ERR_NOT_FOUND, "%s", report->text);
        cb_error_set_errnum(err, ENOENT);
    } else if (report->command_errno) {
        cb_error_errno(err, report->command_errno, "%s", report->text);
    } else {
        cb_error_set(err, report->kind == CB_ERR_USAGE ? CB_ERR_USAGE : CB_ERR_SYSTEM,
                     "%s", report->text);
    }
    add_hint(report->text, err);
    return -1;
}

/* Reads what the child says until it executes its program. */
static int follow_child(struct cb_process *process, struct cb_error **err)
{
    struct cb_report report;
    int fds[CB_MESSAGE_MAX_FDS];
    size_t count;

    while (cb_message_receive(process->report_fd, &report, sizeof(report), fds,
                              CB_MESSAGE_MAX_FDS, &count) == sizeof(report)) {
        switch (report.type) {
        case CB_REPORT_FAILED:
            return rebuild_error(&report, err);
        case CB_REPORT_CONSOLE:
            process->tty_fd = count ? fds[0] : -1;
            break;
        case CB_REPORT_STUBS:
            cb_stub_list_take(&process->stubs, &report, fds, count);
            break;
        }
    }
    return 0;
}

static int new_sockets(int pair[2], struct cb_error **err)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return cb_error_errno(err, errno, "socketpair");
    return 0;
}

static int ask_launcher(struct cb_launcher *launcher, const struct cb_process_spec *spec,
                        const struct cb_plan *plan, struct cb_process *process,
                        struct cb_error **err)
{
    struct cb_launch_request request = {0};
    int reply[2] = {-1, -1}, report[2] = {-1, -1}, plan_fd = -1;
    int failed;

    failed = fill_request(&request, spec, plan, err) < 0 ||
             cb_plan_to_memfd(plan, &plan_fd, &request.plan_len, err) < 0 ||
             new_sockets(reply, err) < 0 || new_sockets(report, err) < 0;
    if (!failed) {
        const int own[CB_REQUEST_FDS] = {reply[1], report[1], plan_fd};

        failed = send_request(launcher, &request, plan, own, err) < 0;
    }
    process->reply_fd = reply[0];
    process->report_fd = report[0];
    cb_close(&reply[1]);
    cb_close(&report[1]);
    cb_close(&plan_fd);
    return failed ? -1 : 0;
}

int cb_process_request(struct cb_launcher *launcher, const struct cb_process_spec *spec,
                       struct cb_process **out, struct cb_error **err)
{
    cb_auto(cb_process) process = xcalloc(1, sizeof(*process));
    cb_auto_value(cb_user) user = {0};
    cb_auto_value(cb_plan) plan = {0};

    process->pidfd = process->reply_fd = process->report_fd = process->tty_fd = -1;
    if (resolve_user(spec, &user, err) < 0 ||
        cb_plan_build(&plan, spec, &user, err) < 0 ||
        ask_launcher(launcher, spec, &plan, process, err) < 0)
        return -1;
    /* The child has its own; ours would keep mounts and pipes alive. */
    cb_plan_clear(&plan);
    cb_launcher_let_go(launcher);
    *out = cb_steal(&process);
    return 0;
}

/* What the child has said of it is more than what the launcher knows. */
int cb_process_await(struct cb_process *process, struct cb_error **err)
{
    cb_auto(cb_error) unknown = NULL;
    int failed = receive_started(process, &unknown) < 0;

    if (follow_child(process, err) < 0)
        failed = 1;
    else if (failed)
        cb_error_move(err, &unknown);
    cb_close(&process->report_fd);
    return failed ? -1 : 0;
}

int cb_process_start(struct cb_launcher *launcher, const struct cb_process_spec *spec,
                     struct cb_process **out, struct cb_error **err)
{
    cb_auto(cb_process) process = NULL;

    if (cb_process_request(launcher, spec, &process, err) < 0 ||
        cb_process_await(process, err) < 0)
        return -1;
    *out = cb_steal(&process);
    return 0;
}

/* Whether it can be is of no interest: it is started in any case. */
void cb_process_expect(struct cb_launcher *launcher, const struct cb_process_spec *spec)
{
    struct cb_launch_request request = {.kind = CB_REQUEST_EXPECT};
    cb_auto_value(cb_plan) plan = {0};
    cb_autofd int plan_fd = -1;

    if (can_wait(spec) && cb_plan_build_early(&plan, spec, NULL) == 0 &&
        cb_plan_to_memfd(&plan, &plan_fd, &request.plan_len, NULL) == 0 &&
        name_cgroup(&request, NULL, NULL) == 0) {
        request.namespaces = plan.namespaces;
        cb_launcher_ask(launcher, &request, &plan_fd, 1, NULL);
    } else {
        cb_launcher_prepare(launcher);
    }
}

/* ── A running process ── */

int cb_process_tty_fd(const struct cb_process *process)
{
    return process->tty_fd;
}

int cb_process_pid(const struct cb_process *process)
{
    return process->pid;
}

/* Its number is its own until it is reaped, and before that its end can be seen. */
int cb_process_open(const struct cb_process *process, const char *name, int flags)
{
    struct pollfd end = {.fd = process->pidfd, .events = POLLIN};
    cb_autofree char *path = xasprintf("/proc/%d/%s", (int)process->pid, name);
    cb_autofd int fd = open(path, flags | O_CLOEXEC);

    if (fd < 0)
        return -1;
    if (poll(&end, 1, 0) != 0)
        return errno = ESRCH, -1;
    return cb_steal_fd(&fd);
}

int cb_process_exit_fd(const struct cb_process *process)
{
    return process->reply_fd;
}

int cb_process_signal(struct cb_process *process, int signal, struct cb_error **err)
{
    /* What has ended needs no signal. */
    if (syscall(SYS_pidfd_send_signal, process->pidfd, signal, NULL, 0) < 0 &&
        errno != ESRCH)
        return cb_error_errno(err, errno, "send signal %d", signal);
    return 0;
}

int cb_process_resize(struct cb_process *process, unsigned short rows,
                      unsigned short columns, struct cb_error **err)
{
    struct winsize size = {.ws_row = rows, .ws_col = columns};

    if (process->tty_fd < 0)
        return cb_error_set(err, CB_ERR_USAGE, "the process has no terminal");
    if (ioctl(process->tty_fd, TIOCSWINSZ, &size) < 0)
        return cb_error_errno(err, errno, "resize the terminal");
    return 0;
}

/* One question about a process that runs, and its answer. */
static int ask_to_change(struct cb_launcher *launcher,
                         const struct cb_launch_request *request, struct cb_error **err)
{
    struct cb_launch_reply answer;
    int reply[2], fds[CB_MESSAGE_MAX_FDS], sent, got;
    size_t count;

    if (new_sockets(reply, err) < 0)
        return -1;
    sent = cb_launcher_ask(launcher, request, &reply[1], 1, NULL);
    cb_close(&reply[1]);
    got = sent == 0 && cb_message_receive(reply[0], &answer, sizeof(answer), fds,
                                          CB_MESSAGE_MAX_FDS, &count) == sizeof(answer);
    cb_close(&reply[0]);
    if (!got)
        return launcher_gone(err);
    if (answer.type == CB_REPLY_DONE)
        return 0;
    cb_error_set(err, answer.kind, "%s", answer.text);
    add_hint(answer.text, err);
    return -1;
}

int cb_process_freeze(struct cb_launcher *launcher, struct cb_process *process, int on,
                      struct cb_error **err)
{
    const struct cb_launch_request request = {
        .kind = CB_REQUEST_FREEZE, .inside_pid = process->pid, .freeze = on};

    return ask_to_change(launcher, &request, err);
}

int cb_process_limit(struct cb_launcher *launcher, struct cb_process *process,
                     const struct cb_limits *limits, struct cb_error **err)
{
    const struct cb_launch_request request = {
        .kind = CB_REQUEST_LIMIT, .inside_pid = process->pid, .limits = *limits};

    return ask_to_change(launcher, &request, err);
}

static void kill_process(const struct cb_process *process)
{
    if (process->pidfd >= 0)
        syscall(SYS_pidfd_send_signal, process->pidfd, SIGKILL, NULL, 0);
}

/* No thread of it has namespaces, and so memory or files, any more. */
static int has_let_go(pid_t pid)
{
    cb_autofree char *tasks = xasprintf("/proc/%d/task", (int)pid);
    cb_autofd int dir = open(tasks, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cb_auto_value(cb_strings) threads = {0};

    if (dir < 0 || cb_fs_list(dir, &threads, NULL) < 0)
        return 0;
    cb_vec_foreach (thread, &threads) {
        cb_autofree char *mounts = xasprintf("%s/ns/mnt", *thread);
        char link[64];

        if (readlinkat(dir, mounts, link, sizeof(link)) >= 0 || errno != ENOENT)
            return 0;
    }
    return 1;
}

/* What is frozen does not die, and nobody else lets it go on. The first process of a pid
 * namespace stays, without anything, until somebody has reaped those of the launcher's
 * children that were in there; whoever got them from the launcher may never do that. */
static void end_without_launcher(const struct cb_process *process)
{
    struct pollfd end = {.fd = process->pidfd, .events = POLLIN};

    kill_process(process);
    cb_process_thaw(process->pid, process->pidfd);
    while (poll(&end, 1, END_STEP_MS) <= 0 && !has_let_go(process->pid))
        continue;
}

/* Waits for the launcher's word on the end. Without the launcher nobody can tell the
 * status, but the process must be gone all the same. */
static int receive_exit(struct cb_process *process, struct cb_error **err)
{
    struct cb_launch_reply reply;
    int fds[CB_MESSAGE_MAX_FDS];
    size_t count;
    int got = cb_message_receive(process->reply_fd, &reply, sizeof(reply), fds,
                                 CB_MESSAGE_MAX_FDS, &count) == sizeof(reply);

    process->ended = 1;
    if (!got && process->pidfd >= 0)
        end_without_launcher(process);
    cb_stub_list_remove(&process->stubs);
    if (!got)
        return launcher_gone(err);
    process->exit = reply.exit;
    return 0;
}

/* Returns 1 when CANCEL came first. */
static int wait_end(const struct cb_process *process, struct cb_cancel *cancel)
{
    struct pollfd polls[2] = {
        {.fd = process->reply_fd, .events = POLLIN},
        {.fd = cb_cancel_fd(cancel), .events = POLLIN},
    };

    while (poll(polls, 2, -1) < 0 && errno == EINTR)
        continue;
    return !polls[0].revents;
}

int cb_process_wait(struct cb_process *process, struct cb_cancel *cancel,
                    struct cb_exit *out, struct cb_error **err)
{
    if (!process->ended) {
        int canceled = wait_end(process, cancel);

        if (canceled)
            kill_process(process);
        if (receive_exit(process, err) < 0)
            return -1;
        if (canceled)
            return cb_cancel_check(cancel, err);
    }
    *out = process->exit;
    return 0;
}

void cb_process_free(struct cb_process *process)
{
    if (!process)
        return;
    if (!process->ended && process->reply_fd >= 0 && process->pidfd >= 0) {
        kill_process(process);
        receive_exit(process, NULL);
    }
    cb_stub_list_remove(&process->stubs);
    cb_close(&process->pidfd);
    cb_close(&process->reply_fd);
    cb_close(&process->report_fd);
    cb_close(&process->tty_fd);
    free(process);
}
