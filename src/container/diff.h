/* What a container has changed of its image's files. */
#ifndef CB_CONTAINER_DIFF_H
#define CB_CONTAINER_DIFF_H

#include "container/record.h"

#include <sys/stat.h>

struct cb_change {
    char kind; /* 'A', 'C', 'D' */
    char *path;
};
struct cb_changes {
    struct cb_change *items;
    size_t count, capacity;
};
void cb_changes_free(struct cb_changes *changes);
CB_AUTO_VALUE_DEFINE(cb_changes, cb_changes_free)
/* By path, a directory before what is in it. */
void cb_changes_sort(struct cb_changes *changes);

/* In the order of their paths, a directory before what is in it. A directory that is only
 * on the way to a change is changed, as docker has it; what was made to mount something
 * on is added, but none of what is mounted. The container may run meanwhile. */
int cb_container_diff(struct cb_store *store, const struct cb_container *container,
                      struct cb_changes *out, struct cb_error **err);
/* The same between two trees: UPPER_FD is a layer in overlay's format, BELOW_FD the tree
 * it lies on, or -1. LEAVES_OUT as in copy.h, or NULL. */
struct cb_diff_trees {
    int upper_fd, below_fd;
    int (*leaves_out)(const char *path, const struct stat *st);
};
int cb_diff_trees(const struct cb_diff_trees *trees, struct cb_changes *out,
                  struct cb_error **err);

#endif
