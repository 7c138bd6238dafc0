/* Files in the layers' own directories. */
#ifndef CB_STORE_LAYER_FILE_H
#define CB_STORE_LAYER_FILE_H

#include "store/snapshot.h"

#include <sys/stat.h>

/* PATH below ROOT_FD as it is, name by name: no link is followed. -1: it is not there. */
int cb_layer_file_open(int root_fd, const char *path, int flags);
/* The file that COMMITTED's tree shows at PATH, which is regular and as ST says there,
 * where it is on disk: of a mount of layers the kernel copies, of this it can share the
 * blocks (btrfs, xfs). -1: it is not found so. */
int cb_layer_file_find(struct cb_snapshot *committed, const char *path,
                       const struct stat *st);
/* 1: the same bytes, to the end of both. */
int cb_same_content(int one_fd, int two_fd);

#endif
