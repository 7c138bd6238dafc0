/* All commands there are, and how they are found by what is typed. */
#ifndef CB_COMMANDS_TABLE_H
#define CB_COMMANDS_TABLE_H

#include "commands/commands.h"

extern const struct cb_cli_command
    *const cb_commands[]; /* ends with NULL; in the order of --help */
/* Finds the command for ARGV, in both of docker's spellings (`images`, `image ls`).
 * *USED: how many words named it. */
const struct cb_cli_command *cb_command_find(int argc, char **argv, int *used);
/* `image`, `cache`: is WORD followed by others, and by which. */
int cb_command_is_group(const char *word);
/* The groups and a group's verbs, one after the other: start with *AT 0; NULL at the end.
 */
const char *cb_command_next_group(size_t *at);
const char *cb_command_next_verb(const char *group, size_t *at, const char **summary);
/* All spellings of two words, aliases too: 0 at the end. */
int cb_command_next_spelling(size_t *at, const char **group, const char **verb,
                             const struct cb_cli_command **command);
/* ── unknown.c ── */
/* "`x` is not a cbuild command" with what may have been meant. Returns -1. */
int cb_command_unknown(int argc, char **argv, struct cb_error **err);

#endif
