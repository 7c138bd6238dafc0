/* Between tree.c (an image's documents) and tree-blobs.c (what they name). */
#ifndef CB_REGISTRY_TREE_PRIV_H
#define CB_REGISTRY_TREE_PRIV_H

#include "registry/registry-priv.h"
#include "registry/tree.h"

/* ATTEMPT at the source, wherever that is: at a registry and its mirrors, at the layout,
 * or with a repository NULL for the store. */
int cb_tree_at_source(struct cb_registry *registry, const struct cb_tree_source *source,
                      cb_place_attempt *attempt, void *arg, struct cb_error **err);

#endif
