/* Control groups, version 1, version 2 or none: one leaf per step below `cbuild`. */
#ifndef CB_EXECUTOR_CGROUP_PRIV_H
#define CB_EXECUTOR_CGROUP_PRIV_H

#include "executor/protocol-priv.h"

enum cb_controller { CB_CG_PIDS, CB_CG_MEMORY, CB_CG_CPU, CB_CONTROLLERS };

/* Found once, by the launcher. */
struct cb_cgroups {
    int unified;                 /* one hierarchy for all controllers */
    int base_fd[CB_CONTROLLERS]; /* our directory `cbuild`, or -1; one fd when unified */
    int warned;
    int of_user; /* in a user namespace: what was not delegated is warned of, no error */
};
void cb_cgroups_find(struct cb_cgroups *cgroups);
/* Removes leaves of launchers that are gone. */
void cb_cgroups_sweep(const struct cb_cgroups *cgroups);

/* One step's leaf. */
struct cb_cgroup {
    char name[CB_CGROUP_NAME_MAX + 32];
    int dir_fd[CB_CONTROLLERS];   /* -1: none */
    int procs_fd[CB_CONTROLLERS]; /* written by the child, about itself */
    int limits_memory;
};
/* Limits that were asked for and cannot be set are an error; the default number of pids
 * is set where the kernel has it. */
int cb_cgroup_create(struct cb_cgroups *cgroups, const char *name,
                     const struct cb_limits *limits, struct cb_cgroup *out,
                     struct cb_error **err);
/* In the child: moves it, and makes the leaf the root of what it sees. */
int cb_cgroup_join(const struct cb_cgroup *cgroup, struct cb_error **err);
/* Fills what is known into EXIT, and removes the leaf. EXIT may be NULL. */
void cb_cgroup_finish(const struct cb_cgroups *cgroups, struct cb_cgroup *cgroup,
                      struct cb_exit *exit);

#endif
