/* The values a specification starts from. */
#include "executor/executor.h"

void cb_process_spec_init(struct cb_process_spec *spec)
{
    *spec = (struct cb_process_spec){
        .rootfs_fd = -1,
        .netns_fd = -1,
        .stdin_fd = -1,
        .stdout_fd = -1,
        .stderr_fd = -1,
    };
}
