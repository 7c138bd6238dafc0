/* One blob to one repository: there already, mounted from a neighbour, or sent. */
#ifndef CB_REGISTRY_UPLOAD_H
#define CB_REGISTRY_UPLOAD_H

#include "registry/registry-priv.h"

/* The end of a blob's way. */
enum cb_upload_result { CB_UPLOAD_EXISTS, CB_UPLOAD_MOUNTED, CB_UPLOAD_SENT };

/* 1 the repository has the blob, 0 it has not. */
int cb_upload_exists(struct cb_registry *registry, const struct cb_repository *repository,
                     const struct cb_digest *digest, struct cb_error **err);
/* Sends BLOB from the store. MOUNT_FROM: a repository of the same registry that may have
 * it, or NULL. */
int cb_upload_blob(struct cb_registry *registry, const struct cb_repository *repository,
                   const struct cb_descriptor *blob, const char *mount_from,
                   uint64_t event_id, enum cb_upload_result *result,
                   struct cb_error **err);
/* 1: the repository has the blob now, from MOUNT_FROM of the same registry; 0: not from
 * there. */
int cb_upload_mount(struct cb_registry *registry, const struct cb_repository *repository,
                    const struct cb_digest *digest, const char *mount_from);
/* Adds `digest=…` to an upload's address, whatever query it has. Caller frees. */
char *cb_upload_target(const char *location, const struct cb_digest *digest);

#endif
