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
