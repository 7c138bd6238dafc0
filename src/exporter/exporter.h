/* Results → images in the store, and images in the store → archives; and archives back
 * in. */
#ifndef CB_EXPORTER_EXPORTER_H
#define CB_EXPORTER_EXPORTER_H

#include "base/cancel.h"
#include "base/event.h"
#include "base/pool.h"
#include "oci/attestation.h"
#include "oci/oci.h"
#include "ops/ops.h"
#include "store/layer.h"
#include "store/refs.h"
#include "store/snapshot.h"
#include "store/store.h"

/* Completes CONFIG (rootfs.diff_ids from the snapshot chain, history times from the
 * snapshots' creation, config.created from the newest); *BYTES is the document, for
 * cb_image_put. The same inputs give the same bytes; so does a rebuild with nothing
 * changed. Caller frees. */
int cb_export_config(struct cb_build_env *env, struct cb_snapshot *top,
                     struct cb_image_config *config, char **bytes, size_t *len,
                     struct cb_error **err);

/* Layers that need not be here, and on them some that are, each of which stands alone. */
struct cb_export_apart {
    const struct cb_image_config *below; /* its diff ids */
    const int64_t *created_ns;           /* when those were made; NULL: not known */
    struct cb_snapshot *const *layers;
    size_t count;
};
/* The same for these. */
int cb_export_config_apart(struct cb_build_env *env, const struct cb_export_apart *apart,
                           struct cb_image_config *config, char **bytes, size_t *len,
                           struct cb_error **err);

struct cb_archive_env {
    struct cb_store *store;
    struct cb_registry *registry; /* for layers that only it has; or NULL */
    struct cb_pool *pool;
    struct cb_cancel *cancel;
    struct cb_event_sink *sink;
};
enum cb_archive_format {
    CB_ARCHIVE_DOCKER, /* docker-archive as docker ≥ 25 writes it: OCI layout with
                          manifest.json and repositories */
    CB_ARCHIVE_OCI,    /* OCI image layout in a tar */
};
struct cb_archive_choice {
    const struct cb_strings *images;    /* as users named them */
    const struct cb_platform *platform; /* or NULL */
    const struct cb_strings *except; /* images whose layers the other side has; or NULL */
    /* One by whose layers the image's others are told; or NULL. Docker archives only. */
    const char *delta_from;
};
/* Writes images (names keep tags, ids do not) to FD as one tar, compressed as a whole
 * with COMPRESSION.
 * Layers uncompressed in a docker archive, gzip in OCI, or as their blobs are when
 * pulled. A name of several platforms is an index in OCI, and in a docker archive, which
 * has none, the image the plain name means; with PLATFORM (or NULL) it is that one's
 * image. */
int cb_archive_save(struct cb_archive_env *env, const struct cb_archive_choice *choice,
                    enum cb_archive_format format, enum cb_compression compression,
                    int fd, struct cb_error **err);
/* The same as an OCI layout in the directory PATH, where other tags stay. */
int cb_archive_save_layout(struct cb_archive_env *env,
                           const struct cb_archive_choice *choice, const char *path,
                           struct cb_error **err);
/* When an image was made, as index.json tells it: EPOCH_S, or if that is below zero what
 * the image's config says. */
struct cb_archive_date {
    int64_t epoch_s;
};
/* One image, or one for each of several platforms and an index of them, under NAMES
 * (canonical; may be none). TARGET (or NULL) gets the descriptor of what the names lead
 * to. */
struct cb_archive_image {
    const struct cb_platform_images *images; /* several: AS_INDEX */
    int as_index;                            /* OCI only */
    const struct cb_strings *names;
    const struct cb_annotations *annotations; /* or NULL */
    const struct cb_attester *attester;       /* or NULL; of an index */
    struct cb_layer_form layers;        /* of OCI archives; docker's are plain tars */
    int docker_types;                   /* Docker schema 2 instead of OCI */
    const struct cb_archive_date *date; /* or NULL: it is not told */
};
int cb_archive_write(struct cb_archive_env *env, const struct cb_archive_image *image,
                     enum cb_archive_format format, int fd, struct cb_descriptor *target,
                     struct cb_error **err);
/* The same as an OCI layout in the directory PATH, where other tags stay. */
int cb_archive_write_layout(struct cb_archive_env *env,
                            const struct cb_archive_image *image, const char *path,
                            struct cb_descriptor *target, struct cb_error **err);
/* Reads a docker-archive or OCI layout tar, plain or compressed (gzip, bzip2, xz, zstd),
 * members in any order, from FD (may be a pipe), or the same as a directory (skopeo's
 * "dir:" too). MESSAGES gets docker's lines: "Loaded
 * image: x:y", "Loaded image ID: sha256:…", "The image x:y already exists, renaming the
 * old one…". With PLATFORM (or NULL) images for others are passed over. */
int cb_archive_load(struct cb_archive_env *env, int fd,
                    const struct cb_platform *platform, struct cb_strings *messages,
                    struct cb_error **err);
struct cb_import {
    int fd;              /* a root filesystem's tar, compressed or not */
    const char *source;  /* what the history calls it */
    const char *message; /* the history's comment instead; or NULL */
    const char *name;    /* of the image, canonical; or NULL */
};
/* An image of one layer. CONFIG is the ready config without rootfs and history. */
int cb_archive_import(struct cb_archive_env *env, const struct cb_import *import,
                      struct cb_image_config *config, struct cb_digest *id,
                      struct cb_error **err);

struct cb_image_squash {
    struct cb_image_config *config; /* the image's; becomes that of the new one */
    struct cb_snapshot *top;
    size_t kept; /* layers that stay as they are, of two more at least */
    const struct cb_strings *names;
};
/* The other layers become one; the history goes on telling all steps. */
int cb_image_squash(struct cb_archive_env *env, const struct cb_image_squash *what,
                    struct cb_digest *id, struct cb_error **err);

/* The files of the cache mount ID, open as CACHE_FD, become an image of one layer, NAME
 * (canonical). */
int cb_cache_image_make(struct cb_archive_env *env, const char *id, int cache_fd,
                        const char *name, struct cb_digest *image, struct cb_error **err);
/* The cache mount ID becomes what the image NAME holds, which is fetched if need be. */
int cb_cache_image_take(struct cb_archive_env *env, struct cb_registry *registry,
                        const char *id, const char *name, struct cb_error **err);

#endif
