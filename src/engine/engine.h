/* One build end to end: request → plan → solve → export. */
#ifndef CB_ENGINE_ENGINE_H
#define CB_ENGINE_ENGINE_H

#include "base/cancel.h"
#include "base/event.h"
#include "base/json-writer.h"
#include "engine/settings.h"
#include "executor/executor.h"
#include "frontend/frontend.h"
#include "network/network.h"
#include "store/store.h"

/* --call: what to find out instead of building. */
enum cb_call_kind {
    CB_CALL_BUILD,
    CB_CALL_CHECK,
    CB_CALL_OUTLINE,
    CB_CALL_TARGETS,
    CB_CALL_DESCRIBE, /* what can be called */
    CB_CALL_LOCK      /* the lock file is written: `cbuild lock` */
};
struct cb_lock_change {
    char *name;      /* of an image, URL or branch */
    char *from, *to; /* NULL: it was not, is not in the file */
};
struct cb_lock_result {
    char *path; /* of the file */
    size_t count;
    CB_VEC(struct cb_lock_change) changes; /* in the order of the file */
};
struct cb_call_result {       /* of the kind that was asked for */
    struct cb_source *source; /* the Dockerfile, once it was read */
    struct cb_check_result check;
    struct cb_outline outline;
    struct cb_dockerfile *targets; /* the stages of it */
    struct cb_lock_result lock;
};
void cb_call_result_clear(struct cb_call_result *result);
CB_AUTO_VALUE_DEFINE(cb_call_result, cb_call_result_clear)

/* One of several targets, and what becomes of it. */
struct cb_build_target {
    const char *stage;
    struct cb_strings tags, outputs;
    const char *iidfile, *metadata_file; /* or NULL */
    int push, load;
};

struct cb_build_request {
    enum cb_call_kind call;
    const char *context;    /* a directory, "-" (stdin: Dockerfile or tar) */
    const char *dockerfile; /* -f: path, "-" for stdin, NULL: <context>/Dockerfile (then
                               dockerfile) */
    struct cb_strings tags, build_args, labels, secrets, add_hosts, dns, dns_search,
        dns_options, no_cache_filter, allow, ulimits, contexts, cache_from, cache_to,
        outputs, annotations, ssh, cache_places, cdi_dirs, attests;
    struct cb_strings envs, unsets, unset_envs, unset_labels; /* of the image */
    const char *from; /* takes the place of the first FROM's image; or NULL */
    int omit_history;
    int docker_types;              /* Docker's media types for what is pushed */
    const char *provenance, *sbom; /* as typed; or NULL */
    struct cb_strings insecure;    /* registries by http, or https that is not verified */
    int skip_tls_verify;           /* of all registries */
    struct cb_strings platforms;   /* as typed, each maybe several with commas */
    const char *target;
    /* Several in one build: each instead of TARGET, TAGS, OUTPUTS, IIDFILE,
     * METADATA_FILE, PUSH and LOAD. */
    CB_VEC(struct cb_build_target) targets;
    const char *network; /* default, none, host, container:X, or a network's name */
    const struct cb_network_joined *joined; /* with container:X: X's; borrowed */
    const char *iidfile, *metadata_file;
    const char *shm_size; /* as typed */
    struct cb_limit_options limits;
    struct cb_strings security_opts, devices;
    struct cb_strings volumes; /* -v HOST:DIR[:ro] */
    const char *ignorefile;    /* in the place of .dockerignore, or NULL */
    const char *ignore_syntax; /* docker (or NULL), git */
    const char *context_mode;  /* keep (or NULL), git */
    enum cb_pull_policy pull;
    int no_cache;
    const char *cache_ttl;          /* as typed: older results are not used */
    int offline;                    /* nothing is asked of any server */
    int locked;                     /* sources are those of the lock file */
    const char *lock_file;          /* NULL: beside the Dockerfile, NAME.lock */
    int lock_update;                /* CALL_LOCK: what is in the file is resolved anew */
    struct cb_strings lock_targets; /* CALL_LOCK: several, in the place of TARGET */
    int explain;
    int push, load;
    int optimize_metadata;
    const char *squash;   /* "" since the base, a stage: since that; "true"; NULL: not */
    const char *on_error; /* what becomes of a RUN that failed: "shell", or NULL */
    int keep_failed;
    unsigned jobs;            /* 0: cores */
    unsigned retries;         /* --retry: of RUN steps that fail */
    const char *step_timeout; /* as typed */
};
void cb_build_request_clear(struct cb_build_request *request);
CB_AUTO_VALUE_DEFINE(cb_build_request, cb_build_request_clear)

struct cb_engine_env {
    struct cb_store *store;
    struct cb_launcher *launcher;
    struct cb_cancel *cancel;
    struct cb_event_sink *sink;
    int stdin_fd;
    const struct cb_settings *settings; /* borrowed until cb_engine_finish; or NULL */
    /* Lets people look around in the sandbox of a step that failed, or NULL. */
    void (*shell)(void *arg, const struct cb_process_spec *spec, const char *error);
    void *shell_arg;
};
struct cb_build_outcome {
    struct cb_digest image_id; /* of several platforms: of their index when one was
                                  written, else the image that names lead to here. Unset
                                  when no image was asked for */
    CB_VEC(struct cb_digest)
    image_ids;               /* of all targets that are images, in their order;
                                the last is IMAGE_ID */
    int is_kept;             /* the image is the store's: a step told so */
    struct cb_digest digest; /* of the manifest or index that was pushed or archived
                                last; unset: none was */
    int took_stdout;         /* an output went to standard output */
    struct cb_strings names; /* familiar */
    struct cb_solve_stats stats;
    struct cb_call_result call;
};
void cb_build_outcome_clear(struct cb_build_outcome *outcome);
CB_AUTO_VALUE_DEFINE(cb_build_outcome, cb_build_outcome_clear)
/* Validates the request first, naming the option at fault (USAGE). Full step logs are
 * kept below the store. On failure of a RUN step the error is of kind EXIT with the
 * step's code. Slow tear-down (bridges) happens in cb_engine_finish, after the result is
 * reported. */
struct cb_engine;
int cb_engine_build(const struct cb_engine_env *env,
                    const struct cb_build_request *request, struct cb_build_outcome *out,
                    struct cb_engine **engine, struct cb_error **err);
/* The directory REQUEST->context under the ignore rules that a build of it would have
 * with the store STORE_ROOT. Neither that nor a Dockerfile needs to be there. */
int cb_engine_open_directory(struct cb_context **out,
                             const struct cb_build_request *request,
                             const char *store_root, struct cb_error **err);
/* The names a Dockerfile may have when none is given, the first of them first; ends with
 * NULL. */
extern const char *const cb_dockerfile_names[];
/* What a build left running; accepts NULL. */
void cb_engine_finish(struct cb_engine *engine);
CB_AUTO_DEFINE(cb_engine, cb_engine_finish)

/* ── A step that failed and was kept (failed.c) ── */
struct cb_kept_step {
    char *error; /* what was said of it */
    struct cb_snapshot *layer;
    struct cb_strings argv, env;
    char *cwd, *user, *hostname, *network;
    int insecure;
};
void cb_kept_step_clear(struct cb_kept_step *step);
CB_AUTO_VALUE_DEFINE(cb_kept_step, cb_kept_step_clear)
/* ID: of a build. NOT_FOUND if it kept none. */
int cb_kept_step_open(struct cb_store *store, const char *id, struct cb_kept_step *out,
                      struct cb_error **err);

/* The members of EVENT, a warning or a notice (which is one of no level), as BuildKit's
 * clients know them. */
void cb_warning_write(struct cb_writer *out, const struct cb_event *event);

/* ── Builds that were (builds.c reads what history.c wrote) ── */
struct cb_built_step {
    uint64_t number; /* as plain progress shows it */
    char *name;      /* "[2/3] RUN make" */
    const char
        *state; /* "cached", "done", "error", "canceled", "running", "unfinished" */
    double start_s, end_s; /* since 1970; 0: not known */
    char *miss;            /* why the cache had nothing, or NULL */
    char *error;           /* or NULL */
    uint64_t log_bytes;
    int has_usage; /* a process ran */
    struct cb_step_usage usage;
    CB_VEC(uint64_t) inputs; /* the steps whose results it takes */
};
struct cb_built {
    char *id;
    const char *result; /* "succeeded", "failed", "canceled", "running", "interrupted" */
    double start_s, end_s;                                          /* 0: not known */
    char *context, *dockerfile, *target, *platform, *image, *error; /* or NULL */
    struct cb_strings names;
    int64_t steps_total, steps_cached, steps_executed;
    uint64_t bytes; /* on disk */
    CB_VEC(struct cb_built_step) steps;
};
void cb_built_clear(struct cb_built *built);
CB_AUTO_VALUE_DEFINE(cb_built, cb_built_clear)
/* Ids, newest first. */
int cb_builds_list(struct cb_store *store, struct cb_strings *ids, struct cb_error **err);
/* TEXT: an id, how one ends, ^N (N builds before the newest), NULL: the newest.
 * NOT_FOUND, USAGE when several end so. */
int cb_builds_find(struct cb_store *store, const char *text, char **id,
                   struct cb_error **err);
/* WITH_STEPS: reads all of the log, else its first and last line. */
int cb_builds_read(struct cb_store *store, const char *id, int with_steps,
                   struct cb_built *out, struct cb_error **err);
/* Calls WRITE for each piece of output of step NUMBER (0: of all), in order. */
int cb_builds_log(struct cb_store *store, const char *id, uint64_t number,
                  int (*write)(void *arg, uint64_t number, int stream, const char *text,
                               struct cb_error **err),
                  void *arg, struct cb_error **err);
/* A running one is DENIED. */
int cb_builds_remove(struct cb_store *store, const char *id, struct cb_error **err);

#endif
