/* Publishing a file. The parent directory stays open from the first step to the last, so
 * that both names mean the same place however the tree above changes. */
#include "base/atomic-file.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

struct cb_atomic_file {
    int dir_fd;
    int fd;
    char *name;
    char *temporary;
};

static void free_file(struct cb_atomic_file *file)
{
    cb_close(&file->fd);
    cb_close(&file->dir_fd);
    free(file->name);
    free(file->temporary);
    free(file);
}

void cb_atomic_file_discard(struct cb_atomic_file *file)
{
    if (!file)
        return;
    if (file->temporary)
        unlinkat(file->dir_fd, file->temporary, 0);
    free_file(file);
}

static int open_parent(int dir_fd, const char *path)
{
    const char *slash = strrchr(path, '/');
    cb_autofree char *parent = NULL;

    if (slash)
        parent = xstrndup(path, (size_t)(slash - path) + 1);
    return openat(dir_fd, parent ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int create_temporary(struct cb_atomic_file *file, mode_t mode)
{
    do {
        cb_autofree char *temporary = NULL;
        uint64_t number = (uintptr_t)file;

        if (getrandom(&number, sizeof(number), 0) < 0 && errno != ENOSYS)
            return -1;
        temporary = xasprintf(".%.200s.%016" PRIx64 ".tmp", file->name, number);
        file->fd = openat(file->dir_fd, temporary,
                          O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (file->fd >= 0)
            file->temporary = cb_steal(&temporary);
    } while (file->fd < 0 && errno == EEXIST);
    return file->fd < 0 ? -1 : fchmod(file->fd, mode);
}

int cb_atomic_file_open(struct cb_atomic_file **out, int dir_fd, const char *name,
                        mode_t mode, struct cb_error **err)
{
    cb_auto(cb_atomic_file) file = xcalloc(1, sizeof(*file));
    const char *slash = strrchr(name, '/');

    file->fd = -1;
    file->name = xstrdup(slash ? slash + 1 : name);
    file->dir_fd = open_parent(dir_fd, name);
    if (file->dir_fd < 0 || create_temporary(file, mode) < 0)
        return cb_error_errno(err, errno, "create `%s`", name);
    *out = cb_steal(&file);
    return 0;
}

int cb_atomic_file_fd(const struct cb_atomic_file *file)
{
    return file->fd;
}

int cb_atomic_file_commit(struct cb_atomic_file **slot, int sync, struct cb_error **err)
{
    struct cb_atomic_file *file = *slot;

    if (sync == CB_FILE_STARTED)
        sync_file_range(file->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    else if (sync && fsync(file->fd) < 0)
        return cb_error_errno(err, errno, "sync `%s`", file->name);
    if (cb_fs_close_written(&file->fd) < 0)
        return cb_error_errno(err, errno, "write `%s`", file->name);
    if (renameat(file->dir_fd, file->temporary, file->dir_fd, file->name) < 0)
        return cb_error_errno(err, errno, "rename to `%s`", file->name);
    *slot = NULL;
    if (sync == CB_FILE_SYNCED && fsync(file->dir_fd) < 0) {
        cb_error_errno(err, errno, "sync the directory of `%s`", file->name);
        free_file(file);
        return -1;
    }
    free_file(file);
    return 0;
}

int cb_atomic_file_write(int dir_fd, const char *name, const void *bytes, size_t len,
                         mode_t mode, int sync, struct cb_error **err)
{
    cb_auto(cb_atomic_file) file = NULL;

    if (cb_atomic_file_open(&file, dir_fd, name, mode, err) < 0)
        return -1;
    if (cb_fs_write_all(file->fd, bytes, len) < 0)
        return cb_error_errno(err, errno, "write `%s`", name);
    return cb_atomic_file_commit(&file, sync, err);
}
