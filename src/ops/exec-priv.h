/* RUN, in parts: what the vertex knows, its key, its mounts, its output. */
#ifndef CB_OPS_EXEC_PRIV_H
#define CB_OPS_EXEC_PRIV_H

#include "ops/ops-priv.h"

struct cb_exec_step { /* the payload; everything owned */
    struct cb_build_env *env;
    struct cb_strings argv, variables, quiet_variables, args;
    char *cwd, *user;
    enum cb_op_network network;
    enum cb_security security;
    struct cb_exec_mount *mounts;
    size_t mount_count;
    char *pipe_name;
    void *pipe_content;
    size_t pipe_len;
    struct cb_platform platform;
    char **selectors; /* per input: what the mounts take from it; NULL for input 0 */
    char **labels;
    size_t *selector_index; /* per mount: index among the paths of its input's selector */
    size_t input_count;
    int renew_caches;
    struct cb_exec_device *devices;
    size_t device_count;
};

const char *cb_exec_hostname(const struct cb_exec_step *step);
/* The named parts of the key. */
void cb_exec_key_parts(const struct cb_exec_step *step, struct cb_key_parts *parts);

/* ── Mounts: what they hold open until the process has ended ── */
struct cb_exec_cache_dir { /* two mounts of one cache in a step share it */
    char *key;
    int fd;
};
struct cb_exec_mounts {
    const struct cb_exec_step *step; /* whose they are */
    struct cb_exec_context *context; /* that it runs in */
    struct cb_mounts mounts;
    CB_VEC(int) fds;
    CB_VEC(struct cb_lock *) locks;
    CB_VEC(struct cb_snapshot *) discarded; /* where writes to rw binds end up */
    struct cb_scratch *script;              /* holds a heredoc's file */
    struct cb_strings texts;                /* contents of small files */
    CB_VEC(struct cb_exec_cache_dir) caches;
    struct cb_strings variables; /* for the environment: secrets, and what devices need */
    struct cb_strings groups;    /* further ones of the user's */
    CB_VEC(struct cb_ssh_socket *) ssh;
};
int cb_exec_mounts_prepare(struct cb_exec_mounts *mounts, struct cb_error **err);
void cb_exec_mounts_clear(struct cb_exec_mounts *mounts);
CB_AUTO_VALUE_DEFINE(cb_exec_mounts, cb_exec_mounts_clear)
struct cb_mount *cb_exec_mount_add(struct cb_exec_mounts *mounts, enum cb_mount_type type,
                                   const char *target);
/* What the step's devices are made of. */
int cb_exec_devices(struct cb_exec_mounts *mounts, struct cb_error **err);
/* One mount each. */
int cb_exec_mount_secret(struct cb_exec_mounts *mounts, const struct cb_exec_mount *mount,
                         struct cb_error **err);
/* Of a step that failed: which of its secrets it may have missed. Returns -1. */
int cb_exec_hint_missing(const struct cb_exec_step *step, struct cb_error **err);
int cb_exec_mount_ssh(struct cb_exec_mounts *mounts, const struct cb_exec_mount *mount,
                      struct cb_error **err);
static inline const char *cb_exec_mount_source(const struct cb_exec_mount *mount)
{
    return mount->source && *mount->source ? mount->source : "/";
}
/* What MOUNT, that of INDEX or like it, shows; *FD is OUT's. */
int cb_exec_bind_open(struct cb_exec_mounts *mounts, const struct cb_exec_mount *mount,
                      size_t index, int *fd, struct cb_error **err);
int cb_exec_mount_bind(struct cb_exec_mounts *mounts, size_t index,
                       struct cb_error **err);
/* Opens all caches of the step, in the order of their names, whatever order they are
 * written in: steps that have caches for themselves never wait for each other. Before
 * cb_exec_mount_cache. */
int cb_exec_caches_open(struct cb_exec_mounts *mounts, struct cb_error **err);
int cb_exec_mount_cache(struct cb_exec_mounts *mounts, size_t index,
                        struct cb_error **err);

/* ── A socket for one step, behind which an SSH agent answers ── */
struct cb_ssh_socket;
/* CONNECT gives a connection to the agent for each one of the step's (as env->ssh). */
struct cb_ssh_source {
    int (*connect)(void *arg, const char *id, int *fd, struct cb_error **err);
    void *arg;
    const char *id; /* copied */
};
int cb_ssh_socket_open(struct cb_ssh_socket **out, struct cb_store *store,
                       const struct cb_ssh_source *source, struct cb_error **err);
/* An O_PATH descriptor of the socket; borrowed. */
int cb_ssh_socket_fd(const struct cb_ssh_socket *socket);
/* Ends all connections and removes the socket. */
void cb_ssh_socket_close(struct cb_ssh_socket *socket);
CB_AUTO_DEFINE(cb_ssh_socket, cb_ssh_socket_close)

/* ── The process ── */
struct cb_exec_end {
    struct cb_exit exit;
    int timed_out;
    int too_large; /* its layer; it was killed for that */
};
/* Runs the step once in LAYER. A process that failed is an error of kind EXIT. LAST:
 * there is no other attempt, so that env->failed is told. */
int cb_exec_attempt(const struct cb_exec_step *step, struct cb_exec_context *context,
                    struct cb_snapshot *layer, int last, struct cb_error **err);

/* ── exec-end.c ── */
/* Tells what the process took, and makes an error of its failure. */
int cb_exec_check_end(const struct cb_exec_step *step, struct cb_exec_context *context,
                      const struct cb_exec_end *end, struct cb_error **err);

/* ── Output ── */
struct cb_exec_output {
    int read_fds[2], write_fds[2]; /* stdout, stderr */
};
int cb_exec_output_open(struct cb_exec_output *output, struct cb_error **err);
void cb_exec_output_close(struct cb_exec_output *output);
CB_AUTO_VALUE_DEFINE(cb_exec_output, cb_exec_output_close)
/* What a process may not overstep: it is killed then, and END says for what. */
struct cb_exec_bounds {
    int64_t timeout_ms;              /* 0: none */
    const struct cb_snapshot *layer; /* that it writes to */
};
/* Passes on what the process writes until it has ended (or the build is canceled). */
int cb_exec_output_pump(struct cb_exec_output *output, struct cb_process *process,
                        struct cb_exec_context *context,
                        const struct cb_exec_bounds *bounds, struct cb_exec_end *end,
                        struct cb_error **err);

#endif
