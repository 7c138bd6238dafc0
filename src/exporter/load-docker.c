/* manifest.json, which docker, podman and skopeo write. */
#include "exporter/load-priv.h"

#include "exporter/delta.h"
#include "exporter/exporter.h"
#include "registry/said.h"
#include "store/content.h"

#include <string.h>

#define MAX_IMAGES 1000

/* ── The manifest that fits ── */

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

/* ── Images ── */

/* By the first bytes: archives do not say how a layer is compressed. */
static const char *layer_type(const unsigned char magic[4])
{
    if (magic[0] == 0x1f && magic[1] == 0x8b)
        return CB_MT_OCI_LAYER_GZIP;
    if (memcmp(magic, "\x28\xb5\x2f\xfd", 4) == 0)
        return CB_MT_OCI_LAYER_ZSTD;
    return CB_MT_OCI_LAYER;
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
    if (!nested || !cb_digest_is_set(&found.manifest) ||
        !cb_load_wants(load, &found.config->platform))
        return 0;
    return cb_load_said(load,
                        &(struct cb_said_source){.image = &id,
                                                 .platform = &found.config->platform,
                                                 .index = nested,
                                                 .about = &found.manifest},
                        err);
}

/* skopeo's and podman's directories ("dir:") have the image's own manifest there, and
 * blobs beside it. */
static int load_bare(struct cb_load *load, const struct cb_member *document,
                     struct cb_error **err)
{
    struct cb_descriptor entry = {.size = document->size};

    if (cb_content_put(load->env->store, document->text, (size_t)document->size,
                       &entry.digest, err) < 0)
        return -1;
    return cb_load_manifest(load, &entry, NULL, err);
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
