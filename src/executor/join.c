/* One more process in a sandbox that runs: its namespaces are joined, all at once, before
 * anything of the plan is done. The launcher has put us into its pid namespace when it
 * cloned us, and we have entered its control group. Nobody in there can look into us: we
 * are not dumpable until the program is executed, and what is executed of ours is sealed
 * (seal.c). */
#include "executor/sandbox-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>

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

int cb_step_join(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                 struct cb_error **err)
{
    if (setns(sandbox->join_fd, (int)step->value) < 0)
        return cb_error_errno(err, errno, "join the container");
    sandbox->root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    sandbox->dev_fd = open("/dev", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    sandbox->pts_fd = open("/dev/pts", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (sandbox->root_fd < 0 || sandbox->dev_fd < 0 || sandbox->pts_fd < 0)
        return cb_error_errno(err, errno, "open the container's root");
    return enter_cwd(sandbox, step, err);
}
