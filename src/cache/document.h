/* A cache as a document: the config of an OCI artifact, of the media type below, or the
 * member CB_CACHE_INLINE_MEMBER of an image's config.
 *
 *   {"version":1,
 *    "layers":[{"blob":{descriptor},"diffId":"sha256:…","parent":0,"created":ns},…],
 *    "records":[{"keys":["sha256:…",…],"identity":"sha256:…","layer":1,"created":ns,
 *                "name":"[build 2/3] RUN make"},…]}
 *
 * A layer's parent is an earlier layer of the list, none for the lowest. A record without
 * a layer is the empty filesystem, or with "absent":true a step whose layers were left
 * out (mode=min): what it became is known, so that steps after it are found, but it
 * cannot be had. A layer of a COPY --link stands twice: on its base, and alone, as which
 * it is found when the base is another. Inline, layers have no blob: they are the
 * image's, in its order, then those of them that stand alone. The parts of keys
 * (arguments, environment) stay where they were made. */
#ifndef CB_CACHE_DOCUMENT_H
#define CB_CACHE_DOCUMENT_H

#include "oci/oci.h"

#define CB_MT_CACHE_CONFIG     "application/vnd.cbuild.cache.config.v1+json"
#define CB_CACHE_INLINE_MEMBER "cbuild.cache.v1"
#define CB_CACHE_MAX_LAYERS    2000
#define CB_CACHE_MAX_RECORDS   20000
#define CB_CACHE_MAX_KEYS      16 /* of one record */
#define CB_CACHE_EMPTY         -1 /* in place of a layer's number */
#define CB_CACHE_ABSENT        -2

struct cb_cache_layer {
    struct cb_descriptor blob; /* media_type NULL: inline */
    struct cb_digest diff_id, chain_id;
    int parent; /* -1: none */
    int64_t created_ns;
};
struct cb_cache_record {
    struct cb_digest keys[CB_CACHE_MAX_KEYS];
    size_t key_count;
    struct cb_digest identity;
    int layer; /* or CB_CACHE_EMPTY, CB_CACHE_ABSENT */
    int64_t created_ns;
    char *name;
    /* Of one that was imported, in no document: the keys it was found under (more are
     * remembered elsewhere), and what its identity is here; see cache/remote.h. */
    struct cb_digest asked[2];
    size_t asked_count;
    struct cb_digest here;
};
struct cb_cache_document {
    CB_VEC(struct cb_cache_layer) layers;
    CB_VEC(struct cb_cache_record) records;
};
void cb_cache_document_clear(struct cb_cache_document *document);
CB_AUTO_VALUE_DEFINE(cb_cache_document, cb_cache_document_clear)

/* Adds a layer over PARENT (-1) and computes its chain id; BLOB is copied, or NULL.
 * Returns its number; -1: there are too many, and none is added. */
int cb_cache_document_add_layer(struct cb_cache_document *document,
                                const struct cb_descriptor *blob,
                                const struct cb_digest *diff_id, int parent,
                                int64_t created_ns);
/* How many layers stand on each other up to and with LAYER (-1: 0). */
size_t cb_cache_document_depth(const struct cb_cache_document *document, int layer);
/* Adds KEY to the record unless it is there or there are too many. */
void cb_cache_record_add_key(struct cb_cache_record *record, const struct cb_digest *key);

/* A new reference. */
json_t *cb_cache_document_emit(const struct cb_cache_document *document);
/* INTEGRITY for what is not in the form above. INLINE_BLOBS: layers have none.
 * UNSUPPORTED for another version. */
int cb_cache_document_read(struct cb_cache_document *out, const struct cb_json *root,
                           int inline_blobs, struct cb_error **err);

#endif
