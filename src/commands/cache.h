/* What the commands about cache mounts share. */
#ifndef CB_COMMANDS_CACHE_H
#define CB_COMMANDS_CACHE_H

#include "commands/commands.h"

/* "id=x" and "x" are the same. */
const char *cb_cache_id_of(const char *text);

#endif
