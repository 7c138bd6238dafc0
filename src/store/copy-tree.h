/* Copies a directory's content with all metadata: for seeding cache mounts, and for a
 * layer that is to stand on another parent. */
#ifndef CB_STORE_COPY_TREE_H
#define CB_STORE_COPY_TREE_H

#include "base/cancel.h"
#include "store/walk.h"

/* What is below FROM_FD goes below TO_FD, which is empty. */
int cb_copy_tree(int from_fd, int to_fd, struct cb_cancel *cancel, struct cb_error **err);
/* A file of more names than this gets no others: they might not all fit (ext4 has 65,000
 * for a file), and all of them stay one file. */
#define CB_SHARED_NAMES_MAX 30000
/* The same, but files are other names of those below FROM_FD (copies only where the file
 * system allows no more names): a call for each, whatever their size. */
int cb_share_tree(int from_fd, int to_fd, struct cb_cancel *cancel,
                  struct cb_error **err);

/* The same with hard links, pipes and devices: a tree to go on working in. Devices that
 * may not be made are left out. The directory itself gets its looks, too. */
int cb_copy_tree_whole(int from_fd, int to_fd, struct cb_cancel *cancel,
                       struct cb_error **err);
/* Mode, owner, attributes and times of a directory. */
int cb_copy_looks(int from_fd, int to_fd, struct cb_error **err);
/* One file, link, pipe or device, to FROM's path below TO_FD. */
int cb_copy_entry(const struct cb_walk_entry *from, int to_fd, struct cb_error **err);

#endif
