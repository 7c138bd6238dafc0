/* Inside the frontend: the planner (one Dockerfile being converted), its stages, and the
 * images they start from.
 *
 * Order of calls: scope (global ARGs) → stages (who needs whom) → bases (resolve what the
 * target needs), the last two repeated while ONBUILD triggers add needs → convert (stage
 * by stage, instruction by instruction). */
#ifndef CB_FRONTEND_PRIV_H
#define CB_FRONTEND_PRIV_H

#include "base/fs.h"
#include "base/map.h"
#include "frontend/frontend.h"

struct cb_planner;
struct cb_stage;

/* Variables, labels or ARG names in one stage: more is an error, so that looking them up
 * one after the other stays cheap. */
#define CB_MAX_VARIABLES 10000
/* Bytes in the variables and labels of all stages together. */
#define CB_MAX_VARIABLE_BYTES (8u << 20)
/* What expanding all words may cost, in bytes read or written. */
#define CB_MAX_EXPANSION_WORK (128u << 20)
/* ONBUILD triggers that fire in one build. */
#define CB_MAX_TRIGGERS 50000
/* Ports named by all EXPOSE of a stage: each protocol has 65536. */
#define CB_MAX_PORTS 200000
/* Warnings of one build: who has more reads the first. */
#define CB_MAX_WARNINGS 500
/* Names of variables that misspelt ones are compared with, in one file. */
#define CB_MAX_COMPARISONS 2000000

/* An image that FROM, COPY --from or --mount from= names. One per name and platform. */
struct cb_base {
    char *name;        /* as written, variables expanded */
    const char *asked; /* the same, or with the digest it is held to */
    struct cb_platform platform;
    struct cb_resolved_image *image; /* NULL until resolved */
    char *canonical;          /* "docker.io/library/debian:bookworm" once resolved */
    const char *context;      /* how it was asked for: "FROM", "COPY --from" */
    struct cb_source *source; /* where it was first asked for; borrowed */
    struct cb_span span;
    const struct cb_named_context *layout; /* it comes from there, or NULL */
};

/* Where the files of a COPY or a mount come from. */
enum cb_origin_kind {
    CB_ORIGIN_CONTEXT,
    CB_ORIGIN_NAMED, /* files of a named context */
    CB_ORIGIN_SCRATCH,
    CB_ORIGIN_STAGE,
    CB_ORIGIN_IMAGE
};
struct cb_origin {
    enum cb_origin_kind kind;
    struct cb_stage *stage;
    struct cb_base *base;
    const struct cb_named_context *named;
};

/* An instruction of a stage: of the Dockerfile, or an ONBUILD trigger of its base. */
struct cb_item {
    const struct cb_instruction *inst;
    struct cb_source *source; /* what the spans of INST point into */
    struct cb_span
        place; /* where it stands in the Dockerfile: a trigger stands at its FROM */
    int onbuild;
    struct cb_origin
        *origins; /* COPY: one. RUN: one per --mount. In the planner's arena */
    size_t origin_count;
};

struct cb_copied {
    const struct cb_item *item;
    const char *dest; /* in the planner's arena */
};

struct cb_outline_note { /* strings in the planner's arena */
    enum cb_outline_kind kind;
    const char *name, *value;
    int required;
    int is_global; /* an ARG without a default of its own, with a global's value */
    const struct cb_instruction *inst;
};

struct cb_stage {
    struct cb_planner *planner; /* NULL when only a config is changed (`import -c`) */
    const struct cb_stage_def *def;
    size_t index;
    char label[136];                      /* "builder", "stage-1" */
    struct cb_stage *base_stage;          /* FROM another stage, */
    struct cb_base *base;                 /* or an image, */
    const struct cb_named_context *named; /* or files; none: scratch */
    int replaced; /* by a named context of its name: its instructions do not count */
    struct cb_platform platform;
    int has_platform; /* FROM --platform was given */
    CB_VEC(struct cb_item) items;
    int needed, triggers_known, converted;
    int failed; /* at an instruction that what follows hangs on */
    int no_cache;
    unsigned step, steps; /* "3/7" */

    /* What conversion accumulates. */
    struct cb_edge root; /* vertex NULL: no file yet */
    struct cb_image_config *config;
    size_t port_count;            /* named by EXPOSE here */
    struct cb_edge apart;         /* the root while it is as cb_apart says */
    CB_VEC(struct cb_edge) links; /* its layers then */
    size_t base_layers, layers;   /* of the base; with those added so far */
    struct cb_strings
        env; /* what variables mean and RUN gets: ENV and ARGs, latest last */
    struct cb_strings args;   /* names declared by ARG here, in order */
    struct cb_map *from_args; /* from-args.c; or NULL */
    int cmd_set, workdir_set;
    struct cb_hidden *hidden; /* the base's ENV is not known; or NULL */
    const struct cb_item *last_cmd, *last_entrypoint, *last_healthcheck;
    int env_unknown; /* the base image was not looked up: it may set anything */
    CB_VEC(struct cb_copied) copied; /* here, for checks; only when checking */
    CB_VEC(struct cb_outline_note) notes;
    int no_history;
};

struct cb_check_config { /* `skip=…;error=…;experimental=…` */
    int skip_all, experimental_all, is_error;
    struct cb_strings skip, experimental; /* rules, each once */
    struct cb_strings unknown;            /* the first names that are no rule's */
};

struct cb_check_scope { /* of one instruction */
    struct cb_span span;
    struct cb_check_config config;
};

struct cb_checks { /* build checks: which count, and what was said */
    int silent;    /* none does */
    struct cb_check_config config;
    CB_VEC(struct cb_check_scope) scopes; /* in the order of the file */
    size_t comparisons;                   /* of variables' names that may still be made */
    struct cb_map *seen;                  /* "rule:start" of each warning given */
    struct cb_strings rules_hit;
};

struct cb_planner {
    const struct cb_frontend_options *options;
    struct cb_arena *arena; /* triggers, origins */
    struct cb_dockerfile *file;
    struct cb_graph *graph;
    struct cb_stage *stages;
    size_t stage_count;
    struct cb_map *stage_names; /* lower-case name → last stage of that name */
    CB_VEC(struct cb_base *) bases;
    CB_VEC(struct cb_source *) sources; /* texts of triggers */
    struct cb_strings
        globals; /* ARGs before the first FROM, and the platform ones: "K=V" */
    struct cb_strings quiet_env; /* proxies given as build arguments */
    size_t variable_bytes, trigger_count;
    size_t work; /* of CB_MAX_EXPANSION_WORK, what is left */
    char *epoch; /* SOURCE_DATE_EPOCH, once it is known what it means */
    struct cb_edge context, scratch;
    struct cb_checks checks;
    struct cb_error *errors; /* so far, independent of each other */
    size_t error_count;
    char *named_used;         /* by index of options->contexts; NULL: none is */
    int rehearsed, partly;    /* rehearse.c; what is planned is a text with mistakes */
    struct cb_map *cache_ids; /* of cache mounts, when some are given places; or NULL */
    struct cb_map *doubtful;  /* variables whose values hang on images not looked up */
    int in_doubt;             /* the instruction at hand does, too */
};

/* ── frontend.c ── */
void cb_planner_init(struct cb_planner *planner,
                     const struct cb_frontend_options *options);
/* From the text to converted stages. */
int cb_planner_run(struct cb_planner *planner, struct cb_stage **target,
                   struct cb_error **err);
void cb_planner_clear(struct cb_planner *planner);
/* Takes *ERROR, so that further mistakes can be found in the same run. 1: go on looking;
 * 0: it is of a kind, or there are so many, that nothing is gained by it. */
int cb_planner_keep_error(struct cb_planner *planner, struct cb_error **error);
/* Are all stages looked at, or those that the target needs? */
int cb_planner_wants_all(const struct cb_planner *planner);
/* -1 with the errors kept, 0 if there are none. */
int cb_planner_report(struct cb_planner *planner, struct cb_error **err);
/* The stages that are needed, in order. */
int cb_planner_convert(struct cb_planner *planner, struct cb_error **err);

/* ── rehearse.c ── */
/* -1 with what is wrong with the Dockerfile whatever the images are; 0: nothing, as far
 * as can be seen. PARTLY: its text has mistakes, so that any variable may be missing. */
int cb_planner_rehearse(const struct cb_planner *planner, int partly,
                        struct cb_error **err);
/* *ERR is set: adds what else is wrong, all in the order of the text. -1. */
int cb_planner_rehearse_too(const struct cb_planner *planner, int partly,
                            struct cb_error **err);

/* ── doubt.c: what cannot be judged without the base image ── */
void cb_doubt_begin(struct cb_stage *stage); /* an instruction */
/* NAME was looked up; VALUE NULL: the Dockerfile does not set it. */
void cb_doubt_note(struct cb_stage *stage, const char *name, const char *value);
int cb_doubt_is_there(const struct cb_stage *stage);
/* The instruction was applied. -1: after it no variable is sure. */
int cb_doubt_end(struct cb_stage *stage, const struct cb_item *item);

/* ── given.c ── */
/* A step has a cache mount of this id. */
void cb_given_note_cache(struct cb_planner *planner, const char *id);
/* Warns of build arguments, stage names and the like of the command line that nothing
 * takes. */
void cb_given_check(const struct cb_planner *planner);

/* ── scope.c ── */
int cb_scope_init(struct cb_planner *planner, struct cb_error **err);
/* The part of it that is neither a side effect nor a question to anybody. */
int cb_scope_globals(struct cb_planner *planner, struct cb_error **err);
/* A build argument's value, or NULL. */
const char *cb_scope_build_arg(const struct cb_planner *planner, const char *name);
/* The platform's own global ARGs, as given or not. */
void cb_scope_platform_args(struct cb_planner *planner, int use_given,
                            struct cb_strings *globals);
/* What an ARG comes to. */
enum cb_arg_origin { CB_ARG_UNSET, CB_ARG_GIVEN, CB_ARG_DEFAULT, CB_ARG_GLOBAL };
struct cb_declared {
    enum cb_arg_origin origin;
    char *name;
    char *initial;     /* the default, expanded; NULL: none, or not needed */
    const char *value; /* NULL: unset */
};
void cb_declared_free(struct cb_declared *declared);
CB_AUTO_VALUE_DEFINE(cb_declared, cb_declared_free)
/* An ARG before the first FROM: sets it in GLOBALS. */
int cb_scope_declare_global(struct cb_planner *planner, const struct cb_pair *pair,
                            int use_given, struct cb_strings *globals,
                            struct cb_declared *out, struct cb_error **err);
/* An ARG of a stage: the build argument, else the default, else the global ARG. */
int cb_scope_declare(struct cb_stage *stage, const struct cb_item *item,
                     const struct cb_pair *pair, struct cb_declared *out,
                     struct cb_error **err);
/* Sets a variable of the stage: it becomes the latest. */
int cb_scope_set(struct cb_stage *stage, const char *name, const char *value,
                 struct cb_error **err);
/* What a stage has from the stage it starts from. */
int cb_scope_inherit(struct cb_stage *stage, const struct cb_stage *base,
                     struct cb_error **err);
/* Counts COUNT bytes kept in variables and labels. */
int cb_scope_charge(struct cb_stage *stage, size_t count, struct cb_error **err);
/* One word in, one string out. Errors carry the word's place; unknown names are warned
 * of. */
int cb_scope_expand(struct cb_stage *stage, const struct cb_item *item,
                    const struct cb_word *word, char **out, struct cb_error **err);
/* As above, to be split at blanks (EXPOSE). */
int cb_scope_expand_split(struct cb_stage *stage, const struct cb_item *item,
                          const struct cb_word *word, struct cb_strings *out,
                          struct cb_error **err);
/* A RUN --mount value: its fields are split first, each value is expanded for itself. */
int cb_scope_expand_mount(struct cb_stage *stage, const struct cb_item *item,
                          const struct cb_flag *flag, struct cb_run_mount *out,
                          struct cb_error **err);
/* Variables only (heredoc bodies, --mount values). SPAN: the place for errors. */
int cb_scope_expand_raw(struct cb_stage *stage, const struct cb_item *item,
                        const char *text, size_t len, struct cb_span span, char **out,
                        struct cb_error **err);
/* With the global ARGs only (FROM). UNKNOWN (or NULL) gets names without a value, USED
 * those with. */
int cb_scope_expand_global(struct cb_planner *planner, const struct cb_strings *globals,
                           const struct cb_word *word, struct cb_strings *unknown,
                           struct cb_strings *used, char **out, struct cb_error **err);
/* The global ARGs when nothing is given on the command line (for
 * InvalidDefaultArgInFrom). */
int cb_scope_default_globals(struct cb_planner *planner, struct cb_strings *out,
                             struct cb_error **err);

/* ── hidden.c: variables that a base image may set ── */
struct cb_hidden {
    struct cb_strings used; /* those the last words hang on, since it was cleared */
    struct cb_map *behind; /* variable → those its value hangs on (struct cb_strings) */
};
struct cb_hidden *cb_hidden_new(const struct cb_hidden *inherited);
void cb_hidden_free(struct cb_hidden *hidden);
/* NAME was looked up; VALUE NULL: the Dockerfile does not set it. */
void cb_hidden_note(struct cb_hidden *hidden, const char *name, const char *value);
/* NAME was set to something that hangs on USED. */
void cb_hidden_set(struct cb_hidden *hidden, const char *name,
                   const struct cb_strings *used);

/* ── epoch.c ── */
/* After the global scope: what SOURCE_DATE_EPOCH means, if it is given. */
int cb_epoch_init(struct cb_planner *planner, struct cb_error **err);
/* epoch-stage.c: the time of the source that a stage names. 1/0, not known. */
int cb_epoch_of_stage(struct cb_planner *planner, const struct cb_stage_def *def,
                      int64_t *seconds, struct cb_error **err);

/* ── stages.c ── */
/* The table of stages with their bases; nothing is resolved yet. */
int cb_stages_init(struct cb_planner *planner, struct cb_error **err);
void cb_stages_clear(struct cb_planner *planner);
/* The stage to build: --target or the last. NULL and an error when there is no such
 * stage. */
struct cb_stage *cb_stages_target(struct cb_planner *planner, struct cb_error **err);
/* A whole number as Go's Atoi takes it. */
int cb_stages_is_index(const char *text, long *out);
/* The stage name closest to NAME, or NULL. */
const char *cb_stages_suggest(const struct cb_planner *planner, const char *name);
/* By name in any case; NULL if there is none. */
struct cb_stage *cb_stages_find(const struct cb_planner *planner, const char *name);

/* ── named.c ── */
/* The named context that NAME means, or NULL. */
const struct cb_named_context *cb_named_find(struct cb_planner *planner, const char *name,
                                             const struct cb_platform *platform);
int cb_named_is_used(const struct cb_planner *planner, size_t index);
/* What NAMED stands for; the others as for cb_bases_want. */
void cb_named_origin(struct cb_planner *planner, const struct cb_named_context *named,
                     const struct cb_platform *platform, const char *context,
                     struct cb_source *source, struct cb_span span,
                     struct cb_origin *out);
/* Its files, for COPY and mounts. */
int cb_named_edge(struct cb_planner *planner, const struct cb_named_context *named,
                  struct cb_edge *out, struct cb_error **err);
/* Its files as what STAGE starts with. */
int cb_named_root(struct cb_stage *stage, const struct cb_named_context *named,
                  struct cb_error **err);

/* ── needs.c ── */
/* Marks what TARGET needs, resolves images, adds triggers, until nothing is added. */
int cb_stages_prepare(struct cb_planner *planner, struct cb_stage *target,
                      struct cb_error **err);

/* ── from-args.c ── */
int cb_from_args_are_used(const struct cb_planner *planner);
/* An instruction of the stage, in order: what its ARGs and ENV mean for those below. */
void cb_from_args_note(struct cb_stage *stage, const struct cb_item *item);
/* STAGE NULL: no variable is known. */
int cb_from_args_expand(struct cb_planner *planner, const struct cb_stage *stage,
                        const char *text, char **out, struct cb_error **err);

/* ── origins.c ── */
/* Finds the origins of an item (COPY --from, --mount from=). STAGE: whose ARGs, as noted
 * so far, they may name; or NULL. */
int cb_stages_connect(struct cb_planner *planner, const struct cb_stage *stage,
                      struct cb_item *item, struct cb_error **err);

/* ── bases.c ── */
struct cb_base *cb_bases_want(struct cb_planner *planner, const char *name,
                              const struct cb_platform *platform, const char *context,
                              struct cb_source *source, struct cb_span span);
/* Resolves what needed stages use and is not resolved yet. */
int cb_bases_resolve(struct cb_planner *planner, struct cb_error **err);
/* bases-hint.c: what a base that cannot be had was perhaps meant to be, or NULL. Caller
 * frees. */
char *cb_bases_hint(const struct cb_planner *planner, const struct cb_base *base);
/* bases-pins.c: finds out what BASE is held to, before it is resolved; tells what it was
 * resolved to. */
int cb_base_pin(struct cb_planner *planner, struct cb_base *base, struct cb_error **err);
int cb_base_note(struct cb_planner *planner, const struct cb_base *base,
                 struct cb_error **err);
/* The image's files as a vertex named NAME (vertex NULL when it has no layers). */
int cb_bases_root(struct cb_planner *planner, struct cb_base *base, const char *name,
                  struct cb_source *source, struct cb_span span, struct cb_edge *out,
                  struct cb_error **err);

/* ── convert.c ── */
/* The configuration's ENV as the stage's variables, with a PATH if it has none. */
int cb_convert_start_env(struct cb_stage *stage, struct cb_error **err);
/* Mistakes are kept (cb_planner_keep_error); -1 when they are not to be searched further.
 */
int cb_convert_stage(struct cb_stage *stage);
/* Applies one instruction. The item's place is attached to errors that have none. */
int cb_convert_item(struct cb_stage *stage, const struct cb_item *item,
                    struct cb_error **err);
/* Adds a step of the stage with inputs (the first is the stage's own files): the stage
 * goes on from it. The payload of OPTIONS is freed when that fails. */
int cb_convert_step(struct cb_stage *stage, const struct cb_item *item,
                    struct cb_vertex_options *options, const struct cb_edge *inputs,
                    size_t input_count, struct cb_error **err);
/* --link: the step that was added last stands on nothing; the stage goes on from its
 * layer on top of BASE. */
int cb_convert_linked(struct cb_stage *stage, const struct cb_item *item,
                      struct cb_edge base, struct cb_error **err);
/* The edge of an origin's files, for use as an input. */
int cb_convert_origin(struct cb_stage *stage, const struct cb_item *item,
                      const struct cb_origin *origin, struct cb_edge *out,
                      struct cb_error **err);
/* Adds a vertex that is no step of a stage. Its payload is freed when that fails. */
int cb_convert_add(struct cb_planner *planner, struct cb_vertex_options *vertex,
                   struct cb_edge *out, struct cb_error **err);
/* EDGE, or the vertex of the empty file system in its place. */
int cb_convert_filled(struct cb_planner *planner, struct cb_edge edge,
                      struct cb_edge *out, struct cb_error **err);
/* PATH against the stage's WORKDIR, cleaned, absolute. Caller frees. */
char *cb_convert_path(const struct cb_stage *stage, const char *path);

/* ── one converter per instruction: the rows of convert.c's table ── */
int cb_convert_run(struct cb_stage *stage, const struct cb_item *item,
                   struct cb_error **err);
int cb_convert_copy(struct cb_stage *stage, const struct cb_item *item,
                    struct cb_error **err);
int cb_convert_workdir(struct cb_stage *stage, const struct cb_item *item,
                       struct cb_error **err);
int cb_convert_env(struct cb_stage *stage, const struct cb_item *item,
                   struct cb_error **err);
int cb_convert_arg(struct cb_stage *stage, const struct cb_item *item,
                   struct cb_error **err);
int cb_convert_label(struct cb_stage *stage, const struct cb_item *item,
                     struct cb_error **err);
int cb_convert_cmd(struct cb_stage *stage, const struct cb_item *item,
                   struct cb_error **err);
int cb_convert_entrypoint(struct cb_stage *stage, const struct cb_item *item,
                          struct cb_error **err);
int cb_convert_expose(struct cb_stage *stage, const struct cb_item *item,
                      struct cb_error **err);
int cb_convert_volume(struct cb_stage *stage, const struct cb_item *item,
                      struct cb_error **err);
int cb_convert_user(struct cb_stage *stage, const struct cb_item *item,
                    struct cb_error **err);
int cb_convert_shell(struct cb_stage *stage, const struct cb_item *item,
                     struct cb_error **err);
int cb_convert_stopsignal(struct cb_stage *stage, const struct cb_item *item,
                          struct cb_error **err);
int cb_convert_healthcheck(struct cb_stage *stage, const struct cb_item *item,
                           struct cb_error **err);
int cb_convert_maintainer(struct cb_stage *stage, const struct cb_item *item,
                          struct cb_error **err);
int cb_convert_onbuild(struct cb_stage *stage, const struct cb_item *item,
                       struct cb_error **err);

/* ── convert-fetch.c ── */
struct cb_adding { /* a source of an instruction, and what of it counts */
    struct cb_stage *stage;
    const struct cb_item *item;
    const struct cb_word *word; /* as written */
    const char *checksum;       /* or NULL */
    const char *dest;
};
struct cb_added_source { /* something ADD fetches */
    struct cb_edge edge;
    char *name;             /* path of it in the vertex's files; owned */
    int with_times, unpack; /* as cb_copy_source has them */
};
/* 1: TEXT is a URL or git repository, fetched by a vertex of its own; 0: a path. COPY of
 * one is an error. After an error, too, OUT's name is the caller's. */
int cb_convert_fetch(const struct cb_adding *adding, const char *text,
                     struct cb_added_source *out, struct cb_error **err);

/* ── convert-run-mount.c ── */
struct cb_run_inputs { /* the vertex inputs of a RUN and its mounts on them */
    CB_VEC(struct cb_edge) edges;
    CB_VEC(struct cb_exec_mount) mounts;
};
/* Strings of the mounts are in the planner's arena. */
int cb_convert_run_mounts(struct cb_stage *stage, const struct cb_item *item,
                          struct cb_run_inputs *out, struct cb_error **err);
/* The from= of a --mount value as written, or NULL. Caller frees. */
char *cb_convert_mount_from(const char *value);

/* ── convert-onbuild.c ── */
/* Puts the triggers of the stage's base in front of its items. 1: they may add needs. */
int cb_convert_triggers(struct cb_stage *stage, struct cb_error **err);

/* ── image-config.c ── */
/* A config to go on from: what a build keeps of its base. */
struct cb_image_config *cb_config_derive(const struct cb_image_config *base);
struct cb_image_config *cb_config_scratch(const struct cb_platform *platform);
/* Adds the default PATH when there is none. */
void cb_config_default_path(struct cb_image_config *config);
/* A history entry as BuildKit words it; STEP: it ran, and is marked "# buildkit". */
void cb_config_history(struct cb_stage *stage, const char *text, int layer, int step);
/* SHELL of the stage, or /bin/sh -c, then TEXT. */
void cb_config_shell_argv(const struct cb_image_config *config, const char *text,
                          struct cb_strings *out);
/* Go's %q and %v of a string list, as history texts show them. */
void cb_config_quote(struct cb_strbuf *out, const char *text);
void cb_config_quote_list(struct cb_strbuf *out, const struct cb_strings *list);
void cb_config_plain_list(struct cb_strbuf *out, const struct cb_strings *list);

/* ── outline.c ── */
void cb_outline_note_arg(struct cb_stage *stage, const struct cb_item *item,
                         const struct cb_declared *declared);
/* MADE: what MOUNT became. */
void cb_outline_note_mount(struct cb_stage *stage, const struct cb_item *item,
                           const struct cb_run_mount *mount,
                           const struct cb_exec_mount *made);

/* ── checks.c ── */
int cb_checks_init(struct cb_planner *planner, struct cb_error **err);
void cb_checks_clear(struct cb_checks *checks);
/* Gives a warning, once per rule and place. RULE NULL: none of ours, cannot be skipped.
 */
void cb_checks_warn(struct cb_planner *planner, const char *rule,
                    struct cb_source *source, struct cb_span span, const char *format,
                    ...) CB_PRINTF(5, 6);
/* At an instruction; nothing without a planner. */
void cb_checks_warn_item(struct cb_stage *stage, const struct cb_item *item,
                         const char *rule, const char *format, ...) CB_PRINTF(4, 5);
/* Are there so many already that no more are given? */
int cb_checks_full(const struct cb_planner *planner);
/* The name of NAMES ("K=V" or "K") closest to NAME; caller frees. NULL if none is near.
 */
char *cb_checks_suggest(const char *name, const struct cb_strings *names);
/* `# check=error=true`: fails when a rule was broken. */
int cb_checks_finish(struct cb_planner *planner, struct cb_error **err);

/* ── checks-text.c: those the text alone decides: the parser's lints and a table ── */
void cb_checks_static(struct cb_planner *planner);
/* The first of them: what the parser noted, also of a file with mistakes. */
void cb_checks_lints(struct cb_planner *planner);

/* ── checks-stage.c: those that need values ── */
/* DEFAULTS: the global ARGs as they are when none is given. */
void cb_checks_from(struct cb_planner *planner, const struct cb_stage_def *def,
                    const struct cb_strings *defaults);
/* BASE is used at SPAN. */
void cb_checks_base_platform(struct cb_planner *planner, const struct cb_base *base,
                             struct cb_span span);
void cb_checks_undefined(struct cb_stage *stage, const struct cb_item *item,
                         const char *name);
/* NAME: of pair INDEX of an ENV or an ARG. */
void cb_checks_secret(struct cb_stage *stage, const struct cb_item *item, size_t index,
                      const char *name);
void cb_checks_legacy_pair(struct cb_stage *stage, const struct cb_item *item);
void cb_checks_shell_form(struct cb_stage *stage, const struct cb_item *item);
void cb_checks_once(struct cb_stage *stage, const struct cb_item *item,
                    const struct cb_item **last);
void cb_checks_ignored(struct cb_stage *stage, const struct cb_item *item,
                       const char *path);

/* ── checks-args.c, checks-layers.c and checks-stages.c: cbuild's own ── */
/* A RUN. */
void cb_checks_global_args(struct cb_stage *stage, const struct cb_item *item);
/* A COPY or ADD into DEST (absolute). */
void cb_checks_copied(struct cb_stage *stage, const struct cb_item *item,
                      const char *dest);
void cb_checks_run(struct cb_stage *stage, const struct cb_item *item);
/* When all stages are known. */
void cb_checks_stages(struct cb_planner *planner, const struct cb_stage *target);

#endif
