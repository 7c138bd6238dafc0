/* Images on registries (OCI distribution-spec v1.1): resolve, pull, push. Everything from
 * the other side is bounded and verified. */
#ifndef CB_REGISTRY_REGISTRY_H
#define CB_REGISTRY_REGISTRY_H

#include "base/cancel.h"
#include "base/event.h"
#include "base/pool.h"
#include "oci/attestation.h"
#include "oci/oci.h"
#include "registry/settings.h"
#include "store/layer.h"
#include "store/refs.h"
#include "store/snapshot.h"
#include "store/store.h"

struct cb_registry; /* configuration, connections, tokens; thread-safe */

struct cb_registry_options {
    struct cb_store *store; /* NULL: for cb_registry_login alone */
    struct cb_pool *pool;
    struct cb_cancel *cancel;
    struct cb_event_sink *sink;
    const struct cb_strings *insecure; /* hosts to be reached over http or unverified TLS;
                                          loopback is http-capable by itself */
    const struct cb_registry_settings *settings; /* borrowed for the life; or NULL */
    int tls_verify;                              /* default 1 */
    int offline; /* no request is made: asking is an error */
};
/* Opens no connection and loads no library yet. */
int cb_registry_new(struct cb_registry **out, const struct cb_registry_options *options,
                    struct cb_error **err);
void cb_registry_free(struct cb_registry *registry);
CB_AUTO_DEFINE(cb_registry, cb_registry_free)

/* What the command line said that another process has to be told, to reach registries in
 * the same way; nothing of it is secret. OUT is the caller's. */
struct cb_outbox_reach;
void cb_registry_reach(const struct cb_registry *registry, struct cb_outbox_reach *out);

enum cb_pull_policy { CB_PULL_MISSING, CB_PULL_ALWAYS, CB_PULL_NEVER, CB_PULL_NEWER };

/* An image whose documents are at hand; its layers need not be. */
struct cb_resolved_image {
    struct cb_reference *reference;
    struct cb_digest manifest_digest; /* unset for images built or loaded here */
    struct cb_descriptor
        target; /* what the tag points to: index or manifest; digest unset likewise */
    struct cb_manifest *manifest; /* or NULL */
    struct cb_image_config *config;
    char *config_bytes;
    size_t config_len;
    struct cb_digest id;
    char *layout; /* the layout it comes from (no reference then), or NULL */
    struct cb_strings known_at; /* "repository@digest" of an image of the store */
};
void cb_resolved_image_free(struct cb_resolved_image *image);
CB_AUTO_DEFINE(cb_resolved_image, cb_resolved_image_free)
struct cb_resolved_image *cb_resolved_image_copy(const struct cb_resolved_image *image);

/* Name → documents: from the store (MISSING, NEVER, or when the registry says the tag is
 * unchanged) or the registry. NOT_FOUND with what was tried: `pull access denied for x,
 * repository does not exist or may require credentials …`. */
int cb_registry_resolve(struct cb_registry *registry, const char *name,
                        const struct cb_platform *platform, enum cb_pull_policy policy,
                        struct cb_resolved_image **out, struct cb_error **err);
/* An image of an OCI image layout. */
struct cb_layout_image {
    const char *path;        /* of the layout, a directory or a tar of one */
    const char *tag;         /* NULL: "latest", or the only image there is */
    struct cb_digest digest; /* if set, TAG does not count */
};
/* The same from there. */
int cb_registry_resolve_layout(struct cb_registry *registry,
                               const struct cb_layout_image *from,
                               const struct cb_platform *platform,
                               struct cb_resolved_image **out, struct cb_error **err);
/* Fetches the layers not in the store yet (blobs and unpacked chains count) and unpacks
 * them. *TOP NULL for an image without layers. */
int cb_registry_fetch(struct cb_registry *registry, const struct cb_resolved_image *image,
                      uint64_t event_id, struct cb_snapshot **top, struct cb_error **err);

/* Does a registry that the image is known at have all its layers? Blobs are only asked
 * for by HEAD. 1/0, -1 when canceled. */
int cb_registry_has_layers(struct cb_registry *registry,
                           const struct cb_resolved_image *image, struct cb_error **err);
/* Layers of IMAGE (of the store, or a config there) that are neither unpacked nor blobs
 * here become blobs: from BASE (or NULL), where it has the same ones at the bottom, or
 * from where the image itself is known. Nothing is unpacked. What nobody is known to have
 * is left to whoever reads it. */
int cb_registry_provide(struct cb_registry *registry, const struct cb_image *image,
                        const struct cb_resolved_image *base, uint64_t event_id,
                        struct cb_error **err);

/* Brings one blob of an image (its manifest, index, config or a layer) back into the
 * store: NAME is "repository@digest", MANIFEST (may be unset) the one of its platform. */
int cb_registry_restore(struct cb_registry *registry, const char *name,
                        const struct cb_digest *manifest, const struct cb_digest *blob,
                        struct cb_error **err);

struct cb_pulled {
    struct cb_digest digest; /* of what the tag points to */
    struct cb_digest id;     /* of the image */
    int changed;             /* 0: it was up to date */
};
/* The `pull` command: resolve always, fetch, register image and names. */
int cb_registry_pull(struct cb_registry *registry, const char *name,
                     const struct cb_platform *platform, struct cb_pulled *out,
                     struct cb_error **err);
struct cb_push_options {
    struct cb_layer_form layers;
    const struct cb_annotations *annotations; /* or NULL */
    const struct cb_platform *platform; /* which of them are meant; NULL: the image's */
    int docker_types;                   /* Docker schema 2 instead of OCI */
    int untagged;                       /* by digest alone */
    int loose; /* only their configs are in the store, and it learns nothing of them */
    /* Of each image the one that it begins with, or NULL: its layers need not be here. */
    const struct cb_resolved_image *const *bases;
    struct cb_digest *manifests;        /* or NULL: of each image, filled */
    const struct cb_attester *attester; /* or NULL; of an index */
};
/* The `push` command: IMAGE as in the store, to NAME (canonical). Blobs that are there
 * cost a HEAD. MANIFEST: what NAME is now, the caller's. */
int cb_registry_push(struct cb_registry *registry, const struct cb_digest *image_id,
                     const char *name, const struct cb_push_options *options,
                     struct cb_descriptor *manifest, struct cb_error **err);
/* Images for several platforms: each by its digest, then the index that has all of them
 * under NAME. */
int cb_registry_push_index(struct cb_registry *registry,
                           const struct cb_platform_images *images, const char *name,
                           const struct cb_push_options *options,
                           struct cb_descriptor *index, struct cb_error **err);

/* Fetches what the index that IMAGE was pulled from says of it, to be kept with it; a
 * failure is no more than a warning. */
int cb_said_pull(struct cb_registry *registry, const struct cb_resolved_image *image,
                 struct cb_error **err);

/* Its blobs become the store's. */
int cb_attestation_keep(struct cb_store *store, const struct cb_attestation *attestation,
                        struct cb_error **err);

/* ── Artifacts: a manifest, its config and its blobs, that are no image of the store (a
 * build cache) ── */
struct cb_artifact {
    struct cb_reference *reference;
    struct cb_manifest *manifest;
    char *config; /* verified; NUL-terminated */
    size_t config_len;
};
void cb_artifact_free(struct cb_artifact *artifact);
CB_AUTO_DEFINE(cb_artifact, cb_artifact_free)
/* The documents NAME points to, always asked of the registry. *OUT stays NULL for an
 * index. */
int cb_registry_get_artifact(struct cb_registry *registry, const char *name,
                             struct cb_artifact **out, struct cb_error **err);
/* Sends MANIFEST to NAME, and first those of its blobs that are not there: from the
 * store, NOT_FOUND for one that is in neither. */
int cb_registry_put_artifact(struct cb_registry *registry, const char *name,
                             const struct cb_manifest *manifest, uint64_t event_id,
                             struct cb_error **err);

/* Tries CREDENTIALS on HOST ("docker.io", "registry.example:5000"); DENIED when they are
 * not accepted. They gain an identity token if the registry gives one. The registry may
 * have been made without a store. */
struct cb_credentials;
int cb_registry_login(struct cb_registry *registry, const char *host,
                      struct cb_credentials *credentials, struct cb_error **err);

/* The manifest or index that REFERENCE leads to, as its registry has it; verified if
 * there is a digest. */
int cb_registry_document(struct cb_registry *registry,
                         const struct cb_reference *reference, struct cb_strbuf *out,
                         struct cb_error **err);
/* The blob WANT of REFERENCE's repository, which becomes the store's; verified. INTEGRITY
 * if it is to have more than MAX bytes. */
int cb_registry_blob(struct cb_registry *registry, const struct cb_reference *reference,
                     const struct cb_descriptor *want, size_t max, struct cb_strbuf *out,
                     struct cb_error **err);
/* Removes NAME (canonical): a digest with all its tags; a tag, with the manifest where
 * registries cannot do that, but EXISTS if other tags would go with it. DIGEST: of what
 * it was. */
int cb_registry_delete(struct cb_registry *registry, const char *name,
                       struct cb_digest *digest, struct cb_error **err);

/* All tags of a repository, in the registry's order. */
int cb_registry_tags(struct cb_registry *registry, const char *name,
                     struct cb_strings *tags, struct cb_error **err);

#endif
