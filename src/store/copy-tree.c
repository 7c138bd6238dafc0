/* A plain recursive copy by descriptors. Hard links become copies: what is seeded this
 * way is a cache, whose files are replaced rather than rewritten. */
#include "store/copy-tree.h"

#include "base/fs.h"
#include "store/walk.h"
#include "store/xattr.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

struct copy {
    int to_fd;
};

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

static int copy_directory(const struct copy *copy, const struct cb_walk_entry *from,
                          struct cb_error **err)
{
    cb_autofd int fd = -1;

    if (mkdirat(copy->to_fd, from->path, 0700) < 0)
        return cb_error_errno(err, errno, "mkdir `%s`", from->path);
    fd = openat(copy->to_fd, from->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return cb_error_errno(err, errno, "open `%s`", from->path);
    return finish_open(from, fd, err);
}

static int copy_link(const struct copy *copy, const struct cb_walk_entry *from,
                     struct cb_error **err)
{
    char target[PATH_MAX];
    ssize_t len = readlinkat(from->dir_fd, from->name, target, sizeof(target) - 1);

    if (len < 0)
        return cb_error_errno(err, errno, "read link `%s`", from->path);
    target[len] = '\0';
    if (symlinkat(target, copy->to_fd, from->path) < 0 ||
        fchownat(copy->to_fd, from->path, from->st.st_uid, from->st.st_gid,
                 AT_SYMLINK_NOFOLLOW) < 0)
        return cb_error_errno(err, errno, "make link `%s`", from->path);
    return 0;
}

static int copy_entry(void *arg, const struct cb_walk_entry *from, struct cb_error **err)
{
    const struct copy *copy = arg;

    switch (from->st.st_mode & S_IFMT) {
    case S_IFREG:
        return copy_file(copy, from, err);
    case S_IFDIR:
        return copy_directory(copy, from, err);
    case S_IFLNK:
        return copy_link(copy, from, err);
    default:
        return 0; /* devices, pipes and sockets are nothing a cache holds */
    }
}

int cb_copy_tree(int from_fd, int to_fd, struct cb_cancel *cancel, struct cb_error **err)
{
    struct copy copy = {.to_fd = to_fd};

    return cb_walk(from_fd, copy_entry, &copy, cancel, err);
}
