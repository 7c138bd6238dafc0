/* One of an atomic file, an opened special file, and standard output. */
#include "base/out-file.h"

#include "base/atomic-file.h"
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct cb_out_file {
    struct cb_atomic_file *file; /* or NULL */
    int special;                 /* or -1 */
};

void cb_out_file_discard(struct cb_out_file *file)
{
    if (!file)
        return;
    cb_atomic_file_discard(file->file);
    cb_close(&file->special);
    free(file);
}

/* One of our own three files: /dev/stdout is a link, which must not be replaced. */
static int own_fd(const struct stat *st)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        struct stat own;

        if (fstat(fd, &own) == 0 && own.st_dev == st->st_dev && own.st_ino == st->st_ino)
            return fd;
    }
    return -1;
}

int cb_out_file_is_plain(const char *path)
{
    struct stat st;

    return stat(path, &st) < 0 || (S_ISREG(st.st_mode) && own_fd(&st) < 0);
}

/* A new description of a redirected file would begin at its first byte again. */
static int open_special(const char *path, struct cb_error **err)
{
    struct stat st;
    int own = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? own_fd(&st) : -1;
    int fd = own >= 0 ? fcntl(own, F_DUPFD_CLOEXEC, 3) : open(path, O_WRONLY | O_CLOEXEC);

    return fd < 0 ? cb_error_errno(err, errno, "open `%s`", path) : fd;
}

int cb_out_file_open(struct cb_out_file **out, const char *path, struct cb_error **err)
{
    cb_auto(cb_out_file) file = xcalloc(1, sizeof(*file));

    file->special = -1;
    if (strcmp(path, "-") != 0 && cb_out_file_is_plain(path)) {
        if (cb_atomic_file_open(&file->file, AT_FDCWD, path, 0644, err) < 0)
            return -1;
    } else if (strcmp(path, "-") != 0) {
        file->special = open_special(path, err);
        if (file->special < 0)
            return -1;
    }
    if (isatty(cb_out_file_fd(file))) {
        cb_error_set(err, CB_ERR_USAGE, "refusing to write an archive to a terminal");
        return cb_error_hint(err, "name a file, or redirect the output");
    }
    *out = cb_steal(&file);
    return 0;
}

int cb_out_file_fd(const struct cb_out_file *file)
{
    if (file->file)
        return cb_atomic_file_fd(file->file);
    return file->special >= 0 ? file->special : STDOUT_FILENO;
}

int cb_out_file_commit(struct cb_out_file **file, struct cb_error **err)
{
    struct cb_out_file *done = cb_steal(file);
    int result = done->file ? cb_atomic_file_commit(&done->file, 0, err) : 0;

    cb_out_file_discard(done);
    return result;
}

int cb_out_file_write(const char *path, const char *text, struct cb_error **err)
{
    cb_autofd int fd = -1;

    if (cb_out_file_is_plain(path))
        return cb_atomic_file_write(AT_FDCWD, path, text, strlen(text), 0644, 0, err);
    fd = open_special(path, err);
    if (fd < 0)
        return -1;
    if (cb_fs_write_all(fd, text, strlen(text)) < 0)
        return cb_error_errno(err, errno, "write `%s`", path);
    return 0;
}
