/* Inside the engine: a request that was checked, its inputs, its secrets, and the log of
 * the build. */
#ifndef CB_ENGINE_PRIV_H
#define CB_ENGINE_PRIV_H

#include "engine/engine.h"

/* ── request.c ── */
/* The request's values, parsed. Every error names the option at fault. */
struct cb_checked_request {
    struct cb_strings names;    /* canonical, to be given to the image */
    struct cb_strings familiar; /* the same as people write them */
    struct cb_strings
        build_args;           /* "K=V": those without a value came from the environment */
    struct cb_strings labels; /* "K=V" */
    struct cb_platform platform;
    enum cb_op_network network;
    int allow_host_network, allow_insecure;
    uint64_t memory_bytes, shm_bytes;
    CB_VEC(struct cb_rlimit) rlimits;
    int64_t source_date_epoch; /* or -1 */
    int64_t cache_ttl_ns;
    struct cb_secrets *secrets;
};
int cb_request_check(struct cb_checked_request *out,
                     const struct cb_build_request *request, struct cb_error **err);
void cb_checked_request_clear(struct cb_checked_request *checked);
CB_AUTO_VALUE_DEFINE(cb_checked_request, cb_checked_request_clear)

/* ── limits.c ── */
/* --ulimit name=soft[:hard] */
int cb_request_ulimit(const char *text, struct cb_rlimit *out, struct cb_error **err);

/* ── secrets.c: --secret, read when the request is checked and kept in memory alone ── */
struct cb_secrets;
#define CB_SECRET_MAX_BYTES (500u * 1024)
int cb_secrets_new(struct cb_secrets **out, const struct cb_strings *options,
                   struct cb_error **err);
/* Wipes the values. */
void cb_secrets_free(struct cb_secrets *secrets);
CB_AUTO_DEFINE(cb_secrets, cb_secrets_free)
/* As struct cb_build_env's member: ARG is the cb_secrets. */
int cb_secrets_get(void *arg, const char *id, const void **bytes, size_t *len);

/* ── inputs.c: where the Dockerfile and the context come from ── */
struct cb_inputs {
    struct cb_source *dockerfile;
    struct cb_context *context;
};
int cb_inputs_open(struct cb_inputs *out, const struct cb_engine_env *env,
                   const struct cb_build_request *request, struct cb_error **err);
void cb_inputs_clear(struct cb_inputs *inputs);
CB_AUTO_VALUE_DEFINE(cb_inputs, cb_inputs_clear)

/* ── history.c: what happened in a build, kept below <store>/builds ── */
#define CB_HISTORY_KEPT 50
#define CB_BUILD_ID_LEN 14
struct cb_history_log;
/* Passes every event on to NEXT, those that explain a miss only if SHOW_MISSES. The file
 * is made when a step has something to say, or at the end. */
struct cb_history_log *cb_history_log_new(struct cb_store *store,
                                          struct cb_event_sink *next, int show_misses);
struct cb_event_sink *cb_history_log_sink(struct cb_history_log *log);
/* What is to be built; NAMES as people write them. */
void cb_history_log_begin(struct cb_history_log *log,
                          const struct cb_build_request *request,
                          const struct cb_strings *names);
/* How the build ended: ERROR NULL is success. */
void cb_history_log_end(struct cb_history_log *log,
                        const struct cb_build_outcome *outcome,
                        const struct cb_error *error);
void cb_history_log_free(struct cb_history_log *log);
CB_AUTO_DEFINE(cb_history_log, cb_history_log_free)

#endif
