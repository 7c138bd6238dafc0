/* Build checks inside the frontend. The files:
 *     rules.c          the table of rules
 *     checks-config.c  which of them count
 *     checks.c         giving a warning, once
 *     checks-text.c    rules that the text alone decides
 *     checks-stage.c   rules that need values
 *     checks-args.c    cbuild's own about ARGs above the first FROM
 *     checks-layers.c  cbuild's own about what ends up in layers; its own about stages
 *     check.c          a file checked for its own sake */
#ifndef CB_CHECKS_PRIV_H
#define CB_CHECKS_PRIV_H

#include "frontend/frontend-priv.h"

/* ═ for the rest of the frontend ═ */
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

/* ═ for the checks only ═ */
/* ── checks-config.c ── */
/* SYNTAX without a place. */
int cb_check_config_parse(struct cb_check_config *out, const char *text,
                          struct cb_error **err);
void cb_check_config_clear(struct cb_check_config *config);
/* Is RULE to be applied? SCOPED: of the instruction, or NULL. LINT: as of the options. */
int cb_check_config_allows(const struct cb_check_config *config,
                           const struct cb_check_config *scoped,
                           const struct cb_rule *rule, int lint);
/* Takes the `# check=` comments of all instructions. */
void cb_check_scopes_add(struct cb_checks *checks, const struct cb_dockerfile *file);
/* That of the instruction that SPAN begins in, or NULL. */
const struct cb_check_config *cb_check_scopes_find(const struct cb_checks *checks,
                                                   struct cb_span span);

/* ── checks.c ── */
/* Is RULE not wanted at SPAN of the Dockerfile? */
int cb_checks_skip(const struct cb_planner *planner, const char *rule,
                   struct cb_span span);

/* ── checks-stage.c ── */
/* Is there an ARG NAME in STAGE, or in one that it starts from? */
int cb_checks_is_declared(const struct cb_stage *stage, const char *name);

/* ── checks-args.c ── */
/* Is there an ARG NAME before the first FROM? */
int cb_checks_is_global_arg(const struct cb_planner *planner, const char *name);

/* ── checks-shell.c: what a RUN would execute, as far as its text tells ── */
struct cb_shell_command {
    struct cb_strings
        words; /* quotes removed; assignments and `sudo` in front left out */
};
struct cb_shell_commands {
    struct cb_shell_command *items;
    size_t count, capacity;
};
void cb_shell_commands_free(struct cb_shell_commands *commands);
CB_AUTO_VALUE_DEFINE(cb_shell_commands, cb_shell_commands_free)
/* The simple commands of RUN's text, its JSON form, or its heredocs, in order. */
void cb_shell_commands_of(struct cb_shell_commands *out, const struct cb_inst_run *run);
/* The command's name without its directory, "" if it has none. */
const char *cb_shell_command_name(const struct cb_shell_command *command);

#endif
