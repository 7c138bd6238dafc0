/* Writing a layer without mounting it. What COPY adds goes straight into the layer's own
 * directory (overlay's upper), which costs nothing but the files. Overlay shows a file
 * there instead of one below, and merges directories; so a directory that exists below is
 * made here first with the looks it has there, as overlay's own copy-up does. Nothing is
 * ever removed, so no whiteout and no opaque directory is needed: a file over a directory
 * and a directory over a file are errors anyway.
 *
 * Every directory below which something is written has been made here or looked at
 * without following links; so plain relative paths lead nowhere else. */
#include "ops/dest-priv.h"

#include "base/fs.h"
#include "base/map.h"
#include "base/timestamp.h"
#include "base/user-namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

struct dest_dir {
    int fresh;   /* nothing is below it in a lower layer */
    int changed; /* got a new name: its time is now, unless a source gave it one */
    int timed;   /* MTIME is to be set */
    int copied_up;
    struct timespec mtime;
};

static const char *nonempty(const char *path)
{
    return *path ? path : ".";
}

/* ── Opening and finishing ── */

static struct dest_dir *know(struct cb_dest *dest, const char *path, struct dest_dir dir)
{
    struct dest_dir *kept = xmemdup(&dir, sizeof(dir));

    cb_map_set(dest->dirs, path, kept);
    return kept;
}

void cb_dest_forget(struct cb_dest *dest)
{
    cb_map_free(dest->dirs);
    dest->dirs = cb_map_new(free);
    know(dest, "", (struct dest_dir){0});
}

int cb_dest_open(struct cb_dest *dest, struct cb_snapshot *snapshot,
                 struct cb_result *parent, int merged, int64_t epoch,
                 struct cb_error **err)
{
    int below = parent && cb_snapshot_result_get(parent);

    *dest = (struct cb_dest){.fd = -1, .lower_fd = -1, .merged = merged};
    dest->now = epoch >= 0 ? (struct timespec){.tv_sec = epoch} : cb_timestamp_now();
    if (merged ? cb_snapshot_open_root(snapshot, &dest->fd, err) < 0
               : cb_snapshot_open_upper(snapshot, &dest->fd, err) < 0)
        return -1;
    if (below && !merged && cb_result_root(parent, &dest->lower_fd, err) < 0)
        return -1;
    dest->dirs = cb_map_new(free);
    know(dest, "", (struct dest_dir){.fresh = !below});
    return 0;
}

void cb_dest_close(struct cb_dest *dest)
{
    cb_map_free(dest->dirs);
    if (dest->fd > 0)
        cb_close(&dest->fd);
}

int cb_dest_finish(struct cb_dest *dest, struct cb_error **err)
{
    const char *path;
    size_t position = 0;
    void *value;

    while (cb_map_next(dest->dirs, &position, &path, &value)) {
        struct dest_dir *dir = value;
        struct timespec times[2] = {dest->now, dir->mtime};

        if (!dir->timed)
            continue;
        if (dir->copied_up && dir->changed)
            times[1] = dest->now;
        if (utimensat(dest->fd, nonempty(path), times, AT_SYMLINK_NOFOLLOW) < 0)
            return cb_error_errno(err, errno, "set time of `/%s`", path);
    }
    return 0;
}

/* ── Looking ── */

static struct dest_dir *parent_of(struct cb_dest *dest, const char *path)
{
    const char *slash = strrchr(path, '/');
    cb_autofree char *parent = xstrndup(path, slash ? (size_t)(slash - path) : 0);

    return cb_map_get(dest->dirs, parent);
}

int cb_dest_resolve(struct cb_dest *dest, const char *path, char **out,
                    struct cb_error **err)
{
    cb_autofree char *resolved = NULL;
    int root = dest->lower_fd >= 0 ? dest->lower_fd : dest->fd;

    if (cb_fs_resolve_in_root(root, path, &resolved, err) < 0)
        return -1;
    *out = xstrdup(resolved + (*resolved == '/'));
    return 0;
}

static int lookup_below(struct cb_dest *dest, const char *path, struct stat *st,
                        struct cb_error **err)
{
    struct dest_dir *parent = parent_of(dest, path);

    if (dest->lower_fd < 0 || (parent && parent->fresh))
        return 0;
    return cb_stat_in_root(dest->lower_fd, path, st, err);
}

int cb_dest_lookup(struct cb_dest *dest, const char *path, struct stat *st,
                   struct cb_error **err)
{
    int there = cb_stat_in_root(dest->fd, path, st, err);

    return there != 0 ? there : lookup_below(dest, path, st, err);
}

/* ── Directories ── */

static int apply_look(struct cb_dest *dest, const char *path,
                      const struct cb_dir_look *look, struct cb_error **err)
{
    cb_autofd int fd = -1;

    if (cb_fs_open_in_root(dest->fd, nonempty(path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
                           0, &fd, err) < 0)
        return -1;
    if (fchown(fd, look->owner.uid, look->owner.gid) < 0 ||
        fchmod(fd, look->mode & 07777) < 0) {
        cb_error_errno(err, errno, "set owner and mode of `/%s`", path);
        return cb_mapped_ids_hint(err, look->owner.uid, look->owner.gid);
    }
    cb_content_xattrs_write(fd, look->xattrs, look->xattrs_len);
    return 0;
}

static struct dest_dir *record(struct cb_dest *dest, const char *path,
                               struct dest_dir dir, const struct cb_dir_look *look)
{
    if (look) {
        dir.timed = 1;
        dir.mtime = look->mtime;
    }
    return know(dest, path, dir);
}

/* Makes the directory as it is below. */
static int copy_up(struct cb_dest *dest, const char *path, struct cb_error **err)
{
    cb_autofree char *xattrs = NULL;
    cb_autofd int fd = -1;
    struct cb_dir_look look = {0};
    struct stat st;

    if (cb_fs_open_in_root(dest->lower_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
                           &fd, err) < 0)
        return -1;
    if (fstat(fd, &st) < 0)
        return cb_error_errno(err, errno, "stat `/%s`", path);
    look.mode = st.st_mode;
    look.owner = (struct cb_owner){st.st_uid, st.st_gid};
    look.mtime = st.st_mtim;
    cb_content_xattrs_read(fd, &xattrs, &look.xattrs_len);
    look.xattrs = xattrs;
    record(dest, path, (struct dest_dir){.copied_up = 1}, &look);
    return apply_look(dest, path, &look, err);
}

static int non_directory(const char *path, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_EXISTS, "cannot copy to non-directory: /%s", path);
}

/* 1: made, 0: a directory is there already (the merged tree shows those below). */
static int make(struct cb_dest *dest, const char *path, struct cb_error **err)
{
    struct stat st;

    if (mkdirat(dest->fd, path, 0700) == 0)
        return 1;
    if (errno != EEXIST)
        return cb_error_errno(err, errno, "make directory `/%s`", path);
    if (fstatat(dest->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return cb_error_errno(err, errno, "stat `/%s`", path);
    return S_ISDIR(st.st_mode) ? 0 : non_directory(path, err);
}

/* Makes PATH known. *LOOKS_RIGHT: it looks as LOOK says. */
static int establish(struct cb_dest *dest, const char *path,
                     const struct cb_dir_look *look, int *looks_right,
                     struct cb_error **err)
{
    struct dest_dir *parent;
    struct stat below;
    int is_below = lookup_below(dest, path, &below, err), made;

    *looks_right = 0;
    if (is_below < 0)
        return -1;
    if (is_below && !S_ISDIR(below.st_mode))
        return non_directory(path, err);
    made = make(dest, path, err);
    if (made < 0)
        return -1;
    if (is_below)
        return copy_up(dest, path, err);
    if (!made) {
        record(dest, path, (struct dest_dir){0}, NULL);
        return 0;
    }
    parent = parent_of(dest, path);
    if (parent)
        parent->changed = 1;
    record(dest, path, (struct dest_dir){.fresh = 1}, look);
    *looks_right = 1;
    return apply_look(dest, path, look, err);
}

static int set_mode(struct cb_dest *dest, const char *path, mode_t mode,
                    struct cb_error **err)
{
    if (fchmodat(dest->fd, nonempty(path), mode & 07777, 0) < 0)
        return cb_error_errno(err, errno, "set mode of `/%s`", path);
    return 0;
}

int cb_dest_dir(struct cb_dest *dest, const char *path, const struct cb_dir_look *look,
                enum cb_dir_there there, struct cb_error **err)
{
    struct dest_dir *dir = cb_map_get(dest->dirs, path);
    int known = dir != NULL, looks_right = 0;

    if (!dir && establish(dest, path, look, &looks_right, err) < 0)
        return -1;
    if (there == CB_DIR_KEEP || looks_right)
        return 0;
    if (there == CB_DIR_MODE)
        return known ? 0 : set_mode(dest, path, look->passed_mode, err);
    dir = cb_map_get(dest->dirs, path);
    dir->timed = 1;
    dir->copied_up = 0;
    dir->mtime = look->mtime;
    return apply_look(dest, path, look, err);
}

int cb_dest_dirs(struct cb_dest *dest, const char *path, const struct cb_owner *owner,
                 mode_t mode, struct cb_error **err)
{
    struct cb_dir_look look = {.mode = mode, .owner = *owner, .mtime = dest->now};

    if (!*path || cb_map_has(dest->dirs, path))
        return 0;
    for (size_t len = 1;; len++) {
        cb_autofree char *part = NULL;

        if (path[len] != '/' && path[len] != '\0')
            continue;
        part = xstrndup(path, len);
        if (cb_dest_dir(dest, part, &look, CB_DIR_KEEP, err) < 0)
            return -1;
        if (path[len] == '\0')
            return 0;
    }
}

/* ── Files ── */

static int over_directory(const char *path, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_EXISTS,
                        "cannot replace the directory /%s with a file", path);
}

int cb_dest_expect_file(struct cb_dest *dest, const char *path, struct cb_error **err)
{
    struct dest_dir *parent = parent_of(dest, path);
    struct stat st;
    int there = lookup_below(dest, path, &st, err);

    if (there < 0)
        return -1;
    if (there && S_ISDIR(st.st_mode))
        return over_directory(path, err);
    if (parent)
        parent->changed = 1;
    return 0;
}

int cb_dest_make_room(const struct cb_dest *dest, const char *path, struct cb_error **err)
{
    if (unlinkat(dest->fd, path, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno == EISDIR)
        return over_directory(path, err);
    return cb_error_errno(err, errno, "replace `/%s`", path);
}

static int create_new(const struct cb_dest *dest, const char *path, int *fd,
                      struct cb_error **err)
{
    return cb_fs_open_in_root(dest->fd, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
                              0600, fd, err);
}

int cb_dest_create(const struct cb_dest *dest, const char *path, int *fd,
                   struct cb_error **err)
{
    cb_auto(cb_error) cause = NULL;

    if (create_new(dest, path, fd, &cause) == 0)
        return 0;
    if (cb_error_kind(cause) != CB_ERR_EXISTS)
        return cb_error_move(err, &cause);
    if (cb_dest_make_room(dest, path, err) < 0)
        return -1;
    return create_new(dest, path, fd, err);
}
