/* The values a specification starts from. */
#include "executor/executor.h"

/* Above the builder's own, so that memory pressure ends a step first. */
#define OOM_SCORE 200

void cb_process_spec_init(struct cb_process_spec *spec)
{
    *spec = (struct cb_process_spec){
        .rootfs_fd = -1,
        .netns_fd = -1,
        .oom_score = OOM_SCORE,
        .pid_of = {-1, -1},
        .ipc_of = {-1, -1},
        .stdin_fd = -1,
        .stdout_fd = -1,
        .stderr_fd = -1,
    };
}
