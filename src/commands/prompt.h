/* Questions to whoever sits at the terminal. */
#ifndef CB_COMMANDS_PROMPT_H
#define CB_COMMANDS_PROMPT_H

#include "base/cancel.h"
#include "base/error.h"

/* Prints TEXT on standard error and reads a line of standard input; with HIDDEN the
 * terminal does not echo it, and echoes again whatever happens. *OUT is without its line
 * end, NULL at the end of input; caller wipes and frees. */
int cb_prompt(const char *text, int hidden, struct cb_cancel *cancel, char **out,
              struct cb_error **err);
/* All of standard input up to MAX bytes, without one line end; for secrets that are
 * piped in. Caller wipes and frees. */
int cb_read_secret(struct cb_cancel *cancel, size_t max, char **out,
                   struct cb_error **err);
/* Asks on standard input whether WHAT may be removed, ":\n  - a list\n" or one thing. Its
 * end is a no. */
int cb_confirmed(const char *what);

#endif
