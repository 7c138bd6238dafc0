/* One blob to one repository: there already, mounted from a neighbour, or sent. */
#ifndef CB_REGISTRY_UPLOAD_H
#define CB_REGISTRY_UPLOAD_H

#include "registry/registry-priv.h"

/* 1 the repository has the blob, 0 it has not. */
int cb_upload_exists(struct cb_registry *registry, const struct cb_repository *repository,
                     const struct cb_digest *digest, struct cb_error **err);
struct cb_upload_source {
    int fd; /* borrowed, and read by nobody else meanwhile; -1: from the store */
    const char *mount_from; /* a repository of the same registry that may have it, or
                               NULL */
};
/* Brings BLOB there: 0 it was sent, 1 it was mounted from SOURCE's neighbour. SOURCE
 * NULL: from the store, no neighbour. Progress goes to the step EVENT_ID. */
int cb_upload_blob(struct cb_registry *registry, const struct cb_repository *repository,
                   const struct cb_descriptor *blob,
                   const struct cb_upload_source *source, uint64_t event_id,
                   struct cb_error **err);
/* 1: the repository has the blob now, from MOUNT_FROM of the same registry; 0: not from
 * there. */
int cb_upload_mount(struct cb_registry *registry, const struct cb_repository *repository,
                    const struct cb_digest *digest, const char *mount_from);
/* ── upload-stream.c: a blob that is still being made ── */

struct cb_blob_feed;
struct cb_upload_stream {
    struct cb_registry *registry;
    const struct cb_repository *repository;
    const struct cb_digest *diff_id;
    struct cb_blob_feed *feed;
    uint64_t event_id;
    char *location; /* of the upload; constant once it has begun */
    char *next;     /* the one that follows, or NULL */
    int whole;      /* the registry has taken all of it */
    int64_t sent, reported;
};
int cb_upload_stream_begin(struct cb_upload_stream *stream);
/* All that the feed brings. */
void cb_upload_stream_send(struct cb_upload_stream *stream);
/* It is going to be BLOB: if it breaks now, and BLOB is a large one, cb_upload_blob
 * continues it, also in another process. For any thread, while it is sent. */
void cb_upload_stream_save(struct cb_upload_stream *stream,
                           const struct cb_descriptor *blob);
/* It was BLOB. 1: the registry has it now. */
int cb_upload_stream_end(struct cb_upload_stream *stream,
                         const struct cb_descriptor *blob);
void cb_upload_stream_clear(struct cb_upload_stream *stream);

/* An upload that is not wanted. What the registry makes of it does not matter. */
void cb_upload_give_up(struct cb_registry *registry,
                       const struct cb_repository *repository, const char *location);
/* Adds `digest=…` to an upload's address, whatever query it has. Caller frees. */
char *cb_upload_target(const char *location, const struct cb_digest *digest);

/* ── For upload*.c ── */

/* Smaller ones go in one request and, if that breaks, in another. */
#define CB_UPLOAD_LARGE (16 << 20)

struct cb_upload {
    struct cb_registry *registry;
    const struct cb_repository *repository;
    const struct cb_descriptor *blob;
    uint64_t event_id;
    int fd;
    int64_t first; /* where the request's body begins in the blob */
    int64_t sent, reported_ms;
    int whole_only; /* the registry takes no parts */
};
/* Of requests that have (the rest of) the blob for a body. */
ssize_t cb_upload_read(void *upload, void *buffer, size_t len);
int cb_upload_seek(void *upload, int64_t offset);
/* POST: *LOCATION is where to send the bytes, the caller's; NULL when the blob was
 * mounted. DIGEST NULL: not known yet. */
int cb_upload_start(struct cb_registry *registry, const struct cb_repository *repository,
                    const struct cb_digest *digest, const char *mount_from,
                    char **location, struct cb_error **err);
/* The address may change with every answer. */
void cb_upload_follow(const struct cb_http_response *response, char **location);
/* Whether what a registry says it stored is the blob. */
int cb_upload_check_stored(const struct cb_http_response *response,
                           const struct cb_digest *digest, struct cb_error **err);
/* A large blob to LOCATION (taken; NULL: where an earlier process was stopped, if that is
 * known and still open), going on where a connection broke. 1 done; 0 there is nothing
 * that can be continued; -1 with *AGAIN when a fresh upload may go better. */
int cb_upload_parts(struct cb_upload *upload, char *location, int *again,
                    struct cb_error **err);

/* ── upload-saved.c: an upload that another process may continue ── */

/* Its address, which is taken out; NULL if there is none. Caller frees. */
char *cb_upload_saved_take(struct cb_registry *registry,
                           const struct cb_repository *repository,
                           const struct cb_digest *digest);
void cb_upload_saved_put(struct cb_registry *registry,
                         const struct cb_repository *repository,
                         const struct cb_digest *digest, const char *location);

#endif
