/* Results and the handles a cache gives for them. A result is shared by every step that
 * takes it as input, on any thread, so its count is atomic; its class does the rest. */
#include "solver/solver.h"

struct cb_result *cb_result_ref(struct cb_result *result)
{
    if (result)
        __atomic_add_fetch(&result->refs, 1, __ATOMIC_RELAXED);
    return result;
}

void cb_result_unref(struct cb_result *result)
{
    if (result && __atomic_sub_fetch(&result->refs, 1, __ATOMIC_ACQ_REL) == 0)
        result->class->free(result);
}

void cb_cache_entry_free(struct cb_cache_entry *entry)
{
    free(entry->handle);
    *entry = (struct cb_cache_entry){0};
}

void cb_cache_store_free(struct cb_cache_store *store)
{
    if (store)
        store->class->free(store);
}
