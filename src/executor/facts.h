/* What the executor has to work with on this machine, for `cbuild info`. */
#ifndef CB_EXECUTOR_FACTS_H
#define CB_EXECUTOR_FACTS_H

#include "executor/executor.h"

#include <stdint.h>

struct cb_executor_facts {
    int cgroup_version;           /* 0: none mounted */
    struct cb_strbuf controllers; /* those a step can be limited by: "pids memory cpu" */
    int seccomp;                  /* 1: the kernel has filters */
    uint32_t ids;                 /* users and groups a step may have: 0 to IDS - 1 */
};
void cb_executor_facts_clear(struct cb_executor_facts *facts);
CB_AUTO_VALUE_DEFINE(cb_executor_facts, cb_executor_facts_clear)

/* Makes a sandbox on ROOTFS_FD, an empty directory, up to the point where a program would
 * be executed, and lets it go. The error is what a step would fail with. */
int cb_executor_try(struct cb_launcher *launcher, int rootfs_fd, struct cb_error **err);

/* After cb_userns_enter. */
void cb_executor_facts(struct cb_executor_facts *out);

#endif
