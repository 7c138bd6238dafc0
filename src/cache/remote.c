/* Opening a remote cache, and making its records snapshots of the store. */
#include "cache/remote.h"

#include "store/layer.h"
#include "store/layout-read.h"
#include "store/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>

void cb_remote_cache_free(struct cb_remote_cache *remote)
{
    if (!remote)
        return;
    cb_cache_document_clear(&remote->document);
    cb_map_free(remote->by_key);
    cb_reference_free(remote->reference);
    cb_close(&remote->layout_fd);
    free(remote->title);
    free(remote);
}

/* ── Opening ── */

static void index_key(struct cb_remote_cache *remote, size_t record,
                      const struct cb_digest *key)
{
    char text[CB_DIGEST_MAX_TEXT];

    cb_map_set(remote->by_key, cb_digest_text(key, text),
               (void *)(uintptr_t)(record + 1));
}

static void index_keys(struct cb_remote_cache *remote)
{
    remote->by_key = cb_map_new(NULL);
    for (size_t i = 0; i < remote->document.records.count; i++) {
        const struct cb_cache_record *record = &remote->document.records.items[i];

        for (size_t k = 0; k < record->key_count; k++)
            index_key(remote, i, &record->keys[k]);
    }
}

static int read_config(struct cb_remote_cache *remote, const char *config, size_t len,
                       struct cb_error **err)
{
    static const char what[] = "build cache";
    cb_auto_json *json = NULL;
    struct cb_json root;

    if (cb_json_parse(&json, what, config, len, CB_MANIFEST_MAX_BYTES, err) < 0)
        return -1;
    root = cb_json_root(json, what);
    return cb_cache_document_read(&remote->document, &root, 0, err);
}

static int no_match(struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_INTEGRITY,
                        "inline cache: its layers are not the image's");
}

/* Layers of an inline cache are the image's own, one on the other, and after those some
 * that stand alone, too (COPY --link). */
static int match_image(struct cb_remote_cache *remote,
                       const struct cb_resolved_image *image, struct cb_error **err)
{
    struct cb_cache_document *document = &remote->document;
    size_t count = image->config->diff_ids.count;

    if (!image->manifest || image->manifest->layers.count != count ||
        document->layers.count < count)
        return no_match(err);
    for (size_t i = 0; i < document->layers.count; i++) {
        struct cb_cache_layer *layer = &document->layers.items[i];
        size_t at = i < count ? i : 0;

        while (at < count && i >= count &&
               !cb_digest_equal(&layer->diff_id, &image->config->diff_ids.items[at]))
            at++;
        if (at == count || layer->parent != (i < count ? (int)i - 1 : -1) ||
            !cb_digest_equal(&layer->diff_id, &image->config->diff_ids.items[at]))
            return no_match(err);
        cb_descriptor_copy(&layer->blob, &image->manifest->layers.items[at]);
    }
    return 0;
}

static int open_image(struct cb_remote_cache *remote, struct cb_build_env *env,
                      const char *name, const struct cb_platform *platform,
                      struct cb_error **err)
{
    cb_auto(cb_resolved_image) image = NULL;
    struct cb_json root, member;

    if (cb_registry_resolve(env->registry, name, platform, CB_PULL_ALWAYS, &image, err) <
        0)
        return -1;
    root = cb_json_root(image->config->other, "image config");
    member = cb_json_member(&root, CB_CACHE_INLINE_MEMBER);
    if (cb_json_is_absent(&member)) {
        cb_error_set(err, CB_ERR_NOT_FOUND, "the image carries no build cache");
        return cb_error_hint(err, "`--cache-to type=inline` puts one into an image");
    }
    if (cb_cache_document_read(&remote->document, &member, 1, err) < 0 ||
        match_image(remote, image, err) < 0)
        return -1;
    remote->of_platform = cb_media_kind(image->target.media_type) == CB_MEDIA_INDEX;
    remote->reference = cb_steal(&image->reference);
    return 0;
}

static int open_registry(struct cb_remote_cache *remote, struct cb_build_env *env,
                         const char *name, const struct cb_platform *platform,
                         struct cb_error **err)
{
    cb_auto(cb_artifact) artifact = NULL;

    if (cb_registry_get_artifact(env->registry, name, &artifact, err) < 0)
        return -1;
    if (!artifact ||
        strcmp(artifact->manifest->config.media_type, CB_MT_CACHE_CONFIG) != 0)
        return open_image(remote, env, name, platform, err);
    if (read_config(remote, artifact->config, artifact->config_len, err) < 0)
        return -1;
    remote->reference = cb_steal(&artifact->reference);
    return 0;
}

static int open_layout(struct cb_remote_cache *remote, struct cb_build_env *env,
                       const struct cb_cache_location *from, struct cb_error **err)
{
    cb_auto(cb_manifest) manifest = NULL;
    cb_auto_value(cb_strbuf) config = {0};

    if (cb_layout_open(from->place, env->store, env->cancel, &remote->layout_fd, err) < 0)
        return -1;
    if (cb_layout_read(remote->layout_fd, from->tag, &from->digest, &manifest, &config,
                       err) < 0)
        return -1;
    if (strcmp(manifest->config.media_type, CB_MT_CACHE_CONFIG) != 0)
        return cb_error_set(err, CB_ERR_UNSUPPORTED, "not a cache of cbuild: `%s`",
                            manifest->config.media_type);
    return read_config(remote, cb_strbuf_text(&config), config.len, err);
}

int cb_remote_cache_open(struct cb_remote_cache **out, struct cb_build_env *env,
                         const struct cb_cache_location *from,
                         const struct cb_platform *platform, struct cb_error **err)
{
    cb_auto(cb_remote_cache) remote = xcalloc(1, sizeof(*remote));
    int local = from->type == CB_CACHE_LOCAL;

    remote->layout_fd = -1;
    remote->title = xasprintf("%s %s", local ? "directory" : "registry", from->place);
    if ((local ? open_layout(remote, env, from, err)
               : open_registry(remote, env, from->place, platform, err)) < 0)
        return -1;
    index_keys(remote);
    *out = cb_steal(&remote);
    return 0;
}

int cb_remote_cache_find(const struct cb_remote_cache *remote,
                         const struct cb_digest *key)
{
    char text[CB_DIGEST_MAX_TEXT];

    if (__atomic_load_n(&remote->dead, __ATOMIC_RELAXED))
        return -1;
    return (int)(uintptr_t)cb_map_get(remote->by_key, cb_digest_text(key, text)) - 1;
}

static struct cb_digest identity_here(const struct cb_remote_cache *remote,
                                      const struct cb_cache_record *record,
                                      const struct cb_digest *key)
{
    cb_auto(cb_hasher) hasher = NULL;
    struct cb_digest claim;

    if (record->layer == CB_CACHE_EMPTY)
        return cb_identity_of_empty();
    if (record->layer >= 0)
        return cb_identity_from("chain",
                                &remote->document.layers.items[record->layer].chain_id);
    hasher = cb_hasher_new(CB_SHA256);
    cb_hasher_digest(hasher, key);
    cb_hasher_digest(hasher, &record->identity);
    claim = cb_hasher_finish(hasher);
    return cb_identity_from("claim", &claim);
}

void cb_remote_cache_answer(struct cb_remote_cache *remote, int number,
                            const struct cb_digest *key)
{
    struct cb_cache_record *record = &remote->document.records.items[number];

    if (!cb_digest_is_set(&record->here))
        record->here = identity_here(remote, record, key);
    index_key(remote, (size_t)number, key);
    for (size_t i = 0; i < record->asked_count; i++) {
        if (cb_digest_equal(&record->asked[i], key))
            return;
    }
    if (record->asked_count < CB_ARRAY_SIZE(record->asked))
        record->asked[record->asked_count++] = *key;
}

/* ── Loading ── */

struct cb_resolved_image *cb_remote_cache_image(const struct cb_remote_cache *remote,
                                                int layer, int64_t **created_ns)
{
    struct cb_resolved_image *image = xcalloc(1, sizeof(*image));
    size_t count = cb_cache_document_depth(&remote->document, layer);
    cb_autofree int64_t *times = xcalloc(count, sizeof(*times));
    cb_autofree struct cb_descriptor *blobs = xcalloc(count, sizeof(*blobs));
    cb_autofree struct cb_digest *diff_ids = xcalloc(count, sizeof(*diff_ids));
    struct cb_descriptor config = {.media_type = (char *)CB_MT_CACHE_CONFIG};

    config.digest = cb_digest_of("", 0);
    for (size_t i = count; i-- > 0; layer = remote->document.layers.items[layer].parent) {
        blobs[i] = remote->document.layers.items[layer].blob;
        diff_ids[i] = remote->document.layers.items[layer].diff_id;
        times[i] = remote->document.layers.items[layer].created_ns;
    }
    image->config = cb_image_config_new();
    for (size_t i = 0; i < count; i++)
        cb_vec_push(&image->config->diff_ids, diff_ids[i]);
    image->manifest = cb_manifest_make(&config, blobs, count, NULL, 0);
    if (created_ns)
        *created_ns = cb_steal(&times);
    return image;
}

/* Which layers are unpacked already, from LAYER down: those keep the time they have. */
static int missing_layers(const struct cb_remote_cache *remote, struct cb_build_env *env,
                          int layer, size_t *count, struct cb_error **err)
{
    for (*count = 0; layer >= 0; (*count)++) {
        const struct cb_cache_layer *at = &remote->document.layers.items[layer];
        cb_auto(cb_snapshot) there = NULL;
        int found = cb_chain_find(env->store, &at->chain_id, &there, err);

        if (found != 0)
            return found < 0 ? -1 : 0;
        layer = at->parent;
    }
    return 0;
}

static int take_blobs(struct cb_remote_cache *remote, struct cb_build_env *env, int layer,
                      size_t count, struct cb_error **err)
{
    for (; count > 0; count--) {
        const struct cb_cache_layer *at = &remote->document.layers.items[layer];

        if (cb_layout_take_blob(remote->layout_fd, env->store, &at->blob, env->cancel,
                                err) < 0)
            return -1;
        layer = at->parent;
    }
    return 0;
}

static int backdate(const struct cb_remote_cache *remote, struct cb_snapshot *top,
                    int layer, size_t count, struct cb_error **err)
{
    for (; count > 0 && top; count--, top = cb_snapshot_parent(top)) {
        const struct cb_cache_layer *at = &remote->document.layers.items[layer];

        if (cb_snapshot_backdate(top, at->created_ns, err) < 0)
            return -1;
        layer = at->parent;
    }
    return 0;
}

static int fetch(struct cb_remote_cache *remote, struct cb_build_env *env, int layer,
                 uint64_t event_id, struct cb_snapshot **top, struct cb_error **err)
{
    cb_auto(cb_resolved_image) image = cb_remote_cache_image(remote, layer, NULL);
    size_t missing;
    int result;

    if (missing_layers(remote, env, layer, &missing, err) < 0 ||
        (remote->layout_fd >= 0 && take_blobs(remote, env, layer, missing, err) < 0))
        return -1;
    image->reference = remote->reference;
    result = cb_registry_fetch(env->registry, image, event_id, top, err);
    image->reference = NULL;
    if (result < 0)
        return -1;
    return backdate(remote, *top, layer, missing, err);
}

int cb_remote_cache_load(struct cb_remote_cache *remote, struct cb_build_env *env,
                         int record, struct cb_snapshot **top, struct cb_error **err)
{
    const struct cb_cache_record *wanted = &remote->document.records.items[record];
    cb_autofree char *title =
        xasprintf("importing `%s` from %s", wanted->name, remote->title);
    struct cb_error *error = NULL;
    uint64_t id;
    int status;

    *top = NULL;
    if (wanted->layer < 0)
        return 0;
    id = cb_event_step_start(env->sink, title);
    status = fetch(remote, env, wanted->layer, id, top, &error);
    return cb_event_step_end(env->sink, id, status, &error, err);
}
