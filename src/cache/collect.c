/* What a build used, as a document: the layers the result stands on (or, for mode=max, of
 * every step), and for each step that is made of them its keys. */
#include "cache/layered.h"

#include "store/layer.h"
#include "store/record.h"

#include <stdint.h>
#include <string.h>

#define MAX_KEYS_OF_SNAPSHOT CB_CACHE_MAX_KEYS

struct collector {
    struct cb_cache *cache;
    const struct cb_cache_location *to;
    uint64_t event_id;
    struct cb_cache_document *out;
    struct cb_map *layers;  /* chain id → 1 + number */
    struct cb_map *records; /* "layer identity" → 1 + number */
};

static int find_number(const struct cb_map *map, const char *key)
{
    return (int)(uintptr_t)cb_map_get(map, key) - 1;
}

static void set_number(struct cb_map *map, const char *key, int number)
{
    cb_map_set(map, key, (void *)(uintptr_t)(number + 1));
}

/* ── Layers ── */

static int layer_blob(struct collector *collector, const struct cb_digest *chain_id,
                      const struct cb_digest *diff_id, struct cb_descriptor *out,
                      struct cb_error **err)
{
    struct cb_build_env *env = collector->cache->env;
    const struct cb_layer_want want = {.store = env->store,
                                       .chain_id = chain_id,
                                       .diff_id = diff_id,
                                       .form = &collector->to->layers,
                                       .pool = env->pool,
                                       .cancel = env->cancel,
                                       .sink = env->sink,
                                       .event_id = collector->event_id};

    return cb_layer_blob_get(&want, out, err);
}

/* The document's number of LAYER, which is added when it is new. Without a blob it is the
 * store's. Inline documents name no blobs. */
static int add_layer(struct collector *collector, const struct cb_cache_layer *layer,
                     int *number, struct cb_error **err)
{
    struct cb_cache_document *out = collector->out;
    const struct cb_digest *below =
        layer->parent < 0 ? NULL : &out->layers.items[layer->parent].chain_id;
    struct cb_digest chain_id = cb_chain_id(below, &layer->diff_id);
    const struct cb_descriptor *blob = layer->blob.media_type ? &layer->blob : NULL;
    cb_auto_value(cb_descriptor) made = {0};
    char text[CB_DIGEST_MAX_TEXT];

    *number = find_number(collector->layers, cb_digest_text(&chain_id, text));
    if (*number >= 0)
        return 0;
    if (!blob && collector->to->type != CB_CACHE_INLINE) {
        if (layer_blob(collector, &chain_id, &layer->diff_id, &made, err) < 0)
            return -1;
        blob = &made;
    }
    *number = cb_cache_document_add_layer(out, blob, &layer->diff_id, layer->parent,
                                          layer->created_ns);
    if (*number < 0) {
        cb_error_set(err, CB_ERR_UNSUPPORTED, "the cache has more than %d layers",
                     CB_CACHE_MAX_LAYERS);
        return cb_error_hint(err, "use mode=min");
    }
    set_number(collector->layers, text, *number);
    return 0;
}

/* All layers TOP stands on. *NUMBER is its own, -1 without TOP. */
static int add_snapshot(struct collector *collector, struct cb_snapshot *top, int *number,
                        struct cb_error **err)
{
    struct cb_digests diff_ids = {0};
    CB_VEC(struct cb_snapshot *) chain = {0};
    int result = 0;

    *number = -1;
    if (top && cb_chain_register(top, collector->cache->env->pool, &diff_ids, err) < 0)
        return -1;
    for (struct cb_snapshot *at = top; at; at = cb_snapshot_parent(at))
        cb_vec_push(&chain, at);
    for (size_t i = 0; result == 0 && i < diff_ids.count && i < chain.count; i++) {
        struct cb_snapshot *at = chain.items[chain.count - 1 - i];
        const struct cb_cache_layer layer = {.diff_id = diff_ids.items[i],
                                             .parent = *number,
                                             .created_ns = cb_snapshot_created_ns(at)};

        result = add_layer(collector, &layer, number, err);
    }
    cb_vec_free(&chain);
    cb_vec_free(&diff_ids);
    return result;
}

/* A layer that stands alone, and on others in the result: that of a COPY --link. Its
 * number in the document, or -1. */
static int add_linked(struct collector *collector, struct cb_snapshot *top,
                      const struct cb_digest *diff_id, int *number, struct cb_error **err)
{
    cb_vec_foreach (layer, &collector->out->layers) {
        if (cb_digest_equal(&layer->diff_id, diff_id)) {
            const struct cb_cache_layer alone = {.blob = layer->blob,
                                                 .diff_id = *diff_id,
                                                 .parent = -1,
                                                 .created_ns =
                                                     cb_snapshot_created_ns(top)};

            return add_layer(collector, &alone, number, err);
        }
    }
    return 0;
}

/* Is the snapshot one of those the result stands on? Its number, or -1. */
static int known_snapshot(struct collector *collector, struct cb_snapshot *top,
                          int *number, struct cb_error **err)
{
    struct cb_digests diff_ids = {0};
    struct cb_digest chain_id = {0};
    char text[CB_DIGEST_MAX_TEXT];
    int result = 0;

    if (cb_chain_register(top, collector->cache->env->pool, &diff_ids, err) < 0)
        return -1;
    for (size_t i = 0; i < diff_ids.count; i++)
        chain_id = cb_chain_id(i ? &chain_id : NULL, &diff_ids.items[i]);
    *number = find_number(collector->layers, cb_digest_text(&chain_id, text));
    if (*number < 0 && diff_ids.count == 1)
        result = add_linked(collector, top, &diff_ids.items[0], number, err);
    cb_vec_free(&diff_ids);
    return result;
}

/* The layers of a record that is still remote, when their blobs need not pass through
 * here. */
static int add_remote_layers(struct collector *collector,
                             const struct cb_remote_cache *remote, int layer, int *number,
                             struct cb_error **err)
{
    struct cb_cache_layer at;

    *number = -1;
    if (layer < 0)
        return 0;
    at = remote->document.layers.items[layer];
    if (add_remote_layers(collector, remote, at.parent, &at.parent, err) < 0)
        return -1;
    return add_layer(collector, &at, number, err);
}

/* ── Records ── */

static void add_record(struct collector *collector, const struct cb_digest *key,
                       const struct cb_digest *identity, int layer, int64_t created_ns,
                       const char *name)
{
    struct cb_cache_document *out = collector->out;
    char text[CB_DIGEST_MAX_TEXT];
    cb_autofree char *place = xasprintf("%d %s", layer, cb_digest_text(identity, text));
    int number = find_number(collector->records, place);

    if (number < 0) {
        struct cb_cache_record record = {
            .identity = *identity, .layer = layer, .created_ns = created_ns};

        if (out->records.count == CB_CACHE_MAX_RECORDS)
            return;
        record.name = xstrdup(name);
        cb_vec_push(&out->records, record);
        number = (int)out->records.count - 1;
        set_number(collector->records, place, number);
    }
    cb_cache_record_add_key(&out->records.items[number], key);
    if (!*out->records.items[number].name && *name) {
        free(out->records.items[number].name);
        out->records.items[number].name = xstrdup(name);
    }
}

static int add_local(struct collector *collector, const struct cb_digest *key,
                     const struct cb_record *record, struct cb_error **err)
{
    struct cb_store *store = collector->cache->env->store;
    cb_auto(cb_snapshot) top = NULL;
    struct cb_record_keys keys = {0};
    int layer = CB_CACHE_EMPTY;
    int result;

    if (strcmp(record->snapshot_id, CB_RECORD_ABSENT) == 0) {
        layer = CB_CACHE_ABSENT;
    } else if (*record->snapshot_id) {
        int found = cb_snapshot_get(store, record->snapshot_id, &top, err);

        if (found <= 0)
            return found;
        if ((collector->to->max ? add_snapshot(collector, top, &layer, err)
                                : known_snapshot(collector, top, &layer, err)) < 0)
            return -1;
        if (layer < 0)
            layer = CB_CACHE_ABSENT;
    }
    add_record(collector, key, &record->identity, layer, record->created_ns,
               record->name);
    result = cb_record_keys(store, record->snapshot_id, &record->identity,
                            top ? MAX_KEYS_OF_SNAPSHOT : 0, &keys, err);
    for (size_t i = 0; i < keys.count; i++)
        add_record(collector, &keys.items[i], &record->identity, layer,
                   record->created_ns, record->name);
    cb_vec_free(&keys);
    return result;
}

/* Does the cache go to the repository it came from? Then the blobs are there. */
static int same_repository(const struct cb_remote_cache *remote,
                           const struct cb_cache_location *to)
{
    cb_auto(cb_reference) reference = NULL;

    return to->type == CB_CACHE_REGISTRY && remote->reference &&
           cb_reference_parse(&reference, to->place, NULL) == 0 &&
           strcmp(reference->host, remote->reference->host) == 0 &&
           strcmp(reference->path, remote->reference->path) == 0;
}

static int add_remote(struct collector *collector, const struct cb_digest *key,
                      size_t remote_number, int record_number, struct cb_error **err)
{
    struct cb_cache *cache = collector->cache;
    struct cb_remote_cache *remote = cache->remotes.items[remote_number];
    struct cb_cache_record record = remote->document.records.items[record_number];
    char text[CB_DIGEST_MAX_TEXT];
    int layer = record.layer;

    if (record.layer >= 0)
        layer = find_number(
            collector->layers,
            cb_digest_text(&remote->document.layers.items[record.layer].chain_id, text));
    if (record.layer >= 0 && layer < 0) {
        cb_auto(cb_snapshot) top = NULL;

        if (!collector->to->max) {
            layer = CB_CACHE_ABSENT;
        } else if (same_repository(remote, collector->to)) {
            if (add_remote_layers(collector, remote, record.layer, &layer, err) < 0)
                return -1;
        } else if (cb_cache_adopt_remote(cache, remote_number, record_number, &top, err) <
                       0 ||
                   add_snapshot(collector, top, &layer, err) < 0) {
            return -1;
        }
    }
    add_record(collector, key, &record.here, layer, record.created_ns, record.name);
    return 0;
}

static int add_key(struct collector *collector, const char *text, struct cb_error **err)
{
    struct cb_cache *cache = collector->cache;
    cb_auto_value(cb_record) record = {0};
    struct cb_digest key;
    size_t remote;
    int number, found;

    if (cb_digest_parse(&key, text, err) < 0)
        return -1;
    found = cb_record_find(cache->env->store, &key, &record, err);
    if (found < 0)
        return -1;
    if (found)
        return add_local(collector, &key, &record, err);
    if (cb_cache_find_remote(cache, &key, NULL, &remote, &number))
        return add_remote(collector, &key, remote, number, err);
    return 0;
}

int cb_cache_collect(struct cb_cache *cache, struct cb_snapshot *const *results,
                     size_t count, const struct cb_cache_location *to, uint64_t event_id,
                     struct cb_cache_document *out, struct cb_error **err)
{
    cb_auto(cb_map) layers = cb_map_new(NULL);
    cb_auto(cb_map) records = cb_map_new(NULL);
    struct collector collector = {.cache = cache,
                                  .to = to,
                                  .event_id = event_id,
                                  .out = out,
                                  .layers = layers,
                                  .records = records};
    const char *key;
    void *value;
    size_t at = 0;
    int top;

    for (size_t i = 0; i < count; i++) {
        if (add_snapshot(&collector, results[i], &top, err) < 0)
            return -1;
    }
    while (cache->used && cb_map_next(cache->used, &at, &key, &value)) {
        if (cb_cancel_check(cache->env->cancel, err) < 0 ||
            add_key(&collector, key, err) < 0)
            return -1;
    }
    return 0;
}
