/* Layers: tar streams in and out of snapshots (image-spec layer.md), and the blobs known
 * for each diff id. */
#ifndef CB_STORE_LAYER_H
#define CB_STORE_LAYER_H

#include "base/digest.h"
#include "oci/oci.h"
#include "store/decompress.h"
#include "store/snapshot.h"
#include "store/store.h"

struct cb_blob_feed;

/* Bounds for foreign layers. 0: the default. */
#define CB_LAYER_MAX_BYTES (UINT64_C(64) << 30)
struct cb_layer_limits {
    uint64_t max_bytes;   /* unpacked; default the store's, else CB_LAYER_MAX_BYTES */
    uint64_t max_entries; /* default 5,000,000 */
};

/* The digest of the layer's canonical tar (diff id), its unpacked size, and the digest of
 * its tree (paths, types, modes, owners, sizes, links, devices, xattrs, content; no
 * times). Computed in one pass over the files and remembered with the snapshot. */
struct cb_layer_info {
    struct cb_digest diff_id;
    struct cb_digest tree;
    int64_t tar_bytes;
    int64_t size_bytes; /* sum of file sizes */
};
int cb_layer_info(struct cb_snapshot *committed, struct cb_pool *pool,
                  struct cb_layer_info *out, struct cb_error **err);
/* Of that only the length of its tar: no file is read when it is known. */
int cb_layer_tar_bytes(struct cb_snapshot *committed, struct cb_pool *pool,
                       struct cb_digest *diff_id, int64_t *bytes, struct cb_error **err);
/* The same of a snapshot that is not committed yet: nothing is remembered. */
int cb_layer_measure(struct cb_snapshot *active, struct cb_pool *pool,
                     struct cb_layer_info *out, struct cb_error **err);
/* Commits it with what is known: INFO (or NULL) and the fact "identity", at once. */
int cb_layer_commit(struct cb_snapshot *active, const struct cb_layer_info *info,
                    const char *identity, struct cb_error **err);
struct cb_restack {
    struct cb_snapshot *parent; /* what it shall stand on, or NULL */
    const char *identity;       /* of the result */
    struct cb_pool *pool;
    struct cb_cancel *cancel;
};
/* The layer of TOP, which stands on nothing, once more: a committed snapshot of the same
 * files under other names, with all that is known of the layer and its time. */
int cb_layer_restack(struct cb_snapshot *top, const struct cb_restack *how,
                     struct cb_snapshot **out, struct cb_error **err);
/* Streams the layer's canonical tar (sorted, PAX only where needed, whiteouts, xattrs):
 * the same bytes each time. */
int cb_layer_write_tar(struct cb_snapshot *committed,
                       int (*write)(void *arg, const void *bytes, size_t len,
                                    struct cb_error **err),
                       void *arg, struct cb_error **err);

/* The snapshot of a chain of diff ids, if unpacked: 1/0. */
int cb_chain_find(struct cb_store *store, const struct cb_digest *chain_id,
                  struct cb_snapshot **out, struct cb_error **err);
/* A layer that came as a plain tar, and is no blob: SIZE bytes of a file from AT on. */
struct cb_layer_tar {
    int fd; /* borrowed; -1: none, it is a blob */
    int64_t at, size;
};
/* Makes the chain for a whole image, whose blobs are in the store: finds the longest
 * unpacked prefix, unpacks the rest (each layer only depends on whether its directory
 * exists, so they are unpacked in parallel and stacked) and registers the chain ids.
 * Verifies that the uncompressed bytes of each layer have its diff id, the bytes after
 * the end mark included. BLOBS run parallel to DIFF_IDS. Count 0 gives *out NULL. */
struct cb_layers_options {
    struct cb_store *store;
    const struct cb_descriptor *blobs; /* both are borrowed until the end */
    const struct cb_digest *diff_ids;
    /* or NULL; in step with the others. Such a layer is kept as its snapshot with an
     * outline (outline.h), or becomes a blob where that would not do. */
    const struct cb_layer_tar *tars;
    size_t count;
    struct cb_layer_limits limits; /* of each layer */
    struct cb_cancel *cancel;
    struct cb_event_sink *sink;
    uint64_t event_id;
};
int cb_layers_unpack(const struct cb_layers_options *options, struct cb_pool *pool,
                     struct cb_snapshot **out, struct cb_error **err);
/* The same for who does not have the blobs yet: layers from cb_layers_first on are
 * unpacked as they come, each once, in any order and from any thread; cb_layers_top, when
 * all are, gives the chain away. Nobody else unpacks the image meanwhile. */
struct cb_layers;
int cb_layers_begin(struct cb_layers **out, const struct cb_layers_options *options,
                    struct cb_error **err);
size_t cb_layers_first(const struct cb_layers *layers);
int cb_layers_unpack_one(struct cb_layers *layers, size_t index, struct cb_error **err);
/* For a layer whose blob is on its way, and is read meanwhile (blob-feed.h). It counts
 * for nothing until cb_layers_unpack_one, when the blob is verified and in the store,
 * puts it in its place; if the blob is another after all it must be forgotten first. */
int cb_layers_unpack_early(struct cb_layers *layers, size_t index, cb_read_fn read,
                           void *arg, struct cb_error **err);
void cb_layers_forget_early(struct cb_layers *layers, size_t index);
struct cb_snapshot *cb_layers_top(struct cb_layers *layers);
void cb_layers_free(struct cb_layers *layers);
CB_AUTO_DEFINE(cb_layers, cb_layers_free)
/* Came so, and is no blob: its plain tar is made again to the byte when it is asked for.
 */
int cb_layer_is_outlined(const struct cb_snapshot *committed);
/* A layer that was here already came as TAR once more: when it has lost the blob that it
 * was kept as, this is its blob. */
int cb_layer_tar_offer(struct cb_store *store, const struct cb_layer_tar *tar,
                       const struct cb_digest *diff_id, struct cb_cancel *cancel,
                       struct cb_error **err);
/* Registers a committed snapshot chain under its diff ids, so that images made of it are
 * found. DIFF_IDS gets them, bottom first (vector of cb_digest, caller frees items). */
struct cb_digests {
    struct cb_digest *items;
    size_t count, capacity;
};
int cb_chain_register(struct cb_snapshot *top, struct cb_pool *pool,
                      struct cb_digests *diff_ids, struct cb_error **err);

/* Compressed (or plain) blobs known for a diff id. 1/0. COMPRESSION: the kind wanted, or
 * -1 for any. */
int cb_layer_blob_find(struct cb_store *store, const struct cb_digest *diff_id,
                       int compression, struct cb_descriptor *out, struct cb_error **err);
/* Of a blob whose uncompressed bytes are known to have DIFF_ID: whatever image has that
 * layer is then made, pushed and saved from it. */
int cb_layer_blob_add(struct cb_store *store, const struct cb_digest *diff_id,
                      const struct cb_descriptor *blob, struct cb_error **err);
/* The same of a blob that somebody only claims to be the layer: it is read and compared,
 * unless that was done before. */
int cb_layer_blob_enter(struct cb_store *store, const struct cb_digest *diff_id,
                        const struct cb_descriptor *blob, struct cb_cancel *cancel,
                        struct cb_error **err);
/* Whether BLOB was entered for DIFF_ID: 1/0. */
int cb_layer_blob_known(struct cb_store *store, const struct cb_digest *diff_id,
                        const struct cb_digest *blob, struct cb_error **err);
/* Whether a plain blob is large, and would not get smaller by being compressed. */
int cb_layer_blob_is_dense(struct cb_store *store, const struct cb_descriptor *blob);
/* The same of a layer that came as a plain tar and is no blob. */
int cb_layer_came_dense(struct cb_store *store, const struct cb_digest *chain_id);
/* How a layer's blob is wanted. */
struct cb_layer_form {
    enum cb_compression compression;
    int level; /* 0: default */
    int any;   /* a blob in another compression is as good */
    int force; /* made anew even when the layer came with one */
};
struct cb_layer_want {
    struct cb_store *store;
    const struct cb_digest *chain_id, *diff_id; /* CHAIN_ID may be NULL */
    const struct cb_layer_form *form;
    struct cb_pool *pool;
    struct cb_cancel *cancel;
    struct cb_event_sink *sink;
    uint64_t event_id;
    struct cb_blob_feed *feed; /* or NULL: reads the bytes of a blob while it is made */
};
/* A blob for the layer in the form wanted: found, or made (tar → compress → digest, one
 * pipeline; gzip by ISA-L in fixed chunks, zstd by libzstd; byte-stable on any number of
 * cores). OUT is the caller's. */
int cb_layer_blob_get(const struct cb_layer_want *want, struct cb_descriptor *out,
                      struct cb_error **err);
/* The same for who has a use for the bytes at once: of a blob that is made *FRESH (else
 * NULL) can be read, while another thread keeps it, which waits for the disk. What is not
 * kept is gone. Until then whoever wants the same waits: keep one before making another.
 */
struct cb_fresh_blob;
int cb_layer_blob_make(const struct cb_layer_want *want, struct cb_descriptor *out,
                       struct cb_fresh_blob **fresh, struct cb_error **err);
int cb_fresh_blob_fd(const struct cb_fresh_blob *fresh); /* borrowed */
int cb_fresh_blob_take_fd(struct cb_fresh_blob *fresh);  /* the caller's */
int cb_fresh_blob_keep(struct cb_fresh_blob *fresh, struct cb_error **err);
void cb_fresh_blob_free(struct cb_fresh_blob *fresh);
CB_AUTO_DEFINE(cb_fresh_blob, cb_fresh_blob_free)
/* The same bytes to WRITE instead, and nothing of them in the store. */
int cb_layer_pack(const struct cb_layer_want *want,
                  int (*write)(void *arg, const void *bytes, size_t len,
                               struct cb_error **err),
                  void *arg, struct cb_error **err);
/* Streams the uncompressed tar of a layer by whatever is at hand (snapshot, or a blob
 * decompressed), verified against the diff id at the end. */
int cb_layer_stream_tar(struct cb_store *store, const struct cb_digest *chain_id,
                        const struct cb_digest *diff_id,
                        int (*write)(void *arg, const void *bytes, size_t len,
                                     struct cb_error **err),
                        void *arg, struct cb_error **err);

#endif
