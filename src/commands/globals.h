/* Options of every command; and docker's that stand before it. Rows without help are not
 * here and say so. Those who take them out of argv return the new argc, or -1, USAGE. */
#ifndef CB_COMMANDS_GLOBALS_H
#define CB_COMMANDS_GLOBALS_H

#include "commands/app.h"
#include "commands/options.h"

extern const struct cb_option cb_globals[];
extern const struct cb_option cb_leading_globals[];
/* The first kind; LEADING_ONLY: up to the first word that is no option. */
int cb_globals_take(struct cb_app *app, int argc, char **argv, int leading_only,
                    struct cb_error **err);
/* Both kinds, before the command. */
int cb_globals_take_leading(struct cb_app *app, int argc, char **argv,
                            struct cb_error **err);
/* What buildx has between its own name and the command's. */
int cb_globals_take_buildx(struct cb_app *app, int argc, char **argv,
                           struct cb_error **err);
/* $DOCKER_HOST and $DOCKER_CONTEXT of another machine: a warning says that it is not
 * asked. */
void cb_globals_warn_elsewhere(void);

#endif
