/* Inside the frontend: instructions → vertices and the image's configuration, one stage
 * after the other, one converter per instruction. */
#ifndef CB_CONVERT_PRIV_H
#define CB_CONVERT_PRIV_H

#include "frontend/scope-priv.h"

/* ── convert.c ── */
/* The configuration's ENV as the stage's variables, with a PATH if it has none. */
int cb_convert_start_env(struct cb_stage *stage, struct cb_error **err);
/* Goes on where it stopped the last time, unless it still has to wait. Mistakes are kept
 * (cb_planner_keep_error); -1 when they are not to be searched further. */
int cb_convert_stage(struct cb_stage *stage);
/* Applies one instruction. The item's place is attached to errors that have none. */
int cb_convert_item(struct cb_stage *stage, const struct cb_item *item,
                    struct cb_error **err);

/* ── convert-step.c ── */
/* "[linux/arm64 build 2/5] ": how a step of the stage is shown. */
void cb_convert_prefix(struct cb_strbuf *out, struct cb_stage *stage);
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
int cb_convert_context(struct cb_planner *planner, struct cb_edge *out,
                       struct cb_error **err);
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

/* ── exports.c: RUN --export ── */
/* The paths of the RUN's exports, absolute. */
int cb_exports_paths(struct cb_stage *stage, const struct cb_item *item,
                     struct cb_strings *out, struct cb_error **err);
/* The RUN is the stage's last step: what follows awaits the values in PATHS, which are
 * taken, or has none. */
int cb_exports_follow(struct cb_stage *stage, const struct cb_item *item,
                      struct cb_strings *paths, struct cb_error **err);
/* Each variable that INST sets so stays as it is written: $NAME. */
int cb_exports_stay(struct cb_stage *stage, const struct cb_instruction *inst,
                    struct cb_error **err);
/* The values that STAGE awaits. */
int cb_exports_learn(struct cb_stage *stage, cb_plan_read *read, void *arg,
                     struct cb_error **err);
/* An ADD's source TEXT, where all that is fetched has to be known, hangs on no unknown
 * value. */
int cb_exports_check_source(struct cb_stage *stage, const struct cb_item *item,
                            const char *text, struct cb_error **err);

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

#endif
