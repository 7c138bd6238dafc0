/* A result's files as they are, outside the store. */
#ifndef CB_EXPORTER_TREE_H
#define CB_EXPORTER_TREE_H

#include "exporter/exporter.h"

/* One that is made for the output, 0600. */
struct cb_tree_file {
    char *name;
    char *bytes; /* text */
};
/* A tree and the directory of the tar it goes to ("linux_amd64"); NULL: its root. */
struct cb_tree_part {
    int root_fd; /* -1: an empty tree */
    char *directory;
    struct cb_snapshot *snapshot;      /* whose root it is, borrowed; or NULL */
    CB_VEC(struct cb_tree_file) files; /* at its top, in the place of others */
};
/* The trees as one tar, names sorted. EPOCH_S: time of all entries; -1: as they are. */
int cb_tree_write_tar(const struct cb_tree_part *parts, size_t count, int to_fd,
                      int64_t epoch_s, struct cb_cancel *cancel, struct cb_error **err);
/* One tree, for WRITE to take. */
struct cb_tree_tar {
    int root_fd; /* -1: an empty tree */
    int64_t epoch_s;
    int faithful;    /* with the root's own entry "./", and times to the nanosecond */
    const char *top; /* FAITHFUL: that entry's name, and what the others' begin with; NULL
                        for "." */
    int changing;    /* by others meanwhile: what vanishes is left out */
    struct cb_cancel *cancel;
    uint64_t bytes; /* result: of files */
};
int cb_tree_stream_tar(struct cb_tree_tar *tree,
                       int (*write)(void *arg, const void *bytes, size_t len,
                                    struct cb_error **err),
                       void *arg, struct cb_error **err);
/* NAME in the root, which is no directory, as the only entry, TREE's top. */
int cb_tree_stream_file(struct cb_tree_tar *tree, const char *name,
                        int (*write)(void *arg, const void *bytes, size_t len,
                                     struct cb_error **err),
                        void *arg, struct cb_error **err);
/* Copies the tree into the directory TO_FD: what is there of other names stays, and
 * nothing of the host is followed: a link in the way is replaced. Everything belongs to
 * the caller. Where the file system can, large files share their blocks with the store's.
 * With DELETE, what the tree has not is removed. */
int cb_tree_write_dir(const struct cb_tree_part *tree, int to_fd, int64_t epoch_s,
                      int delete, struct cb_cancel *cancel, struct cb_error **err);

#endif
