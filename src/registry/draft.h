/* Lists of manifests in the making (`manifest create`): indexes that are kept in the
 * store until they are sent to a registry. An entry knows where its manifest is. */
#ifndef CB_REGISTRY_DRAFT_H
#define CB_REGISTRY_DRAFT_H

#include "registry/registry.h"

struct cb_draft_entry {
    struct cb_reference *origin; /* as it was named */
    struct cb_descriptor what;
};
struct cb_draft {
    struct cb_reference *name; /* has a tag */
    struct cb_draft_entry *items;
    size_t count, capacity;
    /* Not kept in the store: */
    json_t *annotations; /* of the list, where it is sent; or NULL */
    int each_once;       /* a digest that is added again takes the place of the first */
};
void cb_draft_free(struct cb_draft *draft);
CB_AUTO_DEFINE(cb_draft, cb_draft_free)

/* 1, or 0: there is none of that name, and *OUT is an empty one. */
int cb_draft_read(struct cb_store *store, const char *name, struct cb_draft **out,
                  struct cb_error **err);
int cb_draft_write(struct cb_store *store, const struct cb_draft *draft,
                   struct cb_error **err);
/* 1, or 0: there was none. */
int cb_draft_remove(struct cb_store *store, const char *name, struct cb_error **err);

/* The manifest NAME on its registry, or all of an index, in place of what NAME was added
 * as before. Two names of one manifest are two entries, as docker has it, unless
 * EACH_ONCE says otherwise. */
int cb_draft_add(struct cb_registry *registry, struct cb_draft *draft, const char *name,
                 struct cb_error **err);
/* By the name it was added under, or by "repository@digest". NOT_FOUND. */
int cb_draft_find(struct cb_draft *draft, const char *name, struct cb_draft_entry **out,
                  struct cb_error **err);
/* Docker's type when all of them have Docker's. */
struct cb_index *cb_draft_index(const struct cb_draft *draft);
/* What the repository does not have yet, and then the index under its name. DIGEST: its
 * own. */
int cb_draft_push(struct cb_registry *registry, const struct cb_draft *draft,
                  struct cb_digest *digest, struct cb_error **err);

#endif
