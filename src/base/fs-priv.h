/* Between the files that implement fs.h, and their tests. */
#ifndef CB_BASE_FS_PRIV_H
#define CB_BASE_FS_PRIV_H

#include "base/fs.h"

#include <stdint.h>

/* openat2(2), retried while it asks for it. A descriptor, or -1 with errno. */
int cb_fs_openat2(int dir_fd, const char *path, int flags, mode_t mode, uint64_t resolve);

/* The user-space answer to openat2(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS); -1 with
 * errno. */
int cb_fs_walk_open(int root_fd, const char *path, int flags, mode_t mode);

/* The names that PATH leads to below the root, links resolved; what is missing is kept as
 * it is. -1 with errno. */
int cb_fs_walk_resolve(int root_fd, const char *path, struct cb_strings *names);

/* Makes openat2 fail with ENOSYS in the whole process, so that tests reach the fallback.
 */
void cb_fs_test_without_openat2(int enabled);

#endif
