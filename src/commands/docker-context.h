/* docker's contexts, of which there is one. */
#ifndef CB_COMMANDS_DOCKER_CONTEXT_H
#define CB_COMMANDS_DOCKER_CONTEXT_H

#include "commands/commands.h"

/* What `docker context ls` prints. FORMAT is a template; QUIET: names alone. */
int cb_docker_context_list(const char *format, int quiet, struct cb_error **err);

#endif
