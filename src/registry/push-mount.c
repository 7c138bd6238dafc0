/* What the registry has under another name need not be sent again: the images here tell
 * where they were pulled from or pushed to. */
#include "registry/push-priv.h"

#include <string.h>

static void add_neighbour(struct cb_push *push, const struct cb_image *image)
{
    for (size_t i = 0; i < image->repo_digests.count; i++) {
        cb_auto(cb_reference) other = NULL;

        if (cb_reference_parse(&other, image->repo_digests.items[i], NULL) < 0 ||
            strcmp(other->host, push->reference->host) != 0 ||
            strcmp(other->path, push->reference->path) == 0)
            continue;
        for (size_t j = 0; j < image->config->diff_ids.count; j++) {
            char text[CB_DIGEST_MAX_TEXT];

            cb_digest_text(&image->config->diff_ids.items[j], text);
            if (!cb_map_has(push->neighbours, text))
                cb_map_set(push->neighbours, text, xstrdup(other->path));
        }
    }
}

const char *cb_push_neighbour(struct cb_push *push, const struct cb_digest *diff_id)
{
    char text[CB_DIGEST_MAX_TEXT];
    const char *path;

    pthread_mutex_lock(&push->neighbours_mutex);
    if (!push->neighbours) {
        cb_auto_value(cb_images) images = {0};

        push->neighbours = cb_map_new(free);
        cb_image_list(push->registry->store, &images, NULL);
        for (size_t i = 0; i < images.count; i++)
            add_neighbour(push, images.items[i]);
    }
    path = cb_map_get(push->neighbours, cb_digest_text(diff_id, text));
    pthread_mutex_unlock(&push->neighbours_mutex);
    return path;
}

char *cb_push_mount(struct cb_push *push, const struct cb_resolved_image *image)
{
    char *path = NULL;

    if (image->reference)
        path = cb_place_neighbour(push->registry, image->reference, &push->place);
    for (size_t i = 0; !path && i < image->known_at.count; i++) {
        cb_auto(cb_reference) known = NULL;

        if (cb_reference_parse(&known, image->known_at.items[i], NULL) == 0)
            path = cb_place_neighbour(push->registry, known, &push->place);
    }
    return path;
}
