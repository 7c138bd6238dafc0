/* Archives back in. When the stream has ended its members are in the store as blobs; then
 * manifest.json (docker, podman, skopeo), or else index.json (OCI layouts), says which of
 * them make images. Blobs that the archive lacks but the store has are fine, so that an
 * archive may leave out what the other side is known to have. */
#include "exporter/exporter.h"

#include "exporter/members.h"
#include "store/content.h"
#include "store/layer.h"

#include <string.h>

#define MAX_IMAGES      1000
#define MAX_INDEX_DEPTH 2

struct load {
    struct cb_archive_env *env;
    struct cb_members members;
    struct cb_strings *messages;
};

/* An image whose parts have been found. */
struct found {
    struct cb_strbuf config_bytes;
    struct cb_image_config *config;
    struct cb_descriptor *layers; /* in step with diff_ids; digest unset: not there */
    struct cb_digest manifest;    /* unset if there is none that fits */
    struct cb_strings names;      /* canonical */
};

static void found_clear(struct found *found)
{
    for (size_t i = 0; found->layers && i < found->config->diff_ids.count; i++)
        cb_descriptor_free(&found->layers[i]);
    free(found->layers);
    cb_image_config_free(found->config);
    cb_strbuf_free(&found->config_bytes);
    cb_strings_free(&found->names);
    memset(found, 0, sizeof(*found));
}
CB_AUTO_VALUE_DEFINE(found, found_clear)

/* ── Registering ── */

/* Layers the archive left out: unpacked here already, or known as a blob. */
static int fill_in_layers(struct load *load, struct found *found, struct cb_error **err)
{
    struct cb_store *store = load->env->store;
    const struct cb_image_config *config = found->config;
    struct cb_digest chain = {0};

    for (size_t i = 0; i < config->diff_ids.count; i++) {
        const struct cb_digest *diff_id = &config->diff_ids.items[i];
        cb_auto(cb_snapshot) snapshot = NULL;
        char text[CB_DIGEST_MAX_TEXT];
        int known;

        chain = cb_chain_id(i ? &chain : NULL, diff_id);
        if (cb_digest_is_set(&found->layers[i].digest))
            continue;
        known = cb_layer_blob_find(store, diff_id, -1, &found->layers[i], err);
        if (known == 0)
            known = cb_chain_find(store, &chain, &snapshot, err);
        if (known < 0)
            return -1;
        if (!known)
            return cb_error_set(err, CB_ERR_NOT_FOUND,
                                "layer %s is neither in the archive nor in the store",
                                cb_digest_text(diff_id, text));
    }
    return 0;
}

static int unpack(struct load *load, struct found *found, struct cb_error **err)
{
    struct cb_archive_env *env = load->env;
    size_t count = found->config->diff_ids.count;
    cb_auto(cb_snapshot) top = NULL;

    if (fill_in_layers(load, found, err) < 0 ||
        cb_layers_unpack(env->store, found->layers, found->config->diff_ids.items, count,
                         NULL, env->pool, env->cancel, env->sink, 0, &top, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (cb_digest_is_set(&found->layers[i].digest) &&
            cb_layer_blob_enter(env->store, &found->config->diff_ids.items[i],
                                &found->layers[i], env->cancel, err) < 0)
            return -1;
    }
    return 0;
}

static void report_moves(struct load *load, const struct cb_strings *names,
                         const struct cb_digest *id)
{
    for (size_t i = 0; i < names->count; i++) {
        cb_auto(cb_reference) reference = NULL;
        cb_autofree char *familiar = NULL;
        struct cb_digest old;
        char text[CB_DIGEST_MAX_TEXT];

        if (cb_ref_get(load->env->store, names->items[i], &old, NULL) <= 0 ||
            cb_digest_equal(&old, id) ||
            cb_reference_parse(&reference, names->items[i], NULL) < 0)
            continue;
        familiar = cb_reference_familiar(reference);
        cb_strings_addf(load->messages,
                        "The image %s already exists, renaming the old one with ID %s to "
                        "empty string",
                        familiar, cb_digest_text(&old, text));
    }
}

static void report_loaded(struct load *load, const struct cb_strings *names,
                          const struct cb_digest *id)
{
    char text[CB_DIGEST_MAX_TEXT];

    for (size_t i = 0; i < names->count; i++) {
        cb_auto(cb_reference) reference = NULL;
        cb_autofree char *familiar = NULL;

        if (cb_reference_parse(&reference, names->items[i], NULL) == 0)
            familiar = cb_reference_familiar(reference);
        cb_strings_addf(load->messages, "Loaded image: %s", familiar);
    }
    if (names->count == 0)
        cb_strings_addf(load->messages, "Loaded image ID: %s", cb_digest_text(id, text));
}

static int add_image(struct load *load, struct found *found, struct cb_error **err)
{
    const char *bytes = cb_strbuf_text(&found->config_bytes);
    struct cb_digest id = cb_digest_of(bytes, found->config_bytes.len);

    if (unpack(load, found, err) < 0)
        return -1;
    report_moves(load, &found->names, &id);
    if (cb_image_put(load->env->store, bytes, found->config_bytes.len, &found->manifest,
                     &found->names, &id, err) < 0)
        return -1;
    report_loaded(load, &found->names, &id);
    return 0;
}

/* ── Parts ── */

static int add_name(struct found *found, const char *text, struct cb_error **err)
{
    cb_auto(cb_reference) reference = NULL;
    cb_autofree char *canonical = NULL;

    if (cb_reference_parse(&reference, text, err) < 0)
        return -1;
    if (cb_digest_is_set(&reference->digest))
        return 0;
    cb_reference_default_tag(reference);
    canonical = cb_reference_canonical(reference);
    cb_strings_add_once(&found->names, canonical);
    return 0;
}

static int read_config(struct load *load, const struct cb_digest *digest,
                       const char *name, struct found *found, struct cb_error **err)
{
    if (cb_content_read(load->env->store, digest, CB_MANIFEST_MAX_BYTES,
                        &found->config_bytes, err) < 0 ||
        cb_image_config_parse(&found->config, cb_strbuf_text(&found->config_bytes),
                              found->config_bytes.len, err) < 0)
        return cb_error_wrap(err, "config `%s`", name);
    found->layers = xcalloc(found->config->diff_ids.count, sizeof(*found->layers));
    return 0;
}

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

/* The manifest among the blobs that has this config and these layers, so that the image
 * keeps the digest it was pulled under. */
static void find_manifest(struct load *load, struct found *found)
{
    const struct cb_member *document = cb_members_find(&load->members, "index.json");
    struct cb_digest id =
        cb_digest_of(cb_strbuf_text(&found->config_bytes), found->config_bytes.len);
    cb_auto(cb_index) index = NULL;

    /* A member without text is one that a link called index.json leads to. */
    if (!document || !document->text ||
        cb_index_parse(&index, document->text, (size_t)document->size, CB_MT_OCI_INDEX,
                       NULL) < 0)
        return;
    for (size_t i = 0; i < index->manifests.count; i++) {
        const struct cb_descriptor *entry = &index->manifests.items[i];
        cb_auto_value(cb_strbuf) bytes = {0};
        cb_auto(cb_manifest) manifest = NULL;
        size_t same = 0;

        if (cb_content_read(load->env->store, &entry->digest, CB_MANIFEST_MAX_BYTES,
                            &bytes, NULL) < 0 ||
            cb_manifest_parse(&manifest, cb_strbuf_text(&bytes), bytes.len,
                              entry->media_type, NULL) < 0 ||
            !cb_digest_equal(&manifest->config.digest, &id) ||
            manifest->layers.count != found->config->diff_ids.count)
            continue;
        while (same < manifest->layers.count &&
               cb_digest_equal(&manifest->layers.items[same].digest,
                               &found->layers[same].digest))
            same++;
        if (same == manifest->layers.count) {
            found->manifest = entry->digest;
            return;
        }
    }
}

static int read_docker_layers(struct load *load, const struct cb_json *item,
                              struct found *found, struct cb_error **err)
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

        if (!member || member->text)
            continue; /* fill_in_layers tells whether it is needed */
        found->layers[i].media_type = xstrdup(layer_type(member->magic));
        found->layers[i].digest = member->digest;
        found->layers[i].size = member->size;
    }
    return 0;
}

static int load_docker_image(struct load *load, const struct cb_json *item,
                             struct cb_error **err)
{
    cb_auto_value(found) found = {0};
    cb_auto_value(cb_strings) tags = {0};
    struct cb_json config = cb_json_member(item, "Config");
    struct cb_json names = cb_json_member(item, "RepoTags");
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
    if (read_config(load, &member->digest, path, &found, err) < 0 ||
        read_docker_layers(load, item, &found, err) < 0)
        return -1;
    for (size_t i = 0; i < tags.count; i++) {
        if (add_name(&found, tags.items[i], err) < 0)
            return -1;
    }
    find_manifest(load, &found);
    return add_image(load, &found, err);
}

static int load_docker(struct load *load, const struct cb_member *document,
                       struct cb_error **err)
{
    cb_auto_json *value = NULL;
    struct cb_json root;
    size_t count;

    if (cb_json_parse(&value, "manifest.json", document->text, (size_t)document->size,
                      CB_MANIFEST_MAX_BYTES, err) < 0)
        return -1;
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

static int load_manifest(struct load *load, const struct cb_descriptor *entry,
                         const char *name, struct cb_error **err)
{
    cb_auto_value(found) found = {0};
    cb_auto_value(cb_strbuf) bytes = {0};
    cb_auto(cb_manifest) manifest = NULL;
    char text[CB_DIGEST_MAX_TEXT];
    int64_t size;

    if (cb_content_read(load->env->store, &entry->digest, CB_MANIFEST_MAX_BYTES, &bytes,
                        err) < 0 ||
        cb_manifest_parse(&manifest, cb_strbuf_text(&bytes), bytes.len, entry->media_type,
                          err) < 0)
        return -1;
    if (cb_media_kind(manifest->config.media_type) != CB_MEDIA_CONFIG)
        return 0; /* an attestation or other artifact */
    if (read_config(load, &manifest->config.digest,
                    cb_digest_text(&manifest->config.digest, text), &found, err) < 0)
        return -1;
    if (manifest->layers.count != found.config->diff_ids.count)
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "the manifest has %zu layers, the config %zu",
                            manifest->layers.count, found.config->diff_ids.count);
    for (size_t i = 0; i < manifest->layers.count; i++) {
        if (cb_content_has(load->env->store, &manifest->layers.items[i].digest, &size) >
            0)
            cb_descriptor_copy(&found.layers[i], &manifest->layers.items[i]);
    }
    found.manifest = entry->digest;
    if (name && add_name(&found, name, err) < 0)
        return -1;
    return add_image(load, &found, err);
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

static int load_entry(struct load *load, const struct cb_descriptor *entry,
                      const char *name, int depth, struct cb_error **err);

/* An image for several platforms: ours. */
static int load_nested(struct load *load, const struct cb_descriptor *entry,
                       const char *name, int depth, struct cb_error **err)
{
    cb_auto_value(cb_strbuf) bytes = {0};
    cb_auto(cb_index) index = NULL;
    struct cb_platform host = cb_platform_host();
    const struct cb_descriptor *best;

    if (depth == MAX_INDEX_DEPTH)
        return cb_error_set(err, CB_ERR_INTEGRITY, "indexes nested more than %d deep",
                            MAX_INDEX_DEPTH);
    if (cb_content_read(load->env->store, &entry->digest, CB_MANIFEST_MAX_BYTES, &bytes,
                        err) < 0 ||
        cb_index_parse(&index, cb_strbuf_text(&bytes), bytes.len, entry->media_type,
                       err) < 0)
        return -1;
    best = cb_index_choose(index, &host);
    if (!best)
        return cb_error_set(err, CB_ERR_NOT_FOUND,
                            "no matching manifest for this platform in the archive");
    return load_entry(load, best, name, depth + 1, err);
}

static int load_entry(struct load *load, const struct cb_descriptor *entry,
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

static int load_layout(struct load *load, const struct cb_member *document,
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

int cb_archive_load(struct cb_archive_env *env, int fd, struct cb_strings *messages,
                    struct cb_error **err)
{
    struct load load = {.env = env, .messages = messages};
    const struct cb_member *docker, *layout;
    int result;

    if (cb_members_read(env, fd, &load.members, err) < 0)
        return -1;
    docker = cb_members_find(&load.members, "manifest.json");
    layout = cb_members_find(&load.members, "index.json");
    if (docker && docker->text)
        result = load_docker(&load, docker, err);
    else if (layout && layout->text)
        result = load_layout(&load, layout, err);
    else
        result =
            cb_error_set(err, CB_ERR_INTEGRITY,
                         "not an image archive: neither manifest.json nor index.json");
    cb_members_clear(&load.members);
    return result;
}
