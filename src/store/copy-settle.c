/* What has another inode or ctime than it had has changed: nothing is read. One kind of
 * change is none: a file loses a name and its others' ctimes change with that. Such a
 * file is compared with what it was copied from. */
#include "store/copy-settle.h"

#include "base/fs.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "store/copy-record.h"
#include "store/layer-file.h"
#include "store/whiteout.h"
#include "store/xattr.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct made_directory {
    char *path;
    struct timespec times[2];
};

struct settle {
    int tree_fd, below_fd, to_fd;
    struct cb_map *records;
    struct cb_map *there;               /* directories in TO_FD */
    CB_VEC(struct made_directory) made; /* their times come last */
};

static void settle_clear(struct settle *settle)
{
    cb_vec_foreach (made, &settle->made)
        free(made->path);
    cb_vec_free(&settle->made);
    cb_map_free(settle->there);
}
CB_AUTO_VALUE_DEFINE(settle, settle_clear)

/* ── Directories ── */

static int copy_looks(int from, int to, const char *path, struct stat *st,
                      struct cb_error **err)
{
    cb_auto_value(cb_xattrs) xattrs = {0};

    if (fstat(from, st) < 0 || fchown(to, st->st_uid, st->st_gid) < 0 ||
        fchmod(to, st->st_mode & 07777) < 0)
        return cb_error_errno(err, errno, "copy metadata of `%s`", path);
    if (cb_xattrs_read(from, -1, path, &xattrs, err) < 0)
        return -1;
    cb_vec_foreach (xattr, &xattrs) {
        if (cb_xattr_set(to, NULL, xattr, err) < 0)
            return -1;
    }
    return 0;
}

static int make_directory(struct settle *settle, const char *path, struct cb_error **err)
{
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    cb_autofd int from = openat(settle->tree_fd, path, flags);
    struct made_directory made = {.path = NULL};
    cb_autofd int to = -1;
    struct stat st;

    if (cb_map_has(settle->there, path))
        return 0;
    if (from < 0 || mkdirat(settle->to_fd, path, 0700) < 0)
        return cb_error_errno(err, errno, "mkdir `%s`", path);
    to = openat(settle->to_fd, path, flags);
    if (to < 0)
        return cb_error_errno(err, errno, "open `%s`", path);
    if (copy_looks(from, to, path, &st, err) < 0)
        return -1;
    cb_map_set(settle->there, path, settle);
    made.path = xstrdup(path);
    made.times[0] = st.st_atim;
    made.times[1] = st.st_mtim;
    cb_vec_push(&settle->made, made);
    return 0;
}

/* Those above PATH, as overlay copies them up. */
static int make_parents(struct settle *settle, const char *path, struct cb_error **err)
{
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        cb_autofree char *parent = xstrndup(path, (size_t)(slash - path));

        if (make_directory(settle, parent, err) < 0)
            return -1;
    }
    return 0;
}

static int make_opaque(struct settle *settle, const char *path, struct cb_error **err)
{
    cb_autofd int fd =
        openat(settle->to_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return cb_error_errno(err, errno, "open `%s`", path);
    return cb_whiteout_make_opaque(fd, err);
}

/* ── Entries ── */

static int put_directory(struct settle *settle, const struct cb_walk_entry *at,
                         struct cb_copy_record *record, struct cb_error **err)
{
    if (record && cb_copy_record_is_same_directory(record, at)) {
        record->kept = 1;
        if (cb_copy_record_is_untouched(record, at))
            return 0;
    }
    if (make_parents(settle, at->path, err) < 0 ||
        make_directory(settle, at->path, err) < 0)
        return -1;
    return record && !record->kept && S_ISDIR(record->mode)
               ? make_opaque(settle, at->path, err)
               : 0;
}

static int same_xattrs(int one_fd, int two_fd, const char *path)
{
    cb_auto_value(cb_xattrs) one = {0};
    cb_auto_value(cb_xattrs) two = {0};
    cb_auto_value(cb_strbuf) one_text = {0};
    cb_auto_value(cb_strbuf) two_text = {0};

    if (cb_xattrs_read(one_fd, -1, path, &one, NULL) < 0 ||
        cb_xattrs_read(two_fd, -1, path, &two, NULL) < 0)
        return 0;
    cb_xattrs_identity(&one, &one_text);
    cb_xattrs_identity(&two, &two_text);
    return one_text.len == two_text.len &&
           memcmp(cb_strbuf_text(&one_text), cb_strbuf_text(&two_text), one_text.len) ==
               0;
}

/* Has it only lost a name? */
static int is_as_below(const struct settle *settle, const struct cb_walk_entry *at,
                       const struct cb_copy_record *record)
{
    int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    cb_autofd int own = -1, below = -1;
    struct stat st;

    if (record->ino != at->st.st_ino || record->nlink <= at->st.st_nlink ||
        !S_ISREG(at->st.st_mode))
        return 0;
    own = openat(at->dir_fd, at->name, flags);
    below = openat(settle->below_fd, at->path, flags);
    return own >= 0 && below >= 0 && fstat(below, &st) == 0 &&
           st.st_mode == at->st.st_mode && st.st_uid == at->st.st_uid &&
           st.st_gid == at->st.st_gid && st.st_size == at->st.st_size &&
           st.st_mtim.tv_sec == at->st.st_mtim.tv_sec &&
           st.st_mtim.tv_nsec == at->st.st_mtim.tv_nsec &&
           same_xattrs(own, below, at->path) && cb_same_content(own, below);
}

static int put_file(struct settle *settle, const struct cb_walk_entry *at,
                    const struct cb_copy_record *record, struct cb_error **err)
{
    if (record &&
        (cb_copy_record_is_untouched(record, at) || is_as_below(settle, at, record)))
        return 0;
    if (make_parents(settle, at->path, err) < 0)
        return -1;
    if (linkat(at->dir_fd, at->name, settle->to_fd, at->path, 0) < 0 && errno != ENOENT)
        return cb_error_errno(err, errno, "link `%s`", at->path);
    return 0;
}

static int visit(void *arg, const struct cb_walk_entry *at, struct cb_error **err)
{
    struct settle *settle = arg;
    struct cb_copy_record *record = cb_map_get(settle->records, at->path);

    if (record)
        record->seen = 1;
    if (S_ISSOCK(at->st.st_mode))
        return 0; /* nothing a layer holds */
    if (S_ISDIR(at->st.st_mode))
        return put_directory(settle, at, record, err);
    return put_file(settle, at, record, err);
}

/* ── What is gone ── */

static int parent_is_kept(const struct settle *settle, const char *path)
{
    const char *slash = strrchr(path, '/');
    cb_autofree char *parent = slash ? xstrndup(path, (size_t)(slash - path)) : NULL;
    const struct cb_copy_record *record;

    if (!parent)
        return 1;
    record = cb_map_get(settle->records, parent);
    return record && record->seen && record->kept;
}

static int put_whiteouts(struct settle *settle, struct cb_error **err)
{
    size_t position = 0;
    const char *path;
    void *value;

    while (cb_map_next(settle->records, &position, &path, &value)) {
        const struct cb_copy_record *record = value;

        if (record->seen || !parent_is_kept(settle, path))
            continue;
        if (make_parents(settle, path, err) < 0 ||
            cb_whiteout_make(settle->to_fd, path, err) < 0)
            return -1;
    }
    return 0;
}

static int finish(struct settle *settle, struct cb_error **err)
{
    struct timespec times[2];
    struct stat st;

    cb_vec_foreach (made, &settle->made) {
        if (utimensat(settle->to_fd, made->path, made->times, AT_SYMLINK_NOFOLLOW) < 0)
            return cb_error_errno(err, errno, "set the time of `%s`", made->path);
    }
    if (copy_looks(settle->tree_fd, settle->to_fd, "/", &st, err) < 0)
        return -1;
    times[0] = st.st_atim;
    times[1] = st.st_mtim;
    if (futimens(settle->to_fd, times) < 0)
        return cb_error_errno(err, errno, "set the time of `/`");
    return 0;
}

int cb_copy_settle(int tree_fd, struct cb_map *records, int below_fd, int to_fd,
                   struct cb_error **err)
{
    cb_auto_value(settle) settle = {
        .tree_fd = tree_fd, .below_fd = below_fd, .to_fd = to_fd, .records = records};

    settle.there = cb_map_new(NULL);
    if (cb_walk_changing(tree_fd, visit, &settle, NULL, err) < 0 ||
        put_whiteouts(&settle, err) < 0)
        return -1;
    return finish(&settle, err);
}
