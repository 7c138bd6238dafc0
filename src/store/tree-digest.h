/* The content identity of files (features.md B8): path relative to the selection, type,
 * mode, uid, gid, size, link target, device numbers, xattrs (security.capability and
 * those not security.*, system.*, trusted.overlay.*), content. Not times. */
#ifndef CB_STORE_TREE_DIGEST_H
#define CB_STORE_TREE_DIGEST_H

#include "base/cancel.h"
#include "base/digest.h"
#include "base/pool.h"

/* One entry's record, combined in order of path. CONTENT: digest of a regular file's
 * bytes. */
struct stat;
void cb_tree_digest_entry(struct cb_hasher *hasher, const char *path,
                          const struct stat *st, const char *link_target,
                          const void *xattrs, size_t xattrs_len,
                          const struct cb_digest *content);
/* Everything at or below PATH (in the root ROOT_FD; a final symbolic link is followed
 * when FOLLOW), files hashed in parallel. */
int cb_tree_digest_path(int root_fd, const char *path, int follow, struct cb_pool *pool,
                        struct cb_cancel *cancel, struct cb_digest *out,
                        struct cb_error **err);

#endif
