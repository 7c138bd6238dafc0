/* What steps take from elsewhere, and what they may do: for who tells how an image was
 * made. */
#ifndef CB_OPS_FACTS_H
#define CB_OPS_FACTS_H

#include "ops/ops.h"

enum cb_step_kind {
    CB_STEP_FILES, /* files are copied, made or put together */
    CB_STEP_IMAGE,
    CB_STEP_URL,
    CB_STEP_GIT,
    CB_STEP_CONTEXT,
    CB_STEP_RUN,
};
/* Only what belongs to KIND is set; all borrowed from the step. What it found out of its
 * source (DIGEST, COMMIT) is there once it has a key. */
struct cb_step_facts {
    enum cb_step_kind kind;
    const struct cb_resolved_image *image; /* NULL: scratch */
    const char *url;
    struct cb_digest digest; /* of what the URL delivers */
    const struct cb_git_ref *repository;
    const struct cb_git_commit *commit;
    const struct cb_context *context;
    const char *name;                   /* of the context */
    const struct cb_platform *platform; /* of an image or a RUN; or NULL */
    const struct cb_strings *argv,
        *env; /* of a RUN; no secret and no proxy is in there */
    const char *cwd, *user;
    enum cb_op_network network;
    enum cb_security security;
    const struct cb_exec_mount *mounts;
    size_t mount_count;
};
struct cb_step_facts cb_step_facts(const struct cb_vertex *vertex);

#endif
