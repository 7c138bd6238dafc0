/* Parts of `cbuild info`. */
#ifndef CB_COMMANDS_INFO_H
#define CB_COMMANDS_INFO_H

#include "commands/commands.h"

#include <jansson.h>

/* Adds to info's JSON. What cannot be told is left out. */
void cb_info_add_docker(json_t *object, struct cb_app *app);
/* The lines of `docker info` that people grep for, from what the one above added. */
void cb_info_print_docker(const json_t *object);

#endif
