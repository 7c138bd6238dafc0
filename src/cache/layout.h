/* A cache in a directory: an OCI image layout (image-layout.md) whose index has one
 * manifest per tag. Others may have written it: nothing in it is trusted. */
#ifndef CB_CACHE_LAYOUT_H
#define CB_CACHE_LAYOUT_H

#include "oci/oci.h"
#include "store/oci-layout.h"
#include "store/store.h"

/* The manifest of TAG, or with DIGEST (if set), and its config. NOT_FOUND when there is
 * no such directory or tag. *CONFIG is NUL-terminated, the caller's. */
int cb_layout_read(int dir_fd, const char *tag, const struct cb_digest *digest,
                   struct cb_manifest **manifest, char **config, size_t *config_len,
                   struct cb_error **err);
/* Writes the manifest's blobs from the store (those not there yet), then makes TAG stand
 * for it, at once. Unless KEEP, blobs no tag needs are removed. PATH is made if missing.
 */
int cb_layout_write(const char *path, const char *tag, const struct cb_manifest *manifest,
                    struct cb_store *store, int keep, struct cb_cancel *cancel,
                    struct cb_error **err);

#endif
