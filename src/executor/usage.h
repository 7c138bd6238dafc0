/* What a sandbox that runs has, found by its first process: its processes, and what they
 * use. Control groups of both versions are read where they are. */
#ifndef CB_EXECUTOR_USAGE_H
#define CB_EXECUTOR_USAGE_H

#include "base/error.h"
#include "base/vec.h"

#include <stdint.h>
#include <sys/types.h>

struct cb_pids {
    pid_t *items;
    size_t count, capacity;
};
void cb_pids_free(struct cb_pids *pids);
CB_AUTO_VALUE_DEFINE(cb_pids, cb_pids_free)

/* All in the control group of PID; without one all that its launcher started. */
void cb_process_list(pid_t pid, struct cb_pids *out);

/* Zero is also what nobody counts here. */
struct cb_process_usage {
    uint64_t cpu_ns;
    uint64_t memory_bytes, memory_limit_bytes; /* without what could be dropped at once */
    uint64_t read_bytes, written_bytes;        /* of block devices */
    uint64_t received_bytes, sent_bytes;       /* of its network */
    uint64_t pids;
};
void cb_process_measure(pid_t pid, struct cb_process_usage *out);

/* Lets go on what was frozen with PID, by a launcher that is gone. PIDFD says that the
 * number is still its own. Version 1: in version 2 a process dies frozen, too. */
void cb_process_thaw(pid_t pid, int pidfd);

#endif
