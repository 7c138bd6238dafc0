/* index.json of an image layout (image-spec, image-layout.md): an entry for each name,
 * with the annotations that containerd and docker read, or one without for a nameless
 * image. An image for several platforms is an index of its own, which the entry names. */
#include "exporter/archive.h"

#include "base/timestamp.h"

static void annotate(struct cb_descriptor *out, const char *key, const char *value)
{
    if (!out->annotations)
        out->annotations = json_object();
    json_object_set_new(out->annotations, key, json_string(value));
}

static void add_name(const char *canonical, struct cb_descriptor *out)
{
    cb_auto(cb_reference) reference = NULL;

    if (!canonical || cb_reference_parse(&reference, canonical, NULL) < 0)
        return;
    annotate(out, "io.containerd.image.name", canonical);
    annotate(out, "org.opencontainers.image.ref.name", reference->tag);
}

/* Unless the user says something else. */
static void add_date(const struct cb_saved *saved, const struct cb_saved_image *image,
                     struct cb_descriptor *out)
{
    static const char key[] = "org.opencontainers.image.created";
    char text[CB_TIMESTAMP_MAX];

    if (!saved->date || json_object_get(out->annotations, key))
        return;
    if (saved->date->epoch_s >= 0)
        annotate(
            out, key,
            cb_timestamp_format((struct timespec){.tv_sec = saved->date->epoch_s}, text));
    else if (image->image->config->created)
        annotate(out, key, image->image->config->created);
}

void cb_saved_describe(const struct cb_saved *saved, const struct cb_saved_image *entry,
                       const char *canonical, struct cb_descriptor *out)
{
    out->annotations = cb_annotations_json(
        saved->annotations, CB_ANNOTATION_MANIFEST_ENTRY, &entry->platform);
    if (!entry->in_index)
        add_date(saved, entry, out);
    out->media_type = xstrdup(entry->manifest->media_type);
    out->digest = entry->manifest->digest;
    out->size = (int64_t)entry->manifest->len;
    out->platform = entry->image->config->platform;
    add_name(canonical, out);
}

void cb_saved_describe_index(const struct cb_saved *saved,
                             const struct cb_saved_index *entry, const char *canonical,
                             struct cb_descriptor *out)
{
    out->media_type = xstrdup(entry->index->media_type);
    out->digest = entry->index->digest;
    out->size = (int64_t)entry->index->len;
    out->annotations =
        cb_annotations_json(saved->annotations, CB_ANNOTATION_INDEX_ENTRY, NULL);
    add_date(saved, saved->images.items[0], out);
    add_name(canonical, out);
}

struct entries {
    struct cb_descriptor *items;
    size_t count, capacity;
};

static void entries_free(struct entries *entries)
{
    cb_vec_foreach (entry, entries)
        cb_descriptor_free(entry);
    cb_vec_free(entries);
}

/* If that has the same entries and nothing was asked to be otherwise. */
static struct cb_index *index_it_came_in(const struct cb_saved *saved,
                                         const struct cb_saved_index *out,
                                         const struct entries *entries)
{
    const struct cb_index *came = out->said ? cb_said_attester(out->said)->index : NULL;
    struct cb_index *index = NULL;

    if (!came || saved->docker_types ||
        (saved->annotations && saved->annotations->count) ||
        !cb_index_is_of(came, entries->items, entries->count) ||
        cb_index_parse(&index, came->bytes, came->len, came->media_type, NULL) < 0)
        return NULL;
    return index;
}

/* Behind the images, as BuildKit orders them. */
static int attest(const struct cb_saved *saved, struct cb_saved_index *out,
                  struct cb_error **err)
{
    const struct cb_attester *attester =
        out->said ? cb_said_attester(out->said) : saved->attester;

    for (size_t i = 0; attester && i < out->images.count; i++) {
        const struct cb_platform_image *image = &out->images.items[i];

        if (attester->attest(attester->arg, i,
                             cb_saved_find(saved, &image->id, &image->platform)->manifest,
                             &out->attestations, err) < 0)
            return -1;
    }
    return 0;
}

int cb_saved_index_make(const struct cb_saved *saved, struct cb_saved_index *out,
                        struct cb_error **err)
{
    struct entries entries = {0};
    cb_auto_json *annotations =
        cb_annotations_json(saved->annotations, CB_ANNOTATION_INDEX, NULL);

    if (attest(saved, out, err) < 0)
        return -1;

    cb_vec_foreach (image, &out->images) {
        struct cb_descriptor entry = {0};

        cb_saved_describe(saved, cb_saved_find(saved, &image->id, &image->platform), NULL,
                          &entry);
        entry.platform = image->platform;
        cb_vec_push(&entries, entry);
    }
    cb_vec_foreach (attestation, &out->attestations) {
        struct cb_descriptor entry;

        cb_descriptor_copy(&entry, &(*attestation)->entry);
        cb_vec_push(&entries, entry);
    }
    out->index = index_it_came_in(saved, out, &entries);
    if (!out->index)
        out->index =
            cb_index_make(entries.items, entries.count, annotations, saved->docker_types);
    entries_free(&entries);
    return 0;
}

char *cb_saved_index_json(const struct cb_saved *saved)
{
    struct entries entries = {0};
    cb_auto(cb_index) index = NULL;

    cb_vec_foreach (image, &saved->images) {
        const struct cb_strings *names = &(*image)->names;
        size_t count = names->count || (*image)->in_index ? names->count : 1;

        for (size_t i = 0; i < count; i++) {
            struct cb_descriptor entry = {0};

            cb_saved_describe(saved, *image, names->count ? names->items[i] : NULL,
                              &entry);
            cb_vec_push(&entries, entry);
        }
    }
    cb_vec_foreach (several, &saved->indexes) {
        const struct cb_strings *names = &several->names;

        for (size_t i = 0; i < (names->count ? names->count : 1); i++) {
            struct cb_descriptor entry = {0};

            cb_saved_describe_index(saved, several, names->count ? names->items[i] : NULL,
                                    &entry);
            cb_vec_push(&entries, entry);
        }
    }
    index = cb_index_make(entries.items, entries.count, NULL, 0);
    entries_free(&entries);
    return cb_steal(&index->bytes);
}
