/* Inside the engine: a request that was checked, its inputs, its secrets, and the log of
 * the build. */
#ifndef CB_ENGINE_PRIV_H
#define CB_ENGINE_PRIV_H

#include "cache/cache.h"
#include "context/remote.h"
#include "engine/engine.h"
#include "exporter/exporter.h"
#include "oci/attestation.h"
#include "store/layer.h"

/* ── output-options.c: --output, --push, --load ── */
enum cb_output_type {
    CB_OUTPUT_IMAGE,     /* into the store */
    CB_OUTPUT_DIRECTORY, /* type=local */
    CB_OUTPUT_TAR,
    CB_OUTPUT_OCI,    /* archive or layout */
    CB_OUTPUT_DOCKER, /* archive */
    CB_OUTPUT_NOTHING /* type=cacheonly */
};
struct cb_output {
    enum cb_output_type type;
    char *dest;              /* path; "-" is standard output; NULL: none */
    struct cb_strings names; /* canonical: name= of this output, beside the tags */
    char *dangling;          /* canonical: where it is pushed to by its digest as well */
    int dangling_if_unnamed; /* only without another name */
    struct cb_layer_form layers;
    int push, by_digest, docker_types;
    int insecure;                /* the registries it is pushed to */
    int no_artifact;             /* attestations look like images */
    char *attest_prefix;         /* of the names of their files; or NULL */
    int clamp_times, keep_times; /* rewrite-timestamp=true, =false */
    int layout;                  /* OCI, DOCKER: a directory instead of an archive */
    int delete;                  /* DIRECTORY: what the result has not is removed */
    /* DIRECTORY, TAR: several platforms without a directory for each; one with it */
    int merge, split;
    struct cb_annotations annotations;
};
void cb_output_clear(struct cb_output *output);

/* ── attest-options.c: --attest, --provenance, --sbom ── */
struct cb_attest_options {
    int provenance, sbom;
    int min, is_v02, reproducible;
    int inline_only;      /* not as a file beside others */
    int must_be_complete; /* or the build fails */
    char *builder_id, *filename;
    char *generator;              /* the image that finds packages; NULL: we do */
    struct cb_strings parameters; /* its others, names and values in turn */
};
void cb_attest_options_clear(struct cb_attest_options *options);

/* ── request.c ── */
/* The request's values, parsed. Every error names the option at fault. */
struct cb_checked_request {
    struct cb_strings names;    /* canonical, to be given to the image */
    struct cb_strings familiar; /* the same as people write them */
    struct cb_strings
        build_args; /* "K=V": those without a value came from the environment */
    struct cb_strings proxies;            /* "K=V": the environment's, for RUN */
    struct cb_strings labels;             /* "K=V" */
    struct cb_strings insecure;           /* the request's, and of outputs */
    struct cb_strings envs;               /* "K=V", of the image */
    CB_VEC(struct cb_platform) platforms; /* at least one, each once */
    int platform_given;                   /* --platform was */
    int as_index; /* several, or BUILDKIT_MULTI_PLATFORM: what leaves is an index */
    enum cb_op_network network;
    const char *network_name; /* of the default's network, or NULL; borrowed */
    int allow_host_network, allow_insecure;
    struct cb_strings allow_devices; /* "" is any */
    struct cb_strings cdi_dirs;
    int context_git_modes;
    uint64_t shm_bytes;
    struct cb_limits limits;
    struct cb_security_settings security;
    struct cb_device_nodes nodes;
    struct cb_strings cdi_devices; /* --device: of every step */
    CB_VEC(struct cb_build_volume) volumes;
    int64_t step_timeout_ms; /* 0: none */
    CB_VEC(struct cb_rlimit) rlimits;
    int64_t source_date_epoch; /* or -1 */
    int keep_times;            /* an output said rewrite-timestamp=false */
    int64_t cache_ttl_ns;
    struct cb_secrets *secrets;
    struct cb_ssh *ssh;
    struct cb_cache_locations cache_from, cache_to;
    CB_VEC(struct cb_output) outputs; /* at least one */
    struct cb_annotations annotations;
    struct cb_attest_options attest;
    int squash;              /* the image's own layers become one */
    const char *squash_from; /* those since this stage, or NULL; borrowed */
    int fold;                /* no file is in two layers for another mode or owner */
};
/* --output, --push, --load, --annotation. */
int cb_request_outputs(struct cb_checked_request *out,
                       const struct cb_build_request *request, struct cb_error **err);
/* Once the outputs are known. */
int cb_request_attestations(struct cb_checked_request *out,
                            const struct cb_build_request *request,
                            struct cb_error **err);
int cb_request_check(struct cb_checked_request *out,
                     const struct cb_build_request *request, struct cb_error **err);
/* Once all else is known to be right. CANCEL may be NULL; a secret may come out of a pipe
 * that nobody writes to. */
int cb_request_secrets(struct cb_checked_request *out,
                       const struct cb_build_request *request, struct cb_cancel *cancel,
                       struct cb_error **err);
void cb_checked_request_clear(struct cb_checked_request *checked);
CB_AUTO_VALUE_DEFINE(cb_checked_request, cb_checked_request_clear)

/* ── config-edit.c: --env, --unset, --omit-history ── */
int cb_request_envs(struct cb_checked_request *out,
                    const struct cb_build_request *request, struct cb_error **err);
void cb_request_edit_config(const struct cb_build_request *request,
                            struct cb_image_config *config);

/* ── unset.c: --unset ── */
/* Takes away from CONFIG what TEXTS name, in their order; NULL: only sees whether they
 * can be understood. */
int cb_request_unset(const struct cb_strings *texts, struct cb_image_config *config,
                     struct cb_error **err);
/* NULL: all. */
void cb_unset_env(struct cb_image_config *config, const char *name);
void cb_unset_label(struct cb_image_config *config, const char *key);

/* ── journal.c: the build and its names, in the store's journal ── */
/* ID: of the build; NAMES: canonical. ERROR NULL is success. */
void cb_build_tell(struct cb_store *store, const char *id, const struct cb_strings *names,
                   const struct cb_strings *familiar,
                   const struct cb_build_outcome *outcome, const struct cb_error *error);

/* ── locking.c: names are held to what a lock file says, or what they are is noted for
 * one ── */
struct cb_locking;
/* *OUT stays NULL if REQUEST has nothing to do with lock files. */
int cb_locking_open(struct cb_locking **out, const struct cb_build_request *request,
                    struct cb_error **err);
const struct cb_pins *cb_locking_pins(struct cb_locking *locking); /* NULL of NULL */
/* Writes the file, if it is another one than before. */
int cb_locking_write(struct cb_locking *locking, struct cb_lock_result *out,
                     struct cb_error **err);
void cb_locking_free(struct cb_locking *locking);
CB_AUTO_DEFINE(cb_locking, cb_locking_free)

/* ── call.c ── */
int cb_call_answer(struct cb_call_result *out, enum cb_call_kind kind,
                   const struct cb_frontend_options *options, struct cb_error **err);

/* ── failed.c: --keep-failed and --on-error ── */
struct cb_history_log;
struct cb_failures; /* what to do with RUN steps that fail */
struct cb_failures *cb_failures_new(const struct cb_engine_env *given,
                                    struct cb_history_log *log, int keep, int shell);
/* For the steps: env->failed. */
void cb_failures_tell(void *arg, const struct cb_failed_step *step);
void cb_failures_free(struct cb_failures *failures);

/* ── volumes.c ── */
/* -v HOST:DIR[:ro]; warns that what is in there is not part of any key. */
int cb_request_volumes(struct cb_checked_request *out, const struct cb_strings *texts,
                       struct cb_error **err);
void cb_request_volumes_clear(struct cb_checked_request *checked);

/* ── fields.c: options as key=value,… ── */
/* Keys and values in turn; or one item, when TEXT is a single word. USAGE. */
int cb_request_fields(const char *text, struct cb_strings *out, struct cb_error **err);
int cb_request_flag(const char *key, const char *value, int *out, struct cb_error **err);
/* compression, compression-level, force-compression: 1 taken, 0 KEY is another. */
int cb_request_layer_form(struct cb_layer_form *form, const char *key, const char *value,
                          struct cb_error **err);

/* ── cache-options.c: --cache-from and --cache-to ── */
/* Appends. OPTION names it in errors. */
int cb_request_caches(const char *option, int export, const struct cb_strings *texts,
                      struct cb_cache_locations *out, struct cb_error **err);
/* GitHub's cache is, with a warning, as buildx leaves it out where no workflow of
 * GitHub's runs: a cache makes builds faster, and no others. */
int cb_request_cache_is_left_out(const char *text);

/* What is built for one platform. */
struct cb_scan { /* what a generator finds in an image; see scan.c */
    struct cb_plan *plan;
    struct cb_edge edge; /* vertex NULL: there is none */
    struct cb_result *result;
};
struct cb_made {
    struct cb_platform platform;
    struct cb_plan *plan;
    struct cb_scan scan;
    /* Of the plan's `scans` that have files, in their order, if it is we who look for
     * packages. */
    CB_VEC(struct cb_result *) scanned;
    struct cb_result *result;    /* NULL: scratch, or it is put together apart */
    struct cb_snapshot *instead; /* what the image is made of, or NULL: of RESULT */
    int is_apart;                /* as the plan's `apart`, with these on its base: */
    CB_VEC(struct cb_result *) links;
    struct cb_resolved_image *left; /* its layers, which are in a registry; or NULL */
    int64_t *left_ns;               /* when each of these was made */
};
struct cb_made_list {
    struct cb_made *items;
    size_t count, capacity;
};

/* ── apart.c: images with layers that nobody looks into ── */
/* Settles whether the base's files are not needed for MADE: nothing that is asked for has
 * them, and they are not here. Their step is shown. */
int cb_apart_choose(struct cb_build_env *env, const struct cb_checked_request *checked,
                    struct cb_made *made, struct cb_solve_stats *stats,
                    struct cb_error **err);
/* May results stay in the caches they were found in? */
int cb_apart_may_leave(const struct cb_checked_request *checked,
                       const struct cb_made_list *made);
/* MADE's result was left in CACHE, as ENTRY. 1, or 0: it is not there any more. */
int cb_apart_leave(struct cb_build_env *env, struct cb_cache *cache,
                   const struct cb_cache_entry *entry, struct cb_made *made,
                   struct cb_error **err);
/* The image whose layers are the lowest of MADE's and need not be here, or NULL. */
const struct cb_resolved_image *cb_apart_base(const struct cb_made *made);
/* The image's config, of one that has such layers. Caller frees *BYTES. */
int cb_apart_config(struct cb_build_env *env, const struct cb_made *made, char **bytes,
                    size_t *len, struct cb_error **err);
/* Fetches the blobs that an archive of the images has to have. IDS: by MADE. */
int cb_apart_provide(struct cb_build_env *env, const struct cb_made_list *made,
                     const struct cb_platform_images *ids, struct cb_error **err);

/* ── squash.c: --squash and --optimize-metadata ── */
int cb_request_squash(struct cb_checked_request *out,
                      const struct cb_build_request *request, struct cb_error **err);
/* What each image is to be made of, and its history. */
int cb_squash_made(struct cb_build_env *env, const struct cb_checked_request *checked,
                   struct cb_made_list *made, struct cb_error **err);

/* ── waste.c: what makes an image larger than its files ── */
int cb_waste_tell(struct cb_build_env *env, const struct cb_made *made,
                  struct cb_error **err);

/* ── scan.c: --sbom=generator=IMAGE ── */
void cb_scan_clear(struct cb_scan *scan);
/* Adds the step that scans MADE, whose plan TARGET was, if ATTEST asks for it. */
int cb_scan_plan(struct cb_made *made, const struct cb_frontend_options *target,
                 const struct cb_attest_options *attest, struct cb_error **err);
struct cb_scanned_document {
    char *name; /* of its file: "sbom.spdx.json" */
    json_t *spdx;
};
struct cb_scanned {
    struct cb_scanned_document *items;
    size_t count, capacity;
};
void cb_scanned_free(struct cb_scanned *scanned);
CB_AUTO_VALUE_DEFINE(cb_scanned, cb_scanned_free)
/* What that step found: at least one document. */
int cb_scan_read(const struct cb_made *made, struct cb_scanned *out,
                 struct cb_error **err);

/* ── once.c: events of plans that are made of the same Dockerfile ── */
struct cb_once;
/* Passes every event on to NEXT, each warning once. */
struct cb_once *cb_once_new(struct cb_event_sink *next);
struct cb_event_sink *cb_once_sink(struct cb_once *once);
void cb_once_free(struct cb_once *once);
CB_AUTO_DEFINE(cb_once, cb_once_free)

/* ── warnings.c: those of a build, for --metadata-file ── */
struct cb_warnings;
/* Passes every event on to NEXT. NULL: BUILDX_METADATA_WARNINGS does not ask for them. */
struct cb_warnings *cb_warnings_new(struct cb_event_sink *next);
struct cb_event_sink *cb_warnings_sink(struct cb_warnings *warnings);
/* The caller's list; NULL: there are none. */
json_t *cb_warnings_json(struct cb_warnings *warnings);
void cb_warnings_free(struct cb_warnings *warnings);

/* ── attest.c ── */
struct cb_inputs;
struct cb_attesting;
/* NULL: nothing is asked for. All is borrowed. */
struct cb_attesting *cb_attesting_new(struct cb_build_env *env,
                                      const struct cb_checked_request *checked,
                                      const struct cb_build_request *request,
                                      const struct cb_inputs *inputs,
                                      const struct cb_made_list *made);
void cb_attesting_free(struct cb_attesting *attesting);
CB_AUTO_DEFINE(cb_attesting, cb_attesting_free)
/* For an index that OUTPUT writes under NAMES; NULL of NULL. Good until the next call. */
const struct cb_attester *cb_attesting_for(struct cb_attesting *attesting,
                                           const struct cb_output *output,
                                           const struct cb_strings *names);
/* Of the IMAGEth of what was made, as MANIFEST (NULL: as files). */
int cb_attesting_statements(struct cb_attesting *attesting, size_t image,
                            const struct cb_manifest *manifest, struct cb_statements *out,
                            struct cb_error **err);
/* What is said of the last of IMAGES, the first ones of those that were made, is kept
 * with it in the store. */
int cb_attesting_keep(struct cb_attesting *attesting,
                      const struct cb_platform_images *images, struct cb_error **err);
/* The provenance of the IMAGEth alone; *OUT stays NULL: it is not asked for. */
int cb_attesting_provenance(struct cb_attesting *attesting, size_t image, json_t **out,
                            struct cb_error **err);
/* What a file with STATEMENT is called. Caller frees. */
char *cb_attesting_file(const struct cb_attesting *attesting,
                        const struct cb_statement *statement);

/* ── outputs.c ── */
struct cb_outputs_result {
    struct cb_platform_images images; /* none when no image was asked for */
    struct cb_descriptor target;      /* manifest or index as pushed or archived last;
                                         media_type NULL: neither */
    int is_kept;
    int is_attested; /* TARGET is an index for the sake of what is said of the image */
    int took_stdout;
};
/* The image's id; of several platforms see struct cb_build_outcome. */
struct cb_digest cb_outputs_id(const struct cb_outputs_result *result);
/* The names that an image gets here, or, with ONLY, those under which this output knows
 * it. */
void cb_outputs_names(const struct cb_checked_request *checked,
                      const struct cb_output *only, struct cb_strings *out);
void cb_outputs_result_clear(struct cb_outputs_result *result);
CB_AUTO_VALUE_DEFINE(cb_outputs_result, cb_outputs_result_clear)
/* The plans' configurations are completed if images are made. */
int cb_outputs_write(struct cb_build_env *env, const struct cb_checked_request *checked,
                     const struct cb_made_list *made, struct cb_attesting *attesting,
                     struct cb_outputs_result *out, struct cb_error **err);

/* ── outputs-tell.c: the step of the store's images ── */
/* Returns its number; it is ended with cb_event_step_end. */
uint64_t cb_outputs_tell_begin(struct cb_event_sink *sink);
void cb_outputs_tell_images(struct cb_event_sink *sink, uint64_t id,
                            const struct cb_platform_images *images,
                            const struct cb_strings *names);

/* ── outputs-files.c: type=tar and type=local ── */
struct cb_files_output {
    struct cb_build_env *env;
    const struct cb_made_list *made;
    const struct cb_output *output;
    struct cb_attesting *attesting; /* or NULL */
    int split;                      /* into a directory for each platform */
};
int cb_outputs_write_tar(const struct cb_files_output *files, struct cb_error **err);
int cb_outputs_write_directory(const struct cb_files_output *files,
                               struct cb_error **err);

/* ── metadata.c: --metadata-file ── */
struct cb_metadata {
    const char *path;
    const char *ref;                /* what `cbuild builds` knows the build by; or "" */
    struct cb_warnings *warnings;   /* or NULL */
    struct cb_attesting *attesting; /* or NULL */
};
int cb_outputs_write_metadata(const struct cb_metadata *what,
                              const struct cb_checked_request *checked,
                              const struct cb_outputs_result *result,
                              struct cb_error **err);

/* ── caches.c ── */
/* USAGE for a cache that would have to be sent with a password which is not kept.
 * SETTINGS: or NULL. */
int cb_caches_check(const struct cb_checked_request *checked,
                    const struct cb_settings *settings, struct cb_error **err);
int cb_caches_open(struct cb_cache **out, struct cb_build_env *env,
                   const struct cb_checked_request *checked, struct cb_error **err);
/* Is the image to tell what made its layers? */
int cb_caches_wants_inline(const struct cb_checked_request *checked);
/* CACHE may be NULL: nothing was solved. */
int cb_caches_inline(struct cb_cache *cache, const struct cb_checked_request *checked,
                     struct cb_snapshot *result, struct cb_image_config *config,
                     struct cb_error **err);
int cb_caches_export(struct cb_cache *cache, struct cb_build_env *env,
                     const struct cb_checked_request *checked,
                     const struct cb_made_list *made, struct cb_error **err);

/* ── secrets.c: --secret, read when the request is checked and kept in memory alone ── */
struct cb_secrets;
#define CB_SECRET_MAX_BYTES (500u * 1024)
int cb_secrets_new(struct cb_secrets **out, const struct cb_strings *options,
                   struct cb_cancel *cancel, struct cb_error **err);
/* Of those with cache=key, what stands for them in keys: STORE's digest of the value. */
int cb_secrets_digest(struct cb_secrets *secrets, struct cb_store *store,
                      struct cb_error **err);
/* Wipes the values. */
void cb_secrets_free(struct cb_secrets *secrets);
CB_AUTO_DEFINE(cb_secrets, cb_secrets_free)
/* As struct cb_build_env's member: ARG is the cb_secrets. */
int cb_secrets_get(void *arg, const char *id, const void **bytes, size_t *len);
const char *cb_secrets_mac(void *arg, const char *id);

/* ── ssh.c: --ssh, the agents steps may talk to ── */
struct cb_ssh;
int cb_ssh_new(struct cb_ssh **out, const struct cb_strings *options,
               struct cb_error **err);
/* To be called before the first connection: where an agent of ours has its socket. */
void cb_ssh_use(struct cb_ssh *ssh, struct cb_store *store, struct cb_cancel *cancel);
/* Ends what was started. */
void cb_ssh_free(struct cb_ssh *ssh);
CB_AUTO_DEFINE(cb_ssh, cb_ssh_free)
/* As struct cb_build_env's member: ARG is the cb_ssh. */
int cb_ssh_connect(void *arg, const char *id, int *fd, struct cb_error **err);

/* ── inputs.c: where the Dockerfile and the context come from ── */
struct cb_inputs {
    struct cb_source *dockerfile;
    struct cb_context *context;
    struct cb_named_contexts contexts;
};
int cb_inputs_open(struct cb_inputs *out, const struct cb_engine_env *env,
                   const struct cb_build_request *request, const struct cb_remote *remote,
                   struct cb_error **err);
void cb_inputs_clear(struct cb_inputs *inputs);
CB_AUTO_VALUE_DEFINE(cb_inputs, cb_inputs_clear)
/* BESIDE: the Dockerfile's path on the host, or NULL. */
int cb_inputs_load_ignore(struct cb_context *context,
                          const struct cb_build_request *request, const char *beside,
                          struct cb_error **err);
/* The store changes with every build, and what is in it is no business of an image: if it
 * is below the context's DIRECTORY, it is no part of it. */
void cb_inputs_leave_out_store(struct cb_context *context, const char *directory,
                               const char *store_root);
static inline int cb_is_stdin(const char *text)
{
    return text && text[0] == '-' && !text[1];
}

/* ── inputs-stdin.c ── */
int cb_inputs_open_stdin(struct cb_inputs *out, const struct cb_engine_env *env,
                         const struct cb_build_request *request, struct cb_error **err);

/* ── inputs-dockerfile.c: each fills in OUT->dockerfile ── */
void cb_dockerfile_set(struct cb_inputs *out, const char *name,
                       const struct cb_strbuf *text);
/* 1: *NAME is the one of the default names that the context has, TEXT its text; 0. */
int cb_dockerfile_find(struct cb_context *context, const char **name,
                       struct cb_strbuf *text, struct cb_error **err);
int cb_dockerfile_read_default(struct cb_inputs *out, struct cb_error **err);
int cb_dockerfile_read_named(struct cb_inputs *out, const char *path,
                             struct cb_error **err);
/* Of the context, an archive or a repository. */
int cb_dockerfile_read_member(struct cb_inputs *out, const char *path,
                              struct cb_error **err);
int cb_dockerfile_read_stdin(struct cb_inputs *out, const struct cb_engine_env *env,
                             struct cb_error **err);
int cb_dockerfile_read_url(struct cb_inputs *out, const struct cb_remote *remote,
                           const char *url, struct cb_error **err);

/* ── contexts.c: --build-context ── */
int cb_named_contexts_open(struct cb_named_contexts *out,
                           const struct cb_strings *options,
                           const struct cb_remote *remote, struct cb_error **err);
void cb_named_contexts_clear(struct cb_named_contexts *contexts);

/* ── history.c: what happened in a build, kept below <store>/builds ── */
#define CB_HISTORY_KEPT 50
#define CB_BUILD_ID_LEN 14
struct cb_history_log;
/* Passes every event on to NEXT, those that explain a miss only if SHOW_MISSES. The file
 * is made when a step has something to say, or at the end. */
struct cb_history_log *cb_history_log_new(struct cb_store *store,
                                          struct cb_event_sink *next, int show_misses);
struct cb_event_sink *cb_history_log_sink(struct cb_history_log *log);
/* What is to be built; NAMES as people write them, TARGET or NULL likewise. */
void cb_history_log_begin(struct cb_history_log *log,
                          const struct cb_build_request *request, const char *target,
                          const struct cb_strings *names);
/* How the build ended: ERROR NULL is success. */
void cb_history_log_end(struct cb_history_log *log,
                        const struct cb_build_outcome *outcome,
                        const struct cb_error *error);
/* Puts TEXT beside the log, as NAME. ID: the build's. */
int cb_history_log_keep(struct cb_history_log *log, const char *name, const char *text,
                        char id[CB_BUILD_ID_LEN + 1], struct cb_error **err);
/* What others name the build by; "" once it is known that nothing is kept of it. */
const char *cb_history_log_id(const struct cb_history_log *log);
/* Removes what is kept of a build: NAME in the directory BUILDS_FD. */
int cb_build_remove(struct cb_store *store, int builds_fd, const char *name,
                    struct cb_error **err);
void cb_history_log_free(struct cb_history_log *log);
CB_AUTO_DEFINE(cb_history_log, cb_history_log_free)

#endif
