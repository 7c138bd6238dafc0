/* The root of a run: attached in the child's copy of the launcher's small root, entered
 * by pivot_root, the rest let go. The working directory is opened in the root beforehand
 * and must turn out to lie under "/". */
#include "executor/sandbox-priv.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mount.h>
#include <sys/syscall.h>

int cb_step_rootfs(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                   struct cb_error **err)
{
    if (cb_tree_attach(&sandbox->api, sandbox->fds[step->fd], AT_FDCWD, CB_STAGE_ROOTFS) <
        0) {
        cb_error_errno(err, errno, "attach the root filesystem");
        return cb_error_hint(err, "before Linux 6.15 a detached mount serves one run");
    }
    sandbox->root_fd = open(CB_STAGE_ROOTFS, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (sandbox->root_fd < 0)
        return cb_error_errno(err, errno, "open the root filesystem");
    return 0;
}

int cb_step_cwd(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                struct cb_error **err)
{
    const char *path = cb_sandbox_text(sandbox, step->target);
    int failed;

    if (step->flags & CB_PLAN_CREATE)
        failed = cb_fs_mkdirs_in_root(sandbox->root_fd, path, 0755, step->uid, step->gid,
                                      &sandbox->cwd_fd, err);
    else
        failed = cb_fs_open_in_root(sandbox->root_fd, path, O_PATH | O_DIRECTORY, 0,
                                    &sandbox->cwd_fd, err);
    return failed ? cb_error_wrap(err, "working directory `%s`", path) : 0;
}

/* The kernel's answer starts with "(unreachable)" for a directory outside the root. */
static int check_cwd(struct cb_error **err)
{
    char path[PATH_MAX];

    if (syscall(SYS_getcwd, path, sizeof(path)) < 0)
        return cb_error_errno(err, errno, "working directory");
    if (path[0] != '/')
        return cb_error_set(err, CB_ERR_DENIED,
                            "working directory is outside the root filesystem");
    return 0;
}

int cb_step_enter(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                  struct cb_error **err)
{
    if (cb_stubs_report(sandbox, err) < 0)
        return -1;
    /* The old root ends up stacked on the new one and is the only thing left to let go.
     */
    if (fchdir(sandbox->root_fd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
        umount2(".", MNT_DETACH) < 0)
        return cb_error_errno(err, errno, "enter the root filesystem");
    if (fchdir(sandbox->cwd_fd) < 0)
        return cb_error_errno(err, errno, "enter the working directory");
    return check_cwd(err);
}
