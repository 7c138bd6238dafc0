/* What the commands of networks share. */
#ifndef CB_COMMANDS_NETWORK_H
#define CB_COMMANDS_NETWORK_H

#include "commands/commands.h"
#include "network/named.h"

/* Opens the store; where it keeps networks. NULL with err. Caller frees. */
char *cb_network_state_dir(struct cb_app *app, struct cb_store **store,
                           struct cb_error **err);

/* --filter of ls and prune: KEY=VALUE. Values of one key are alternatives, keys are
 * conditions that all hold. */
struct cb_network_filter {
    struct cb_strings driver, id, label, not_label, name, scope, type;
    int has_dangling, dangling;
    int64_t until_s; /* 0: any time */
};
void cb_network_filter_clear(struct cb_network_filter *filter);
CB_AUTO_VALUE_DEFINE(cb_network_filter, cb_network_filter_clear)
/* PRUNE: only what prune knows. USAGE with docker's words. */
int cb_network_filter_parse(struct cb_network_filter *filter,
                            const struct cb_strings *texts, int prune,
                            struct cb_error **err);
int cb_network_filter_matches(const struct cb_network_filter *filter,
                              const struct cb_network_def *def);
/* Is a container on it? */
int cb_network_is_used(const struct cb_network_def *def);

#endif
