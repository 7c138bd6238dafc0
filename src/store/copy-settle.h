/* From a tree that was copied and written to, back to the layer of the changes. */
#ifndef CB_STORE_COPY_SETTLE_H
#define CB_STORE_COPY_SETTLE_H

#include "base/error.h"
#include "base/map.h"

/* Puts into TO_FD, an empty directory of the same file system, what is other in TREE_FD
 * than RECORDS say, in overlay's format: changed and new files (by further names of
 * them), their directories, whiteouts of what is gone. BELOW_FD: the tree that was
 * copied. */
int cb_copy_settle(int tree_fd, struct cb_map *records, int below_fd, int to_fd,
                   struct cb_error **err);

#endif
