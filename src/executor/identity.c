/* Who and where the process is: network, host name, limits, filter, credentials. */
#include "executor/sandbox-priv.h"

#include "base/user-namespace.h"
#include "executor/caps-priv.h"

#include <errno.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

int cb_step_loopback(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                     struct cb_error **err)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    cb_autofd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
        return cb_error_errno(err, errno, "bring up the loopback interface");
    return 0;
}

int cb_step_hostname(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                     struct cb_error **err)
{
    const char *name = cb_sandbox_text(sandbox, step->text);

    if (sethostname(name, strlen(name)) < 0)
        return cb_error_errno(err, errno, "host name `%s`", name);
    return 0;
}

/* As --ulimit takes it. */
static int64_t as_typed(uint64_t limit)
{
    return limit == RLIM_INFINITY ? -1 : (int64_t)limit;
}

int cb_step_rlimit(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                   struct cb_error **err)
{
    struct rlimit limit = {.rlim_cur = step->value, .rlim_max = step->value2};
    int resource = step->mode;

    if (step->flags & CB_PLAN_INSTEAD && sandbox->stage->cgroups.base_fd[CB_CG_PIDS] >= 0)
        return 0;
    if (setrlimit(resource, &limit) == 0)
        return 0;
    cb_error_errno(err, errno, "ulimit %s=%lld:%lld",
                   cb_sandbox_text(sandbox, step->text), (long long)as_typed(step->value),
                   (long long)as_typed(step->value2));
    if (getrlimit(resource, &limit) < 0)
        return -1;
    return cb_error_hint(err, "the hard limit that cbuild was started with is %lld",
                         (long long)as_typed(limit.rlim_max));
}

int cb_step_seccomp(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                    struct cb_error **err)
{
    struct sock_fprog prog = sandbox->stage->seccomp;

    if (step->text_len) {
        prog.filter = (struct sock_filter *)(sandbox->plan.pool + step->text);
        prog.len = (unsigned short)step->text_len;
    } else if (step->value != sandbox->stage->seccomp_caps &&
               cb_seccomp_compile(step->value, &prog, err) < 0)
        return -1;
    return cb_seccomp_load(&prog, err);
}

static int set_groups(const char *bytes, size_t count, struct cb_error **err)
{
    gid_t groups[CB_ARRAY_SIZE(((struct cb_user *)0)->groups)];

    memcpy(groups, bytes, count * sizeof(*groups));
    if (setgroups(count, groups) < 0)
        return cb_error_errno(err, errno, "supplementary groups");
    return 0;
}

/* The change of user clears what the death of the launcher would send, and the rule that
 * nobody may look into a process that is not the step's program yet. */
int cb_step_user(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                 struct cb_error **err)
{
    if (cb_caps_bound(step->value, err) < 0 ||
        set_groups(cb_sandbox_text(sandbox, step->text), step->text_len, err) < 0)
        return -1;
    if (setresgid(step->gid, step->gid, step->gid) < 0 ||
        setresuid(step->uid, step->uid, step->uid) < 0) {
        cb_error_errno(err, errno, "become user %u:%u", step->uid, step->gid);
        return cb_mapped_ids_hint(err, step->uid, step->gid);
    }
    if (cb_caps_set(step->value2, err) < 0)
        return -1;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return cb_error_errno(err, errno, "prctl");
    return 0;
}

int cb_step_no_new_privs(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                         struct cb_error **err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return cb_error_errno(err, errno, "no new privileges");
    return 0;
}
