/* Inside registry/: endpoints, authorised calls, documents and blobs. */
#ifndef CB_REGISTRY_REGISTRY_PRIV_H
#define CB_REGISTRY_REGISTRY_PRIV_H

#include "base/map.h"
#include "http/http.h"
#include "registry/credentials.h"
#include "registry/registry.h"

#include <pthread.h>

struct cb_blob_feed;

struct cb_registry {
    struct cb_store *store;
    struct cb_pool *pool;
    struct cb_cancel *cancel;
    struct cb_event_sink *sink;
    const struct cb_registry_settings *settings; /* or NULL */
    struct cb_strings insecure; /* the options' (so many), then the settings' */
    size_t insecure_given;
    int tls_verify;
    int offline;
    struct cb_http *http;
    pthread_mutex_t endpoint_mutex;
    struct cb_map *endpoints; /* address → struct cb_endpoint, never removed */
    struct cb_strings away;   /* addresses of mirrors that did not work */
    struct cb_strings said;   /* warnings of registries, each told once */
    pthread_mutex_t auth_mutex;
    struct cb_map *auths; /* base URL → struct auth (auth.c) */
};

/* Layers at a time. */
unsigned cb_registry_downloads(const struct cb_registry *registry);
unsigned cb_registry_uploads(const struct cb_registry *registry);

/* ── hosts.c ── */

/* How to speak with one host; constant once made. */
struct cb_endpoint {
    char *host;     /* as in references: "docker.io" */
    char *base;     /* "https://registry-1.docker.io" */
    int allow_http; /* enum cb_http_plain */
    int insecure_tls;
    int tries;                                /* of a request; 0: as usual */
    char *ca_file, *client_cert, *client_key; /* or NULL */
    char *http_error; /* why BASE is no plain http, which was tried; or NULL */
};
void cb_endpoint_free(void *endpoint);
/* ADDRESS: a host, or "http://host" or "https://host" where that is settled. Borrowed;
 * lives as long as REGISTRY. May ask a plain host whether it speaks http. */
int cb_endpoint_get(struct cb_registry *registry, const char *address,
                    const struct cb_endpoint **out, struct cb_error **err);

/* Is HOST ("name:port", "10.0.0.1") named by an entry: itself, without port, or a CIDR
 * range? MAY_ASK: a range has those names, too, that have an address in it. */
int cb_host_listed(const struct cb_strings *list, const char *host, int may_ask,
                   struct cb_cancel *cancel);

/* ── auth.c ── */

/* What somebody wants to do, and where. All borrowed. */
struct cb_access {
    struct cb_registry *registry;
    const struct cb_endpoint *endpoint;
    const char *scope; /* "repository:library/ubuntu:pull" */
};
/* What to send in Authorization, as far as known without a challenge: NULL if nothing.
 * Caller frees. */
int cb_auth_header(const struct cb_access *access, char **out, struct cb_error **err);
/* Learns from a 401. 1: *OUT is worth another try; 0: nothing to offer. REJECTED: the
 * header that was refused, or NULL. */
int cb_auth_challenged(const struct cb_access *access, const char *rejected,
                       const struct cb_http_response *response, char **out,
                       struct cb_error **err);
void cb_auth_free(void *auth);
/* CREDENTIALS instead of those kept for the endpoint, and a token to keep is asked for.
 */
void cb_auth_login(struct cb_registry *registry, const struct cb_endpoint *endpoint,
                   const struct cb_credentials *credentials);
/* Moves that token, if one was given, into CREDENTIALS. */
void cb_auth_login_result(struct cb_registry *registry,
                          const struct cb_endpoint *endpoint,
                          struct cb_credentials *credentials);

/* ── call.c ── */

/* Performs REQUEST (method, url, bodies set) with the endpoint's TLS settings and
 * credentials for SCOPE, answering one challenge. Any status is a success. Credentials go
 * only to the endpoint's own origin. */
int cb_registry_call(struct cb_registry *registry, const struct cb_endpoint *endpoint,
                     const char *scope, struct cb_http_request *request,
                     struct cb_http_response *response, struct cb_error **err);
/* An error from a status that is not what was hoped for: `denied: requested access to the
 * resource is denied`, `received unexpected HTTP status: 503 Service Unavailable`. Kinds
 * DENIED (401, 403), NOT_FOUND (404), else NETWORK. */
int cb_registry_refused(const struct cb_endpoint *endpoint,
                        const struct cb_http_response *response, struct cb_error **err);
/* "denied", "manifest unknown": the first error's code in words; caller frees; NULL if
 * the body tells none. */
char *cb_registry_error_code(const struct cb_http_response *response);

/* ── document.c ── */

/* A repository on its endpoint. */
struct cb_repository {
    const struct cb_endpoint *endpoint;
    const char *path;  /* "library/ubuntu" */
    const char *scope; /* "repository:library/ubuntu:pull" */
    const char *ns;    /* of a mirror: the registry it stands for; or NULL */
    int layout;        /* it is one: PATH, open as LAYOUT_FD, no endpoint */
    int layout_fd;
};

/* Where a manifest or blob of it is read: KIND "manifests" or "blobs". Caller frees. */
char *cb_repository_url(const struct cb_repository *repository, const char *kind,
                        const char *name);

/* ── places.c ── */

struct cb_place {
    char *address; /* for cb_endpoint_get */
    char *path, *scope;
};
void cb_place_clear(struct cb_place *place);
CB_AUTO_VALUE_DEFINE(cb_place, cb_place_clear)
/* The registry of REFERENCE itself, or what stands for it: where pushes go. ACTIONS
 * "pull,push". DENIED when the settings block it. */
int cb_place_own(struct cb_registry *registry, const struct cb_reference *reference,
                 const char *actions, struct cb_place *out, struct cb_error **err);
/* *OUT borrows from PLACE. */
int cb_place_open(struct cb_registry *registry, const struct cb_place *place,
                  struct cb_repository *out, struct cb_error **err);
/* The repository of REFERENCE on the registry of TARGET, when that is another one of the
 * same: blobs may be mounted from there. NULL: none; caller frees. */
char *cb_place_neighbour(struct cb_registry *registry,
                         const struct cb_reference *reference,
                         const struct cb_place *target);
typedef int cb_place_attempt(void *arg, const struct cb_repository *repository,
                             struct cb_error **err);
/* ATTEMPT at each mirror, then at the registry itself, until one succeeds; the error is
 * the registry's. */
int cb_places_try(struct cb_registry *registry, const struct cb_reference *reference,
                  cb_place_attempt *attempt, void *arg, struct cb_error **err);

struct cb_document {
    char *bytes;
    size_t len;
    char *media_type; /* what the server or the document says; NULL if neither knows */
    struct cb_digest digest;
};
void cb_document_clear(struct cb_document *document);
CB_AUTO_VALUE_DEFINE(cb_document, cb_document_clear)
/* A manifest or index by TAG, or by WANT (digest set; size -1 if unknown), then from the
 * store if it is there. REPOSITORY NULL: from the store alone, NOT_FOUND otherwise.
 * Verified, and kept in the store. */
int cb_document_get(struct cb_registry *registry, const struct cb_repository *repository,
                    const char *tag, const struct cb_descriptor *want,
                    struct cb_document *out, struct cb_error **err);
/* The digest a tag points to, by HEAD: 1 known, 0 the registry does not say. */
int cb_document_head(struct cb_registry *registry, const struct cb_repository *repository,
                     const char *tag, struct cb_digest *out, struct cb_error **err);
/* A small blob (an image's config), verified and kept in the store. */
int cb_document_config(struct cb_registry *registry,
                       const struct cb_repository *repository,
                       const struct cb_descriptor *want, char **bytes, size_t *len,
                       struct cb_error **err);

struct cb_document_text { /* a manifest or index to be sent; all borrowed */
    const char *media_type, *bytes;
    size_t len;
    const struct cb_digest *digest;
};
static inline struct cb_document_text cb_manifest_text(const struct cb_manifest *manifest)
{
    return (struct cb_document_text){.media_type = manifest->media_type,
                                     .bytes = manifest->bytes,
                                     .len = manifest->len,
                                     .digest = &manifest->digest};
}
/* Sends a document, all it names being there, and makes TAG (or NULL) point to it. */
int cb_document_put(struct cb_registry *registry, const struct cb_repository *repository,
                    const char *tag, const struct cb_document_text *document,
                    struct cb_error **err);

/* ── resolve-documents.c ── */

/* Index or manifest; schema 1 is UNSUPPORTED. */
int cb_document_kind(const struct cb_document *document, enum cb_media_kind *kind,
                     struct cb_error **err);
/* *WANT becomes the entry of an index for PLATFORM. */
int cb_document_choose(const struct cb_document *document,
                       const struct cb_platform *platform, struct cb_descriptor *want,
                       struct cb_error **err);

/* Which image of a repository. */
struct cb_image_want {
    const char *tag;           /* or NULL; only asked for when there is no digest */
    struct cb_descriptor root; /* its first document (size -1 if unknown); borrowed */
    const struct cb_platform *platform; /* where that is an index */
};
/* From the first document down to the config. REPOSITORY NULL: from the store alone. */
int cb_resolve_documents(struct cb_registry *registry,
                         const struct cb_repository *repository,
                         const struct cb_image_want *want,
                         struct cb_resolved_image *image, struct cb_error **err);

/* ── layout.c ── */

/* The layout PATH as a repository; the caller closes *FD. */
int cb_layout_repository_open(struct cb_registry *registry, const char *path,
                              struct cb_repository *out, int *fd, struct cb_error **err);
/* Brings WANT from a repository that is a layout into the store; does nothing for
 * others. */
int cb_layout_provide(struct cb_registry *registry,
                      const struct cb_repository *repository,
                      const struct cb_descriptor *want, struct cb_error **err);

/* ── blob.c ── */

/* Makes sure that a layer's blob is in the store; resumes an earlier download. FEED, or
 * NULL, is told what comes; it breaks where nothing has to come. */
int cb_blob_fetch(struct cb_registry *registry, const struct cb_repository *repository,
                  const struct cb_descriptor *blob, struct cb_blob_feed *feed,
                  uint64_t event_id, struct cb_error **err);

/* ── elsewhere.c: layers that the store lacks ── */

/* ATTEMPT wherever the image is known, until one succeeds. */
int cb_image_places_try(struct cb_registry *registry,
                        const struct cb_resolved_image *image, cb_place_attempt *attempt,
                        void *arg, struct cb_error **err);
/* The store's manifest of that digest into OUT, if it is there. */
void cb_resolved_read_manifest(struct cb_registry *registry,
                               const struct cb_digest *digest,
                               struct cb_resolved_image *out);

/* Who else has the layers of an image. */
struct cb_origins {
    const struct cb_image_config *config; /* borrowed, as is the base */
    const struct cb_resolved_image *base; /* it begins with this one's layers; or NULL */
    struct cb_resolved_image *own;        /* itself, where it is known; or NULL */
};
void cb_origins_open(struct cb_registry *registry, const struct cb_image *image,
                     const struct cb_resolved_image *base, struct cb_origins *out);
void cb_origins_clear(struct cb_origins *origins);
CB_AUTO_VALUE_DEFINE(cb_origins, cb_origins_clear)
/* Who has layer I, as layers.items[I] of its manifest: NULL when the store does itself,
 * or nobody is known to. CHAIN_ID: of the layer. */
const struct cb_resolved_image *cb_origins_find(struct cb_registry *registry,
                                                const struct cb_origins *origins,
                                                size_t i,
                                                const struct cb_digest *chain_id);
/* Fetches the blob of layer I of IMAGE, and sees that it is the layer, which from now on
 * the store has. */
int cb_origin_take(struct cb_registry *registry, const struct cb_resolved_image *image,
                   size_t i, uint64_t event_id, struct cb_error **err);

/* ── progress.c ── */

void cb_registry_status(struct cb_registry *registry, uint64_t event_id,
                        const struct cb_digest *digest, const char *text, int64_t current,
                        int64_t total, int done);

#endif
