/* Cache mounts for steps. Sharing is flock on a file beside the directory: shared users
 * share the lock, a locked one has it alone, a private one has a directory that is nobody
 * else's, the first free of .p0, .p1, …
 *
 * A directory appears whole: made and seeded aside, then renamed without replacing, so of
 * two makers one wins. */
#include "store/cache-mount.h"

#include "base/fs.h"
#include "base/json.h"
#include "store/cache-mount-priv.h"
#include "store/copy-tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define MAX_PRIVATE 1000

int cb_cache_mounts_dir(struct cb_store *store, int *fd, struct cb_error **err)
{
    *fd = openat(store->root_fd, "cache-mounts", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0)
        return cb_error_errno(err, errno, "open `%s/cache-mounts`", store->root);
    return 0;
}

void cb_cache_mount_base(const char *id, const char *variant,
                         char out[CB_DIGEST_MAX_TEXT])
{
    cb_autofree char *key =
        variant && *variant ? xasprintf("%s:%s", id, variant) : xstrdup(id);
    struct cb_digest digest = cb_digest_of(key, strlen(key));

    cb_digest_hex(&digest, out);
}

int64_t cb_cache_mount_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* Made in tmp/: what lists the mounts would take another name here for one of them. */
static int put_about(struct cb_store *store, int mounts_fd, const char *file,
                     const char *text, struct cb_error **err)
{
    cb_autofree char *aside = NULL;
    cb_autofd int fd = -1;

    if (cb_store_begin_temporary(store, &aside, err) < 0)
        return -1;
    fd = openat(store->tmp_fd, aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return cb_error_errno(err, errno, "create `%s/tmp/%s`", store->root, aside);
    if (cb_fs_write_all(fd, text, strlen(text)) == 0 && cb_fs_close_written(&fd) == 0 &&
        renameat(store->tmp_fd, aside, mounts_fd, file) == 0)
        return 0;
    cb_error_errno(err, errno, "write `%s/cache-mounts/%s`", store->root, file);
    unlinkat(store->tmp_fd, aside, 0);
    return -1;
}

int cb_cache_mount_note(struct cb_store *store, int mounts_fd, const char *base,
                        const char *id, const char *variant, struct cb_error **err)
{
    cb_autofree char *file = xasprintf("%s" CB_CACHE_ABOUT_SUFFIX, base);
    cb_auto_json *about = NULL;
    cb_autofree char *text = NULL;

    if (utimensat(mounts_fd, file, NULL, 0) == 0)
        return 0;
    about = json_object();
    /* An id need not be UTF-8: then it is only known by its name. */
    json_object_set_new(about, "id", json_string(id));
    json_object_set_new(about, "variant", json_string(variant ? variant : ""));
    text = cb_json_dump(about);
    return put_about(store, mounts_fd, file, text, err);
}

/* ── Locks ── */

static void tell_waiting(void *arg, pid_t holder)
{
    const struct cb_cache_mount_wait *wait = arg;

    if (holder)
        cb_event_say(wait->sink, CB_EVENT_NOTICE, 0,
                     "waiting for cache mount `%s`, in use by process %d", wait->id,
                     (int)holder);
    else
        cb_event_say(wait->sink, CB_EVENT_NOTICE, 0,
                     "waiting for cache mount `%s`, in use by another step", wait->id);
}

int cb_cache_mount_lock(int mounts_fd, const char *name, enum cb_lock_mode mode,
                        const struct cb_cache_mount_wait *wait, struct cb_lock **lock,
                        struct cb_error **err)
{
    cb_autofree char *file = xasprintf("%s" CB_CACHE_LOCK_SUFFIX, name);
    struct cb_cache_mount_wait told = *wait;

    return cb_lock_take(lock, mounts_fd, file, mode,
                        &(struct cb_lock_wait){wait->cancel, tell_waiting, &told}, err);
}

/* NAME gets the directory's name. */
static int lock_private(int mounts_fd, const char *base, char **name,
                        struct cb_lock **lock, struct cb_error **err)
{
    for (int i = 0; i < MAX_PRIVATE; i++) {
        cb_autofree char *own = xasprintf("%s.p%d", base, i);
        cb_autofree char *file = xasprintf("%s" CB_CACHE_LOCK_SUFFIX, own);
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

/* A place given by the user cannot be had twice: there, private is as good as locked. */
static int lock_directory(const struct cb_cache_mount_request *request, int mounts_fd,
                          const char *base, char **name, struct cb_lock **lock,
                          struct cb_error **err)
{
    enum cb_lock_mode mode =
        request->sharing == CB_CACHE_SHARED ? CB_LOCK_SHARED : CB_LOCK_EXCLUSIVE;
    const struct cb_cache_mount_wait wait = {request->id, request->cancel, request->sink};

    if (request->sharing == CB_CACHE_PRIVATE && !request->place)
        return lock_private(mounts_fd, base, name, lock, err);
    *name = xstrdup(base);
    return cb_cache_mount_lock(mounts_fd, base, mode, &wait, lock, err);
}

/* ── Making ── */

static int fill_new(const struct cb_cache_mount_request *request, int fd,
                    struct cb_error **err)
{
    if (request->seed_fd >= 0 &&
        cb_copy_tree(request->seed_fd, fd, request->cancel, err) < 0)
        return cb_error_wrap(err, "seed cache mount");
    if (fchown(fd, request->uid, request->gid) < 0 ||
        fchmod(fd, request->mode & 07777) < 0)
        return cb_error_errno(err, errno, "set owner of cache mount");
    return 0;
}

static int make_aside(struct cb_store *store,
                      const struct cb_cache_mount_request *request, const char *aside,
                      int mounts_fd, const char *name, struct cb_error **err)
{
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

static int make_directory(struct cb_store *store,
                          const struct cb_cache_mount_request *request, int mounts_fd,
                          const char *name, struct cb_error **err)
{
    cb_autofree char *aside = NULL;
    int result;

    if (cb_store_begin_temporary(store, &aside, err) < 0)
        return -1;
    result = make_aside(store, request, aside, mounts_fd, name, err);
    cb_fs_remove_tree(store->tmp_fd, aside, NULL);
    return result;
}

static int open_directory(struct cb_store *store,
                          const struct cb_cache_mount_request *request, int mounts_fd,
                          const char *name, int *fd, struct cb_error **err)
{
    for (int tries = 0; tries < 3; tries++) {
        int dir =
            openat(mounts_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (dir >= 0) {
            *fd = dir;
            return 0;
        }
        if (errno != ENOENT)
            break;
        if (make_directory(store, request, mounts_fd, name, err) < 0)
            return -1;
    }
    return cb_error_errno(err, errno, "open cache mount `%s`", name);
}

/* ── Starting anew ── */

/* Was it made before TIME? One whose age is not to be told is old. */
static int is_older(int mounts_fd, const char *name, int64_t time_ns)
{
    struct statx info;

    if (statx(mounts_fd, name, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &info) < 0)
        return 0;
    if (!(info.stx_mask & STATX_BTIME))
        return 1;
    return info.stx_btime.tv_sec * INT64_C(1000000000) + info.stx_btime.tv_nsec < time_ns;
}

/* Best effort: what is in use stays as it is, as nothing may vanish below a step. */
static int renew(struct cb_store *store, const struct cb_cache_mount_request *request,
                 int mounts_fd, const char *base, struct cb_error **err)
{
    cb_autofree char *file = xasprintf("%s" CB_CACHE_LOCK_SUFFIX, base);
    cb_auto(cb_lock) lock = NULL;
    uint64_t freed = 0;
    int taken;

    if (!request->renewed_ns || !is_older(mounts_fd, base, request->renewed_ns))
        return 0;
    taken = cb_lock_try(&lock, mounts_fd, file, CB_LOCK_EXCLUSIVE, err);
    if (taken < 0)
        return -1;
    if (!taken) {
        cb_event_say(request->sink, CB_EVENT_NOTICE, 0,
                     "cache mount `%s` is in use and stays as it is", request->id);
        return 0;
    }
    /* Another step may have made it anew before the lock was ours. */
    if (!is_older(mounts_fd, base, request->renewed_ns))
        return 0;
    return cb_cache_mount_discard(store, mounts_fd, base, &freed, err);
}

/* ── Opening ── */

static int open_place(const struct cb_cache_mount_request *request, int *fd,
                      struct cb_error **err)
{
    if (mkdir(request->place, 0755) < 0 && errno != EEXIST)
        return cb_error_errno(err, errno, "--cache-mount `%s`: mkdir `%s`", request->id,
                              request->place);
    *fd = open(request->place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0)
        return cb_error_errno(err, errno, "--cache-mount `%s`: open `%s`", request->id,
                              request->place);
    return 0;
}

int cb_cache_mount_open(struct cb_store *store,
                        const struct cb_cache_mount_request *request, int *dir_fd,
                        struct cb_lock **lock, struct cb_error **err)
{
    char base[CB_DIGEST_MAX_TEXT];
    cb_auto(cb_lock) held = NULL;
    cb_autofree char *name = NULL;
    cb_autofd int mounts_fd = -1;

    if (cb_store_check_writable(store, err) < 0 ||
        cb_cache_mounts_dir(store, &mounts_fd, err) < 0)
        return -1;
    cb_cache_mount_base(request->id, request->variant, base);
    if ((!request->place && renew(store, request, mounts_fd, base, err) < 0) ||
        lock_directory(request, mounts_fd, base, &name, &held, err) < 0)
        return -1;
    if (request->place
            ? open_place(request, dir_fd, err) < 0
            : cb_cache_mount_note(store, mounts_fd, base, request->id, request->variant,
                                  err) < 0 ||
                  open_directory(store, request, mounts_fd, name, dir_fd, err) < 0)
        return -1;
    atomic_store(&store->mounts_changed, 1);
    *lock = cb_steal(&held);
    return 0;
}
