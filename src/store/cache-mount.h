/* Directories of RUN --mount=type=cache: cache-mounts/<name>, where <name> is the hash of
 * the id [and of what it started as], with ".pN" for private copies. */
#ifndef CB_STORE_CACHE_MOUNT_H
#define CB_STORE_CACHE_MOUNT_H

#include "store/store.h"

#include <sys/types.h>

struct cb_lock;

enum cb_cache_sharing { CB_CACHE_SHARED, CB_CACHE_PRIVATE, CB_CACHE_LOCKED };

/* Who waits for a cache that others use. All borrowed. */
struct cb_cache_mount_wait {
    const char *id; /* what users call it */
    struct cb_cancel *cancel;
    struct cb_event_sink *sink; /* is told that there is a wait */
};

struct cb_cache_mount_request {
    const char *id;
    const char *variant; /* what it starts as, when that is not nothing; or NULL. Another
                            variant is another directory */
    enum cb_cache_sharing sharing; /* PRIVATE: a free copy or a new one, LOCKED: waits */
    mode_t mode;
    uid_t uid;
    gid_t gid;
    int seed_fd;        /* directory copied in when new, or -1 */
    int64_t renewed_ns; /* one that was made before this time starts anew, unless it is in
                           use; 0: never */
    const char *place;  /* a directory of the host to be used instead of the store's; or
                           NULL */
    struct cb_cancel *cancel;
    struct cb_event_sink *sink;
};
/* *LOCK is held while in use; the caller closes both. MODE, UID and GID count only when
 * it is made. */
int cb_cache_mount_open(struct cb_store *store,
                        const struct cb_cache_mount_request *request, int *dir_fd,
                        struct cb_lock **lock, struct cb_error **err);
/* Time by the clock that files are stamped with. */
int64_t cb_cache_mount_now(void);

/* ── Looking after them ── */
struct cb_cache_mount {
    char *name, *id; /* ID "" when it is not known */
    char *variant;   /* "" for a plain one */
    uint64_t bytes;
    int64_t used_ns; /* when it was last asked for */
    int busy;
};
struct cb_cache_mounts {
    struct cb_cache_mount *items;
    size_t count, capacity;
};
void cb_cache_mounts_free(struct cb_cache_mounts *mounts);
CB_AUTO_VALUE_DEFINE(cb_cache_mounts, cb_cache_mounts_free)
/* By id, then name. */
int cb_cache_mount_list(struct cb_store *store, struct cb_cache_mounts *out,
                        struct cb_error **err);
/* Those TEXT means: an id with all its variants and copies, or (the start of) a name.
 * NOT_FOUND when there is none. */
int cb_cache_mount_find(struct cb_store *store, const char *text,
                        struct cb_cache_mounts *out, struct cb_error **err);
/* Removes one. EXISTS when a step is using it. */
int cb_cache_mount_remove(struct cb_store *store, const char *name, uint64_t *freed_bytes,
                          struct cb_error **err);
/* Removes those that no step is using and none has asked for since USED_BEFORE_S. */
int cb_cache_mount_prune(struct cb_store *store, int64_t used_before_s,
                         uint64_t *freed_bytes, struct cb_error **err);
/* Opens one for reading, WANT its name, alone in it or beside others that read. */
int cb_cache_mount_read(struct cb_store *store, const struct cb_cache_mount_wait *want,
                        int *dir_fd, struct cb_lock **lock, struct cb_error **err);
/* Puts what FILL makes in the place of the plain cache, WANT its id, whole: FILL gets an
 * empty directory. Waits until nobody uses it. */
int cb_cache_mount_replace(struct cb_store *store, const struct cb_cache_mount_wait *want,
                           int (*fill)(void *arg, int dir_fd, struct cb_error **err),
                           void *arg, struct cb_error **err);

#endif
