/* Extended attributes of files, sorted by name, and which of them an image may carry. */
#ifndef CB_STORE_XATTR_H
#define CB_STORE_XATTR_H

#include "base/error.h"
#include "base/strbuf.h"
#include "store/tar.h"

struct cb_xattrs {
    struct cb_xattr *items;
    size_t count, capacity;
};
void cb_xattrs_free(struct cb_xattrs *xattrs);
CB_AUTO_VALUE_DEFINE(cb_xattrs, cb_xattrs_free)

/* overlay's own bookkeeping: never taken from an image, never put in one. */
int cb_xattr_is_overlay(const char *name);
/* Travels with a file in a layer: not overlay's, and not the host's labels (security.*
 * but for file capabilities). */
int cb_xattr_is_portable(const char *name);
/* Part of a file's identity (tree-digest.h). */
int cb_xattr_is_identity(const char *name);

/* Everything the file has, overlay's included. FD may be O_RDONLY; or -1, and then NAME
 * in DIR_FD is asked without following it. A file system without attributes has none. */
int cb_xattrs_read(int fd, int dir_fd, const char *name, struct cb_xattrs *out,
                   struct cb_error **err);
/* The same of a file that others change meanwhile: one that has gone has none. */
int cb_xattrs_read_changing(int fd, int dir_fd, const char *name, struct cb_xattrs *out,
                            struct cb_error **err);
/* Is DIR_FD/NAME (a directory) marked as hiding what is below it? */
int cb_xattrs_are_opaque(const struct cb_xattrs *xattrs);
/* The identity part as one string for cb_tree_digest_entry. */
void cb_xattrs_identity(const struct cb_xattrs *xattrs, struct cb_strbuf *out);
/* Sets one, unless it is none that travels. 1: the file system or our rights do not allow
 * it, which is no error (as for tar and docker). PATH as for lsetxattr when FD is -1. */
int cb_xattr_set(int fd, const char *path, const struct cb_xattr *xattr,
                 struct cb_error **err);

#endif
