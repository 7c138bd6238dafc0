/* Nothing is pulled: who wants to look into an image has it. Only layers that were left
 * with their registry until somebody needs them are fetched. */
#include "commands/image-files.h"

#include "base/pool.h"
#include "engine/engine.h"

int cb_app_image_files(struct cb_app *app, struct cb_store *store, const char *name,
                       const struct cb_platform *platform, struct cb_image **image,
                       struct cb_snapshot **files, struct cb_error **err)
{
    cb_auto(cb_pool) pool = cb_pool_new(0, 4);
    cb_auto(cb_registry) registry = NULL;
    cb_auto(cb_image) found = NULL;
    cb_auto(cb_resolved_image) resolved = NULL;
    struct cb_registry_options options = {
        .store = store, .pool = pool, .cancel = app->cancel, .tls_verify = 1};
    const struct cb_settings *settings;
    char id[CB_DIGEST_MAX_TEXT];

    if (cb_image_get_for(store, name, platform, &found, NULL, err) < 0 ||
        cb_app_settings(app, &settings, err) < 0)
        return -1;
    options.settings = &settings->registry;
    if (cb_registry_new(&registry, &options, err) < 0 ||
        cb_registry_resolve(registry, cb_digest_text(&found->id, id),
                            &found->config->platform, CB_PULL_NEVER, &resolved,
                            err) < 0 ||
        cb_registry_fetch(registry, resolved, 0, files, err) < 0)
        return -1;
    if (!*files)
        return cb_error_set(err, CB_ERR_UNSUPPORTED, "image `%s` has no files", name);
    *image = cb_steal(&found);
    return 0;
}
