/* Why the store's records hold nothing for a step. */
#ifndef CB_CACHE_EXPLAIN_H
#define CB_CACHE_EXPLAIN_H

#include "solver/solver.h"
#include "store/store.h"

/* In words, from the record that is most like the step; NULL if none is. Caller frees. */
char *cb_cache_explain(struct cb_store *store, const char *name,
                       const struct cb_key_parts *parts);

#endif
