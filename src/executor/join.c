/* One more process in a sandbox that runs. All is done by a helper that nobody in there
 * sees: it joins the namespaces, all at once, before anything else of the plan, but stays
 * in the launcher's pid namespace. Only at its end is the process born that they do see,
 * as the launcher's child, with the user, the capabilities, the filter and the
 * descriptors it is to have, and enters the control group. A process of the container
 * that may trace others (CAP_SYS_PTRACE) so finds nothing of ours in it: not the host's
 * procfs, not a capability more than it is given (CVE-2016-9962 was that). All others
 * cannot look into it before its program is executed, because it is not dumpable; and
 * what is executed of ours is sealed (seal.c). */
#include "executor/launcher-priv.h"

#include "base/descriptors.h"
#include "executor/sandbox-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* The working directory of a joined root is entered here: there is no pivot_root to
 * follow. */
static int enter_cwd(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                     struct cb_error **err)
{
    if (cb_step_cwd(sandbox, step, err) < 0)
        return -1;
    if (fchdir(sandbox->cwd_fd) < 0)
        return cb_error_errno(err, errno, "enter the working directory");
    return 0;
}

/* FLAGS without the namespaces that we are in as well, since it has the host's: those of
 * another user namespace cannot be joined without root. */
static int leave_out_shared(const struct cb_sandbox *sandbox, int flags)
{
    static const struct {
        int flag;
        const char *name;
    } kinds[] = {
        {CLONE_NEWPID, "pid"}, {CLONE_NEWNS, "mnt"},  {CLONE_NEWIPC, "ipc"},
        {CLONE_NEWUTS, "uts"}, {CLONE_NEWNET, "net"}, {CLONE_NEWCGROUP, "cgroup"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(kinds); i++) {
        struct stat ours, theirs;
        char path[64];

        snprintf(path, sizeof(path), "self/ns/%s", kinds[i].name);
        if (fstatat(sandbox->stage->proc_fd, path, &ours, 0) < 0)
            continue;
        snprintf(path, sizeof(path), "%d/ns/%s", (int)sandbox->join_pid, kinds[i].name);
        if (fstatat(sandbox->stage->proc_fd, path, &theirs, 0) == 0 &&
            ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino)
            flags &= ~kinds[i].flag;
    }
    return flags;
}

int cb_step_join(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                 struct cb_error **err)
{
    if (setns(sandbox->join_fd, leave_out_shared(sandbox, (int)step->value)) < 0)
        return cb_error_errno(err, errno, "join the container");
    sandbox->root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    sandbox->dev_fd = open("/dev", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    sandbox->pts_fd = open("/dev/pts", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (sandbox->root_fd < 0 || sandbox->dev_fd < 0 || sandbox->pts_fd < 0)
        return cb_error_errno(err, errno, "open the container's root");
    return enter_cwd(sandbox, step, err);
}

/* What the child needs until it executes its program. */
static void drop_descriptors(const struct cb_sandbox *sandbox)
{
    int keep[CB_CONTROLLERS + 1] = {sandbox->report_fd};
    size_t count = 1;

    for (int i = 0; i < CB_CONTROLLERS; i++) {
        if (sandbox->cgroup->procs_fd[i] >= 0)
            keep[count++] = sandbox->cgroup->procs_fd[i];
    }
    cb_descriptors_keep(sandbox->stage->proc_fd, keep, count);
}

static int begin_life(const struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                      struct cb_error **err)
{
    setsid();
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return cb_error_errno(err, errno, "prctl");
    if (step->flags & CB_PLAN_TTY && ioctl(0, TIOCSCTTY, 0) < 0)
        return cb_error_errno(err, errno, "controlling terminal");
    return cb_cgroup_join(sandbox->cgroup, 0, err);
}

int cb_step_birth(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                  struct cb_error **err)
{
    pid_t *born = sandbox->born;
    pid_t pid;

    drop_descriptors(sandbox);
    if (madvise(born, CB_BORN_BYTES, MADV_DONTFORK) < 0)
        return cb_error_errno(err, errno, "madvise");
    /* The kernel notes who was born: between the birth and a note of ours we may be
     * killed, and a child that the launcher does not know of would never be reaped. */
    pid = (pid_t)syscall(SYS_clone, CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD, NULL,
                         born, NULL, NULL);
    if (pid < 0)
        return cb_error_errno(err, errno, "enter the container");
    if (pid == 0)
        return begin_life(sandbox, step, err);
    _exit(0);
}
