/* COPY and ADD as a vertex: what it was made with, and how it is carried out. */
#ifndef CB_OPS_COPY_OP_PRIV_H
#define CB_OPS_COPY_OP_PRIV_H

#include "ops/copy-priv.h"

struct cb_copy_origin {
    int input;
    char *path, *name;
    void *content;
    size_t content_len;
    int unpack;
    int keeps_path; /* --parents */
    size_t index;   /* among the paths of its input's selector */
};

struct cb_copy_payload {
    struct cb_build_env *env;
    CB_VEC(struct cb_copy_origin) sources;
    char *dest, *chown;
    char *chmod_text;
    struct cb_chmod *chmod;
    int is_add, from_stage;
    size_t owner_input;
    char **selectors; /* per input; NULL for input 0 and those without a path */
    int *by_identity; /* per input: its times count, too */
    char **labels;
    size_t input_count;
    struct cb_key_parts parts;
};

/* Of struct cb_op_class; the payload is a cb_copy_payload. */
int cb_copy_exec(void *payload, struct cb_exec_context *context, struct cb_result **out,
                 struct cb_error **err);

#endif
