/* Cache mounts as things to look at, move and remove. What a directory is, the file
 * beside it says; how recently it was asked for, that file's time. */
#include "store/cache-mount.h"

#include "base/fs.h"
#include "base/json.h"
#include "base/text.h"
#include "store/cache-mount-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ABOUT_MAX_BYTES (64u << 10)
#define SHORT_NAME      6 /* digits that are enough of a name */

static void mount_clear(struct cb_cache_mount *mount)
{
    free(mount->name);
    free(mount->id);
    free(mount->variant);
}

void cb_cache_mounts_free(struct cb_cache_mounts *mounts)
{
    cb_vec_foreach (mount, mounts)
        mount_clear(mount);
    cb_vec_free(mounts);
}

static char *text_of(json_t *about, const char *key)
{
    const char *text = json_string_value(json_object_get(about, key));

    return xstrdup(text ? text : "");
}

/* Damage only costs the id. */
static void read_about(int mounts_fd, struct cb_cache_mount *mount)
{
    cb_autofree char *file = xasprintf("%.*s" CB_CACHE_ABOUT_SUFFIX,
                                       (int)strcspn(mount->name, "."), mount->name);
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_json *about = NULL;
    struct stat st;

    if (fstatat(mounts_fd, file, &st, AT_SYMLINK_NOFOLLOW) == 0)
        mount->used_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    if (cb_fs_read_file(mounts_fd, file, ABOUT_MAX_BYTES, &text, NULL) == 0)
        cb_json_parse(&about, file, cb_strbuf_text(&text), text.len, ABOUT_MAX_BYTES,
                      NULL);
    mount->id = text_of(about, "id");
    mount->variant = text_of(about, "variant");
}

static int is_busy(int mounts_fd, const char *name)
{
    cb_autofree char *file = xasprintf("%s" CB_CACHE_LOCK_SUFFIX, name);

    return cb_lock_is_held(mounts_fd, file);
}

static int by_id(const void *a, const void *b)
{
    const struct cb_cache_mount *x = a, *y = b;
    int order = strcmp(x->id, y->id);

    return order ? order : strcmp(x->name, y->name);
}

static int list(int mounts_fd, struct cb_cache_mounts *out, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};

    if (cb_fs_list(mounts_fd, &names, err) < 0)
        return -1;
    cb_vec_foreach (name, &names) {
        struct cb_cache_mount mount = {0};

        if (cb_ends_with(*name, CB_CACHE_LOCK_SUFFIX) ||
            cb_ends_with(*name, CB_CACHE_ABOUT_SUFFIX))
            continue;
        mount.name = xstrdup(*name);
        mount.busy = is_busy(mounts_fd, *name);
        read_about(mounts_fd, &mount);
        cb_vec_push(out, mount);
    }
    if (out->count)
        qsort(out->items, out->count, sizeof(*out->items), by_id);
    return 0;
}

int cb_cache_mount_list(struct cb_store *store, struct cb_cache_mounts *out,
                        struct cb_error **err)
{
    cb_autofd int mounts_fd = -1;

    if (cb_cache_mounts_dir(store, &mounts_fd, err) < 0 || list(mounts_fd, out, err) < 0)
        return -1;
    cb_vec_foreach (mount, out)
        mount->bytes = cb_tree_bytes(mounts_fd, mount->name);
    return 0;
}

/* ── Finding ── */

static size_t count_ids(const struct cb_cache_mounts *mounts, const char *id)
{
    size_t count = 0;

    cb_vec_foreach (mount, mounts)
        count += strcmp(mount->id, id) == 0;
    return count;
}

int cb_cache_mount_find(struct cb_store *store, const char *text,
                        struct cb_cache_mounts *out, struct cb_error **err)
{
    cb_auto_value(cb_cache_mounts) all = {0};
    cb_autofd int mounts_fd = -1;
    size_t len = strlen(text);
    int is_id;

    if (cb_cache_mounts_dir(store, &mounts_fd, err) < 0 || list(mounts_fd, &all, err) < 0)
        return -1;
    is_id = *text && count_ids(&all, text) > 0;
    cb_vec_foreach (mount, &all) {
        if (is_id ? strcmp(mount->id, text) != 0
                  : len < SHORT_NAME || strncmp(mount->name, text, len) != 0)
            continue;
        cb_vec_push(out, *mount);
        *mount = (struct cb_cache_mount){0};
    }
    if (out->count)
        return 0;
    cb_error_set(err, CB_ERR_NOT_FOUND, "no cache mount `%s`", text);
    return cb_error_hint(err, "`cbuild cache ls` lists them");
}

/* ── Removing ── */

int cb_cache_mount_discard(struct cb_store *store, int mounts_fd, const char *name,
                           uint64_t *freed_bytes, struct cb_error **err)
{
    cb_autofree char *aside = NULL;

    if (cb_store_begin_temporary(store, &aside, err) < 0)
        return -1;
    if (renameat(mounts_fd, name, store->tmp_fd, aside) < 0)
        return errno == ENOENT
                   ? 0
                   : cb_error_errno(err, errno, "remove cache mount `%s`", name);
    *freed_bytes += cb_tree_bytes(store->tmp_fd, aside);
    return cb_fs_remove_tree(store->tmp_fd, aside, err);
}

/* What says what it is goes with the last directory it is about. */
static void forget(int mounts_fd, const char *name)
{
    int len = (int)strcspn(name, ".");
    cb_autofree char *file = xasprintf("%.*s" CB_CACHE_ABOUT_SUFFIX, len, name);
    cb_auto_value(cb_strings) names = {0};

    if (cb_fs_list(mounts_fd, &names, NULL) < 0)
        return;
    cb_vec_foreach (other, &names) {
        if (strncmp(*other, name, (size_t)len) == 0 &&
            !cb_ends_with(*other, CB_CACHE_LOCK_SUFFIX) &&
            !cb_ends_with(*other, CB_CACHE_ABOUT_SUFFIX))
            return;
    }
    unlinkat(mounts_fd, file, 0);
}

/* The lock file stays until the directory is gone, and goes while it is held. 1: done, 0:
 * in use. */
static int remove_one(struct cb_store *store, int mounts_fd, const char *name,
                      uint64_t *freed, struct cb_error **err)
{
    cb_autofree char *file = xasprintf("%s" CB_CACHE_LOCK_SUFFIX, name);
    cb_auto(cb_lock) lock = NULL;
    int taken = cb_lock_try(&lock, mounts_fd, file, CB_LOCK_EXCLUSIVE, err);

    if (taken <= 0)
        return taken;
    atomic_store(&store->mounts_changed, 1);
    if (cb_cache_mount_discard(store, mounts_fd, name, freed, err) < 0)
        return -1;
    forget(mounts_fd, name);
    cb_lock_release_unlink(cb_steal(&lock));
    return 1;
}

int cb_cache_mount_remove(struct cb_store *store, const char *name, uint64_t *freed_bytes,
                          struct cb_error **err)
{
    cb_autofd int mounts_fd = -1;
    int removed;

    if (cb_store_check_writable(store, err) < 0 ||
        cb_cache_mounts_dir(store, &mounts_fd, err) < 0)
        return -1;
    removed = remove_one(store, mounts_fd, name, freed_bytes, err);
    if (removed == 0)
        return cb_error_set(err, CB_ERR_EXISTS, "cache mount `%.12s` is in use", name);
    return removed < 0 ? -1 : 0;
}

/* Locks without a directory, as caches that are kept elsewhere have them. */
static int remove_stray_locks(int mounts_fd, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};

    if (cb_fs_list(mounts_fd, &names, err) < 0)
        return -1;
    cb_vec_foreach (file, &names) {
        size_t len = strlen(*file), end = strlen(CB_CACHE_LOCK_SUFFIX);
        cb_autofree char *name = xstrndup(*file, len > end ? len - end : 0);
        cb_auto(cb_lock) lock = NULL;

        if (!cb_ends_with(*file, CB_CACHE_LOCK_SUFFIX) ||
            faccessat(mounts_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            continue;
        if (cb_lock_try(&lock, mounts_fd, *file, CB_LOCK_EXCLUSIVE, err) < 0)
            return -1;
        if (lock)
            cb_lock_release_unlink(cb_steal(&lock));
    }
    return 0;
}

int cb_cache_mount_prune(struct cb_store *store, int64_t used_before_s,
                         uint64_t *freed_bytes, struct cb_error **err)
{
    cb_auto_value(cb_cache_mounts) mounts = {0};
    cb_autofd int mounts_fd = -1;

    if (cb_store_check_writable(store, err) < 0 ||
        cb_cache_mounts_dir(store, &mounts_fd, err) < 0 ||
        list(mounts_fd, &mounts, err) < 0)
        return -1;
    cb_vec_foreach (mount, &mounts) {
        if (mount->used_ns / 1000000000 <= used_before_s &&
            remove_one(store, mounts_fd, mount->name, freed_bytes, err) < 0)
            return -1;
    }
    return remove_stray_locks(mounts_fd, err);
}

/* ── Moving ── */

int cb_cache_mount_read(struct cb_store *store, const struct cb_cache_mount_wait *want,
                        int *dir_fd, struct cb_lock **lock, struct cb_error **err)
{
    const char *name = want->id;
    cb_auto(cb_lock) held = NULL;
    cb_autofd int mounts_fd = -1;

    if (cb_cache_mounts_dir(store, &mounts_fd, err) < 0 ||
        cb_cache_mount_lock(mounts_fd, name, CB_LOCK_SHARED, want, &held, err) < 0)
        return -1;
    *dir_fd = openat(mounts_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*dir_fd < 0)
        return cb_error_errno(err, errno, "open cache mount `%s`", name);
    *lock = cb_steal(&held);
    return 0;
}

static int put_in_place(struct cb_store *store, int mounts_fd, const char *aside,
                        const char *name, struct cb_error **err)
{
    if (renameat2(store->tmp_fd, aside, mounts_fd, name, RENAME_EXCHANGE) == 0 ||
        (errno == ENOENT &&
         renameat2(store->tmp_fd, aside, mounts_fd, name, RENAME_NOREPLACE) == 0))
        return 0;
    return cb_error_errno(err, errno, "replace cache mount `%s`", name);
}

int cb_cache_mount_replace(struct cb_store *store, const struct cb_cache_mount_wait *want,
                           int (*fill)(void *arg, int dir_fd, struct cb_error **err),
                           void *arg, struct cb_error **err)
{
    cb_auto(cb_scratch) scratch = NULL;
    cb_auto(cb_lock) lock = NULL;
    cb_autofd int mounts_fd = -1, dir = -1;
    cb_autofree char *aside = NULL;
    char base[CB_DIGEST_MAX_TEXT];

    if (cb_cache_mounts_dir(store, &mounts_fd, err) < 0 ||
        cb_store_scratch(store, &scratch, err) < 0)
        return -1;
    /* The scratch directory is what vanishes in the end, with what was there before. */
    if (mkdirat(cb_scratch_fd(scratch), "new", 0755) < 0)
        return cb_error_errno(err, errno, "mkdir `%s/new`", cb_scratch_path(scratch));
    dir = openat(cb_scratch_fd(scratch), "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return cb_error_errno(err, errno, "open `%s/new`", cb_scratch_path(scratch));
    if (fill(arg, dir, err) < 0)
        return -1;
    aside = xasprintf("%s/new", strrchr(cb_scratch_path(scratch), '/') + 1);
    cb_cache_mount_base(want->id, NULL, base);
    if (cb_cache_mount_lock(mounts_fd, base, CB_LOCK_EXCLUSIVE, want, &lock, err) < 0 ||
        cb_cache_mount_note(store, mounts_fd, base, want->id, NULL, err) < 0)
        return -1;
    atomic_store(&store->mounts_changed, 1);
    return put_in_place(store, mounts_fd, aside, base, err);
}
