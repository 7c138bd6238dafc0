/* Settings of the kernel for one process: its domain name, how readily it is killed when
 * memory runs out, and what its namespaces have of /proc/sys. All is written through the
 * launcher's own procfs, before the root is entered. */
#include "executor/sandbox-priv.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

int cb_step_domainname(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                       struct cb_error **err)
{
    const char *name = cb_sandbox_text(sandbox, step->text);

    if (setdomainname(name, strlen(name)) < 0)
        return cb_error_errno(err, errno, "domain name `%s`", name);
    return 0;
}

/* What nobody may look into belongs to the machine's root, in /proc too; in a user
 * namespace that is not us. Only processes of the same user could look in meanwhile. */
static int open_oom_score(const struct cb_stage *stage)
{
    int fd;

    if (stage->in_userns)
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    fd = openat(stage->proc_fd, "self/oom_score_adj", O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (stage->in_userns)
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return fd;
}

int cb_step_oom_score(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                      struct cb_error **err)
{
    cb_autofd int fd = open_oom_score(sandbox->stage);
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)(int64_t)step->value);
    if ((fd >= 0 && cb_fs_write_all(fd, text, strlen(text)) == 0) ||
        step->flags & CB_PLAN_TRY)
        return 0;
    cb_error_errno(err, errno, "--oom-score-adj %s", text);
    return cb_error_hint(err, "less than 0 needs CAP_SYS_RESOURCE");
}

int cb_step_sysctl(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                   struct cb_error **err)
{
    const char *path = cb_sandbox_text(sandbox, step->target);
    const char *value = cb_sandbox_text(sandbox, step->text);
    cb_autofree char *file = xasprintf("sys/%s", path);
    cb_autofd int fd =
        openat(sandbox->stage->proc_fd, file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

    if ((fd < 0 || cb_fs_write_all(fd, value, strlen(value)) < 0) &&
        !(step->flags & CB_PLAN_TRY))
        return cb_error_errno(err, errno, "sysctl `%s` to `%s`", path, value);
    return 0;
}
