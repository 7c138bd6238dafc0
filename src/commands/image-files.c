/* Nothing is pulled: who wants to look into an image has it. Only layers that were left
 * with their registry until somebody needs them are fetched. */
#include "commands/image-files.h"

#include "base/pool.h"

void cb_image_files_clear(struct cb_image_files *files)
{
    cb_snapshot_unref(files->top);
    cb_image_free(files->image);
}

int cb_app_image_files(struct cb_app *app, struct cb_store *store, const char *name,
                       const struct cb_platform *platform, struct cb_image_files *out,
                       struct cb_error **err)
{
    cb_auto(cb_pool) pool = cb_pool_new(0, 4);
    cb_auto(cb_registry) registry = NULL;
    cb_auto(cb_resolved_image) resolved = NULL;
    const struct cb_registry_options options = {
        .store = store, .pool = pool, .tls_verify = 1};
    char id[CB_DIGEST_MAX_TEXT];

    if (cb_image_get_for(store, name, platform, &out->image, NULL, err) < 0 ||
        cb_app_registry(app, &options, &registry, err) < 0 ||
        cb_registry_resolve(registry, cb_digest_text(&out->image->id, id),
                            &out->image->config->platform, CB_PULL_NEVER, &resolved,
                            err) < 0 ||
        cb_registry_fetch(registry, resolved, 0, &out->top, err) < 0)
        return -1;
    if (!out->top)
        return cb_error_set(err, CB_ERR_UNSUPPORTED, "image `%s` has no files", name);
    return 0;
}
