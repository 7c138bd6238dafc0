/* Image indexes: OCI image-index.md, and Docker's manifest list. */
#include "oci/oci-priv.h"

#include "oci/attestation.h"

int cb_index_is_of(const struct cb_index *index, const struct cb_descriptor *manifests,
                   size_t count)
{
    size_t found = 0;

    cb_vec_foreach (entry, &index->manifests) {
        for (size_t i = 0; i < count; i++) {
            if (cb_digest_equal(&entry->digest, &manifests[i].digest)) {
                found++;
                break;
            }
        }
    }
    return found == count && index->manifests.count == count;
}

void cb_index_free(struct cb_index *index)
{
    if (!index)
        return;
    free(index->media_type);
    cb_vec_foreach (entry, &index->manifests) {
        cb_descriptor_free(entry);
    }
    cb_vec_free(&index->manifests);
    json_decref(index->annotations);
    free(index->bytes);
    free(index);
}

static int read_entries(struct cb_index *index, const struct cb_json *root,
                        struct cb_error **err)
{
    struct cb_json array = cb_json_member(root, "manifests");

    if (cb_json_is_absent(&array))
        return cb_error_set(err, CB_ERR_INTEGRITY, "index.manifests: missing");
    return cb_descriptor_list_read(&index->manifests, &array, CB_MAX_INDEX_ENTRIES, err);
}

int cb_index_parse(struct cb_index **out, const char *bytes, size_t len,
                   const char *media_type, struct cb_error **err)
{
    static const char *const forbidden[] = {"layers", "config", "fsLayers", NULL};
    cb_auto(cb_index) index = xcalloc(1, sizeof(*index));
    cb_auto_json *json = NULL;
    struct cb_json root, annotations;

    if (cb_json_parse(&json, "index", bytes, len, CB_MANIFEST_MAX_BYTES, err) < 0)
        return -1;
    root = cb_json_root(json, "index");
    if (cb_document_check(&root, media_type, CB_MEDIA_INDEX, CB_MT_OCI_INDEX, forbidden,
                          &index->media_type, err) < 0)
        return -1;
    annotations = cb_json_member(&root, "annotations");
    if (read_entries(index, &root, err) < 0 ||
        cb_annotations_read(&index->annotations, &annotations, err) < 0)
        return -1;
    index->bytes = cb_document_bytes(bytes, len);
    index->len = len;
    index->digest = cb_digest_of(bytes, len);
    *out = cb_steal(&index);
    return 0;
}

static void emit(struct cb_index *index)
{
    cb_auto_value(cb_strbuf) text = {0};
    struct cb_writer writer = {.out = &text};

    cb_writer_open(&writer, NULL, '{');
    cb_writer_int(&writer, "schemaVersion", 2);
    cb_writer_string(&writer, "mediaType", index->media_type);
    cb_writer_open(&writer, "manifests", '[');
    cb_vec_foreach (entry, &index->manifests) {
        cb_descriptor_write(&writer, NULL, entry);
    }
    cb_writer_close(&writer, ']');
    cb_writer_sorted(&writer, "annotations", index->annotations);
    cb_writer_close(&writer, '}');
    index->len = text.len;
    index->digest = cb_digest_of(text.text, text.len);
    index->bytes = cb_strbuf_steal(&text);
}

struct cb_index *cb_index_make(const struct cb_descriptor *manifests, size_t count,
                               json_t *annotations, int docker)
{
    struct cb_index *index = xcalloc(1, sizeof(*index));

    index->media_type = xstrdup(docker ? CB_MT_DOCKER_LIST : CB_MT_OCI_INDEX);
    for (size_t i = 0; i < count; i++) {
        struct cb_descriptor entry;

        cb_descriptor_copy(&entry, &manifests[i]);
        cb_vec_push(&index->manifests, entry);
    }
    index->annotations = json_incref(annotations);
    emit(index);
    return index;
}

/* An entry without platform, or an index of its own, is better than nothing. */
static int score_entry(const struct cb_descriptor *entry, const struct cb_platform *want)
{
    enum cb_media_kind kind = cb_media_kind(entry->media_type);

    if ((kind != CB_MEDIA_MANIFEST && kind != CB_MEDIA_INDEX) ||
        cb_descriptor_is_attestation(entry))
        return 0;
    if (!entry->platform.os[0])
        return 1;
    return 2 * cb_platform_score(&entry->platform, want);
}

const struct cb_descriptor *cb_index_choose(const struct cb_index *index,
                                            const struct cb_platform *want)
{
    const struct cb_descriptor *best = NULL;
    int best_score = 0;

    cb_vec_foreach (entry, &index->manifests) {
        int score = score_entry(entry, want);

        if (score > best_score) {
            best = entry;
            best_score = score;
        }
    }
    return best;
}
