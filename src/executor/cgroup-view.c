/* What a process sees of version 1's control groups: as runc does it, a tmpfs on
 * /sys/fs/cgroup with a directory for each hierarchy. Only those are in it that the
 * process has a group of its own in, which is the root of what it sees, so neither the
 * names of other groups nor a release_agent are in sight; and all is read-only, unless it
 * was granted everything. */
#include "executor/sandbox-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define STRICT (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV)

/* "cpu,cpuacct", found again as "cpu" and "cpuacct". */
static int link_parts(int dir_fd, const char *hierarchy)
{
    cb_autofree char *copy = xstrdup(hierarchy);
    char *rest = NULL;

    if (!strchr(hierarchy, ','))
        return 0;
    for (char *part = strtok_r(copy, ",", &rest); part;
         part = strtok_r(NULL, ",", &rest)) {
        if (symlinkat(hierarchy, dir_fd, part) < 0)
            return -1;
    }
    return 0;
}

static int show_hierarchy(struct cb_sandbox *sandbox, int dir_fd, const char *hierarchy,
                          uint64_t attributes, struct cb_error **err)
{
    cb_autofd int tree = -1;

    if (mkdirat(dir_fd, hierarchy, 0755) < 0) {
        /* Of another controller in the same hierarchy. */
        return errno == EEXIST ? 0
                               : cb_error_errno(err, errno, "directory `%s`", hierarchy);
    }
    tree = cb_tree_new(&sandbox->api, "cgroup", hierarchy, attributes);
    if (tree < 0 || cb_tree_attach(&sandbox->api, tree, dir_fd, hierarchy) < 0 ||
        link_parts(dir_fd, hierarchy) < 0)
        return cb_error_errno(err, errno, "control groups of `%s`", hierarchy);
    return 0;
}

int cb_step_cgroups(struct cb_sandbox *sandbox, const struct cb_plan_step *step,
                    struct cb_error **err)
{
    const struct cb_cgroups *cgroups = &sandbox->stage->cgroups;
    cb_autofd int target = -1, dir = -1;

    if (cgroups->unified || !cb_cgroup_is_there(sandbox->cgroup))
        return 0;
    if (cb_target_open(sandbox, step, &target, err) < 0)
        return -1;
    if (target < 0)
        return 0;
    dir = cb_tree_new(&sandbox->api, "tmpfs", "mode=755", STRICT);
    if (dir < 0 || cb_tree_attach(&sandbox->api, dir, target, "") < 0)
        return cb_error_errno(err, errno, "mount on `/sys/fs/cgroup`");
    for (int i = 0; i < CB_CONTROLLERS; i++) {
        if (sandbox->cgroup->dir_fd[i] >= 0 &&
            show_hierarchy(sandbox, dir, cgroups->hierarchy[i], step->value, err) < 0)
            return cb_error_wrap(err, "mount on `/sys/fs/cgroup`");
    }
    if (cb_tree_set(&sandbox->api, dir, MOUNT_ATTR_RDONLY | STRICT, 0) < 0)
        return cb_error_errno(err, errno, "make `/sys/fs/cgroup` read-only");
    return 0;
}
