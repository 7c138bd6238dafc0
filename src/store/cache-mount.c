/* Directories of RUN --mount=type=cache: cache-mounts/<hash of the id>[.pN], and a lock
 * file beside each. Sharing is flock: shared users share the lock, a locked one has it
 * alone, a private one has a directory that is nobody else's, the first free of .p0, .p1,
 * …
 *
 * A directory appears whole: made and seeded aside, then renamed without replacing, so of
 * two makers one wins. */
#include "store/store-priv.h"

#include "base/digest.h"
#include "base/fs.h"
#include "base/lockfile.h"
#include "base/log.h"
#include "store/copy-tree.h"
#include "store/gc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define MAX_PRIVATE 1000
#define LOCK_SUFFIX ".lock"

enum sharing { SHARED, PRIVATE, LOCKED };

struct request {
    struct cb_store *store;
    mode_t mode;
    uid_t uid;
    gid_t gid;
    int seed_fd;
    struct cb_cancel *cancel;
};

static int fill_new(const struct request *request, int fd, struct cb_error **err)
{
    if (request->seed_fd >= 0 &&
        cb_copy_tree(request->seed_fd, fd, request->cancel, err) < 0)
        return cb_error_wrap(err, "seed cache mount");
    if (fchown(fd, request->uid, request->gid) < 0 || fchmod(fd, request->mode) < 0)
        return cb_error_errno(err, errno, "set owner of cache mount");
    return 0;
}

static int make_aside(const struct request *request, const char *aside, int mounts_fd,
                      const char *name, struct cb_error **err)
{
    struct cb_store *store = request->store;
    cb_autofd int fd = -1;

    if (mkdirat(store->tmp_fd, aside, 0700) < 0)
        return cb_error_errno(err, errno, "mkdir `%s/tmp/%s`", store->root, aside);
    fd = openat(store->tmp_fd, aside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return cb_error_errno(err, errno, "open `%s/tmp/%s`", store->root, aside);
    if (fill_new(request, fd, err) < 0)
        return -1;
    if (renameat2(store->tmp_fd, aside, mounts_fd, name, RENAME_NOREPLACE) < 0 &&
        errno != EEXIST)
        return cb_error_errno(err, errno, "make cache mount `%s`", name);
    return 0;
}

static int make_directory(const struct request *request, int mounts_fd, const char *name,
                          struct cb_error **err)
{
    cb_autofree char *aside = NULL;
    int result;

    if (cb_store_begin_temporary(request->store, &aside, err) < 0)
        return -1;
    result = make_aside(request, aside, mounts_fd, name, err);
    cb_fs_remove_tree(request->store->tmp_fd, aside, NULL);
    return result;
}

static int open_directory(const struct request *request, int mounts_fd, const char *name,
                          int *fd, struct cb_error **err)
{
    int tries;

    for (tries = 0; tries < 3; tries++) {
        int dir =
            openat(mounts_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (dir >= 0) {
            *fd = dir;
            return 0;
        }
        if (errno != ENOENT)
            break;
        if (make_directory(request, mounts_fd, name, err) < 0)
            return -1;
    }
    return cb_error_errno(err, errno, "open cache mount `%s`", name);
}

struct wait {
    struct cb_event_sink *sink;
    const char *id;
};

static void tell_waiting(void *arg, pid_t holder)
{
    struct wait *wait = arg;
    cb_autofree char *text = NULL;

    if (holder)
        text = xasprintf("waiting for cache mount `%s`, in use by process %d", wait->id,
                         (int)holder);
    else
        text =
            xasprintf("waiting for cache mount `%s`, in use by another step", wait->id);
    cb_event_emit(
        wait->sink,
        (struct cb_event){.kind = CB_EVENT_NOTICE, .text = text, .len = strlen(text)});
}

/* NAME gets the directory's name. */
static int lock_private(int mounts_fd, const char *base, char **name,
                        struct cb_lock **lock, struct cb_error **err)
{
    int i;

    for (i = 0; i < MAX_PRIVATE; i++) {
        cb_autofree char *own = xasprintf("%s.p%d", base, i);
        cb_autofree char *file = xasprintf("%s" LOCK_SUFFIX, own);
        int taken = cb_lock_try(lock, mounts_fd, file, CB_LOCK_EXCLUSIVE, err);

        if (taken < 0)
            return -1;
        if (taken) {
            *name = cb_steal(&own);
            return 0;
        }
    }
    return cb_error_set(err, CB_ERR_EXISTS,
                        "cache mount: more than %d private copies in use", MAX_PRIVATE);
}

static int lock_common(int mounts_fd, const char *base, enum sharing sharing,
                       struct cb_cancel *cancel, struct wait *wait, char **name,
                       struct cb_lock **lock, struct cb_error **err)
{
    cb_autofree char *file = xasprintf("%s" LOCK_SUFFIX, base);

    if (cb_lock_take(lock, mounts_fd, file,
                     sharing == LOCKED ? CB_LOCK_EXCLUSIVE : CB_LOCK_SHARED, cancel,
                     tell_waiting, wait, err) < 0)
        return -1;
    *name = xstrdup(base);
    return 0;
}

/* The lock file's time is when the directory was used last. */
static void note_use(struct cb_store *store, int mounts_fd, const char *name)
{
    cb_autofree char *file = xasprintf("%s" LOCK_SUFFIX, name);

    if (utimensat(mounts_fd, file, NULL, AT_SYMLINK_NOFOLLOW) < 0)
        cb_debug("`%s`: %s", file, strerror(errno));
    atomic_store(&store->mounts_changed, 1);
}

int cb_store_cache_mount(struct cb_store *store, const char *id, int sharing,
                         unsigned mode, uid_t uid, gid_t gid, int seed_fd,
                         struct cb_cancel *cancel, struct cb_event_sink *sink,
                         int *dir_fd, struct cb_lock **lock, struct cb_error **err)
{
    struct request request = {.store = store,
                              .mode = mode & 07777,
                              .uid = uid,
                              .gid = gid,
                              .seed_fd = seed_fd,
                              .cancel = cancel};
    struct wait wait = {.sink = sink, .id = id};
    struct cb_digest digest = cb_digest_of(id, strlen(id));
    char base[CB_DIGEST_MAX_TEXT];
    cb_auto(cb_lock) held = NULL;
    cb_autofree char *name = NULL;
    cb_autofd int mounts_fd = -1;

    if (cb_store_check_writable(store, err) < 0)
        return -1;
    cb_digest_hex(&digest, base);
    mounts_fd =
        openat(store->root_fd, "cache-mounts", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (mounts_fd < 0)
        return cb_error_errno(err, errno, "open `%s/cache-mounts`", store->root);
    if (sharing == PRIVATE ? lock_private(mounts_fd, base, &name, &held, err) < 0
                           : lock_common(mounts_fd, base, (enum sharing)sharing, cancel,
                                         &wait, &name, &held, err) < 0)
        return -1;
    if (open_directory(&request, mounts_fd, name, dir_fd, err) < 0)
        return -1;
    note_use(store, mounts_fd, name);
    *lock = cb_steal(&held);
    return 0;
}

/* ── Pruning ── */

/* The lock file stays until the directory is gone, and goes while it is held. */
static int prune_one(struct cb_store *store, int mounts_fd, const char *lock_name,
                     uint64_t *freed, struct cb_error **err)
{
    cb_autofree char *name = xstrndup(lock_name, strlen(lock_name) - strlen(LOCK_SUFFIX));
    cb_autofree char *aside = NULL;
    cb_auto(cb_lock) lock = NULL;
    int taken = cb_lock_try(&lock, mounts_fd, lock_name, CB_LOCK_EXCLUSIVE, err);

    if (taken <= 0)
        return taken;
    if (cb_store_begin_temporary(store, &aside, err) < 0)
        return -1;
    if (renameat(mounts_fd, name, store->tmp_fd, aside) == 0) {
        *freed += cb_tree_bytes(store->tmp_fd, aside);
        if (cb_fs_remove_tree(store->tmp_fd, aside, err) < 0)
            return -1;
    } else if (errno != ENOENT) {
        return cb_error_errno(err, errno, "remove cache mount `%s`", name);
    }
    cb_lock_release_unlink(cb_steal(&lock));
    return 0;
}

int cb_store_remove_cache_mount(struct cb_store *store, const char *name,
                                uint64_t *freed_bytes, struct cb_error **err)
{
    cb_autofree char *lock = xasprintf("%s" LOCK_SUFFIX, name);
    cb_autofd int mounts_fd =
        openat(store->root_fd, "cache-mounts", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (mounts_fd < 0)
        return cb_error_errno(err, errno, "open `%s/cache-mounts`", store->root);
    atomic_store(&store->mounts_changed, 1);
    return prune_one(store, mounts_fd, lock, freed_bytes, err);
}
