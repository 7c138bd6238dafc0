/* Control groups, version 1, version 2 or none: one leaf per step below `cbuild`. */
#ifndef CB_EXECUTOR_CGROUP_PRIV_H
#define CB_EXECUTOR_CGROUP_PRIV_H

#include "executor/protocol-priv.h"

enum cb_controller {
    CB_CG_PIDS,
    CB_CG_MEMORY,
    CB_CG_CPU,
    CB_CG_CPUSET,
    CB_CG_IO,
    CB_CG_DEVICES, /* this one and the next are of version 1 only */
    CB_CG_CPUACCT,
    CB_CG_FREEZER,
    CB_CONTROLLERS
};

#define CB_CGROUP_BASE "cbuild" /* our directory in a hierarchy */

/* Found once, by the launcher. */
struct cb_cgroups {
    int unified;                        /* one hierarchy for all controllers */
    int root_fd[CB_CONTROLLERS];        /* the hierarchy itself, or -1 */
    int base_fd[CB_CONTROLLERS];        /* our directory, or -1: see below */
    char hierarchy[CB_CONTROLLERS][64]; /* version 1: "cpu,cpuacct", what is mounted with
                                           it; "" where root_fd is -1 */
    unsigned warned;                    /* of what was told once, by CB_WARNED_* */
    int of_user; /* in a user namespace: what was not delegated is warned of, no error */
};
enum {
    CB_WARNED_PIDS = 1 << 0,
    CB_WARNED_SWAP = 1 << 1,
    CB_WARNED_WEIGHT = 1 << 2,
    CB_WARNED_OOM = 1 << 3,
    CB_WARNED_SWAPPINESS = 1 << 4,
    CB_WARNED_USER = 1 << 5,
    CB_WARNED_PARENT = 1 << 6,
};
void cb_cgroups_find(struct cb_cgroups *cgroups);
/* Of version 1 each hierarchy is one more directory to open or to make: that of pids is
 * opened at once, the others when there are LIMITS for them (NULL: all). */
void cb_cgroups_open(struct cb_cgroups *cgroups, const struct cb_limits *limits);
/* Closes our directories and removes those that are empty; who has them open may make a
 * leaf at that very moment, and has to renew them then. */
void cb_cgroups_leave(struct cb_cgroups *cgroups);
/* Our directory WHICH was removed: another in its place. -1 with errno. */
int cb_cgroups_renew(struct cb_cgroups *cgroups, int which);
/* Was any found that is ours to use? */
int cb_cgroups_are_there(const struct cb_cgroups *cgroups);
/* "pids"; version 2 calls block devices "io". */
const char *cb_controller_name(const struct cb_cgroups *cgroups,
                               enum cb_controller which);
/* Does LIMITS ask for more than a number of processes? */
int cb_cgroups_limit_more(const struct cb_limits *limits);
/* In version 2: lets the children of DIR_FD have the controllers there are. */
void cb_cgroup_pass_on(int dir_fd);

/* One step's leaf. A unified hierarchy has one directory, kept at index 0. */
struct cb_cgroup {
    char name[CB_CGROUP_NAME_MAX + 32];
    int parent_fd[CB_CONTROLLERS];
    int dir_fd[CB_CONTROLLERS];   /* -1: none */
    int procs_fd[CB_CONTROLLERS]; /* written by the child, about itself */
};
void cb_cgroup_none(struct cb_cgroup *cgroup);
/* Limits that were asked for and cannot be set are an error; the default number of pids
 * is set where the kernel has it. */
int cb_cgroup_create(struct cb_cgroups *cgroups, const char *name,
                     const struct cb_limits *limits, struct cb_cgroup *out,
                     struct cb_error **err);
/* Other limits for what runs; of what cannot be limited as at its start. */
int cb_cgroup_change(struct cb_cgroups *cgroups, const struct cb_cgroup *cgroup,
                     const struct cb_limits *limits, struct cb_error **err);
/* Is there any directory, so that what is in it can be found and killed? */
int cb_cgroup_is_there(const struct cb_cgroup *cgroup);
/* Stops all that is in it, or lets it go on. UNSUPPORTED where nothing can do that. */
int cb_cgroup_freeze(const struct cb_cgroups *cgroups, const struct cb_cgroup *cgroup,
                     int on, struct cb_error **err);
/* In the child: moves it, and, if PRIVATE, makes the leaf the root of what it sees. */
int cb_cgroup_join(const struct cb_cgroup *cgroup, int private, struct cb_error **err);
/* Kills what is left in the leaf, fills what is known into EXIT, and removes the leaf.
 * EXIT may be NULL. */
void cb_cgroup_finish(const struct cb_cgroups *cgroups, struct cb_cgroup *cgroup,
                      struct cb_exit *exit);

/* ── cgroup-sweep.c ── */
/* Removes leaves of launchers that are gone, and kills what is left in them. PROC_FD: a
 * procfs, where those that live are seen. */
void cb_cgroups_sweep(const struct cb_cgroups *cgroups, int proc_fd);
/* The same in the directories that this one was made in. */
void cb_cgroup_sweep_beside(const struct cb_cgroup *cgroup, int proc_fd);

/* ── cgroup-limits.c ── */
int cb_cgroup_wants(enum cb_controller which, const struct cb_limits *limits);
/* Takes the controller's limits out. */
void cb_cgroup_drop(enum cb_controller which, struct cb_limits *limits);
int cb_cgroup_set_limits(struct cb_cgroups *cgroups, const struct cb_cgroup *cgroup,
                         const struct cb_limits *limits, struct cb_error **err);

/* ── cgroup-devices.c: version 2. 0, or -1 with errno ── */
int cb_cgroup_limit_devices(int dir_fd, const struct cb_limits *limits);

/* ── cgroup-file.c: one value each. 0, or -1 with errno ── */
int cb_cgroup_write(int dir_fd, const char *file, const char *value);
int cb_cgroup_write_number(int dir_fd, const char *file, uint64_t value);
/* The number after KEY (or at the start of FILE when KEY is NULL); 0 when unknown. */
uint64_t cb_cgroup_read_number(int dir_fd, const char *file, const char *key);
/* Removes it with the groups that were made in it, and kills what is left in any. */
void cb_cgroup_remove(int parent_fd, const char *name);
/* Moves all processes of one group to another, as far as that is permitted. */
void cb_cgroup_move_all(int from_fd, int to_fd);
/* Of DIR_FD in the hierarchy that freezes. 0, or -1 with errno. */
int cb_cgroup_set_frozen(int dir_fd, int unified, int on);

#endif
