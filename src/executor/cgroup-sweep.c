/* Leaves of launchers that are gone: what is left in them is killed, and they are
 * removed.
 */
#include "executor/cgroup-priv.h"

#include "base/fs.h"
#include "executor/launcher-priv.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAT_MAX_BYTES 4096

static void thaw_leaf(int base, const char *name)
{
    cb_autofd int leaf =
        openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (leaf >= 0)
        cb_cgroup_set_frozen(leaf, 0, 0);
}

/* <name>-<pid of the launcher>, where a name is a random number or a container's id: in a
 * directory that was chosen (--cgroup-parent) there may be groups of others. Returns the
 * number, or NULL. */
static const char *launcher_of(const char *leaf)
{
    size_t len = strspn(leaf, "0123456789abcdef");
    const char *digits = leaf + len + 1;

    if ((len != 16 && len != 64) || leaf[len] != '-' || !*digits ||
        digits[strspn(digits, "0123456789")])
        return NULL;
    return digits;
}

/* Has the process of this number a launcher's name, and has it not ended? One that was
 * killed may have nobody who reaps it, and its number may be another's by now. */
static int is_launcher(int proc_fd, const char *digits)
{
    static const char name[] = " (" CB_LAUNCHER_NAME ") ";
    cb_autofree char *path = xasprintf("%s/stat", digits);
    cb_auto_value(cb_strbuf) text = {0};
    const char *found;

    if (cb_fs_read_file(proc_fd, path, STAT_MAX_BYTES, &text, NULL) < 0)
        return 0;
    found = strstr(cb_strbuf_text(&text), name);
    return found && !strchr("ZX", found[sizeof(name) - 1]);
}

static int is_at(int leaf, int base, const char *name)
{
    struct stat held, named;

    return fstat(leaf, &held) == 0 &&
           fstatat(base, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           held.st_ino == named.st_ino;
}

/* A launcher that is seen has its leaves, also one that has just made it and not locked
 * it yet, or that is of a version that locks none. One in another pid namespace is not
 * seen from here, but its lock is. Returns the leaf, locked, or -1: what is locked may
 * have been removed by somebody else, and made anew by who is to have it. */
static int open_abandoned(int base, const char *name, int proc_fd)
{
    const char *launcher = launcher_of(name);
    cb_autofd int leaf = -1;

    if (!launcher || is_launcher(proc_fd, launcher))
        return -1;
    leaf = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (leaf < 0 || flock(leaf, LOCK_EX | LOCK_NB) < 0 || !is_at(leaf, base, name))
        return -1;
    return cb_steal_fd(&leaf);
}

/* The kernel counts them in the links of their directory. */
static int has_leaves(int base)
{
    struct stat st;

    return fstat(base, &st) < 0 || st.st_nlink != 2;
}

struct sweep {
    int proc_fd; /* a procfs */
    void (*each)(int base, const char *name);
};

/* For leaves in the directory BASE whose launcher does not exist any more. */
static void sweep_in(const struct sweep *sweep, int base)
{
    int copy =
        has_leaves(base) ? openat(base, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        cb_autofd int leaf = entry->d_type == DT_DIR
                                 ? open_abandoned(base, entry->d_name, sweep->proc_fd)
                                 : -1;

        if (leaf >= 0)
            sweep->each(base, entry->d_name);
    }
    if (dir)
        closedir(dir);
}

void cb_cgroup_sweep_beside(const struct cb_cgroup *cgroup, int proc_fd)
{
    const struct sweep thawing = {proc_fd, thaw_leaf};
    const struct sweep removing = {proc_fd, cb_cgroup_remove};

    if (cgroup->parent_fd[CB_CG_FREEZER] >= 0)
        sweep_in(&thawing, cgroup->parent_fd[CB_CG_FREEZER]);
    for (int i = 0; i < CB_CONTROLLERS; i++)
        if (cgroup->parent_fd[i] >= 0)
            sweep_in(&removing, cgroup->parent_fd[i]);
}

/* What was not opened may have leaves if it is there, and is not needed without. */
static void sweep_hierarchy(const struct sweep *sweep, const struct cb_cgroups *cgroups,
                            int which)
{
    int base = cgroups->base_fd[which], root = cgroups->root_fd[which];
    cb_autofd int opened =
        base < 0 && root >= 0
            ? openat(root, CB_CGROUP_BASE, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            : -1;

    if (base >= 0 || opened >= 0)
        sweep_in(sweep, base >= 0 ? base : opened);
    if (opened >= 0)
        unlinkat(root, CB_CGROUP_BASE, AT_REMOVEDIR);
}

void cb_cgroups_sweep(const struct cb_cgroups *cgroups, int proc_fd)
{
    const struct sweep thawing = {proc_fd, thaw_leaf};
    const struct sweep removing = {proc_fd, cb_cgroup_remove};

    /* What is frozen does not die. */
    sweep_hierarchy(&thawing, cgroups, CB_CG_FREEZER);
    for (int i = 0; i < CB_CONTROLLERS; i++) {
        sweep_hierarchy(&removing, cgroups, i);
        if (cgroups->unified && cgroups->base_fd[i] >= 0)
            break;
    }
}
