/* How much of an archive its documents at the top take: they are written first and known
 * last. A document like the one that will be has digests of the same length, and sizes of
 * about as many digits. */
#include "exporter/archive.h"

#include "store/layout.h"

#include <string.h>

#define BLOCK       512
#define LAYER_SIZE  4000000 /* seven digits, as most have */
#define CONFIG_SIZE 2000

static int64_t member_bytes(size_t len)
{
    return BLOCK + (int64_t)((len + BLOCK - 1) / BLOCK * BLOCK);
}

int64_t cb_saved_top_bytes(const struct cb_saved *saved)
{
    cb_autofree char *index = cb_saved_index_json(saved);

    return member_bytes(strlen(CB_OCI_LAYOUT)) + member_bytes(strlen(index)) +
           2 * member_bytes(0);
}

static struct cb_manifest *manifest_like(const struct cb_saved *saved,
                                         const struct cb_saved_image *entry)
{
    const struct cb_image_config *config = entry->image->config;
    size_t count = config->diff_ids.count;
    cb_autofree struct cb_descriptor *layers = xcalloc(count + 1, sizeof(*layers));
    const struct cb_descriptor document = {.media_type = (char *)CB_MT_OCI_CONFIG,
                                           .digest = entry->image->id,
                                           .size = CONFIG_SIZE};
    cb_auto_json *annotations =
        cb_annotations_json(saved->annotations, CB_ANNOTATION_MANIFEST, &entry->platform);

    for (size_t i = 0; i < count; i++)
        layers[i] = (struct cb_descriptor){.media_type = (char *)CB_MT_OCI_LAYER_GZIP,
                                           .digest = config->diff_ids.items[i],
                                           .size = LAYER_SIZE};
    return cb_manifest_make(&document, layers, count, annotations, saved->docker_types);
}

int64_t cb_saved_top_guess(struct cb_saved *saved)
{
    int64_t bytes;

    cb_vec_foreach (image, &saved->images)
        (*image)->manifest = manifest_like(saved, *image);
    cb_vec_foreach (several, &saved->indexes)
        several->index = cb_index_make(NULL, 0, NULL, saved->docker_types);
    bytes = cb_saved_top_bytes(saved);
    cb_vec_foreach (image, &saved->images) {
        cb_manifest_free((*image)->manifest);
        (*image)->manifest = NULL;
    }
    cb_vec_foreach (several, &saved->indexes) {
        cb_index_free(several->index);
        several->index = NULL;
    }
    return bytes;
}
