/* Command lines: long and short options before, after and between arguments, `--name
 * value` and `--name=value`, grouped short flags,
 * `--` as the end. Values land in a struct of the command's through offsets. */
#ifndef CB_COMMANDS_OPTIONS_H
#define CB_COMMANDS_OPTIONS_H

#include "base/error.h"
#include "base/vec.h"

#include <stddef.h>
#include <stdio.h>

enum cb_option_kind {
    CB_OPTION_FLAG,     /* int; --x, --x=true, --x=false */
    CB_OPTION_TEXT,     /* const char *; borrowed from argv */
    CB_OPTION_LIST,     /* struct cb_strings; repeatable */
    CB_OPTION_UNSIGNED, /* unsigned */
    CB_OPTION_OPTIONAL, /* const char *; "" when given without =value */
    CB_OPTION_ACCEPTED, /* a flag of docker's that changes nothing here */
    /* struct cb_strings: the option's name and its value, after those of all options of
     * these kinds that came before. */
    CB_OPTION_ORDERED,
    CB_OPTION_ORDERED_FLAG, /* the value is "true" or "false" */
};

struct cb_option {
    const char *name; /* without dashes */
    char letter;      /* or 0 */
    enum cb_option_kind kind;
    size_t offset;
    const char *metavar; /* NULL for flags */
    const char *help;    /* NULL: another spelling, not listed */
};

/* An option of docker's that is not here, and what to do instead. */
struct cb_absent_option {
    const char *name;
    char letter; /* or 0 */
    const char *instead;
};

/* Values of such an option that ask for nothing but what is done anyway. */
struct cb_harmless_option {
    const char *name;
    const char *values; /* "false|0" */
};

struct cb_cli_command;

/* Fills VALUES and ARGS. With STOP_AT_FIRST everything from the first argument on is an
 * argument (`run IMAGE CMD…`). 1: --help was asked for and printed; 0; -1 USAGE with a
 * suggestion for unknown options. --root and --debug are accepted by every command (taken
 * out by main). */
int cb_options_parse(const struct cb_cli_command *command, int argc, char **argv,
                     int stop_at_first, void *values, struct cb_strings *args,
                     struct cb_error **err);
/* Is the word at *AT one of OPTIONS, which are few and stand among those of others? 1:
 * its value is in VALUES and *AT at its last word; 0; -1 USAGE. */
int cb_options_take(const struct cb_option *options, int argc, char **argv, int *at,
                    void *values, struct cb_error **err);
/* The first value that option NAME, or OTHER, has in ARGV, before anything is parsed;
 * borrowed, or NULL. */
const char *cb_options_peek(const struct cb_cli_command *command, int argc, char **argv,
                            int stop_at_first, const char *name, const char *other);
/* The options' part of a help page, within 80 columns. */
void cb_options_print(const struct cb_option *options, FILE *out);

#endif
