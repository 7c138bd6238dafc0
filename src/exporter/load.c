/* Archives back in. When the stream (or the directory) has ended its members are in the
 * store as blobs; then manifest.json (docker, podman, skopeo), or else index.json (OCI
 * layouts), says which of them make images. */
#include "exporter/exporter.h"

#include "exporter/delta.h"
#include "exporter/load-priv.h"
#include "registry/said.h"
#include "store/content.h"
#include "store/layout-read.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_IMAGES      1000
#define MAX_INDEX_DEPTH 2

/* By the first bytes: archives do not say how a layer is compressed. */
static const char *layer_type(const unsigned char magic[4])
{
    if (magic[0] == 0x1f && magic[1] == 0x8b)
        return CB_MT_OCI_LAYER_GZIP;
    if (memcmp(magic, "\x28\xb5\x2f\xfd", 4) == 0)
        return CB_MT_OCI_LAYER_ZSTD;
    return CB_MT_OCI_LAYER;
}

/* ── manifest.json ── */

/* Has the manifest this config and these layers? */
static int is_manifest_of(struct cb_load *load, const struct cb_descriptor *entry,
                          const struct cb_load_image *found)
{
    struct cb_digest id =
        cb_digest_of(cb_strbuf_text(&found->config_bytes), found->config_bytes.len);
    cb_auto_value(cb_strbuf) bytes = {0};
    cb_auto(cb_manifest) manifest = NULL;
    size_t same = 0;

    if (cb_content_read(load->env->store, &entry->digest, CB_MANIFEST_MAX_BYTES, &bytes,
                        NULL) < 0 ||
        cb_manifest_parse(&manifest, cb_strbuf_text(&bytes), bytes.len, entry->media_type,
                          NULL) < 0 ||
        !cb_digest_equal(&manifest->config.digest, &id) ||
        manifest->layers.count != found->config->diff_ids.count)
        return 0;
    while (same < manifest->layers.count &&
           cb_digest_equal(&manifest->layers.items[same].digest,
                           &found->layers[same].digest))
        same++;
    return same == manifest->layers.count;
}

static struct cb_index *read_nested(struct cb_load *load,
                                    const struct cb_descriptor *entry)
{
    cb_auto_value(cb_strbuf) bytes = {0};
    struct cb_index *index = NULL;

    if (cb_media_kind(entry->media_type) != CB_MEDIA_INDEX ||
        cb_content_read(load->env->store, &entry->digest, CB_MANIFEST_MAX_BYTES, &bytes,
                        NULL) < 0 ||
        cb_index_parse(&index, cb_strbuf_text(&bytes), bytes.len, entry->media_type,
                       NULL) < 0)
        return NULL;
    return index;
}

static const struct cb_descriptor *entry_of(struct cb_load *load,
                                            const struct cb_index *index,
                                            const struct cb_load_image *found)
{
    cb_vec_foreach (entry, &index->manifests) {
        if (cb_cancel_requested(load->env->cancel))
            return NULL;
        if (is_manifest_of(load, entry, found))
            return entry;
    }
    return NULL;
}

/* The manifest among the blobs that fits, so that the image keeps the digest it was
 * pulled under. *NESTED: the index that has it, if that is another than the archive's. */
static void find_manifest(struct cb_load *load, struct cb_load_image *found,
                          struct cb_index **nested)
{
    const struct cb_member *document = cb_members_find(&load->members, "index.json");
    const struct cb_descriptor *entry;
    cb_auto(cb_index) index = NULL;

    /* A member without text is one that a link called index.json leads to. */
    if (!document || !document->text ||
        cb_index_parse(&index, document->text, (size_t)document->size, CB_MT_OCI_INDEX,
                       NULL) < 0)
        return;
    entry = entry_of(load, index, found);
    for (size_t i = 0; !entry && i < index->manifests.count; i++) {
        if (cb_cancel_requested(load->env->cancel))
            return;
        cb_index_free(*nested);
        *nested = read_nested(load, &index->manifests.items[i]);
        entry = *nested ? entry_of(load, *nested, found) : NULL;
    }
    if (entry)
        found->manifest = entry->digest;
}

/* Of IMAGE, the manifest of which is ABOUT. */
static int bring_said(struct cb_load *load, const struct cb_index *index,
                      const struct cb_digest *about, const struct cb_platform *platform,
                      const struct cb_digest *image, struct cb_error **err)
{
    const struct cb_said_source source = {
        .image = image, .platform = platform, .index = index, .about = about};
    cb_auto(cb_error) error = NULL;

    if (cb_said_bring(load->env->store, &source, &error) >= 0)
        return 0;
    if (cb_error_kind(error) != CB_ERR_UNSUPPORTED)
        return cb_error_move(err, &error);
    cb_event_say(load->env->sink, CB_EVENT_WARNING, 0,
                 "what the archive's index says of the image is not kept: %s",
                 cb_error_message(error));
    return 0;
}

static int read_docker_layers(struct cb_load *load, const struct cb_json *item,
                              struct cb_load_image *found, struct cb_error **err)
{
    struct cb_json list = cb_json_member(item, "Layers");
    cb_auto_value(cb_strings) paths = {0};

    if (cb_json_strings(&list, CB_MAX_LAYERS, &paths, err) < 0)
        return -1;
    if (paths.count != found->config->diff_ids.count)
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "manifest.json has %zu layers, the config %zu", paths.count,
                            found->config->diff_ids.count);
    for (size_t i = 0; i < paths.count; i++) {
        const struct cb_member *member = cb_members_find(&load->members, paths.items[i]);

        if (!member || member->text) {
            /* fill_in_layers tells whether it is needed */
            if (cb_delta_load(load, &found->config->diff_ids.items[i], &found->layers[i],
                              err) < 0)
                return -1;
            continue;
        }
        found->layers[i].media_type = xstrdup(layer_type(member->magic));
        found->layers[i].digest =
            member->at < 0 ? member->digest : found->config->diff_ids.items[i];
        found->layers[i].size = member->size;
        cb_load_leave_tar(load, member, &found->tars[i]);
    }
    return 0;
}

static int load_docker_image(struct cb_load *load, const struct cb_json *item,
                             struct cb_error **err)
{
    cb_auto_value(cb_load_image) found = {0};
    cb_auto_value(cb_strings) tags = {0};
    struct cb_json config = cb_json_member(item, "Config");
    struct cb_json names = cb_json_member(item, "RepoTags");
    cb_auto(cb_index) nested = NULL;
    struct cb_digest id;
    const struct cb_member *member;
    const char *path;

    if (cb_json_expect_object(item, err) < 0 ||
        cb_json_required_string(&config, &path, err) < 0 ||
        cb_json_strings(&names, MAX_IMAGES, &tags, err) < 0)
        return -1;
    member = cb_members_find(&load->members, path);
    if (!member || member->text)
        return cb_error_set(err, CB_ERR_INTEGRITY, "the archive has no config `%s`",
                            path);
    if (cb_load_config(load, &member->digest, path, &found, err) < 0 ||
        read_docker_layers(load, item, &found, err) < 0)
        return -1;
    for (size_t i = 0; i < tags.count; i++) {
        if (cb_load_add_name(&found.names, tags.items[i], err) < 0)
            return -1;
    }
    find_manifest(load, &found, &nested);
    if (load->take)
        return load->take(load, &found, err);
    if (cb_load_add(load, &found, err) < 0)
        return -1;
    id = cb_digest_of(cb_strbuf_text(&found.config_bytes), found.config_bytes.len);
    return nested && cb_digest_is_set(&found.manifest) &&
                   cb_load_wants(load, &found.config->platform)
               ? bring_said(load, nested, &found.manifest, &found.config->platform, &id,
                            err)
               : 0;
}

static int load_manifest(struct cb_load *load, const struct cb_descriptor *entry,
                         const char *name, struct cb_error **err);

/* skopeo's and podman's directories ("dir:") have the image's own manifest there, and
 * blobs beside it. */
static int load_bare(struct cb_load *load, const struct cb_member *document,
                     struct cb_error **err)
{
    struct cb_descriptor entry = {.size = document->size};

    if (cb_content_put(load->env->store, document->text, (size_t)document->size,
                       &entry.digest, err) < 0)
        return -1;
    return load_manifest(load, &entry, NULL, err);
}

int cb_load_docker(struct cb_load *load, const struct cb_member *document,
                   struct cb_error **err)
{
    cb_auto_json *value = NULL;
    struct cb_json root;
    size_t count;

    if (cb_json_parse(&value, "manifest.json", document->text, (size_t)document->size,
                      CB_MANIFEST_MAX_BYTES, err) < 0)
        return -1;
    if (json_is_object(value))
        return load_bare(load, document, err);
    root = cb_json_root(value, "manifest.json");
    if (cb_json_count(&root, MAX_IMAGES, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct cb_json item = cb_json_item(&root, i);

        if (load_docker_image(load, &item, err) < 0)
            return -1;
    }
    return 0;
}

/* ── index.json ── */

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

static int load_manifest(struct cb_load *load, const struct cb_descriptor *entry,
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

/* One platform's image of an index. What the archive has not is passed over: whoever
 * wrote it may have wanted one of them only. */
static int load_platform(struct cb_load *load, const struct cb_index *index,
                         const struct cb_descriptor *entry,
                         struct cb_platform_images *images, struct cb_error **err)
{
    cb_auto_value(cb_load_image) found = {0};
    cb_auto(cb_error) error = NULL;
    struct cb_platform_image image = {.platform = entry->platform};
    int result = find_image(load, entry, &found, &error);

    if (result > 0)
        result = cb_load_put(load, &found, &image.id, &error) < 0 ||
                         bring_said(load, index, &entry->digest, &entry->platform,
                                    &image.id, &error) < 0
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
        return load_manifest(load, entry, name, err);
    default:
        return 0;
    }
}

int cb_load_entry(struct cb_load *load, const struct cb_descriptor *entry,
                  const char *name, struct cb_error **err)
{
    return load_entry(load, entry, name, 0, err);
}

static int load_layout(struct cb_load *load, const struct cb_member *document,
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

/* With a platform to choose, nothing is a failure. So it is in a layout: those of a chart
 * or a signature have the same form. */
static int check_loaded(const struct cb_load *load, int is_layout, struct cb_error **err)
{
    cb_autofree char *wanted = NULL;

    if (load->messages->count || (!load->platform && !is_layout))
        return 0;
    if (!load->platform)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "there is no image in the archive");
    wanted = cb_platform_text(load->platform);
    return cb_error_set(err, CB_ERR_NOT_FOUND, "no image for %s in the archive", wanted);
}

static int no_archive(const struct cb_load *load, struct cb_error **err)
{
    cb_error_set(err, CB_ERR_INTEGRITY,
                 "not an image archive: neither manifest.json nor index.json");
    if (!cb_members_find(&load->members, "repositories"))
        return -1;
    return cb_error_hint(err, "its form is that of docker before 1.10: load it with a "
                              "docker that still does, and save it again");
}

int cb_archive_load(struct cb_archive_env *env, int fd,
                    const struct cb_platform *platform, struct cb_strings *messages,
                    struct cb_error **err)
{
    struct cb_load load = {.env = env, .messages = messages, .platform = platform};
    const struct cb_member *docker, *layout;
    struct stat st;
    int result;

    if (fstat(fd, &st) < 0)
        return cb_error_errno(err, errno, "stat the archive");
    if ((S_ISDIR(st.st_mode) ? cb_members_read_dir(env, fd, &load.members, err)
                             : cb_members_read(env, fd, 1, &load.members, err)) < 0)
        return -1;
    docker = cb_members_find(&load.members, "manifest.json");
    layout = cb_members_find(&load.members, "index.json");
    if (docker && docker->text)
        result = cb_load_docker(&load, docker, err);
    else if (layout && layout->text)
        result = load_layout(&load, layout, err);
    else
        result = no_archive(&load, err);
    cb_members_clear(&load.members);
    return result < 0 ? -1 : check_loaded(&load, !docker, err);
}
