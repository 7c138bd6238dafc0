/* Copies a directory's content with all metadata. For seeding cache mounts. */
#ifndef CB_STORE_COPY_TREE_H
#define CB_STORE_COPY_TREE_H

#include "base/cancel.h"

/* What is below FROM_FD goes below TO_FD, which is empty. */
int cb_copy_tree(int from_fd, int to_fd, struct cb_cancel *cancel, struct cb_error **err);

#endif
