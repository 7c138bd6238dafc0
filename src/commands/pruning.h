/* What `container prune`, `image prune`, `network prune` and `volume prune` remove, which
 * `system prune` does one after the other. Each prints what goes below docker's heading
 * and goes on with *OUT as it is; FILTERS have been checked. What is put to use meanwhile
 * stays. */
#ifndef CB_COMMANDS_PRUNING_H
#define CB_COMMANDS_PRUNING_H

#include "base/cancel.h"
#include "commands/commands.h"

struct cb_pruned {
    int any; /* something was printed */
    uint64_t freed_bytes;
};

/* Containers that do not run. */
int cb_prune_containers(struct cb_store *store, const struct cb_strings *filters,
                        struct cb_cancel *cancel, struct cb_pruned *out,
                        struct cb_error **err);
/* Images that no container is made of; without ALL only those without a name. Their blobs
 * stay for cb_store_gc, which tells what was freed. */
int cb_prune_images(struct cb_store *store, const struct cb_strings *filters, int all,
                    struct cb_pruned *out, struct cb_error **err);
/* Networks that no container is on. */
int cb_prune_networks(struct cb_store *store, const struct cb_strings *filters,
                      struct cb_pruned *out, struct cb_error **err);
/* Volumes that no container has; without ALL only those nobody named. */
int cb_prune_volumes(struct cb_store *store, const struct cb_strings *filters, int all,
                     struct cb_pruned *out, struct cb_error **err);

/* A line; HEADING comes before the first one. */
void cb_pruned_tell(struct cb_pruned *out, const char *heading, const char *line);
void cb_pruned_print_total(const struct cb_pruned *out);

#endif
