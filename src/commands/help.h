/* What `--help` prints, and what of it the manual is made of. */
#ifndef CB_COMMANDS_HELP_H
#define CB_COMMANDS_HELP_H

#include "commands/commands.h"

#include <stdio.h>

/* What `cbuild --help` prints. */
void cb_print_overview(FILE *out);
void cb_print_command_help(const struct cb_cli_command *command, FILE *out);
void cb_print_group_help(const char *group, FILE *out);
/* The headings of the overview, from 0 on, NULL at the end; and where a command stands.
 */
const char *cb_help_section_title(size_t section);
size_t cb_help_section(const struct cb_cli_command *command);

/* ── examples.c ── */
/* Lines that end in a newline; or NULL. */
const char *cb_command_examples(const struct cb_cli_command *command);

#endif
