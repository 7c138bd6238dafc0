/* Inside copy*.c: where an image comes from, once that is found. */
#ifndef CB_EXPORTER_COPY_PRIV_H
#define CB_EXPORTER_COPY_PRIV_H

#include "exporter/copy.h"
#include "registry/tree.h"

/* Finds the image of the copy; what an archive or the store has is blobs of the store
 * then. *OUT borrows from the copy. */
int cb_copy_source(const struct cb_copy *copy, struct cb_tree_source *out,
                   struct cb_error **err);
/* From a docker archive into the store, as `load` does it: its plain layers become files
 * and outlines, and no blobs. ROOT: the manifest, or without any the image. */
int cb_copy_unpack(const struct cb_copy *copy, struct cb_descriptor *root,
                   struct cb_error **err);
/* Writes TREE to where the copy leads. */
int cb_copy_target(const struct cb_copy *copy, const struct cb_tree_source *source,
                   const struct cb_tree *tree, struct cb_error **err);
/* The same to a directory of skopeo's, of blobs that are in the store. */
int cb_copy_write_dir(const struct cb_copy *copy, const struct cb_tree *tree,
                      struct cb_error **err);

#endif
