/* Copies a directory's content with all metadata: for seeding cache mounts, and for a
 * layer that is to stand on another parent. */
#ifndef CB_STORE_COPY_TREE_H
#define CB_STORE_COPY_TREE_H

#include "base/cancel.h"

/* What is below FROM_FD goes below TO_FD, which is empty. */
int cb_copy_tree(int from_fd, int to_fd, struct cb_cancel *cancel, struct cb_error **err);
/* The same, but files are other names of those below FROM_FD (copies only where the file
 * system allows no more names): a call for each, whatever their size. */
int cb_share_tree(int from_fd, int to_fd, struct cb_cancel *cancel,
                  struct cb_error **err);

#endif
