/* What the commands of networks share. */
#ifndef CB_COMMANDS_NETWORK_H
#define CB_COMMANDS_NETWORK_H

#include "commands/commands.h"
#include "commands/filter.h"
#include "network/named.h"

/* Opens the store; where it keeps networks. NULL with err. Caller frees. */
char *cb_network_state_dir(struct cb_app *app, struct cb_store **store,
                           struct cb_error **err);

/* --filter of ls and prune, of a struct cb_network_def. */
extern const struct cb_filter_key cb_network_filters[];
/* Is a container on it? */
int cb_network_is_used(const struct cb_network_def *def);
/* For `events`. CONTAINER: the id of one that came or went, or NULL. */
void cb_network_tell(struct cb_store *store, const char *action,
                     const struct cb_network_def *def, const char *container);

#endif
