/* The content of a cache mount as an image of one layer, to be pushed, pulled and used as
 * a seed (`from=`) like any other; and back. */
#include "exporter/exporter.h"

#include "base/timestamp.h"
#include "store/cache-mount.h"
#include "store/copy-tree.h"

static char *describe(const char *id, const struct cb_digests *diff_ids, size_t *len)
{
    cb_auto(cb_image_config) config = cb_image_config_new();
    cb_autofree char *comment = xasprintf("Content of the cache mount %s", id);
    char created[CB_TIMESTAMP_MAX];

    config->platform = cb_platform_host();
    for (size_t i = 0; i < diff_ids->count; i++)
        cb_vec_push(&config->diff_ids, diff_ids->items[i]);
    cb_timestamp_format(cb_timestamp_now(), created);
    config->created = xstrdup(created);
    cb_image_config_add_history(config, created, NULL, comment, 0);
    return cb_image_config_emit(config, len);
}

static int fill_layer(struct cb_archive_env *env, int cache_fd, struct cb_snapshot *layer,
                      struct cb_error **err)
{
    cb_autofd int root = -1;

    if (cb_snapshot_open_root(layer, &root, err) < 0)
        return -1;
    return cb_copy_tree(cache_fd, root, env->cancel, err);
}

int cb_cache_image_make(struct cb_archive_env *env, const char *id, int cache_fd,
                        const char *name, struct cb_digest *image, struct cb_error **err)
{
    cb_auto(cb_snapshot) layer = NULL;
    cb_auto_value(cb_strings) names = {0};
    cb_autofree char *bytes = NULL;
    struct cb_digests diff_ids = {0};
    size_t len;
    int status;

    if (cb_snapshot_prepare(env->store, NULL, &layer, err) < 0 ||
        fill_layer(env, cache_fd, layer, err) < 0 || cb_snapshot_commit(layer, err) < 0)
        return -1;
    status = cb_chain_register(layer, env->pool, &diff_ids, err);
    if (status == 0) {
        bytes = describe(id, &diff_ids, &len);
        cb_strings_add(&names, name);
        status = cb_image_put(
            env->store,
            &(struct cb_new_image){.config = bytes, .config_len = len, .names = &names},
            image, err);
    }
    cb_vec_free(&diff_ids);
    return status;
}

struct taking {
    struct cb_snapshot *top;
    struct cb_cancel *cancel;
};

static int take_tree(void *arg, int dir_fd, struct cb_error **err)
{
    const struct taking *taking = arg;
    cb_autofd int root = -1;

    if (!taking->top)
        return 0;
    if (cb_snapshot_open_root(taking->top, &root, err) < 0)
        return -1;
    return cb_copy_tree(root, dir_fd, taking->cancel, err);
}

/* The store's image when it has one, as a build takes its bases. */
static int get_image(struct cb_archive_env *env, struct cb_registry *registry,
                     const char *name, struct cb_resolved_image **image,
                     struct cb_snapshot **top, struct cb_error **err)
{
    struct cb_platform platform = cb_platform_host();
    cb_autofree char *title = xasprintf("loading %s", name);
    uint64_t id = cb_event_step_start(env->sink, title);
    struct cb_error *error = NULL;
    int status =
        cb_registry_resolve(registry, name, &platform, CB_PULL_MISSING, image, &error);

    if (status == 0)
        status = cb_registry_fetch(registry, *image, id, top, &error);
    return cb_event_step_end(env->sink, id, status, &error, err);
}

int cb_cache_image_take(struct cb_archive_env *env, struct cb_registry *registry,
                        const char *id, const char *name, struct cb_error **err)
{
    cb_auto(cb_resolved_image) image = NULL;
    cb_auto(cb_snapshot) top = NULL;
    struct taking taking = {.cancel = env->cancel};

    if (get_image(env, registry, name, &image, &top, err) < 0)
        return -1;
    taking.top = top;
    return cb_cache_mount_replace(
        env->store, &(struct cb_cache_mount_wait){id, env->cancel, env->sink}, take_tree,
        &taking, err);
}
