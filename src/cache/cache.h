/* The solver's cache over the store's records, and (later) remote caches: same record,
 * other transport. */
#ifndef CB_CACHE_CACHE_H
#define CB_CACHE_CACHE_H

#include "ops/ops.h"
#include "solver/solver.h"

/* Records that survive the process. ENV outlives it. */
int cb_cache_local_new(struct cb_cache_store **out, struct cb_build_env *env,
                       struct cb_error **err);

#endif
