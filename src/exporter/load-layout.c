/* index.json, and what the indexes and manifests of an OCI layout lead to. */
#include "exporter/load-priv.h"

#include "exporter/delta.h"
#include "exporter/exporter.h"
#include "registry/said.h"
#include "store/content.h"
#include "store/layout-read.h"

#include <string.h>

#define MAX_INDEX_DEPTH 2

/* ── One image ── */

/* The layer among what was left in the archive; NULL: it is a blob, or not there. */
static const struct cb_member *find_tar(struct cb_load *load,
                                        const struct cb_load_image *found, size_t i,
                                        const struct cb_descriptor *layer)
{
    cb_autofree char *path = NULL;
    const struct cb_member *member;

    if (!load->members.files ||
        !cb_digest_equal(&layer->digest, &found->config->diff_ids.items[i]))
        return NULL;
    path = cb_layout_blob_path(&layer->digest);
    member = cb_members_find(&load->members, path);
    return member && member->at >= 0 ? member : NULL;
}

/* What is neither here nor there is filled in later, or missed. */
static int find_layer(struct cb_load *load, struct cb_load_image *found, size_t i,
                      const struct cb_descriptor *layer, struct cb_error **err)
{
    const struct cb_member *member = find_tar(load, found, i, layer);
    int64_t size;

    if (member)
        cb_load_leave_tar(load, member, &found->tars[i]);
    if (member || cb_content_has(load->env->store, &layer->digest, &size) > 0)
        cb_descriptor_copy(&found->layers[i], layer);
    else if (load->members.files)
        return cb_delta_load(load, &found->config->diff_ids.items[i], &found->layers[i],
                             err);
    return 0;
}

/* 1, or 0: an attestation or other artifact. */
static int find_image(struct cb_load *load, const struct cb_descriptor *entry,
                      struct cb_load_image *found, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) bytes = {0};
    cb_auto(cb_manifest) manifest = NULL;
    char text[CB_DIGEST_MAX_TEXT];

    if (cb_content_read(load->env->store, &entry->digest, CB_MANIFEST_MAX_BYTES, &bytes,
                        err) < 0 ||
        cb_manifest_parse(&manifest, cb_strbuf_text(&bytes), bytes.len, entry->media_type,
                          err) < 0)
        return -1;
    if (cb_media_kind(manifest->config.media_type) != CB_MEDIA_CONFIG)
        return 0;
    if (cb_load_config(load, &manifest->config.digest,
                       cb_digest_text(&manifest->config.digest, text), found, err) < 0)
        return -1;
    if (manifest->layers.count != found->config->diff_ids.count)
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "the manifest has %zu layers, the config %zu",
                            manifest->layers.count, found->config->diff_ids.count);
    for (size_t i = 0; i < manifest->layers.count; i++) {
        if (find_layer(load, found, i, &manifest->layers.items[i], err) < 0)
            return -1;
    }
    found->manifest = entry->digest;
    return 1;
}

int cb_load_manifest(struct cb_load *load, const struct cb_descriptor *entry,
                     const char *name, struct cb_error **err)
{
    cb_auto_value(cb_load_image) found = {0};
    int is_image = find_image(load, entry, &found, err);

    if (is_image <= 0)
        return is_image;
    if (name && cb_load_add_name(&found.names, name, err) < 0)
        return -1;
    return (load->take ? load->take : cb_load_add)(load, &found, err);
}

/* The full name in an entry's annotations; NULL when it has none, or a bare tag only. */
static const char *annotated_name(const struct cb_descriptor *entry)
{
    const char *name, *ref;

    if (!entry->annotations)
        return NULL;
    name = json_string_value(
        json_object_get(entry->annotations, "io.containerd.image.name"));
    ref = json_string_value(
        json_object_get(entry->annotations, "org.opencontainers.image.ref.name"));
    if (name)
        return name;
    return ref && strpbrk(ref, "/:") ? ref : NULL;
}

/* ── The images of an index ── */

static int load_entry(struct cb_load *load, const struct cb_descriptor *entry,
                      const char *name, int depth, struct cb_error **err);

/* Attestations are for "unknown"; and a platform is whatever somebody wrote. */
static int is_for_a_platform(const struct cb_descriptor *entry)
{
    cb_autofree char *text = cb_platform_text(&entry->platform);
    struct cb_platform same;

    return cb_media_kind(entry->media_type) == CB_MEDIA_MANIFEST &&
           strcmp(entry->platform.os, "unknown") != 0 &&
           cb_platform_parse(&same, text, NULL) == 0 &&
           cb_platform_equal(&same, &entry->platform);
}

int cb_load_said(struct cb_load *load, const struct cb_said_source *source,
                 struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;

    if (cb_said_bring(load->env->store, source, &error) >= 0)
        return 0;
    if (cb_error_kind(error) != CB_ERR_UNSUPPORTED)
        return cb_error_move(err, &error);
    cb_event_say(load->env->sink, CB_EVENT_WARNING, 0,
                 "what the archive's index says of the image is not kept: %s",
                 cb_error_message(error));
    return 0;
}

/* One platform's image of an index. What the archive has not is passed over: whoever
 * wrote it may have wanted one of them only. */
static int load_platform(struct cb_load *load, const struct cb_index *index,
                         const struct cb_descriptor *entry,
                         struct cb_platform_images *images, struct cb_error **err)
{
    cb_auto_value(cb_load_image) found = {0};
    cb_auto(cb_error) error = NULL;
    struct cb_platform_image image = {.platform = entry->platform};
    const struct cb_said_source said = {.image = &image.id,
                                        .platform = &entry->platform,
                                        .index = index,
                                        .about = &entry->digest};
    int result = find_image(load, entry, &found, &error);

    if (result > 0)
        result = cb_load_put(load, &found, &image.id, &error) < 0 ||
                         cb_load_said(load, &said, &error) < 0
                     ? -1
                     : 1;
    if (result > 0)
        cb_vec_push(images, image);
    if (result >= 0 || cb_error_kind(error) == CB_ERR_NOT_FOUND)
        return 0;
    return cb_error_move(err, &error);
}

/* NAME (or NULL) leads to all of them from now on. */
static int name_platforms(struct cb_load *load, const struct cb_platform_images *images,
                          const char *name, struct cb_error **err)
{
    struct cb_store *store = load->env->store;
    const struct cb_digest *chosen = &cb_platform_images_chosen(images, NULL)->id;
    cb_auto_value(cb_strings) names = {0};

    if (name && cb_load_add_name(&names, name, err) < 0)
        return -1;
    cb_load_report_moves(load, &names, chosen);
    if (names.count &&
        (images->count > 1 ? cb_ref_set_platforms(store, names.items[0], images, err)
                           : cb_ref_set(store, names.items[0], chosen, err)) < 0)
        return -1;
    for (size_t i = 0; i < (names.count ? 1 : images->count); i++)
        cb_load_report(load, &names, &images->items[i].id);
    return 0;
}

static int load_platforms(struct cb_load *load, const struct cb_index *index,
                          const char *name, struct cb_error **err)
{
    cb_auto_value(cb_platform_images) images = {0};

    cb_vec_foreach (entry, &index->manifests) {
        if (is_for_a_platform(entry) && cb_load_wants(load, &entry->platform) &&
            load_platform(load, index, entry, &images, err) < 0)
            return -1;
    }
    if (!images.count)
        return load->platform != NULL; /* none that is wanted */
    return name_platforms(load, &images, name, err) < 0 ? -1 : 1;
}

/* An image for several platforms: all that there are; of indexes in it, ours. */
static int load_nested(struct cb_load *load, const struct cb_descriptor *entry,
                       const char *name, int depth, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) bytes = {0};
    cb_auto(cb_index) index = NULL;
    struct cb_platform host = cb_platform_host();
    const struct cb_descriptor *best;
    int loaded;

    if (depth == MAX_INDEX_DEPTH)
        return cb_error_set(err, CB_ERR_INTEGRITY, "indexes nested more than %d deep",
                            MAX_INDEX_DEPTH);
    if (cb_content_read(load->env->store, &entry->digest, CB_MANIFEST_MAX_BYTES, &bytes,
                        err) < 0 ||
        cb_index_parse(&index, cb_strbuf_text(&bytes), bytes.len, entry->media_type,
                       err) < 0)
        return -1;
    loaded = load_platforms(load, index, name, err);
    if (loaded)
        return loaded < 0 ? -1 : 0;
    best = cb_index_choose(index, &host);
    if (!best)
        return cb_error_set(err, CB_ERR_NOT_FOUND,
                            "no matching manifest for this platform in the archive");
    return load_entry(load, best, name, depth + 1, err);
}

static int load_entry(struct cb_load *load, const struct cb_descriptor *entry,
                      const char *name, int depth, struct cb_error **err)
{
    switch (cb_media_kind(entry->media_type)) {
    case CB_MEDIA_INDEX:
        return load_nested(load, entry, name, depth, err);
    case CB_MEDIA_MANIFEST:
        return cb_load_manifest(load, entry, name, err);
    default:
        return 0;
    }
}

int cb_load_entry(struct cb_load *load, const struct cb_descriptor *entry,
                  const char *name, struct cb_error **err)
{
    return load_entry(load, entry, name, 0, err);
}

int cb_load_layout(struct cb_load *load, const struct cb_member *document,
                   struct cb_error **err)
{
    cb_auto(cb_index) index = NULL;

    if (cb_index_parse(&index, document->text, (size_t)document->size, CB_MT_OCI_INDEX,
                       err) < 0)
        return cb_error_wrap(err, "index.json");
    for (size_t i = 0; i < index->manifests.count; i++) {
        const struct cb_descriptor *entry = &index->manifests.items[i];

        if (load_entry(load, entry, annotated_name(entry), 0, err) < 0)
            return -1;
    }
    return 0;
}
