/* Walks the plan. Nothing here decides anything: each kind of step has its function, the
 * first failure is reported to the caller over the report socket and ends the process.
 * The socket closes by itself when the program is executed, which is how success is told.
 */
#include "executor/sandbox-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>

static cb_sandbox_step *const steps[CB_PLAN_KINDS] = {
    [CB_PLAN_JOIN] = cb_step_join,
    [CB_PLAN_NAMESPACE] = cb_step_namespace,
    [CB_PLAN_LOOPBACK] = cb_step_loopback,
    [CB_PLAN_HOSTNAME] = cb_step_hostname,
    [CB_PLAN_DOMAINNAME] = cb_step_domainname,
    [CB_PLAN_OOM_SCORE] = cb_step_oom_score,
    [CB_PLAN_SYSCTL] = cb_step_sysctl,
    [CB_PLAN_ROOTFS] = cb_step_rootfs,
    [CB_PLAN_FILESYSTEM] = cb_step_filesystem,
    [CB_PLAN_CGROUPS] = cb_step_cgroups,
    [CB_PLAN_DEVICE] = cb_step_device,
    [CB_PLAN_NODE] = cb_step_node,
    [CB_PLAN_LINK] = cb_step_link,
    [CB_PLAN_CONSOLE] = cb_step_console,
    [CB_PLAN_BIND] = cb_step_bind,
    [CB_PLAN_FILE] = cb_step_file,
    [CB_PLAN_MASK] = cb_step_mask,
    [CB_PLAN_READ_ONLY] = cb_step_read_only,
    [CB_PLAN_CWD] = cb_step_cwd,
    [CB_PLAN_ENTER] = cb_step_enter,
    [CB_PLAN_STDIO] = cb_step_stdio,
    [CB_PLAN_RLIMIT] = cb_step_rlimit,
    [CB_PLAN_SECCOMP] = cb_step_seccomp,
    [CB_PLAN_USER] = cb_step_user,
    [CB_PLAN_NO_NEW_PRIVS] = cb_step_no_new_privs,
    [CB_PLAN_BIRTH] = cb_step_birth,
    [CB_PLAN_LEND] = cb_step_lend,
    [CB_PLAN_RESTORE] = cb_step_restore,
    [CB_PLAN_INIT] = cb_step_init,
    [CB_PLAN_EXEC] = cb_step_exec,
};

/* The launcher may have died between the clone and the request for its death signal. */
static int follow_launcher(const struct cb_stage *stage, struct cb_error **err)
{
    struct pollfd launcher = {.fd = stage->self_pidfd, .events = POLLIN};

    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return cb_error_errno(err, errno, "prctl");
    if (poll(&launcher, 1, 0) > 0)
        _exit(1);
    return 0;
}

int cb_sandbox_walk(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                    struct cb_error **err)
{
    if (step->kind >= CB_PLAN_KINDS || !steps[step->kind])
        return cb_error_set(err, CB_ERR_INTEGRITY, "unknown step in the sandbox plan");
    return steps[step->kind](sandbox, step, err);
}

/* The root is there. *NEXT: the step after it, or after those that are done already. */
static int fill_root(struct cb_sandbox *sandbox, size_t *next, struct cb_error **err)
{
    if (!cb_early_is(sandbox, *next)) {
        cb_early_forget(sandbox);
        return 0;
    }
    if (cb_early_place(sandbox, *next, err) < 0)
        return -1;
    *next += sandbox->early.count;
    return 0;
}

static int run_steps(struct cb_sandbox *sandbox, struct cb_error **err)
{
    for (size_t i = 0; i < sandbox->plan.count;) {
        const struct cb_plan_step *step = &sandbox->plan.steps[i++];

        if (cb_sandbox_walk(sandbox, step, err) < 0 ||
            (step->kind == CB_PLAN_ROOTFS && fill_root(sandbox, &i, err) < 0))
            return -1;
    }
    return cb_error_set(err, CB_ERR_INTEGRITY, "sandbox plan has no end");
}

static void report_failure(const struct cb_sandbox *sandbox, const struct cb_error *error)
{
    struct cb_report report = {
        .type = CB_REPORT_FAILED,
        .kind = cb_error_kind(error),
        .command_errno = sandbox->command_errno,
    };

    cb_message_pack_error(report.text, error);
    cb_message_send(sandbox->report_fd, &report, sizeof(report), NULL, 0);
}

static void init(struct cb_sandbox *sandbox)
{
    sandbox->api = (struct cb_mount_api){.legacy = sandbox->stage->legacy,
                                         .proc_fd = sandbox->stage->proc_fd};
    sandbox->root_fd = sandbox->dev_fd = sandbox->pts_fd = sandbox->early_fd = -1;
    sandbox->cwd_fd = sandbox->tty_fd = sandbox->files_fd = -1;
}

static int begin(struct cb_sandbox *sandbox, struct cb_error **err)
{
    if (follow_launcher(sandbox->stage, err) < 0 ||
        (sandbox->join_fd < 0 &&
         cb_cgroup_join(sandbox->cgroup, sandbox->private_cgroup, err) < 0))
        return -1;
    setsid();
    return 0;
}

/* Who joins another sandbox mounts nothing, and has no mount namespace of its own that it
 * could mount in: it would be the launcher's. */
static int make_stage(struct cb_sandbox *sandbox, struct cb_error **err)
{
    return sandbox->stage->legacy && sandbox->join_fd < 0
               ? cb_stage_make_own(sandbox, err)
               : 0;
}

_Noreturn void cb_sandbox_run(struct cb_sandbox *sandbox, int plan_fd, uint32_t plan_len)
{
    struct cb_error *error = NULL;

    init(sandbox);
    if (begin(sandbox, &error) == 0 &&
        cb_plan_map(&sandbox->plan, plan_fd, plan_len, &error) == 0 &&
        make_stage(sandbox, &error) == 0)
        run_steps(sandbox, &error);
    report_failure(sandbox, error);
    _exit(1);
}

/* What goes wrong early is said when there is somebody to say it to; what was only
 * mounted too early goes wrong again or not at all. */
_Noreturn void cb_sandbox_wait(struct cb_sandbox *sandbox, int socket, int plan_fd,
                               uint32_t plan_len)
{
    struct cb_launch_request request;
    struct cb_error *error = NULL;
    int fds[CB_MESSAGE_MAX_FDS];
    size_t count;
    int begun;

    init(sandbox);
    begun = begin(sandbox, &error) == 0;
    if (begun && (cb_plan_map(&sandbox->plan, plan_fd, plan_len, NULL) < 0 ||
                  cb_early_mount(sandbox, NULL) < 0))
        cb_early_forget(sandbox);
    if (cb_message_receive(socket, &request, sizeof(request), fds, CB_MESSAGE_MAX_FDS,
                           &count) != sizeof(request) ||
        count < CB_REQUEST_FDS)
        _exit(1);
    sandbox->report_fd = fds[CB_REQUEST_FD_REPORT];
    sandbox->fds = fds + CB_REQUEST_FDS;
    sandbox->fd_count = count - CB_REQUEST_FDS;
    if (begun && cb_plan_map(&sandbox->plan, fds[CB_REQUEST_FD_PLAN], request.plan_len,
                             &error) == 0)
        run_steps(sandbox, &error);
    report_failure(sandbox, error);
    _exit(1);
}
