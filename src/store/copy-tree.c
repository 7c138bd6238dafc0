/* A plain recursive copy by descriptors, of files or of names. When files are copied for
 * a cache, hard links become copies: its files are replaced rather than rewritten. A
 * whole tree keeps them. When names are copied, every file is shared with the tree it
 * comes from: for trees that nobody writes to. One that cannot have that many names more
 * is copied, once for all of its names. */
#include "store/copy-tree.h"

#include "base/fs.h"
#include "base/map.h"
#include "base/vec.h"
#include "store/walk.h"
#include "store/xattr.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

struct made_directory {
    char *path;
    struct timespec times[2];
};

struct copy {
    int to_fd;
    int share;            /* files get another name instead of being copied */
    int whole;            /* with hard links and special files */
    struct cb_map *links; /* inode → path of its first name; NULL: they do not matter */
    CB_VEC(struct made_directory) made; /* their times come last */
};

static void copy_clear(struct copy *copy)
{
    cb_vec_foreach (directory, &copy->made)
        free(directory->path);
    cb_vec_free(&copy->made);
    cb_map_free(copy->links);
}
CB_AUTO_VALUE_DEFINE(copy, copy_clear)

static int copy_xattrs(const struct cb_walk_entry *from, int fd, const char *path,
                       struct cb_error **err)
{
    cb_auto_value(cb_xattrs) xattrs = {0};

    if (cb_xattrs_read(-1, from->dir_fd, from->name, &xattrs, err) < 0)
        return -1;
    cb_vec_foreach (xattr, &xattrs) {
        if (cb_xattr_set(fd, path, xattr, err) < 0)
            return -1;
    }
    return 0;
}

static int finish_open(const struct cb_walk_entry *from, int fd, struct cb_error **err)
{
    struct timespec times[2] = {from->st.st_atim, from->st.st_mtim};

    if (fchown(fd, from->st.st_uid, from->st.st_gid) < 0 ||
        fchmod(fd, from->st.st_mode & 07777) < 0)
        return cb_error_errno(err, errno, "copy metadata of `%s`", from->path);
    if (copy_xattrs(from, fd, NULL, err) < 0)
        return -1;
    if (futimens(fd, times) < 0)
        return cb_error_errno(err, errno, "copy times of `%s`", from->path);
    return 0;
}

static int copy_file(const struct copy *copy, const struct cb_walk_entry *from,
                     struct cb_error **err)
{
    cb_autofd int in =
        openat(from->dir_fd, from->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    cb_autofd int out =
        openat(copy->to_fd, from->path,
               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (in < 0 || out < 0)
        return cb_error_errno(err, errno, "copy `%s`", from->path);
    if (cb_fs_copy_data(in, out, -1, err) < 0)
        return -1;
    return finish_open(from, out, err);
}

static int copy_directory(struct copy *copy, const struct cb_walk_entry *from,
                          struct cb_error **err)
{
    struct made_directory made = {.times = {from->st.st_atim, from->st.st_mtim}};
    cb_autofd int fd = -1;

    if (mkdirat(copy->to_fd, from->path, 0700) < 0)
        return cb_error_errno(err, errno, "mkdir `%s`", from->path);
    fd = openat(copy->to_fd, from->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return cb_error_errno(err, errno, "open `%s`", from->path);
    made.path = xstrdup(from->path);
    cb_vec_push(&copy->made, made);
    return finish_open(from, fd, err);
}

static int set_times(const struct copy *copy, struct cb_error **err)
{
    cb_vec_foreach (made, &copy->made) {
        if (utimensat(copy->to_fd, made->path, made->times, AT_SYMLINK_NOFOLLOW) < 0)
            return cb_error_errno(err, errno, "copy times of `%s`", made->path);
    }
    return 0;
}

static int copy_link(const struct copy *copy, const struct cb_walk_entry *from,
                     struct cb_error **err)
{
    struct timespec times[2] = {from->st.st_atim, from->st.st_mtim};
    char target[PATH_MAX];
    ssize_t len = readlinkat(from->dir_fd, from->name, target, sizeof(target) - 1);

    if (len < 0)
        return cb_error_errno(err, errno, "read link `%s`", from->path);
    target[len] = '\0';
    if (symlinkat(target, copy->to_fd, from->path) < 0 ||
        fchownat(copy->to_fd, from->path, from->st.st_uid, from->st.st_gid,
                 AT_SYMLINK_NOFOLLOW) < 0 ||
        utimensat(copy->to_fd, from->path, times, AT_SYMLINK_NOFOLLOW) < 0)
        return cb_error_errno(err, errno, "make link `%s`", from->path);
    return 0;
}

/* 1: it has another name, 0: it cannot have one. */
static int share_file(const struct copy *copy, const struct cb_walk_entry *from,
                      struct cb_error **err)
{
    mode_t type = from->st.st_mode & S_IFMT;

    if (from->st.st_nlink > CB_SHARED_NAMES_MAX && type == S_IFREG)
        return 0;
    if (linkat(from->dir_fd, from->name, copy->to_fd, from->path, 0) == 0)
        return 1;
    if ((errno == EMLINK || errno == EPERM) && (type == S_IFREG || type == S_IFLNK))
        return 0;
    return cb_error_errno(err, errno, "link `%s`", from->path);
}

static int copy_node(const struct copy *copy, const struct cb_walk_entry *from,
                     struct cb_error **err)
{
    struct timespec times[2] = {from->st.st_atim, from->st.st_mtim};

    if (mknodat(copy->to_fd, from->path, (from->st.st_mode & S_IFMT) | 0600,
                from->st.st_rdev) < 0)
        return errno == EPERM ? 0 : cb_error_errno(err, errno, "create `%s`", from->path);
    if (fchownat(copy->to_fd, from->path, from->st.st_uid, from->st.st_gid,
                 AT_SYMLINK_NOFOLLOW) < 0 ||
        fchmodat(copy->to_fd, from->path, from->st.st_mode & 07777, 0) < 0 ||
        utimensat(copy->to_fd, from->path, times, AT_SYMLINK_NOFOLLOW) < 0)
        return cb_error_errno(err, errno, "copy metadata of `%s`", from->path);
    return 0;
}

/* 1: it is there by another name already. */
static int link_again(struct copy *copy, const struct cb_walk_entry *from,
                      struct cb_error **err)
{
    char key[CB_INODE_KEY_MAX];
    const char *first;

    if (!copy->links || from->st.st_nlink < 2)
        return 0;
    cb_inode_key(key, from->st.st_dev, from->st.st_ino);
    first = cb_map_get(copy->links, key);
    if (!first) {
        cb_map_set(copy->links, key, xstrdup(from->path));
        return 0;
    }
    /* What could not be made the first time, or has too many names, is made anew. */
    if (linkat(copy->to_fd, first, copy->to_fd, from->path, 0) == 0)
        return 1;
    return errno == EMLINK || errno == ENOENT || errno == EPERM
               ? 0
               : cb_error_errno(err, errno, "link `%s`", from->path);
}

static int copy_entry(void *arg, const struct cb_walk_entry *from, struct cb_error **err)
{
    struct copy *copy = arg;

    if (copy->share && !S_ISDIR(from->st.st_mode)) {
        int shared = share_file(copy, from, err);

        if (shared != 0)
            return shared < 0 ? -1 : 0;
    }
    if (!S_ISDIR(from->st.st_mode)) {
        int linked = link_again(copy, from, err);

        if (linked != 0)
            return linked < 0 ? -1 : 0;
    }
    switch (from->st.st_mode & S_IFMT) {
    case S_IFREG:
        return copy_file(copy, from, err);
    case S_IFDIR:
        return copy_directory(copy, from, err);
    case S_IFLNK:
        return copy_link(copy, from, err);
    case S_IFSOCK:
        return 0;
    default: /* devices and pipes are nothing a cache holds */
        return copy->whole ? copy_node(copy, from, err) : 0;
    }
}

static int copy_all(struct copy *copy, int from_fd, struct cb_cancel *cancel,
                    struct cb_error **err)
{
    if (cb_walk(from_fd, copy_entry, copy, cancel, err) < 0)
        return -1;
    return set_times(copy, err);
}

int cb_copy_tree(int from_fd, int to_fd, struct cb_cancel *cancel, struct cb_error **err)
{
    cb_auto_value(copy) copy = {.to_fd = to_fd};

    return copy_all(&copy, from_fd, cancel, err);
}

int cb_share_tree(int from_fd, int to_fd, struct cb_cancel *cancel, struct cb_error **err)
{
    cb_auto_value(copy) copy = {.to_fd = to_fd, .share = 1};

    copy.links = cb_map_new(free);
    return copy_all(&copy, from_fd, cancel, err);
}

int cb_copy_looks(int from_fd, int to_fd, struct cb_error **err)
{
    struct cb_walk_entry top = {.path = ".", .name = ".", .dir_fd = from_fd};

    if (fstat(from_fd, &top.st) < 0)
        return cb_error_errno(err, errno, "stat a directory");
    return finish_open(&top, to_fd, err);
}

int cb_copy_tree_whole(int from_fd, int to_fd, struct cb_cancel *cancel,
                       struct cb_error **err)
{
    cb_auto_value(copy) copy = {.to_fd = to_fd, .whole = 1};

    copy.links = cb_map_new(free);
    if (copy_all(&copy, from_fd, cancel, err) < 0)
        return -1;
    return cb_copy_looks(from_fd, to_fd, err);
}

int cb_copy_entry(const struct cb_walk_entry *from, int to_fd, struct cb_error **err)
{
    cb_auto_value(copy) copy = {.to_fd = to_fd, .whole = 1};

    copy.links = cb_map_new(free);
    return copy_entry(&copy, from, err);
}
