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
/* Where a Dockerfile asks for an image. */
struct cb_mention {
    const char *context;      /* "FROM", "COPY --from" */
    struct cb_source *source; /* borrowed */
    struct cb_span span;
};

struct cb_base {
    char *name;        /* as written, variables expanded */
    const char *asked; /* the same, or with the digest it is held to */
    struct cb_platform platform;
    struct cb_resolved_image *image; /* NULL until resolved */
    char *canonical;           /* "docker.io/library/debian:bookworm" once resolved */
    struct cb_mention mention; /* the first */
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
    int left_out;                 /* its --if is false: it counts as not written */
    int undecided;                /* whether its --if is true hangs on more than ARGs */
    struct cb_error *unconnected; /* of one UNDECIDED: why it has no origins; or NULL */
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
    size_t next; /* of the items: the first that is not applied yet */
    int ended;   /* there is none, or none of them can be */
    int failed;  /* at an instruction that what follows hangs on */
    int no_cache;
    int sets_later;       /* it has triggers that are ARG or ENV */
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
    const struct cb_item
        *awaited; /* a RUN whose values the next item hangs on; or NULL */
    struct cb_strings awaited_paths; /* of its exports, absolute */
    int values_unknown;              /* there was one, and they will not be known */
    int cmd_set, workdir_set;
    struct cb_hidden *hidden; /* the base's ENV is not known; or NULL */
    const struct cb_item *last_cmd, *last_entrypoint, *last_healthcheck;
    int env_unknown; /* the base image was not looked up: it may set anything */
    CB_VEC(struct cb_copied) copied; /* here, for checks; only when checking */
    CB_VEC(struct cb_outline_note) notes;
    int no_history;
    signed char scan_stage, scan_context; /* scans.c: 1 wanted, -1 not, 0 nothing said */
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
    struct cb_map *left_out;  /* variables that what is left out would set; or NULL */
    struct cb_map *doubtful;  /* variables whose values hang on images not looked up */
    int in_doubt;             /* the instruction at hand does, too */
};

/* ── frontend.c ── */
void cb_planner_init(struct cb_planner *planner,
                     const struct cb_frontend_options *options);
/* From the text to converted stages. */
int cb_planner_run(struct cb_planner *planner, struct cb_stage **target,
                   struct cb_error **err);
/* The rest of the checks, once all that is needed is converted. */
int cb_planner_end(struct cb_planner *planner, struct cb_error **err);
void cb_planner_clear(struct cb_planner *planner);
/* Takes *ERROR, so that further mistakes can be found in the same run. 1: go on looking;
 * 0: it is of a kind, or there are so many, that nothing is gained by it. */
int cb_planner_keep_error(struct cb_planner *planner, struct cb_error **error);
/* Are all stages looked at, or those that the target needs? */
int cb_planner_wants_all(const struct cb_planner *planner);
/* -1 with the errors kept, 0 if there are none. */
int cb_planner_report(struct cb_planner *planner, struct cb_error **err);
/* The stages that are needed, in order, each as far as the values that are known lead. */
int cb_planner_convert(struct cb_planner *planner, struct cb_error **err);

/* ── scans.c ── */
/* An ARG that is read by the build, and is no variable. */
int cb_scans_is_arg(const char *name);
/* It was declared. */
void cb_scans_note(struct cb_stage *stage, const char *name, const char *value);
/* What they want, if that is asked for. To be called before the plan is made. */
int cb_scans_find(struct cb_planner *planner, const struct cb_stage *target,
                  struct cb_plan_scans *out, struct cb_error **err);
void cb_scans_clear(struct cb_plan_scans *scans);
CB_AUTO_VALUE_DEFINE(cb_plan_scans, cb_scans_clear)

/* ── rehearse.c ── */
/* -1 with what is wrong with the Dockerfile whatever the images are; 0: nothing, as far
 * as can be seen. PARTLY: its text has mistakes, so that any variable may be missing. */
int cb_planner_rehearse(const struct cb_planner *planner, int partly,
                        struct cb_error **err);
/* *ERR is set: adds what else is wrong, all in the order of the text. -1. */
int cb_planner_rehearse_too(const struct cb_planner *planner, int partly,
                            struct cb_error **err);

/* ── exports.c: RUN --export ── */
/* Which values TARGET awaits, and what of it can begin already. 1: none. */
int cb_exports_list(const struct cb_planner *planner, struct cb_stage *target,
                    struct cb_plan *out);
/* Does any RUN of the file set NAME so? */
int cb_exports_name(const struct cb_planner *planner, const char *name);

/* ── given.c ── */
/* A step has a cache mount of this id. */
void cb_given_note_cache(struct cb_planner *planner, const char *id);
/* Warns of build arguments, stage names and the like of the command line that nothing
 * takes. */
void cb_given_check(const struct cb_planner *planner);

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
                     const struct cb_platform *platform, const struct cb_mention *mention,
                     struct cb_origin *out);
/* Its files, for COPY and mounts. */
int cb_named_edge(struct cb_planner *planner, const struct cb_named_context *named,
                  struct cb_edge *out, struct cb_error **err);
/* FILES, of a context, as a layer on nothing; SHOWN: how the step is shown. */
int cb_named_layer(struct cb_planner *planner, const struct cb_vertex_options *shown,
                   struct cb_edge files, struct cb_edge *out, struct cb_error **err);
/* Its files as what STAGE starts with. */
int cb_named_root(struct cb_stage *stage, const struct cb_named_context *named,
                  struct cb_error **err);

/* ── needs.c ── */
/* Is an instruction of KIND a step of its stage? */
int cb_stages_is_step(enum cb_instruction_kind kind);
/* Marks what TARGET needs, resolves images, adds triggers, until nothing is added. */
int cb_stages_prepare(struct cb_planner *planner, struct cb_stage *target,
                      struct cb_error **err);

/* ── from-args.c ── */
int cb_from_args_are_used(const struct cb_planner *planner);
/* An instruction of the stage, in order: what its ARGs and ENV mean for those below. */
void cb_from_args_note(struct cb_stage *stage, const struct cb_item *item);
/* What WORD comes to, if that hangs on ARGs only: 1 and *OUT; else 0. */
int cb_from_args_word(const struct cb_stage *stage, const struct cb_word *word,
                      char **out);
/* STAGE NULL: no variable is known. */
int cb_from_args_expand(struct cb_planner *planner, const struct cb_stage *stage,
                        const struct cb_word *word, char **out, struct cb_error **err);

/* ── conditions.c: --if ── */
/* Before anything is looked at: leaves ITEM out, or finds that it is undecided. */
void cb_conditions_look(struct cb_stage *stage, struct cb_item *item);
/* When its turn has come: 1 it counts, 0 it is left out. */
int cb_conditions_decide(struct cb_stage *stage, struct cb_item *item,
                         struct cb_error **err);
/* Does what is left out, in whatever stage, set NAME? */
int cb_conditions_may_set(const struct cb_planner *planner, const char *name);
/* The same, but nothing is left out yet. */
int cb_conditions_hold(struct cb_stage *stage, const struct cb_item *item,
                       struct cb_error **err);
/* Of an ARG before the first FROM: the same, with those above it. */
int cb_conditions_global(struct cb_planner *planner, const struct cb_instruction *inst,
                         const struct cb_strings *globals, struct cb_error **err);

/* ── origins.c ── */
/* Finds the origins of an item (COPY --from, --mount from=). STAGE: whose ARGs, as noted
 * so far, they may name; or NULL. */
int cb_stages_connect(struct cb_planner *planner, const struct cb_stage *stage,
                      struct cb_item *item, struct cb_error **err);

/* ── bases.c ── */
/* The planner's entry for the image NAME, made at its first mention. */
struct cb_base *cb_bases_want(struct cb_planner *planner, const char *name,
                              const struct cb_platform *platform,
                              const struct cb_mention *mention);
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
/* The image's files as a vertex named NAME, of what the Dockerfile has at SPAN (vertex
 * NULL when it has no layers). */
int cb_bases_root(struct cb_planner *planner, struct cb_base *base, const char *name,
                  struct cb_span span, struct cb_edge *out, struct cb_error **err);

#endif
