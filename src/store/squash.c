/* The layers' own directories are laid over each other, lowest first, into one directory
 * of overlay's format: as the mount shows them, but that a whiteout is kept only where
 * BASE has something to hide, and a directory that comes after a whiteout or a file hides
 * BASE's for good. What BASE holds is not read but for names that are deleted. */
#include "store/squash.h"

#include "base/fs.h"
#include "base/map.h"
#include "store/copy-tree.h"
#include "store/snapshot-priv.h"
#include "store/walk.h"
#include "store/whiteout.h"
#include "store/xattr.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#define FACT "squash"

struct squash {
    int to_fd;
    int base_fd;           /* the tree below, or -1 */
    struct cb_map *opaque; /* directories of the result that hide BASE's */
    struct cb_map *times;  /* path → struct timespec of its directory, set at the end */
    struct cb_map *copied; /* inode → what was copied of it */
    int cut;               /* the result hides all of BASE */
};

static void squash_clear(struct squash *squash)
{
    cb_close(&squash->to_fd);
    cb_close(&squash->base_fd);
    cb_map_free(squash->opaque);
    cb_map_free(squash->times);
    cb_map_free(squash->copied);
}
CB_AUTO_VALUE_DEFINE(squash, squash_clear)

/* ── BASE ── */

/* Name by name: no link of BASE's leads anywhere else. */
static int is_in(int root_fd, const char *path)
{
    cb_autofd int dir_fd = -1;
    char name[NAME_MAX + 1];
    struct stat st;

    for (;;) {
        size_t len = strcspn(path, "/");
        int at = dir_fd < 0 ? root_fd : dir_fd;
        int next;

        if (len > NAME_MAX)
            return 0;
        snprintf(name, sizeof(name), "%.*s", (int)len, path);
        if (!path[len])
            return fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
        next = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0)
            return 0;
        cb_close(&dir_fd);
        dir_fd = next;
        path += len + 1;
    }
}

/* A directory above PATH, or PATH itself, hides BASE's. */
static int is_hidden(const struct squash *squash, const char *path)
{
    cb_autofree char *at = xstrdup(path);
    char *slash;

    while (!cb_map_has(squash->opaque, at)) {
        slash = strrchr(at, '/');
        if (!slash)
            return squash->cut;
        *slash = '\0';
    }
    return 1;
}

static int base_shows(const struct squash *squash, const char *path)
{
    return squash->base_fd >= 0 && !is_hidden(squash, path) &&
           is_in(squash->base_fd, path);
}

/* ── What is there goes ── */

/* What is noted of a directory goes with it. */
static void forget(struct squash *squash, const char *path)
{
    size_t len = strlen(path), position = 0;
    cb_auto_value(cb_strings) gone = {0};
    const char *key;
    void *value;

    while (cb_map_next(squash->opaque, &position, &key, &value)) {
        if (strncmp(key, path, len) == 0 && (!key[len] || key[len] == '/'))
            cb_strings_add(&gone, key);
    }
    cb_vec_foreach (name, &gone)
        cb_map_remove(squash->opaque, *name);
}

static int remove_earlier(struct squash *squash, const char *path, struct cb_error **err)
{
    if (unlinkat(squash->to_fd, path, 0) == 0 || errno == ENOENT)
        return 0;
    forget(squash, path);
    return cb_fs_remove_tree(squash->to_fd, path, err);
}

static int hide(struct squash *squash, const char *path, struct cb_error **err)
{
    if (remove_earlier(squash, path, err) < 0)
        return -1;
    if (!base_shows(squash, path))
        return 0;
    return cb_whiteout_make(squash->to_fd, path, err);
}

/* ── What comes ── */

/* What had to be copied, by its inode: the first of its names, if that is still it. */
struct copied {
    char *path;
    ino_t inode;
};

static void copied_free(void *item)
{
    struct copied *copied = item;

    free(copied->path);
    free(copied);
}

static int link_to_copy(const struct squash *squash, const struct copied *copied,
                        const char *path)
{
    struct stat st;

    return fstatat(squash->to_fd, copied->path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           st.st_ino == copied->inode &&
           linkat(squash->to_fd, copied->path, squash->to_fd, path, 0) == 0;
}

static int put_copy(struct squash *squash, const struct cb_walk_entry *from,
                    struct cb_error **err)
{
    char key[CB_INODE_KEY_MAX];
    struct copied *copied;
    struct stat st;

    cb_inode_key(key, from->st.st_dev, from->st.st_ino);
    copied = cb_map_get(squash->copied, key);
    if (copied && link_to_copy(squash, copied, from->path))
        return 0;
    if (cb_copy_entry(from, squash->to_fd, err) < 0)
        return -1;
    if (fstatat(squash->to_fd, from->path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return cb_error_errno(err, errno, "stat `%s`", from->path);
    copied = xcalloc(1, sizeof(*copied));
    copied->path = xstrdup(from->path);
    copied->inode = st.st_ino;
    cb_map_set(squash->copied, key, copied);
    return 0;
}

static int put_file(struct squash *squash, const struct cb_walk_entry *from,
                    struct cb_error **err)
{
    if (remove_earlier(squash, from->path, err) < 0)
        return -1;
    if (S_ISREG(from->st.st_mode) && from->st.st_nlink > CB_SHARED_NAMES_MAX)
        return put_copy(squash, from, err);
    if (linkat(from->dir_fd, from->name, squash->to_fd, from->path, 0) == 0)
        return 0;
    if (errno == EMLINK)
        return put_copy(squash, from, err);
    return cb_error_errno(err, errno, "link `%s`", from->path);
}

static int set_metadata(const struct cb_walk_entry *from, const struct cb_xattrs *xattrs,
                        int fd, struct cb_error **err)
{
    if (fchown(fd, from->st.st_uid, from->st.st_gid) < 0 ||
        fchmod(fd, from->st.st_mode & 07777) < 0)
        return cb_error_errno(err, errno, "set metadata of `%s`", from->path);
    cb_vec_foreach (xattr, xattrs) {
        if (!cb_xattr_is_overlay(xattr->name) && cb_xattr_set(fd, NULL, xattr, err) < 0)
            return -1;
    }
    return 0;
}

/* What an earlier layer had set and this one has not. */
static int drop_xattrs(const struct cb_xattrs *wanted, int fd, struct cb_error **err)
{
    cb_auto_value(cb_xattrs) have = {0};

    if (cb_xattrs_read(fd, -1, "", &have, err) < 0)
        return -1;
    cb_vec_foreach (xattr, &have) {
        int kept = cb_xattr_is_overlay(xattr->name);

        cb_vec_foreach (other, wanted)
            kept |= strcmp(other->name, xattr->name) == 0;
        if (!kept)
            fremovexattr(fd, xattr->name);
    }
    return 0;
}

static void note_times(struct squash *squash, const struct cb_walk_entry *from)
{
    struct timespec *time = xmalloc(sizeof(*time));

    *time = from->st.st_mtim;
    cb_map_set(squash->times, from->path, time);
}

/* HIDES: what BASE and the earlier layers have in a directory of this name is not seen
 * through it. */
static int make_directory(struct squash *squash, const struct cb_walk_entry *from,
                          int hides, int *fd, struct cb_error **err)
{
    if (mkdirat(squash->to_fd, from->path, 0700) < 0)
        return cb_error_errno(err, errno, "mkdir `%s`", from->path);
    *fd = openat(squash->to_fd, from->path,
                 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd < 0)
        return cb_error_errno(err, errno, "open `%s`", from->path);
    if (!hides || is_hidden(squash, from->path))
        return 0;
    cb_map_set(squash->opaque, from->path, squash);
    return cb_whiteout_make_opaque(*fd, err);
}

static int put_directory(struct squash *squash, const struct cb_walk_entry *from,
                         struct cb_error **err)
{
    cb_auto_value(cb_xattrs) xattrs = {0};
    cb_autofd int fd = -1;
    struct stat st;
    int there, opaque;

    if (cb_xattrs_read(-1, from->dir_fd, from->name, &xattrs, err) < 0)
        return -1;
    opaque = cb_xattrs_are_opaque(&xattrs);
    there = fstatat(squash->to_fd, from->path, &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (there && (opaque || !S_ISDIR(st.st_mode))) {
        if (remove_earlier(squash, from->path, err) < 0)
            return -1;
        opaque = 1;
        there = 0;
    }
    if (!there) {
        if (make_directory(squash, from, opaque, &fd, err) < 0)
            return -1;
    } else {
        fd = openat(squash->to_fd, from->path,
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            return cb_error_errno(err, errno, "open `%s`", from->path);
        if (drop_xattrs(&xattrs, fd, err) < 0)
            return -1;
    }
    note_times(squash, from);
    return set_metadata(from, &xattrs, fd, err);
}

static int put_entry(void *arg, const struct cb_walk_entry *from, struct cb_error **err)
{
    struct squash *squash = arg;

    if (cb_whiteout_is_device(&from->st))
        return hide(squash, from->path, err);
    if (S_ISDIR(from->st.st_mode))
        return put_directory(squash, from, err);
    return put_file(squash, from, err);
}

/* ── The layers ── */

/* Everything so far, and BASE, is below a root that merges with nothing. */
static int begin_anew(struct squash *squash, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};

    squash->cut = 1;
    if (cb_fs_list(squash->to_fd, &names, err) < 0)
        return -1;
    cb_vec_foreach (name, &names) {
        if (remove_earlier(squash, *name, err) < 0)
            return -1;
    }
    return 0;
}

static int lay_over(struct squash *squash, struct cb_snapshot *layer,
                    struct cb_cancel *cancel, struct cb_error **err)
{
    cb_autofd int fd = -1;

    if (layer->row.cut && begin_anew(squash, err) < 0)
        return -1;
    if (cb_snapshot_open_upper(layer, &fd, err) < 0)
        return -1;
    return cb_walk(fd, put_entry, squash, cancel, err);
}

/* From BASE upwards. */
static int lay_all(struct squash *squash, struct cb_snapshot *top,
                   struct cb_snapshot *base, struct cb_cancel *cancel,
                   struct cb_error **err)
{
    CB_VEC(struct cb_snapshot *) layers = {0};
    struct cb_snapshot *at;
    int result = 0;

    for (at = top; at && at != base; at = at->parent)
        cb_vec_push(&layers, at);
    for (size_t i = layers.count; i-- > 0 && result == 0;)
        result = lay_over(squash, layers.items[i], cancel, err);
    cb_vec_free(&layers);
    return result;
}

/* Last, when nothing is put into them any more. Those that were removed meanwhile are not
 * there, or are other files, which have their own times. */
static int set_times(const struct squash *squash, struct cb_error **err)
{
    size_t position = 0;
    const char *path;
    void *value;

    while (cb_map_next(squash->times, &position, &path, &value)) {
        struct timespec times[2] = {*(struct timespec *)value, *(struct timespec *)value};
        cb_autofd int fd =
            openat(squash->to_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (fd >= 0 && futimens(fd, times) < 0)
            return cb_error_errno(err, errno, "set the time of `%s`", path);
    }
    return 0;
}

/* The result's root is as TOP's. */
static int finish_root(const struct squash *squash, struct cb_snapshot *top,
                       struct cb_error **err)
{
    cb_autofd int fd = -1;
    struct timespec times[2];
    struct stat st;

    if (cb_snapshot_open_upper(top, &fd, err) < 0)
        return -1;
    if (fstat(fd, &st) < 0)
        return cb_error_errno(err, errno, "stat root of the layer");
    times[0] = times[1] = st.st_mtim;
    if (fchown(squash->to_fd, st.st_uid, st.st_gid) < 0 ||
        fchmod(squash->to_fd, st.st_mode & 07777) < 0 ||
        futimens(squash->to_fd, times) < 0)
        return cb_error_errno(err, errno, "set metadata of the root");
    return 0;
}

static int make(struct cb_snapshot *top, struct cb_snapshot *base,
                struct cb_cancel *cancel, struct cb_snapshot **out, struct cb_error **err)
{
    cb_auto(cb_snapshot) snapshot = NULL;
    cb_auto_value(squash) squash = {.to_fd = -1, .base_fd = -1};
    struct cb_snapshot_known known = {0};

    squash.opaque = cb_map_new(NULL);
    squash.times = cb_map_new(free);
    squash.copied = cb_map_new(copied_free);
    if (cb_snapshot_prepare(top->store, base, &snapshot, err) < 0 ||
        cb_snapshot_open_upper(snapshot, &squash.to_fd, err) < 0 ||
        (base && cb_snapshot_open_root(base, &squash.base_fd, err) < 0) ||
        lay_all(&squash, top, base, cancel, err) < 0 || set_times(&squash, err) < 0 ||
        finish_root(&squash, top, err) < 0 ||
        cb_snapshot_commit_known(snapshot, &known, squash.cut && base != NULL, err) < 0 ||
        cb_snapshot_backdate(snapshot, cb_snapshot_created_ns(top), err) < 0)
        return -1;
    *out = cb_steal(&snapshot);
    return 0;
}

/* Below it is nothing, which is what CUT says: so nothing is marked. */
int cb_layers_lay(const int *layers, size_t count, int to_fd, struct cb_error **err)
{
    struct squash squash = {.to_fd = to_fd, .base_fd = -1, .cut = 1};
    int result = 0;

    squash.opaque = cb_map_new(NULL);
    squash.times = cb_map_new(free);
    squash.copied = cb_map_new(copied_free);
    for (size_t i = count; i-- > 0 && result == 0;)
        result = cb_walk(layers[i], put_entry, &squash, NULL, err);
    if (result == 0)
        result = set_times(&squash, err);
    if (result == 0 && count)
        result = cb_copy_looks(layers[0], to_fd, err);
    cb_map_free(squash.opaque);
    cb_map_free(squash.times);
    cb_map_free(squash.copied);
    return result;
}

int cb_snapshot_squash(struct cb_snapshot *top, struct cb_snapshot *base,
                       struct cb_cancel *cancel, struct cb_snapshot **out,
                       struct cb_error **err)
{
    static const struct cb_remaking squashing = {FACT, "squash layers", make};

    return cb_snapshot_remake(top, base, &squashing, cancel, out, err);
}
