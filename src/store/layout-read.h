/* An OCI image layout (image-layout.md), for reading. Others have written it: nothing in
 * it is trusted. */
#ifndef CB_STORE_LAYOUT_READ_H
#define CB_STORE_LAYOUT_READ_H

#include "base/cancel.h"
#include "base/strbuf.h"
#include "oci/oci.h"
#include "store/store.h"

/* Its directory, or a tar of that. *FD, the caller's, is what the others want. */
int cb_layout_open(const char *path, struct cb_store *store, struct cb_cancel *cancel,
                   int *fd, struct cb_error **err);
/* A file of at most MAX bytes: 1, or 0 if there is none. */
int cb_layout_read_file(int layout_fd, const char *path, size_t max,
                        struct cb_strbuf *out, struct cb_error **err);
/* index.json. */
int cb_layout_index(int layout_fd, struct cb_index **out, struct cb_error **err);
/* The tag an entry of the index has, borrowed, or NULL. */
const char *cb_layout_tag(const struct cb_descriptor *entry);
/* The entry of an index.json that has TAG; NULL: latest, or else the only one there is.
 * Borrowed. */
int cb_layout_find(const struct cb_index *index, const char *tag,
                   const struct cb_descriptor **out, struct cb_error **err);
/* "blobs/sha256/…"; caller frees. */
char *cb_layout_blob_path(const struct cb_digest *digest);
/* Copies a blob into the store, verified. Nothing happens if the store has it. One of
 * unknown size (-1) is a document, and no larger than those are. */
int cb_layout_take_blob(int layout_fd, struct cb_store *store,
                        const struct cb_descriptor *blob, struct cb_cancel *cancel,
                        struct cb_error **err);

#endif
