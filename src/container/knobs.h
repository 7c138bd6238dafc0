/* Docker's options for a container's sandbox, checked. Private to this directory. */
#ifndef CB_CONTAINER_KNOBS_H
#define CB_CONTAINER_KNOBS_H

#include "container/container.h"
#include "executor/cdi.h"
#include "executor/security.h"

/* What a process spec borrows from. */
struct cb_run_knobs {
    struct cb_limits limits;
    struct cb_security_settings security;
    struct cb_device_nodes nodes;
    struct cb_cdi_edits cdi;
    CB_VEC(struct cb_rlimit) rlimits;
    struct cb_mounts tmpfs; /* targets and options are owned */
    struct cb_strings groups;
    uint64_t shm_bytes; /* 0: docker's 64 MiB */
};
void cb_run_knobs_clear(struct cb_run_knobs *knobs);

/* Parses all options first, so that nothing is started for what is wrong. USAGE. */
int cb_run_knobs_parse(struct cb_run_knobs *out, const struct cb_run_request *request,
                       struct cb_error **err);
/* Before the container is made: devices are looked for when it starts, as docker does. */
int cb_run_knobs_check(const struct cb_run_request *request, struct cb_error **err);
/* What of them is in SPEC itself; its mounts are for spec.c. */
void cb_run_knobs_apply(const struct cb_run_knobs *knobs,
                        const struct cb_run_request *request,
                        struct cb_process_spec *spec);

/* ── tmpfs.c: --tmpfs PATH[:OPTIONS] ── */
int cb_run_tmpfs_parse(struct cb_mounts *out, const char *text, struct cb_error **err);
void cb_run_tmpfs_clear(struct cb_mounts *mounts);

#endif
