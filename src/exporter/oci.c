/* index.json of an image layout (image-spec, image-layout.md): an entry for each name,
 * with the annotations that containerd and docker read, or one without for a nameless
 * image. */
#include "exporter/archive.h"

void cb_saved_describe(const struct cb_saved_image *entry, const char *canonical,
                       struct cb_descriptor *out)
{
    cb_auto(cb_reference) reference = NULL;

    out->media_type = xstrdup(entry->manifest->media_type);
    out->digest = entry->manifest->digest;
    out->size = (int64_t)entry->manifest->len;
    out->platform = entry->image->config->platform;
    if (!canonical || cb_reference_parse(&reference, canonical, NULL) < 0)
        return;
    out->annotations = json_object();
    json_object_set_new(out->annotations, "io.containerd.image.name",
                        json_string(canonical));
    json_object_set_new(out->annotations, "org.opencontainers.image.ref.name",
                        json_string(reference->tag));
}

char *cb_saved_index_json(const struct cb_saved *saved)
{
    CB_VEC(struct cb_descriptor) entries = {0};
    cb_auto(cb_index) index = NULL;
    char *text;

    cb_vec_foreach (image, &saved->images) {
        const struct cb_strings *names = &(*image)->names;
        size_t count = names->count ? names->count : 1;

        for (size_t i = 0; i < count; i++) {
            struct cb_descriptor entry = {0};

            cb_saved_describe(*image, names->count ? names->items[i] : NULL, &entry);
            cb_vec_push(&entries, entry);
        }
    }
    index = cb_index_make(entries.items, entries.count, NULL, 0);
    cb_vec_foreach (entry, &entries)
        cb_descriptor_free(entry);
    cb_vec_free(&entries);
    text = cb_steal(&index->bytes);
    return text;
}
