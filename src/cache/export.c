/* Caches on their way out: the document, a manifest that keeps its blobs alive, and the
 * place they go to. */
#include "cache/deferred.h"
#include "cache/layered.h"

#include "store/content.h"
#include "store/layout.h"

#include <string.h>

/* A manifest lists each blob once, and no more than readers take. */
static int manifest_layers(const struct cb_cache_document *document,
                           struct cb_descriptor *out, size_t *count,
                           struct cb_error **err)
{
    cb_auto(cb_map) seen = cb_map_new(NULL);
    char text[CB_DIGEST_MAX_TEXT];

    *count = 0;
    cb_vec_foreach (layer, &document->layers) {
        if (cb_map_has(seen, cb_digest_text(&layer->blob.digest, text)))
            continue;
        if (*count == CB_MAX_LAYERS) {
            cb_error_set(err, CB_ERR_UNSUPPORTED, "the cache has more than %d layers",
                         CB_MAX_LAYERS);
            return cb_error_hint(err, "use mode=min");
        }
        cb_map_set(seen, text, seen);
        out[(*count)++] = layer->blob;
    }
    return 0;
}

static int make_manifest(struct cb_build_env *env,
                         const struct cb_cache_document *document,
                         struct cb_manifest **out, struct cb_error **err)
{
    cb_autofree struct cb_descriptor *layers =
        xcalloc(document->layers.count + 1, sizeof(*layers));
    cb_auto_json *json = cb_cache_document_emit(document);
    cb_autofree char *config = cb_json_dump(json);
    struct cb_descriptor descriptor = {.media_type = (char *)CB_MT_CACHE_CONFIG,
                                       .size = (int64_t)strlen(config)};
    size_t count;

    if (descriptor.size > CB_MANIFEST_MAX_BYTES) {
        cb_error_set(err, CB_ERR_UNSUPPORTED, "the cache's index is larger than 4 MiB");
        return cb_error_hint(err, "use mode=min");
    }
    if (manifest_layers(document, layers, &count, err) < 0 ||
        cb_content_put(env->store, config, strlen(config), &descriptor.digest, err) < 0)
        return -1;
    *out = cb_manifest_make(&descriptor, layers, count, NULL, 0);
    return 0;
}

static int write_directory(struct cb_build_env *env, const struct cb_manifest *manifest,
                           const struct cb_cache_location *to, struct cb_error **err)
{
    cb_auto_json *annotations =
        json_pack("{s:s}", "org.opencontainers.image.ref.name", to->tag);
    const struct cb_descriptor entry = {.media_type = manifest->media_type,
                                        .digest = manifest->digest,
                                        .size = (int64_t)manifest->len,
                                        .annotations = annotations};
    const struct cb_manifest *const manifests[] = {manifest};
    const struct cb_layout_write what = {
        .entry = &entry, .manifests = manifests, .manifest_count = 1, .keep = to->keep};

    return cb_layout_write(to->place, &what, env->store, env->cancel, err);
}

/* What waits for the same name is older. What somebody is sending is, too, but arrives
 * after this: so this follows it, of which by then only the manifest is not there. */
static int put_registry(struct cb_build_env *env, const struct cb_manifest *manifest,
                        const struct cb_cache_location *to, uint64_t event_id,
                        struct cb_error **err)
{
    cb_auto(cb_outbox_entry) earlier = NULL;

    cb_deferred_tell(env, to->place, &earlier);
    if (to->deferred)
        return cb_deferred_add(env, manifest, to, err);
    if (cb_registry_put_artifact(env->registry, to->place, manifest, event_id, err) < 0)
        return -1;
    if (!earlier)
        return 0;
    return earlier->is_held ? cb_deferred_add(env, manifest, to, err)
                            : cb_outbox_settle(env->store, earlier, NULL, err);
}

static int export(struct cb_cache *cache, struct cb_snapshot *const *results,
                  size_t count, const struct cb_cache_location *to, uint64_t event_id,
                  struct cb_error **err)
{
    struct cb_build_env *env = cache->env;
    cb_auto_value(cb_cache_document) document = {0};
    cb_auto(cb_manifest) manifest = NULL;

    if (cb_cache_collect(cache, results, count, to, event_id, &document, err) < 0 ||
        make_manifest(env, &document, &manifest, err) < 0)
        return -1;
    if (to->type == CB_CACHE_LOCAL)
        return write_directory(env, manifest, to, err);
    return put_registry(env, manifest, to, event_id, err);
}

int cb_cache_export(struct cb_cache *cache, struct cb_snapshot *const *results,
                    size_t count, const struct cb_cache_location *to,
                    struct cb_error **err)
{
    cb_autofree char *title =
        xasprintf("exporting cache to %s %s%s",
                  to->type == CB_CACHE_LOCAL ? "directory" : "registry", to->place,
                  to->deferred ? ", to be sent later" : "");
    uint64_t id = cb_event_step_start(cache->env->sink, title);
    struct cb_error *error = NULL;
    int status = export(cache, results, count, to, id, &error);

    if (cb_event_step_end(cache->env->sink, id, status, &error, err) == 0)
        return 0;
    return cb_error_wrap(err, "export cache to %s", to->place);
}

int cb_cache_inline(struct cb_cache *cache, struct cb_snapshot *result,
                    struct cb_image_config *config, struct cb_error **err)
{
    const struct cb_cache_location to = {.type = CB_CACHE_INLINE};
    cb_auto_value(cb_cache_document) document = {0};

    if (cb_cache_collect(cache, &result, 1, &to, 0, &document, err) < 0)
        return -1;
    if (!config->other)
        config->other = json_object();
    json_object_set_new(config->other, CB_CACHE_INLINE_MEMBER,
                        cb_cache_document_emit(&document));
    return 0;
}
