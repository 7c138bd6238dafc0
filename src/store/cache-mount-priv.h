/* What the two files about cache mounts share. */
#ifndef CB_STORE_CACHE_MOUNT_PRIV_H
#define CB_STORE_CACHE_MOUNT_PRIV_H

#include "store/cache-mount.h"

#include "base/digest.h"
#include "base/lockfile.h"
#include "store/store-priv.h"

#define CB_CACHE_LOCK_SUFFIX ".lock"
#define CB_CACHE_ABOUT_SUFFIX \
    ".json" /* {"id":…,"variant":…}; its mtime is the last use */

int cb_cache_mounts_dir(struct cb_store *store, int *fd, struct cb_error **err);
/* The hash in hexadecimal digits. */
void cb_cache_mount_base(const char *id, const char *variant,
                         char out[CB_DIGEST_MAX_TEXT]);
/* Says what BASE is, and that it is being used. */
int cb_cache_mount_note(struct cb_store *store, int mounts_fd, const char *base,
                        const char *id, const char *variant, struct cb_error **err);
/* Takes NAME's lock, telling whom it waits for. */
int cb_cache_mount_lock(int mounts_fd, const char *name, enum cb_lock_mode mode,
                        const struct cb_cache_mount_wait *wait, struct cb_lock **lock,
                        struct cb_error **err);
/* Moves NAME (if it is there) to tmp/ and removes it. Its lock is held exclusively. */
int cb_cache_mount_discard(struct cb_store *store, int mounts_fd, const char *name,
                           uint64_t *freed_bytes, struct cb_error **err);

#endif
