/* Inside the frontend: variables. What is set where (scope), which values hang on what a
 * base image may set (hidden), and what cannot be judged before it is known (doubt). */
#ifndef CB_SCOPE_PRIV_H
#define CB_SCOPE_PRIV_H

#include "frontend/frontend-priv.h"

/* ── doubt.c: what cannot be judged without the base image ── */
void cb_doubt_begin(struct cb_stage *stage); /* an instruction */
/* NAME was looked up; VALUE NULL: the Dockerfile does not set it. */
void cb_doubt_note(struct cb_stage *stage, const char *name, const char *value);
/* What NAME comes to is not known. */
void cb_doubt_add(struct cb_planner *planner, const char *name);
int cb_doubt_is_there(const struct cb_stage *stage);
/* The instruction was applied. -1: after it no variable is sure. */
int cb_doubt_end(struct cb_stage *stage, const struct cb_item *item);

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
/* Variables only. */
int cb_scope_expand_heredoc(struct cb_stage *stage, const struct cb_item *item,
                            const struct cb_heredoc *heredoc, char **out,
                            struct cb_error **err);
/* The global ARGs that words name, each once. */
struct cb_named_args {
    struct cb_strings used;    /* those with a value */
    struct cb_strings unknown; /* those without */
};
void cb_named_args_clear(struct cb_named_args *named);
CB_AUTO_VALUE_DEFINE(cb_named_args, cb_named_args_clear)
/* With the global ARGs only (FROM). Those it names are added to NAMED, or NULL. */
int cb_scope_expand_global(struct cb_planner *planner, const struct cb_strings *globals,
                           const struct cb_word *word, struct cb_named_args *named,
                           char **out, struct cb_error **err);
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

#endif
