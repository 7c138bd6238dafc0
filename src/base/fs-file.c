/* Reading, writing and listing by descriptor. */
#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#define READ_BYTES 65536

int cb_fs_read_fd(int fd, size_t max, struct cb_strbuf *out, struct cb_error **err)
{
    size_t before = out->len;
    struct stat st;

    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
        (uint64_t)st.st_size <= max)
        cb_strbuf_reserve(out, (size_t)st.st_size + 1);
    for (;;) {
        size_t room = max - (out->len - before);
        ssize_t got;

        cb_strbuf_reserve(out, 1);
        if (out->capacity - out->len < 2048 && out->len - before >= READ_BYTES)
            cb_strbuf_reserve(out, READ_BYTES);
        /* One byte more than allowed tells a full file from a too large one. */
        if (room >= out->capacity - out->len - 1)
            room = out->capacity - out->len - 1;
        else
            room++;
        got = read(fd, out->text + out->len, room);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int saved = errno;

            cb_strbuf_truncate(out, before);
            return cb_error_errno(err, saved, "read");
        }
        if (got == 0)
            return 0;
        out->len += (size_t)got;
        out->text[out->len] = '\0';
        if (out->len - before > max) {
            cb_strbuf_truncate(out, before);
            return cb_error_set(err, CB_ERR_INTEGRITY, "larger than %zu bytes", max);
        }
    }
}

static int read_regular(int fd, const char *path, size_t max, struct cb_strbuf *out,
                        struct cb_error **err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return cb_error_errno(err, errno, "stat `%s`", path);
    if (S_ISDIR(st.st_mode))
        return cb_error_errno(err, EISDIR, "read `%s`", path);
    if (!S_ISREG(st.st_mode))
        return cb_error_set(err, CB_ERR_INTEGRITY, "read `%s`: not a regular file", path);
    if (st.st_size > 0 && (uint64_t)st.st_size > max)
        return cb_error_set(err, CB_ERR_INTEGRITY, "`%s`: larger than %zu bytes", path,
                            max);
    if (cb_fs_read_fd(fd, max, out, err) < 0)
        return cb_error_wrap(err, "`%s`", path);
    return 0;
}

int cb_fs_read_file(int dir_fd, const char *path, size_t max, struct cb_strbuf *out,
                    struct cb_error **err)
{
    cb_autofd int fd = openat(dir_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0)
        return cb_error_errno(err, errno, "open `%s`", path);
    return read_regular(fd, path, max, out, err);
}

/* One without a name, which somebody had opened before it was passed to us. */
static int is_open_pipe(int fd)
{
    struct statfs fs;

    return fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC;
}

static int is_null_device(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

int cb_fs_read_given(const char *path, size_t max, struct cb_strbuf *out,
                     struct cb_error **err)
{
    cb_autofd int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0)
        return cb_error_errno(err, errno, "open `%s`", path);
    if (is_null_device(fd))
        return 0;
    if (!is_open_pipe(fd))
        return read_regular(fd, path, max, out, err);
    if (fcntl(fd, F_SETFL, 0) < 0 || cb_fs_read_fd(fd, max, out, err) < 0)
        return cb_error_wrap(err, "`%s`", path);
    return 0;
}

int cb_fs_read_in_root(int root_fd, const char *path, size_t max, struct cb_strbuf *out,
                       struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;
    cb_autofd int fd = -1;

    if (cb_fs_open_in_root(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, &fd,
                           &error) < 0) {
        if (cb_error_errnum(error) == ENOENT || cb_error_errnum(error) == ENOTDIR)
            return 0;
        return cb_error_move(err, &error);
    }
    return read_regular(fd, path, max, out, err) < 0 ? -1 : 1;
}

int cb_fs_write_all(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len > 0) {
        ssize_t wrote = write(fd, at, len);

        if (wrote < 0 && errno == EAGAIN) {
            struct pollfd wait = {.fd = fd, .events = POLLOUT};

            poll(&wait, 1, -1);
            continue;
        }
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return -1;
        at += wrote;
        len -= (size_t)wrote;
    }
    return 0;
}

int cb_fs_write_all_at(int fd, const void *bytes, size_t len, int64_t offset)
{
    const char *at = bytes;

    while (len > 0) {
        ssize_t wrote = pwrite(fd, at, len, offset);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return -1;
        at += wrote;
        len -= (size_t)wrote;
        offset += wrote;
    }
    return 0;
}

int cb_fs_close_written(int *fd)
{
    int closing = *fd;

    *fd = -1;
    return close(closing) < 0 && errno != EINTR ? -1 : 0;
}

void cb_fs_write_in_place(int fd)
{
    int attributes;

    if (ioctl(fd, FS_IOC_GETFLAGS, &attributes) < 0)
        return;
    attributes |= FS_NOCOW_FL;
    ioctl(fd, FS_IOC_SETFLAGS, &attributes);
}

static void close_directory(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int cb_fs_list(int dir_fd, struct cb_strings *names, struct cb_error **err)
{
    __attribute__((cleanup(close_directory))) DIR *dir = NULL;
    cb_auto_value(cb_strings) found = {0};
    cb_autofd int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct dirent *entry;

    if (fd < 0 || !(dir = fdopendir(fd)))
        return cb_error_errno(err, errno, "open directory");
    cb_steal_fd(&fd);
    for (errno = 0; (entry = readdir(dir)); errno = 0) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            cb_strings_add(&found, entry->d_name);
    }
    if (errno)
        return cb_error_errno(err, errno, "read directory");
    if (found.count)
        qsort(found.items, found.count, sizeof(*found.items), compare_names);
    cb_vec_foreach (name, &found) {
        cb_strings_take(names, cb_steal(name));
    }
    return 0;
}

void cb_inode_key(char key[CB_INODE_KEY_MAX], dev_t dev, ino_t ino)
{
    snprintf(key, CB_INODE_KEY_MAX, "%llx:%llx", (unsigned long long)dev,
             (unsigned long long)ino);
}

int cb_fs_open_regular(int dir_fd, const char *name, struct stat *st, int *fd,
                       struct cb_error **err)
{
    cb_autofd int path = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    if (path < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (path < 0 || fstat(path, st) < 0)
        return cb_error_errno(err, errno, "open `%s`", name);
    if (!S_ISREG(st->st_mode))
        return 0;
    *fd = open(cb_fd_path(path).text, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    return *fd < 0 ? cb_error_errno(err, errno, "open `%s`", name) : 1;
}

struct cb_fd_path cb_fd_path(int fd)
{
    struct cb_fd_path path;

    snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
    return path;
}

int cb_fs_is_of_kernel(int fd)
{
    static const long kinds[] = {PROC_SUPER_MAGIC,    SYSFS_MAGIC,   CGROUP_SUPER_MAGIC,
                                 CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC,
                                 SECURITYFS_MAGIC,    BPF_FS_MAGIC,  BINFMTFS_MAGIC,
                                 DEVPTS_SUPER_MAGIC};
    struct statfs fs;

    if (fstatfs(fd, &fs) < 0)
        return 0;
    for (size_t i = 0; i < CB_ARRAY_SIZE(kinds); i++) {
        if ((long)fs.f_type == kinds[i])
            return 1;
    }
    return 0;
}
