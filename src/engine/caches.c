/* The cache of one build: made with what --cache-from names, written to what --cache-to
 * names. A cache that cannot be read is a warning; one that cannot be written is an error
 * unless ignore-error=true, and the image is there all the same. */
#include "engine/engine-priv.h"

#include "base/text.h"

#include <string.h>

static void warn(struct cb_build_env *env, const struct cb_error *error)
{
    cb_event_say(env->sink, CB_EVENT_WARNING, 0, "%s", cb_error_message(error));
}

/* One password that was typed is for all registries that were: this one, too. */
int cb_caches_check(const struct cb_checked_request *checked,
                    const struct cb_settings *settings, struct cb_error **err)
{
    cb_vec_foreach (location, &checked->cache_to) {
        if (!location->deferred || !settings || !settings->registry.logins.count)
            continue;
        cb_error_set(err, CB_ERR_USAGE,
                     "--creds are not kept for a cache that is sent later: `%s`",
                     location->place);
        return cb_error_hint(err, "`cbuild login` keeps credentials, and --authfile "
                                  "names a file with them; or leave deferred=true out");
    }
    return 0;
}

int cb_caches_wants_inline(const struct cb_checked_request *checked)
{
    const char *arg = cb_env_get(&checked->build_args, "BUILDKIT_INLINE_CACHE");
    int value = 0;

    if (arg && cb_parse_bool(arg, &value) && value)
        return 1;
    cb_vec_foreach (location, &checked->cache_to) {
        if (location->type == CB_CACHE_INLINE)
            return 1;
    }
    return 0;
}

int cb_caches_open(struct cb_cache **out, struct cb_build_env *env,
                   const struct cb_checked_request *checked, struct cb_error **err)
{
    cb_auto(cb_cache) cache = NULL;

    if (cb_cache_new(&cache, env, err) < 0)
        return -1;
    cb_vec_foreach (location, &checked->cache_from) {
        cb_auto(cb_error) error = NULL;

        if (cb_cache_import(cache, location, checked->platforms.items,
                            checked->platforms.count, &error) == 0)
            continue;
        if (cb_error_kind(error) == CB_ERR_CANCELED)
            return cb_error_move(err, &error);
        warn(env, error);
    }
    if (checked->cache_from.count || checked->cache_to.count ||
        cb_caches_wants_inline(checked))
        cb_cache_track(cache);
    *out = cb_steal(&cache);
    return 0;
}

int cb_caches_inline(struct cb_cache *cache, const struct cb_checked_request *checked,
                     struct cb_snapshot *result, struct cb_image_config *config,
                     struct cb_error **err)
{
    if (!cache || !cb_caches_wants_inline(checked))
        return 0;
    return cb_cache_inline(cache, result, config, err);
}

int cb_caches_export(struct cb_cache *cache, struct cb_build_env *env,
                     const struct cb_checked_request *checked,
                     const struct cb_made_list *made, struct cb_error **err)
{
    cb_autofree struct cb_snapshot **results = xcalloc(made->count + 1, sizeof(*results));

    for (size_t i = 0; i < made->count; i++)
        results[i] =
            made->items[i].result ? cb_snapshot_result_get(made->items[i].result) : NULL;
    cb_vec_foreach (location, &checked->cache_to) {
        cb_auto(cb_error) error = NULL;

        if (!cache || location->type == CB_CACHE_INLINE ||
            cb_cache_export(cache, results, made->count, location, &error) == 0)
            continue;
        if (!location->ignore_error || cb_error_kind(error) == CB_ERR_CANCELED)
            return cb_error_move(err, &error);
        warn(env, error);
    }
    return 0;
}
