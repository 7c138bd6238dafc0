/* The content identity of files: path relative to the selection, type, mode, uid, gid,
 * size, link target, device numbers, xattrs (security.capability and those not
 * security.*, system.*, trusted.overlay.*), content. Not times. */
#ifndef CB_STORE_TREE_DIGEST_H
#define CB_STORE_TREE_DIGEST_H

#include "base/digest.h"

struct stat;
struct cb_tree_entry {
    const char *path;
    const struct stat *st;
    const char *link; /* a link's target, or NULL */
    const void *xattrs;
    size_t xattrs_len;
    const struct cb_digest *content; /* of a regular file's bytes, or NULL */
};
/* One entry's record, combined in order of path. */
void cb_tree_digest_entry(struct cb_hasher *hasher, const struct cb_tree_entry *entry);

#endif
