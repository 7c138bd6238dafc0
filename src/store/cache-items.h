/* What the build cache consists of, thing by thing: what du lists and prune chooses from.
 */
#ifndef CB_STORE_CACHE_ITEMS_H
#define CB_STORE_CACHE_ITEMS_H

#include "base/vec.h"
#include "store/store.h"

enum cb_item_type {
    CB_ITEM_REGULAR, /* a step's layer */
    CB_ITEM_MOUNT,   /* RUN --mount=type=cache */
    CB_ITEM_GIT,     /* a repository that git sources are fetched into */
    CB_ITEM_LOCAL,   /* what is remembered of a context's files */
    CB_ITEM_LOG,     /* of an earlier build */
};
const char *cb_item_type_name(enum cb_item_type type); /* "regular", … */
/* 0: there is no such type. */
int cb_item_type_parse(enum cb_item_type *out, const char *name);

struct cb_cache_item {
    enum cb_item_type type;
    char *id;
    char *parent;                /* id of the layer below, "" for none */
    char *description;           /* step's name; "" */
    int64_t created_ns, used_ns; /* used: also by what stands on it */
    uint64_t bytes;
    unsigned depth;
    int in_use; /* by a living process, of any store handle */
    int shared; /* an image or a container has it too: removing it frees nothing */
};
struct cb_cache_items {
    struct cb_cache_item *items;
    size_t count, capacity;
};
void cb_cache_items_free(struct cb_cache_items *items);
CB_AUTO_VALUE_DEFINE(cb_cache_items, cb_cache_items_free)

/* All of them, least recently used first, a layer always after those that stand on it. */
int cb_cache_items_list(struct cb_store *store, struct cb_cache_items *out,
                        struct cb_error **err);

#endif
