/* What the vertices of a build do. Each constructor fills vertex options for
 * cb_graph_add: op class, payload, definition. Payload strings are copied. Results are
 * snapshots, or the local context. The inputs the options name by index are all the
 * inputs the vertex has. */
#ifndef CB_OPS_OPS_H
#define CB_OPS_OPS_H

#include "context/context.h"
#include "context/git-url.h"
#include "executor/executor.h"
#include "executor/security.h"
#include "network/network.h"
#include "oci/oci.h"
#include "registry/registry.h"
#include "solver/solver.h"
#include "store/snapshot.h"
#include "store/store.h"

struct cb_failed_step;

/* Shared by all ops of one build; outlives the graph. */
struct cb_build_env {
    struct cb_store *store;
    struct cb_launcher *launcher;
    struct cb_registry *registry;
    const struct cb_remote *remote; /* URLs and git */
    struct cb_pool *pool;
    struct cb_event_sink *sink;
    struct cb_cancel *cancel;
    struct cb_network *networks[3];     /* by enum cb_op_network; made by the engine */
    const struct cb_strings *add_hosts; /* --add-host */
    const struct cb_dns_options *dns;   /* --dns, --dns-search, --dns-option; or NULL */
    const char *hostname;               /* of RUN steps */
    uint64_t shm_bytes;
    const struct cb_limits *limits; /* of each step; or NULL */
    const struct cb_rlimit *rlimits;
    size_t rlimit_count;
    const struct cb_security_settings *security; /* or NULL */
    const struct cb_device_nodes *nodes;         /* --device, of every step; or NULL */
    const struct cb_build_volume *volumes;       /* -v, of every step */
    size_t volume_count;
    /* Secrets by id: 1 found (bytes borrowed), 0 not given. */
    int (*secret)(void *arg, const char *id, const void **bytes, size_t *len);
    void *secret_arg;
    /* What stands for the value of a secret in the keys of steps that mount it, and tells
     * nothing of it; NULL: the value is in no key. */
    const char *(*secret_mac)(void *secret_arg, const char *id);
    /* A connection to the SSH agent ID stands for: 1 (*FD is the caller's), 0 not given.
     * FD NULL: only asks whether there is one. */
    int (*ssh)(void *arg, const char *id, int *fd, struct cb_error **err);
    void *ssh_arg;
    const struct cb_strings *cdi_dirs;     /* where devices are described */
    const struct cb_strings *cdi_devices;  /* --device by name, of every step; or NULL */
    const struct cb_strings *cache_places; /* --cache-mount: "id=directory" */
    int64_t started_ns; /* of the build, by the clock of files; 0: not known */
    unsigned retries;   /* of a RUN that fails */
    void (*failed)(void *arg, const struct cb_failed_step *step); /* or NULL */
    void *failed_arg;
    int64_t step_timeout_ms;   /* of each attempt; 0: none */
    int64_t source_date_epoch; /* or -1 */
    int keep_times;            /* rewrite-timestamp=false: files may be newer than that */
    int context_git_modes;     /* files of contexts are 0755 or 0644, as git keeps them */
    int offline; /* sources ask no server: NOT_FOUND if something is missing */
};
struct cb_build_volume {
    char *text;   /* as in the key: "HOST:DIR" and ":ro" */
    char *target; /* absolute */
    int source_fd;
    int read_only;
};
enum cb_op_network { CB_OP_NETWORK_DEFAULT, CB_OP_NETWORK_NONE, CB_OP_NETWORK_HOST };

/* A RUN that failed for the last time; its files, mounts and network are still there. */
struct cb_failed_step {
    uint64_t event_id;
    struct cb_snapshot *layer;
    const struct cb_process_spec *spec;
    const struct cb_strings *env; /* without secrets */
    enum cb_op_network network;
    const char *error; /* what is told of it */
};

/* ── Results ── */
/* SNAPSHOT NULL: the empty filesystem. Takes a reference. */
struct cb_result *cb_snapshot_result_new(struct cb_build_env *env,
                                         struct cb_snapshot *snapshot,
                                         const struct cb_digest *identity);
/* Borrowed; NULL for the empty filesystem. */
struct cb_snapshot *cb_snapshot_result_get(struct cb_result *result);
/* Is it a snapshot result at all (and not a context)? */
int cb_result_is_snapshot(const struct cb_result *result);
/* Read-only root of any result (snapshot or context), opened once and shared; borrowed.
 */
int cb_result_root(struct cb_result *result, int *fd, struct cb_error **err);
/* What its file PATH holds, less the newlines at the end: UTF-8 without NUL. Links are
 * followed in its root. Caller frees *OUT. */
#define CB_VALUE_MAX_BYTES 65536
int cb_result_value(struct cb_result *result, const char *path, char **out,
                    struct cb_error **err);
/* Content identities, see identity.c. */
struct cb_digest cb_identity_of_empty(void);
/* H(NAME, DIGEST): "copy" and a key, "chain" and a chain id. */
struct cb_digest cb_identity_from(const char *name, const struct cb_digest *digest);

/* ── Sources ── */
/* A base image already resolved to a manifest or local image: identity from its chain id.
 * Exec fetches and unpacks what is missing. */
int cb_op_image(struct cb_vertex_options *out, struct cb_build_env *env,
                const struct cb_resolved_image *image, struct cb_error **err);
/* The image NAME, which nobody has looked up: for a graph that is looked at and never
 * solved. */
void cb_op_unknown_image(struct cb_vertex_options *out, struct cb_build_env *env,
                         const char *name);
/* FROM scratch. */
int cb_op_scratch(struct cb_vertex_options *out, struct cb_build_env *env,
                  struct cb_error **err);
/* The build's own context, and other local ones. NAME: "context". */
int cb_op_context(struct cb_vertex_options *out, struct cb_build_env *env,
                  struct cb_context *context, const char *name, struct cb_error **err);
/* The file at a URL, called NAME, 0600. CHECKSUM: "sha256:…" or NULL. */
int cb_op_url(struct cb_vertex_options *out, struct cb_build_env *env, const char *url,
              const char *name, const char *checksum, struct cb_error **err);
/* The files of a git repository. REF is emptied. */
int cb_op_git(struct cb_vertex_options *out, struct cb_build_env *env,
              struct cb_git_ref *ref, struct cb_error **err);

/* ── RUN ── */
struct cb_exec_mount {
    enum { CB_EXEC_BIND, CB_EXEC_CACHE, CB_EXEC_TMPFS, CB_EXEC_SECRET, CB_EXEC_SSH } type;
    int input; /* index of the vertex input that is bound or seeds the cache; -1 none */
    const char *source; /* path within the input, "/" default */
    const char *target; /* absolute */
    const char *id;     /* cache, secret, ssh */
    const char *env;    /* secret as environment variable */
    int read_only, required;
    int sharing; /* as enum cb_cache_sharing */
    int has_mode;
    unsigned mode;
    uint32_t uid, gid;
    uint64_t size_bytes;
};
struct cb_exec_device {
    const char *name; /* vendor/class=device */
    int required;
};
struct cb_exec_options {
    const struct cb_strings *argv;
    const struct cb_strings *env;       /* ENV and ARGs: in the key */
    const struct cb_strings *quiet_env; /* proxies: given, not in the key */
    const struct cb_strings *args;      /* names of ENV that are ARGs; or NULL */
    const char *cwd, *user;
    enum cb_op_network network;
    enum cb_security security;
    const struct cb_exec_mount *mounts;
    size_t mount_count;
    const struct cb_exec_device *devices;
    size_t device_count;
    const char *pipe_name; /* A26: heredoc with #!, file /dev/pipes/<name> 0755 */
    const void *pipe_content;
    size_t pipe_len;
    struct cb_platform platform;
    int renew_caches; /* caches that start as something start anew (--no-cache) */
};
/* Input 0 is the root filesystem, the others as the mounts name them. Adopts an earlier
 * result with the same identity. */
int cb_op_exec(struct cb_vertex_options *out, struct cb_build_env *env,
               const struct cb_exec_options *options, struct cb_error **err);

/* ── Files ── */
struct cb_copy_source {
    int input;        /* vertex input with the files; -1: inline CONTENT */
    const char *path; /* as written, may be a pattern; leading "/" and ".." are clamped to
                         the root */
    const char *name; /* file name of inline content */
    const void *content; /* heredoc */
    size_t content_len;
    int fetched; /* ADD of a URL or git repository: PATH is its name there, no pattern */
    int with_times; /* fetched: its times count in the key, too */
    int unpack;     /* fetched: extract it when it is an archive */
};
struct cb_copy_options {
    const struct cb_copy_source *sources;
    size_t source_count;
    const char *dest;  /* absolute; a trailing "/" matters */
    const char *chown; /* NULL: 0:0 from a context, as they are from a stage */
    const char *chmod; /* octal or symbolic (cb_chmod_check), or NULL */
    const struct cb_strings *exclude;
    int parents;
    int unpack;     /* ADD: local tars are extracted. 0 never, 1 when it is an archive */
    int from_stage; /* keep owners (COPY --from) */
    int link;
    int allow_missing_glob; /* a pattern without a match is no error */
    int optional;           /* neither is a path that is not there */
    int owner_input; /* whose names --chown means: 0 the destination's, else another
                        input's, of which only the files that hold the names count */
};
/* Is TEXT a mode as --chmod takes them? SYNTAX if not. */
int cb_chmod_check(const char *text, struct cb_error **err);
/* Does --chown name somebody, so that a root filesystem is needed to look in? */
int cb_copy_owner_is_named(const char *chown);
/* Input 0 is the destination's root filesystem. */
int cb_op_copy(struct cb_vertex_options *out, struct cb_build_env *env,
               const struct cb_copy_options *options, struct cb_error **err);
/* --link: the result of input 1, a copy to the empty filesystem, as a layer on top of
 * input 0. */
void cb_op_merge(struct cb_vertex_options *out, struct cb_build_env *env);
/* WORKDIR: makes a directory owned by USER, 0755. */
int cb_op_mkdir(struct cb_vertex_options *out, struct cb_build_env *env, const char *path,
                const char *user, struct cb_error **err);

#endif
