/* Facts are found by the code that uses them, or by asking the kernel for the same thing.
 */
#include "executor/facts.h"

#include "base/user-namespace.h"
#include "executor/cgroup-priv.h"

#include <errno.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

void cb_executor_facts_clear(struct cb_executor_facts *facts)
{
    cb_strbuf_free(&facts->controllers);
}

static int has_filters(void)
{
    uint32_t action = SECCOMP_RET_ERRNO;

    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

/* In version 1 each controller is a hierarchy below a plain directory. */
static int cgroup_version(const struct cb_cgroups *cgroups)
{
    struct statfs fs;

    if (statfs("/sys/fs/cgroup", &fs) < 0)
        return 0;
    if (fs.f_type == CGROUP2_SUPER_MAGIC || cgroups->unified)
        return 2;
    return access("/sys/fs/cgroup/pids/tasks", F_OK) == 0 ? 1 : 0;
}

void cb_executor_facts(struct cb_executor_facts *out)
{
    static const struct {
        enum cb_controller controller;
        const char *name;
    } controllers[] = {
        {CB_CG_PIDS, "pids"}, {CB_CG_MEMORY, "memory"}, {CB_CG_CPU, "cpu"}};
    struct cb_cgroups cgroups;

    cb_cgroups_find(&cgroups);
    cb_cgroups_open(&cgroups, NULL);
    for (size_t i = 0; i < CB_ARRAY_SIZE(controllers); i++) {
        if (cgroups.base_fd[controllers[i].controller] >= 0)
            cb_strbuf_addf(&out->controllers, "%s%s", out->controllers.len ? " " : "",
                           controllers[i].name);
    }
    out->cgroup_version = cgroup_version(&cgroups);
    cb_cgroups_leave(&cgroups);
    out->seccomp = has_filters();
    out->ids = cb_mapped_ids();
}

/* No command: that this is all there is to complain of shows that the rest works. */
int cb_executor_try(struct cb_launcher *launcher, int rootfs_fd, struct cb_error **err)
{
    cb_auto_value(cb_strings) argv = {0};
    cb_auto_value(cb_strings) env = {0};
    cb_auto(cb_process) process = NULL;
    cb_auto(cb_error) error = NULL;
    struct cb_process_spec spec;

    cb_process_spec_init(&spec);
    cb_strings_add(&argv, "/nothing");
    spec.rootfs_fd = rootfs_fd;
    spec.argv = &argv;
    spec.env = &env;
    spec.cwd = "/";
    spec.user = "";
    if (cb_process_start(launcher, &spec, &process, &error) == 0 ||
        (cb_error_kind(error) == CB_ERR_NOT_FOUND && cb_error_errnum(error) == ENOENT))
        return 0;
    return cb_error_move(err, &error);
}
