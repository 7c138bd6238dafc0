/* Cache documents to JSON and back. They come from registries: every number and digest is
 * checked, and what is not understood is refused, never guessed. */
#include "cache/document.h"

#include <string.h>

#define FORMAT_VERSION 1

void cb_cache_document_clear(struct cb_cache_document *document)
{
    cb_vec_foreach (layer, &document->layers)
        cb_descriptor_free(&layer->blob);
    cb_vec_foreach (record, &document->records)
        free(record->name);
    cb_vec_free(&document->layers);
    cb_vec_free(&document->records);
}

int cb_cache_document_add_layer(struct cb_cache_document *document,
                                const struct cb_descriptor *blob,
                                const struct cb_digest *diff_id, int parent,
                                int64_t created_ns)
{
    struct cb_cache_layer layer = {
        .diff_id = *diff_id, .parent = parent, .created_ns = created_ns};

    if (document->layers.count == CB_CACHE_MAX_LAYERS)
        return -1;
    if (blob)
        cb_descriptor_copy(&layer.blob, blob);
    layer.chain_id = cb_chain_id(
        parent < 0 ? NULL : &document->layers.items[parent].chain_id, diff_id);
    cb_vec_push(&document->layers, layer);
    return (int)document->layers.count - 1;
}

size_t cb_cache_document_depth(const struct cb_cache_document *document, int layer)
{
    size_t depth = 0;

    for (; layer >= 0; layer = document->layers.items[layer].parent)
        depth++;
    return depth;
}

void cb_cache_record_add_key(struct cb_cache_record *record, const struct cb_digest *key)
{
    for (size_t i = 0; i < record->key_count; i++)
        if (cb_digest_equal(&record->keys[i], key))
            return;
    if (record->key_count < CB_CACHE_MAX_KEYS)
        record->keys[record->key_count++] = *key;
}

/* ── Writing ── */

static json_t *digest_json(const struct cb_digest *digest)
{
    char text[CB_DIGEST_MAX_TEXT];

    return json_string(cb_digest_text(digest, text));
}

static json_t *layer_json(const struct cb_cache_layer *layer)
{
    json_t *json = json_object();

    if (layer->blob.media_type) {
        json_t *blob = json_object();

        json_object_set_new(blob, "mediaType", json_string(layer->blob.media_type));
        json_object_set_new(blob, "digest", digest_json(&layer->blob.digest));
        json_object_set_new(blob, "size", json_integer(layer->blob.size));
        json_object_set_new(json, "blob", blob);
    }
    json_object_set_new(json, "diffId", digest_json(&layer->diff_id));
    if (layer->parent >= 0)
        json_object_set_new(json, "parent", json_integer(layer->parent));
    json_object_set_new(json, "created", json_integer(layer->created_ns));
    return json;
}

static json_t *record_json(const struct cb_cache_record *record)
{
    json_t *json = json_object();
    json_t *keys = json_array();
    json_t *name = json_string(record->name);

    for (size_t i = 0; i < record->key_count; i++)
        json_array_append_new(keys, digest_json(&record->keys[i]));
    json_object_set_new(json, "keys", keys);
    json_object_set_new(json, "identity", digest_json(&record->identity));
    if (record->layer >= 0)
        json_object_set_new(json, "layer", json_integer(record->layer));
    if (record->layer == CB_CACHE_ABSENT)
        json_object_set_new(json, "absent", json_true());
    json_object_set_new(json, "created", json_integer(record->created_ns));
    /* A name that is no UTF-8 is left out: it serves people only. */
    json_object_set_new(json, "name", name ? name : json_string(""));
    return json;
}

json_t *cb_cache_document_emit(const struct cb_cache_document *document)
{
    json_t *json = json_object();
    json_t *layers = json_array();
    json_t *records = json_array();

    cb_vec_foreach (layer, &document->layers)
        json_array_append_new(layers, layer_json(layer));
    cb_vec_foreach (record, &document->records)
        json_array_append_new(records, record_json(record));
    json_object_set_new(json, "version", json_integer(FORMAT_VERSION));
    json_object_set_new(json, "layers", layers);
    json_object_set_new(json, "records", records);
    return json;
}

/* ── Reading ── */

static int read_digest(const struct cb_json *object, const char *key,
                       struct cb_digest *out, struct cb_error **err)
{
    struct cb_json member = cb_json_member(object, key);

    return cb_json_required_digest(&member, out, err);
}

/* The number of an earlier layer, or -1 when there is none. */
static int read_number(const struct cb_json *object, const char *key, size_t below,
                       int *out, struct cb_error **err)
{
    struct cb_json member = cb_json_member(object, key);
    int64_t value;

    *out = -1;
    if (cb_json_is_absent(&member))
        return 0;
    if (cb_json_required_int64(&member, &value, err) < 0)
        return -1;
    if (value < 0 || (uint64_t)value >= below)
        return cb_json_fail(&member, err, "no earlier layer %lld", (long long)value);
    *out = (int)value;
    return 0;
}

static int read_blob(const struct cb_json *layer, struct cb_descriptor *out,
                     struct cb_error **err)
{
    struct cb_json blob = cb_json_member(layer, "blob");
    struct cb_json type = cb_json_member(&blob, "mediaType");
    struct cb_json size = cb_json_member(&blob, "size");
    enum cb_compression compression;
    const char *text;

    if (cb_json_expect_object(&blob, err) < 0 ||
        cb_json_required_string(&type, &text, err) < 0 ||
        cb_json_required_unsigned(&size, &out->size, err) < 0 ||
        read_digest(&blob, "digest", &out->digest, err) < 0)
        return -1;
    if (cb_media_compression(text, &compression) < 0)
        return cb_json_fail(&blob, err, "no layer");
    out->media_type = xstrdup(text);
    return 0;
}

static int read_layer(struct cb_cache_document *out, const struct cb_json *json,
                      int inline_blobs, struct cb_error **err)
{
    cb_auto_value(cb_descriptor) blob = {0};
    struct cb_json created = cb_json_member(json, "created");
    struct cb_digest diff_id;
    int64_t created_ns;
    int parent, layer;

    if (cb_json_expect_object(json, err) < 0 ||
        read_digest(json, "diffId", &diff_id, err) < 0 ||
        read_number(json, "parent", out->layers.count, &parent, err) < 0 ||
        cb_json_required_unsigned(&created, &created_ns, err) < 0 ||
        (!inline_blobs && read_blob(json, &blob, err) < 0))
        return -1;
    layer = cb_cache_document_add_layer(out, inline_blobs ? NULL : &blob, &diff_id,
                                        parent, created_ns);
    if (cb_cache_document_depth(out, layer) > CB_MAX_LAYERS)
        return cb_json_fail(json, err, "more than %d layers deep", CB_MAX_LAYERS);
    return 0;
}

static int read_keys(const struct cb_json *json, struct cb_cache_record *out,
                     struct cb_error **err)
{
    struct cb_json keys = cb_json_member(json, "keys");
    size_t count;

    if (cb_json_count(&keys, CB_CACHE_MAX_KEYS, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct cb_json item = cb_json_item(&keys, i);
        struct cb_digest key;

        if (cb_json_required_digest(&item, &key, err) < 0)
            return -1;
        cb_cache_record_add_key(out, &key);
    }
    return 0;
}

static int read_record(struct cb_cache_document *out, const struct cb_json *json,
                       struct cb_error **err)
{
    struct cb_cache_record record = {0};
    struct cb_json name = cb_json_member(json, "name");
    struct cb_json absent = cb_json_member(json, "absent");
    struct cb_json created = cb_json_member(json, "created");
    const char *text;
    int is_absent = 0;

    if (cb_json_expect_object(json, err) < 0 || read_keys(json, &record, err) < 0 ||
        read_digest(json, "identity", &record.identity, err) < 0 ||
        read_number(json, "layer", out->layers.count, &record.layer, err) < 0 ||
        cb_json_required_unsigned(&created, &record.created_ns, err) < 0 ||
        cb_json_bool(&absent, &is_absent, err) < 0 ||
        cb_json_string(&name, &text, err) < 0)
        return -1;
    if (is_absent)
        record.layer = CB_CACHE_ABSENT;
    record.name = xstrdup(text ? text : "");
    cb_vec_push(&out->records, record);
    return 0;
}

static int check_version(const struct cb_json *root, struct cb_error **err)
{
    struct cb_json member = cb_json_member(root, "version");
    int64_t version;

    if (cb_json_expect_object(root, err) < 0 ||
        cb_json_required_int64(&member, &version, err) < 0)
        return -1;
    if (version == FORMAT_VERSION)
        return 0;
    return cb_error_set(err, CB_ERR_UNSUPPORTED,
                        "%s: version %lld of the format, known is %d", root->what,
                        (long long)version, FORMAT_VERSION);
}

int cb_cache_document_read(struct cb_cache_document *out, const struct cb_json *root,
                           int inline_blobs, struct cb_error **err)
{
    cb_auto_value(cb_cache_document) document = {0};
    struct cb_json layers = cb_json_member(root, "layers");
    struct cb_json records = cb_json_member(root, "records");
    size_t count;

    if (check_version(root, err) < 0 ||
        cb_json_count(&layers, CB_CACHE_MAX_LAYERS, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct cb_json item = cb_json_item(&layers, i);

        if (read_layer(&document, &item, inline_blobs, err) < 0)
            return -1;
    }
    if (cb_json_count(&records, CB_CACHE_MAX_RECORDS, &count, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct cb_json item = cb_json_item(&records, i);

        if (read_record(&document, &item, err) < 0)
            return -1;
    }
    *out = document;
    document = (struct cb_cache_document){0};
    return 0;
}
