/* Leaves of launchers that are gone: what is left in them is killed, and they are
 * removed.
 */
#include "executor/cgroup-priv.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static void thaw_leaf(int base, const char *name)
{
    cb_autofd int leaf =
        openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (leaf >= 0)
        cb_cgroup_set_frozen(leaf, 0, 0);
}

/* <name>-<pid of the launcher>, where a name is a random number or a container's id: in a
 * directory that was chosen (--cgroup-parent) there may be groups of others. */
static int is_leaf(const char *leaf)
{
    size_t len = strspn(leaf, "0123456789abcdef");
    const char *digits = leaf + len + 1;

    return (len == 16 || len == 64) && leaf[len] == '-' && *digits &&
           !digits[strspn(digits, "0123456789")];
}

/* The number tells nothing: a launcher in another pid namespace is not seen from here,
 * one that was killed may have nobody who reaps it, and its number may be another's by
 * now. Its lock does. Returns the leaf, locked, or -1. */
static int open_abandoned(int base, const char *name)
{
    cb_autofd int leaf = -1;

    if (!is_leaf(name))
        return -1;
    leaf = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (leaf < 0 || flock(leaf, LOCK_EX | LOCK_NB) < 0)
        return -1;
    return cb_steal_fd(&leaf);
}

/* The kernel counts them in the links of their directory. */
static int has_leaves(int base)
{
    struct stat st;

    return fstat(base, &st) < 0 || st.st_nlink != 2;
}

/* Calls EACH for leaves in the directory BASE whose launcher does not exist any more. */
static void sweep(int base, void (*each)(int base, const char *name))
{
    int copy =
        has_leaves(base) ? openat(base, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        cb_autofd int leaf =
            entry->d_type == DT_DIR ? open_abandoned(base, entry->d_name) : -1;

        if (leaf >= 0)
            each(base, entry->d_name);
    }
    if (dir)
        closedir(dir);
}

void cb_cgroup_sweep_beside(const struct cb_cgroup *cgroup)
{
    if (cgroup->parent_fd[CB_CG_FREEZER] >= 0)
        sweep(cgroup->parent_fd[CB_CG_FREEZER], thaw_leaf);
    for (int i = 0; i < CB_CONTROLLERS; i++)
        if (cgroup->parent_fd[i] >= 0)
            sweep(cgroup->parent_fd[i], cb_cgroup_remove);
}

/* What was not opened has leaves if it was ever made. */
static void sweep_all(const struct cb_cgroups *cgroups, int which,
                      void (*each)(int base, const char *name))
{
    int base = cgroups->base_fd[which], root = cgroups->root_fd[which];
    cb_autofd int opened =
        base < 0 && root >= 0
            ? openat(root, CB_CGROUP_BASE, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            : -1;

    if (base >= 0 || opened >= 0)
        sweep(base >= 0 ? base : opened, each);
}

void cb_cgroups_sweep(const struct cb_cgroups *cgroups)
{
    /* What is frozen does not die. */
    sweep_all(cgroups, CB_CG_FREEZER, thaw_leaf);
    for (int i = 0; i < CB_CONTROLLERS; i++) {
        sweep_all(cgroups, i, cb_cgroup_remove);
        if (cgroups->unified && cgroups->base_fd[i] >= 0)
            break;
    }
}
