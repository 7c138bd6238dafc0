/* Trees of snapshots where others can look at them: attached to the mount namespace,
 * which nothing else in the store does. */
#ifndef CB_STORE_ATTACH_H
#define CB_STORE_ATTACH_H

#include "store/snapshot.h"

/* Mounts COMMITTED's tree, read-only, without devices and without setuid programs, on the
 * directory PATH, where it stays until somebody unmounts it. Whoever asks keeps the
 * snapshot pinned. DENIED without the right to mount. */
int cb_snapshot_attach(struct cb_snapshot *committed, const char *path,
                       struct cb_error **err);
/* Ends it; LAZY: also while somebody uses it. */
int cb_snapshot_unattach(const char *path, int lazy, struct cb_error **err);
/* 1: something is mounted on PATH, as this process sees it. */
int cb_path_is_mounted(const char *path);

#endif
