/* SOURCE_DATE_EPOCH and the files a build makes: none is newer. The times are set when a
 * layer is made, not when it leaves, so that what runs on it sees them, a layer has one
 * diff id, and a result from the cache is what making it anew would give. For that the
 * epoch is in the keys of the steps whose layers it decides. */
#include "ops/ops-priv.h"

#include "store/clamp.h"

#include <inttypes.h>

#define PART "SOURCE_DATE_EPOCH"

int cb_times_are_clamped(const struct cb_build_env *env)
{
    return env->source_date_epoch >= 0 && !env->keep_times;
}

/* Also without clamping the epoch is the time of what has none of its own. */
void cb_times_key_part(const struct cb_build_env *env, struct cb_key_parts *parts)
{
    if (env->source_date_epoch >= 0)
        cb_key_parts_addf(parts, PART, "%" PRId64 "%s", env->source_date_epoch,
                          env->keep_times ? " rewrite-timestamp=false" : "");
}

int cb_times_clamp(const struct cb_build_env *env, struct cb_snapshot *active,
                   struct cb_error **err)
{
    if (!cb_times_are_clamped(env))
        return 0;
    return cb_snapshot_clamp(active, env->source_date_epoch, env->cancel, err);
}
