/* The layers of an image become one, as a build's do with --squash. What is left of the
 * old image decides all of the new one, so the same is the same image again. */
#include "exporter/exporter.h"

#include "store/squash.h"

/* Entries above the first KEPT layers have none; an entry for the new one follows. A
 * history that does not fit its layers would not fit these either, and goes. */
static void note(struct cb_image_config *config, size_t kept, size_t layers)
{
    struct cb_history entry = {.comment = xasprintf("%zu layers squashed", layers)};
    size_t filled = 0;

    cb_vec_foreach (at, &config->history) {
        if (!at->empty_layer && ++filled > kept)
            at->empty_layer = 1;
    }
    if (filled != kept + layers) {
        free(entry.comment);
        cb_image_config_drop_history(config);
        return;
    }
    if (config->created)
        entry.created = xstrdup(config->created);
    cb_vec_push(&config->history, entry);
}

static int squash(struct cb_archive_env *env, const struct cb_image_squash *what,
                  struct cb_error **err)
{
    struct cb_image_config *config = what->config;
    cb_auto(cb_snapshot) one = NULL;
    struct cb_snapshot *base = what->top;
    struct cb_digests diff_ids = {0};

    while (base && cb_snapshot_depth(base) > what->kept)
        base = cb_snapshot_parent(base);
    if (cb_snapshot_squash(what->top, base, env->cancel, &one, err) < 0 ||
        cb_chain_register(one, env->pool, &diff_ids, err) < 0)
        return -1;
    note(config, what->kept, config->diff_ids.count - what->kept);
    cb_vec_free(&config->diff_ids);
    cb_vec_foreach (diff_id, &diff_ids)
        cb_vec_push(&config->diff_ids, *diff_id);
    cb_vec_free(&diff_ids);
    return 0;
}

int cb_image_squash(struct cb_archive_env *env, const struct cb_image_squash *what,
                    struct cb_digest *id, struct cb_error **err)
{
    cb_autofree char *bytes = NULL;
    size_t len;

    if (squash(env, what, err) < 0)
        return -1;
    bytes = cb_image_config_emit(what->config, &len);
    return cb_image_put(
        env->store,
        &(struct cb_new_image){.config = bytes, .config_len = len, .names = what->names},
        id, err);
}
