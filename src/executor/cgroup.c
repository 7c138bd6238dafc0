/* A leaf for one step. It costs one directory: pids always (a fork bomb must end
 * somewhere), the others only when they limit something, since each hierarchy of version
 * 1 is another directory and another move. In version 1 the child moves itself as a
 * thread ("tasks"), which it is: to move a process the kernel stops all others from
 * forking first, and waits milliseconds for that. The leaf is called <name>-<launcher's
 * pid> and locked by its launcher, so that the next one can tell what a killed one left
 * behind. */
#include "executor/cgroup-priv.h"

#include "base/log.h"
#include "base/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEAF_TRIES 10

/* Without root a limit that cannot be had is left out, as docker does it. The number of
 * processes is limited in another way: see plan.c. */
static void drop_unavailable(struct cb_cgroups *cgroups, struct cb_limits *limits)
{
    cb_auto_value(cb_strbuf) names = {0};

    for (int i = 0; i < CB_CONTROLLERS; i++) {
        if (!cb_cgroup_wants(i, limits) || cgroups->base_fd[i] >= 0)
            continue;
        if (i != CB_CG_PIDS)
            cb_strbuf_addf(&names, "%s%s", names.len ? ", " : "",
                           cb_controller_name(cgroups, i));
        cb_cgroup_drop(i, limits);
    }
    if (*limits->cgroup_parent && !cb_cgroups_are_there(cgroups) &&
        !(cgroups->warned & CB_WARNED_PARENT)) {
        cb_warn("nothing is made below --cgroup-parent `%s`: no cgroup was delegated to "
                "this user",
                limits->cgroup_parent);
        cgroups->warned |= CB_WARNED_PARENT;
    }
    if (names.len && !(cgroups->warned & CB_WARNED_USER))
        cb_warn("no limit of %s: no cgroup was delegated to this user",
                cb_strbuf_text(&names));
    cgroups->warned |= CB_WARNED_PIDS | (names.len ? CB_WARNED_USER : 0);
}

/* Version 2 has no controller for devices and needs none. */
static int is_there(const struct cb_cgroups *cgroups, int which)
{
    return cgroups->base_fd[which] >= 0 || (which == CB_CG_DEVICES && cgroups->unified);
}

/* Nobody is let at the devices of others because nothing can keep him from it. */
static int check_devices(const struct cb_cgroups *cgroups, const struct cb_limits *limits,
                         struct cb_error **err)
{
    if (!limits->only_granted || (cgroups->unified && cb_cgroups_are_there(cgroups)) ||
        cgroups->base_fd[CB_CG_DEVICES] >= 0)
        return 0;
    cb_error_set(err, CB_ERR_UNSUPPORTED, "--device-cgroup-rule: cannot limit devices");
    return cb_error_hint(err, "the devices cgroup controller is not available here");
}

static int check_available(struct cb_cgroups *cgroups, const struct cb_limits *limits,
                           struct cb_error **err)
{
    for (int i = 0; i < CB_CONTROLLERS; i++) {
        if (!cb_cgroup_wants(i, limits) || is_there(cgroups, i))
            continue;
        cb_error_set(err, CB_ERR_UNSUPPORTED, "cannot limit %s",
                     cb_controller_name(cgroups, i));
        return cb_error_hint(err, "the %s cgroup controller is not available here",
                             cb_controller_name(cgroups, i));
    }
    if (cgroups->base_fd[CB_CG_PIDS] < 0 && !(cgroups->warned & CB_WARNED_PIDS)) {
        cgroups->warned |= CB_WARNED_PIDS;
        cb_warn("no pids cgroup controller: the number of processes of a step is not "
                "limited");
    }
    return 0;
}

/* Is there to be a directory in the hierarchy at index WHICH? A unified one has all of
 * its controllers at index 0. */
static int is_wanted(const struct cb_cgroups *cgroups, int which,
                     const struct cb_limits *limits)
{
    int any = 0;

    if (!cgroups->unified)
        return cgroups->base_fd[which] >= 0 &&
               (which == CB_CG_PIDS || limits->all_controllers ||
                cb_cgroup_wants(which, limits));
    for (int i = 0; i < CB_CONTROLLERS; i++)
        any |= cgroups->base_fd[i] >= 0;
    return which == 0 && any;
}

/* A directory of the hierarchy: the controller's own, or any of a unified one. */
static int pick(const struct cb_cgroups *cgroups, const int fds[CB_CONTROLLERS],
                int which)
{
    for (int i = 0; cgroups->unified && i < CB_CONTROLLERS; i++) {
        if (fds[i] >= 0)
            return fds[i];
    }
    return fds[which];
}

/* --cgroup-parent: made where it is missing, and left. */
static int open_parent(const struct cb_cgroups *cgroups, int which, const char *path,
                       struct cb_error **err)
{
    cb_autofree char *copy = xstrdup(path);
    cb_autofd int dir = fcntl(pick(cgroups, cgroups->root_fd, which), F_DUPFD_CLOEXEC, 3);
    char *rest = NULL;

    for (char *name = strtok_r(copy, "/", &rest); name && dir >= 0;
         name = strtok_r(NULL, "/", &rest)) {
        int next = -1;

        if (mkdirat(dir, name, 0755) == 0 || errno == EEXIST)
            next = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next >= 0 && cgroups->unified)
            cb_cgroup_pass_on(next);
        cb_close(&dir);
        dir = next;
    }
    if (dir < 0)
        return cb_error_errno(err, errno, "--cgroup-parent `%s`", path);
    return cb_steal_fd(&dir);
}

/* Somebody who takes the directory for one that was left may remove it before it is
 * locked: then it has no files. */
static void open_leaf(const struct cb_cgroups *cgroups, struct cb_cgroup *cgroup,
                      int which)
{
    int dir = openat(cgroup->parent_fd[which], cgroup->name,
                     O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (dir < 0)
        return;
    flock(dir, LOCK_SH);
    cgroup->dir_fd[which] = dir;
    cgroup->procs_fd[which] =
        openat(dir, cgroups->unified ? "cgroup.procs" : "tasks", O_WRONLY | O_CLOEXEC);
}

/* Our directory of a unified hierarchy is the first controller's that there is. */
static int first_of(const struct cb_cgroups *cgroups, int which)
{
    for (int i = 0; cgroups->unified && i < CB_CONTROLLERS; i++) {
        if (cgroups->base_fd[i] >= 0)
            return i;
    }
    return which;
}

static int open_above(const struct cb_cgroups *cgroups, struct cb_cgroup *cgroup,
                      int which, const char *parent, struct cb_error **err)
{
    if (*parent)
        cgroup->parent_fd[which] = open_parent(cgroups, which, parent, err);
    else
        cgroup->parent_fd[which] =
            fcntl(cgroups->base_fd[first_of(cgroups, which)], F_DUPFD_CLOEXEC, 3);
    if (cgroup->parent_fd[which] >= 0)
        return 0;
    return *parent ? -1 : cb_error_errno(err, errno, "duplicate a descriptor");
}

/* 1: ours is not there any more, since whoever had the last leaf in it has removed it. */
static int make_directory(const struct cb_cgroup *cgroup, int which, const char *what,
                          int is_ours, struct cb_error **err)
{
    if (mkdirat(cgroup->parent_fd[which], cgroup->name, 0755) == 0 || errno == EEXIST)
        return 0;
    if ((errno == ENOENT || errno == ENODEV) && is_ours)
        return 1;
    return cb_error_errno(err, errno, "create the %s cgroup `%s`", what, cgroup->name);
}

static int make_leaf(struct cb_cgroups *cgroups, struct cb_cgroup *cgroup, int which,
                     const char *parent, struct cb_error **err)
{
    const char *what = cb_controller_name(cgroups, which);

    if (open_above(cgroups, cgroup, which, parent, err) < 0)
        return -1;
    for (int i = 0; i < LEAF_TRIES && cgroup->procs_fd[which] < 0; i++) {
        int gone = make_directory(cgroup, which, what, !*parent, err);

        if (gone < 0)
            return -1;
        cb_close(&cgroup->dir_fd[which]);
        if (!gone) {
            open_leaf(cgroups, cgroup, which);
            continue;
        }
        cb_close(&cgroup->parent_fd[which]);
        if (cb_cgroups_renew(cgroups, first_of(cgroups, which)) < 0)
            return cb_error_errno(err, errno, "make a directory for %s cgroups", what);
        if (open_above(cgroups, cgroup, which, parent, err) < 0)
            return -1;
    }
    if (cgroup->procs_fd[which] < 0)
        return cb_error_errno(err, errno, "open the %s cgroup `%s`", what, cgroup->name);
    return 0;
}

void cb_cgroup_none(struct cb_cgroup *cgroup)
{
    *cgroup = (struct cb_cgroup){0};
    for (int i = 0; i < CB_CONTROLLERS; i++)
        cgroup->parent_fd[i] = cgroup->dir_fd[i] = cgroup->procs_fd[i] = -1;
}

int cb_cgroup_create(struct cb_cgroups *cgroups, const char *name,
                     const struct cb_limits *limits, struct cb_cgroup *out,
                     struct cb_error **err)
{
    struct cb_limits possible = *limits;

    cb_cgroup_none(out);
    cb_cgroups_open(cgroups, limits);
    if (check_devices(cgroups, limits, err) < 0)
        return -1;
    if (cgroups->of_user)
        drop_unavailable(cgroups, &possible);
    limits = &possible;
    snprintf(out->name, sizeof(out->name), "%s-%d", name, getpid());
    if (check_available(cgroups, limits, err) < 0)
        return -1;
    for (int i = 0; i < CB_CONTROLLERS; i++) {
        if (is_wanted(cgroups, i, limits) &&
            make_leaf(cgroups, out, i, limits->cgroup_parent, err) < 0) {
            cb_cgroup_finish(cgroups, out, NULL);
            return -1;
        }
    }
    if (cb_cgroup_set_limits(cgroups, out, limits, err) < 0) {
        cb_cgroup_finish(cgroups, out, NULL);
        return -1;
    }
    return 0;
}

int cb_cgroup_change(struct cb_cgroups *cgroups, const struct cb_cgroup *cgroup,
                     const struct cb_limits *limits, struct cb_error **err)
{
    struct cb_limits possible = *limits;

    cgroups->warned &= ~(unsigned)CB_WARNED_USER; /* who asks now was not told */
    cb_cgroups_open(cgroups, limits);
    if (cgroups->of_user)
        drop_unavailable(cgroups, &possible);
    else if (check_available(cgroups, &possible, err) < 0)
        return -1;
    return cb_cgroup_set_limits(cgroups, cgroup, &possible, err);
}

int cb_cgroup_is_there(const struct cb_cgroup *cgroup)
{
    for (int i = 0; i < CB_CONTROLLERS; i++) {
        if (cgroup->dir_fd[i] >= 0)
            return 1;
    }
    return 0;
}

int cb_cgroup_freeze(const struct cb_cgroups *cgroups, const struct cb_cgroup *cgroup,
                     int on, struct cb_error **err)
{
    int dir = cgroup->dir_fd[cgroups->unified ? 0 : CB_CG_FREEZER];

    if (dir < 0)
        return cb_error_set(err, CB_ERR_UNSUPPORTED,
                            "there is no control group that could freeze it");
    if (cb_cgroup_set_frozen(dir, cgroups->unified, on) < 0)
        return cb_error_errno(err, errno,
                              on ? "freeze the processes" : "let the processes go on");
    return 0;
}

int cb_cgroup_join(const struct cb_cgroup *cgroup, int private, struct cb_error **err)
{
    for (int i = 0; i < CB_CONTROLLERS; i++) {
        if (cgroup->procs_fd[i] < 0)
            continue;
        if (write(cgroup->procs_fd[i], "0", 1) != 1)
            return cb_error_errno(err, errno, "enter the cgroup `%s`", cgroup->name);
    }
    if (private && unshare(CLONE_NEWCGROUP) < 0 && errno != EINVAL)
        return cb_error_errno(err, errno, "new cgroup namespace");
    return 0;
}

static void collect(const struct cb_cgroups *cgroups, const struct cb_cgroup *cgroup,
                    struct cb_exit *exit)
{
    int dir = cgroup->dir_fd[cgroups->unified ? 0 : CB_CG_MEMORY];
    const char *peak = cgroups->unified ? "memory.peak" : "memory.max_usage_in_bytes";
    const char *events = cgroups->unified ? "memory.events" : "memory.oom_control";
    uint64_t bytes;

    if (dir < 0)
        return;
    bytes = cb_cgroup_read_number(dir, peak, NULL);
    if (bytes)
        exit->peak_memory_bytes = bytes;
    exit->oom_killed = cb_cgroup_read_number(dir, events, "oom_kill ") > 0;
}

/* What nobody has of the real time of ours is for others again. While somebody has some
 * the kernel says no. */
static void return_real_time(const struct cb_cgroups *cgroups)
{
    int base = cgroups->base_fd[CB_CG_CPU];

    if (!cgroups->unified && cb_cgroup_read_number(base, "cpu.rt_runtime_us", NULL))
        cb_cgroup_write_number(base, "cpu.rt_runtime_us", 0);
}

void cb_cgroup_finish(const struct cb_cgroups *cgroups, struct cb_cgroup *cgroup,
                      struct cb_exit *exit)
{
    const int had_cpu = cgroup->dir_fd[CB_CG_CPU] >= 0;

    if (exit)
        collect(cgroups, cgroup, exit);
    if (cgroup->dir_fd[CB_CG_FREEZER] >= 0)
        cb_cgroup_freeze(cgroups, cgroup, 0, NULL); /* what is frozen does not die */
    for (int i = 0; i < CB_CONTROLLERS; i++) {
        int parent = cgroup->parent_fd[i];

        cb_close(&cgroup->procs_fd[i]);
        if (cgroup->dir_fd[i] >= 0)
            cb_cgroup_remove(parent, cgroup->name);
        cb_close(&cgroup->dir_fd[i]);
        cb_close(&cgroup->parent_fd[i]);
    }
    if (had_cpu)
        return_real_time(cgroups);
}
