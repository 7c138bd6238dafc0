/* Every device node of the host, for a container that is granted all of them. The nodes
 * are made anew in the container's own /dev, as Docker does: binding each would take more
 * descriptors than a request can carry. In a user namespace, which may make none, those
 * are bound that the user himself may open. */
#include "executor/plan-priv.h"

#include "base/fs.h"
#include "base/user-namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define NODES_MAX 4096
#define DEPTH_MAX 8
#define BINDS_MAX 128

/* What the container has its own of. */
static int is_own(const char *path)
{
    static const char *const own[] = {"pts",  "shm",     "mqueue", "console", "ptmx",
                                      "null", "zero",    "full",   "random",  "urandom",
                                      "tty",  "fd",      "stdin",  "stdout",  "stderr",
                                      "lxc",  "lxd-fuse"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(own); i++) {
        if (!strcmp(path, own[i]))
            return 1;
    }
    return 0;
}

static int bind_node(struct cb_plan *plan, int dir_fd, const char *name, const char *path,
                     struct cb_error **err)
{
    cb_autofree char *absolute = xasprintf("/dev/%s", path);

    if (plan->fds.count >= BINDS_MAX || (faccessat(dir_fd, name, R_OK, AT_EACCESS) < 0 &&
                                         faccessat(dir_fd, name, W_OK, AT_EACCESS) < 0))
        return 0;
    return cb_plan_bind_node(plan, absolute, err);
}

static int add_node(struct cb_plan *plan, int dir_fd, const char *name, const char *path,
                    const struct stat *node, struct cb_error **err)
{
    struct cb_plan_step *step;

    if (cb_in_user_namespace())
        return bind_node(plan, dir_fd, name, path, err);
    step = cb_plan_add_target(plan, CB_PLAN_NODE, path);
    step->mode = node->st_mode;
    step->uid = node->st_uid;
    step->gid = node->st_gid;
    step->value = node->st_rdev;
    return 0;
}

static int add_directory(struct cb_plan *plan, int dir_fd, const char *prefix,
                         unsigned depth, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};

    if (depth > DEPTH_MAX || plan->steps.count > NODES_MAX)
        return 0;
    if (cb_fs_list(dir_fd, &names, err) < 0)
        return cb_error_wrap(err, "/dev/%s", prefix);
    cb_vec_foreach (name, &names) {
        cb_autofree char *path = xasprintf("%s%s%s", prefix, *prefix ? "/" : "", *name);
        cb_autofd int sub = -1;
        struct stat st;

        if (is_own(path) || fstatat(dir_fd, *name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if ((S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) &&
            add_node(plan, dir_fd, *name, path, &st, err) < 0)
            return -1;
        if (!S_ISDIR(st.st_mode))
            continue;
        sub = openat(dir_fd, *name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        /* A directory of root's that a user may not look into has nothing for him. */
        if (sub >= 0 && add_directory(plan, sub, path, depth + 1, err) < 0)
            return -1;
    }
    return 0;
}

int cb_plan_add_nodes(struct cb_plan *plan, struct cb_error **err)
{
    cb_autofd int dev = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (dev < 0)
        return cb_error_errno(err, errno, "open `/dev`");
    return add_directory(plan, dev, "", 0, err);
}
