/* A directory in the form of an OCI image layout (image-layout.md), whose index has one
 * manifest per tag: images on their way out, build caches. Others may have written it:
 * nothing in it is trusted. */
#ifndef CB_STORE_LAYOUT_H
#define CB_STORE_LAYOUT_H

#include "base/map.h"
#include "base/strbuf.h"
#include "oci/oci.h"
#include "store/store.h"

/* What the file "oci-layout" says. */
#define CB_OCI_LAYOUT "{\"imageLayoutVersion\":\"1.0.0\"}"

/* The manifest of TAG, or with DIGEST (if set), and its config. NOT_FOUND when there is
 * no such directory or tag. */
int cb_layout_read(int dir_fd, const char *tag, const struct cb_digest *digest,
                   struct cb_manifest **manifest, struct cb_strbuf *config,
                   struct cb_error **err);
/* Writes the manifests' blobs from the store (those not there yet) and the documents (the
 * manifests themselves, and the index if ENTRY is one), then makes ENTRY the one that its
 * annotation org.opencontainers.image.ref.name names, at once. Unless KEEP, blobs no
 * entry needs are removed. PATH is made if missing. */
struct cb_layout_write {
    const struct cb_descriptor *entry;
    const struct cb_manifest *const *manifests;
    size_t manifest_count;
    const struct cb_index *index;  /* or NULL */
    const struct cb_map *left_out; /* blobs (hex) that do not go along; or NULL */
    int keep;
};
int cb_layout_write(const char *path, const struct cb_layout_write *what,
                    struct cb_store *store, struct cb_cancel *cancel,
                    struct cb_error **err);

#endif
