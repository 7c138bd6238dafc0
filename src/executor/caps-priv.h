/* Capabilities by name, and dropping them. */
#ifndef CB_EXECUTOR_CAPS_PRIV_H
#define CB_EXECUTOR_CAPS_PRIV_H

#include "executor/executor.h"

/* "CAP_CHOWN", "chown", "ALL" → a mask. USAGE when unknown. */
int cb_caps_parse(const char *name, uint64_t *mask, struct cb_error **err);
/* What this process holds (permitted). */
int cb_caps_held(uint64_t *mask, struct cb_error **err);
/* What the specification asks for, limited to what we hold ourselves. */
int cb_caps_of_spec(const struct cb_process_spec *spec, uint64_t *mask,
                    struct cb_error **err);
/* Removes all but MASK from the bounding set and empties the ambient one. */
int cb_caps_bound(uint64_t mask, struct cb_error **err);
/* permitted = effective = MASK, inheritable empty. */
int cb_caps_set(uint64_t mask, struct cb_error **err);

#endif
