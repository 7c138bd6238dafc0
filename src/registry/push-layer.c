/* A layer of an image that is pushed: which blob it is, and how the registry comes by it.
 */
#include "registry/push-priv.h"

#include "store/content.h"

/* A blob the layer came with: 1. zstd under Docker's types, which docker does not read,
 * is not for registries unless it is asked for; nor are plain tars, which archives bring,
 * but for those that compression would not make smaller. */
static int find_packed(struct cb_push *push, const struct cb_digest *diff_id,
                       struct cb_descriptor *out)
{
    static const enum cb_compression kinds[] = {CB_COMPRESSION_GZIP, CB_COMPRESSION_ZSTD};
    const struct cb_layer_form *form = &push->options->layers;
    struct cb_store *store = push->registry->store;

    if (form->force || !form->any)
        return 0;
    for (size_t i = 0; i < (push->options->docker_types ? 1 : CB_ARRAY_SIZE(kinds));
         i++) {
        if (cb_layer_blob_find(store, diff_id, (int)kinds[i], out, NULL) > 0)
            return 1;
    }
    if (push->options->docker_types ||
        cb_layer_blob_find(store, diff_id, CB_COMPRESSION_NONE, out, NULL) <= 0)
        return 0;
    if (cb_layer_blob_is_dense(store, out))
        return 1;
    cb_descriptor_free(out);
    *out = (struct cb_descriptor){0};
    return 0;
}

/* Is what is elsewhere good as it is? The same is asked of what is here. */
static int passes(const struct cb_push *push, const struct cb_descriptor *blob)
{
    const struct cb_layer_form *form = &push->options->layers;
    enum cb_compression compression;

    return !form->force && form->any &&
           cb_media_compression(blob->media_type, &compression) == 0 &&
           (compression == CB_COMPRESSION_GZIP ||
            (compression == CB_COMPRESSION_ZSTD && !push->options->docker_types));
}

/* 1: push->layers[i] is a blob that is here or elsewhere. 0: it has to be made. */
static int find_blob(struct cb_push *push, size_t i, struct cb_error **err)
{
    const struct cb_resolved_image *elsewhere = push->elsewhere[i];
    const struct cb_digest *diff_id = &push->image->config->diff_ids.items[i];

    if (push->original) {
        cb_descriptor_copy(&push->layers[i], &push->original->layers.items[i]);
        return 1;
    }
    if (elsewhere && passes(push, &elsewhere->manifest->layers.items[i])) {
        cb_descriptor_copy(&push->layers[i], &elsewhere->manifest->layers.items[i]);
        return 1;
    }
    push->elsewhere[i] = NULL;
    if (elsewhere &&
        cb_origin_take(push->registry, elsewhere, i, push->event_id, err) < 0)
        return -1;
    return find_packed(push, diff_id, &push->layers[i]);
}

void cb_push_report(struct cb_push *push, const struct cb_descriptor *blob,
                    enum cb_push_end end, const char *neighbour)
{
    cb_autofree char *text = NULL;

    if (end == CB_PUSH_EXISTED)
        text = xstrdup("Layer already exists");
    else if (end == CB_PUSH_MOUNTED)
        text = xasprintf("Mounted from %s", neighbour);
    else
        text = xstrdup("Pushed");
    cb_registry_status(push->registry, push->event_id, &blob->digest, text,
                       end == CB_PUSH_SENT ? blob->size : 0, blob->size, 1);
}

/* What the store has not: by a mount, or through it. */
static int pass_on(struct cb_push *push, size_t i, struct cb_error **err)
{
    struct cb_registry *registry = push->registry;
    const struct cb_descriptor *blob = &push->layers[i];
    cb_autofree char *neighbour = cb_push_mount(push, push->elsewhere[i]);
    int mounted = 1;

    if (!neighbour ||
        !cb_upload_mount(registry, &push->repository, &blob->digest, neighbour)) {
        if (cb_origin_take(registry, push->elsewhere[i], i, push->event_id, err) < 0 ||
            cb_upload_blob(registry, &push->repository, blob, NULL, push->event_id, err) <
                0)
            return -1;
        mounted = 0;
    }
    cb_push_report(push, blob, mounted ? CB_PUSH_MOUNTED : CB_PUSH_SENT, neighbour);
    return 0;
}

int cb_push_blob(struct cb_push *push, size_t i, int fd, struct cb_error **err)
{
    const struct cb_descriptor *blob = &push->layers[i];
    struct cb_upload_source source = {.fd = fd};
    int mounted = 0;
    int exists = cb_upload_exists(push->registry, &push->repository, &blob->digest, err);

    if (exists < 0)
        return -1;
    if (!exists && push->elsewhere[i])
        return pass_on(push, i, err);
    if (!exists) {
        source.mount_from =
            cb_push_neighbour(push, &push->image->config->diff_ids.items[i]);
        mounted = cb_upload_blob(push->registry, &push->repository, blob, &source,
                                 push->event_id, err);
        if (mounted < 0)
            return -1;
    }
    cb_push_report(push, blob,
                   exists    ? CB_PUSH_EXISTED
                   : mounted ? CB_PUSH_MOUNTED
                             : CB_PUSH_SENT,
                   source.mount_from);
    return 0;
}

int cb_push_layer(void *arg, size_t i, struct cb_error **err)
{
    struct cb_push *push = arg;
    int found;

    if (cb_cancel_check(push->registry->cancel, err) < 0)
        return -1;
    found = find_blob(push, i, err);
    if (found < 0)
        return -1;
    return found ? cb_push_blob(push, i, -1, err) : cb_push_fresh(push, i, err);
}
