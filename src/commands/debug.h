/* A shell where a build's step failed. */
#ifndef CB_COMMANDS_DEBUG_H
#define CB_COMMANDS_DEBUG_H

#include "commands/commands.h"
#include "commands/progress.h"

struct cb_debug {
    struct cb_app *app;
    struct cb_progress *progress;
};
/* For cb_engine_env: the display waits while the shell has the terminal. */
void cb_debug_shell(void *arg, const struct cb_process_spec *spec, const char *error);
int cb_debug_has_terminal(void);

#endif
