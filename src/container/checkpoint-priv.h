/* What a checkpoint says of the processes in it, for who makes them and brings them back.
 * Private to this directory. */
#ifndef CB_CONTAINER_CHECKPOINT_PRIV_H
#define CB_CONTAINER_CHECKPOINT_PRIV_H

#include "container/checkpoint.h"

#define CB_CHECKPOINT_CONFIG "config.json"
#define CB_CHECKPOINT_LOCK   "lock"
#define CB_CHECKPOINT_LOG    "dump.log"

struct cb_checkpoint {
    char *streams[3]; /* "pipe:[7]", or "" */
    /* Where something is mounted in it: by us, as it has it from outside; and what is
     * made anew by criu. */
    struct cb_strings ours, theirs;
};
void cb_checkpoint_clear(struct cb_checkpoint *checkpoint);
CB_AUTO_VALUE_DEFINE(cb_checkpoint, cb_checkpoint_clear)

int cb_checkpoint_save(const struct cb_checkpoint *checkpoint, int dir_fd,
                       const char *name, struct cb_error **err);
int cb_checkpoint_load(struct cb_checkpoint *checkpoint, int dir_fd,
                       struct cb_error **err);

/* criu's path; caller frees. NOT_FOUND, with what to install. */
int cb_checkpoint_find_criu(char **path, struct cb_error **err);
/* After a failure: what criu's LOG in DIR_FD has of it, and where that is. Always -1. */
int cb_checkpoint_explain(int dir_fd, const char *log, struct cb_error **err);

/* ── checkpoint-mounts.c ── */
/* MOUNTINFO is of a process that was started with SPEC. UNSUPPORTED for what could not be
 * mounted again. */
int cb_checkpoint_sort_mounts(struct cb_checkpoint *out, const char *mountinfo,
                              const struct cb_process_spec *spec, struct cb_error **err);

#endif
