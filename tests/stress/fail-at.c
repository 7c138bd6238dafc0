/* For LD_PRELOAD: makes the Nth of the calls that take space on a disk fail, or kills the
 * process there.
 *
 *   CB_FAIL_AT=N      which call; 0: none, they are only counted
 *   CB_FAIL_ERRNO=E   what it fails with (default ENOSPC); 0: SIGKILL instead
 *   CB_FAIL_ONWARD=1  so do all that follow, as on a disk that is really full
 *   CB_FAIL_COUNT=F   a file of eight bytes that counts, for all processes together
 *
 * Only files count: pipes, sockets and terminals take no space. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static _Atomic long *calls;
static long at;
static int code = ENOSPC, onward;

__attribute__((constructor)) static void begin(void)
{
    const char *file = getenv("CB_FAIL_COUNT");
    int fd = file ? open(file, O_RDWR | O_CLOEXEC) : -1;

    if (fd < 0)
        return;
    calls = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (calls == MAP_FAILED)
        calls = NULL;
    at = atol(getenv("CB_FAIL_AT") ? getenv("CB_FAIL_AT") : "0");
    if (getenv("CB_FAIL_ERRNO"))
        code = atoi(getenv("CB_FAIL_ERRNO"));
    onward = getenv("CB_FAIL_ONWARD") != NULL;
}

/* Is this the one? */
static int fails(void)
{
    long now;

    if (!calls)
        return 0;
    now = atomic_fetch_add(calls, 1) + 1;
    if (!at || (onward ? now < at : now != at))
        return 0;
    if (!code) {
        kill(getpid(), SIGKILL);
        _exit(137); /* the first process of a namespace cannot kill itself */
    }
    errno = code;
    return 1;
}

static int is_file(int fd)
{
    struct stat st;
    int kept = errno;
    int result = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);

    errno = kept;
    return result;
}

#define REAL(name)                 \
    static __typeof__(name) *real; \
    if (!real)                     \
    real = (__typeof__(name) *)(intptr_t)dlsym(RTLD_NEXT, #name)
#define WRAP(type, name, condition, parameters, arguments)   \
    type name parameters                                     \
    {                                                        \
        REAL(name);                                          \
        return (condition) && fails() ? -1 : real arguments; \
    }

WRAP(ssize_t, write, is_file(fd), (int fd, const void *data, size_t len), (fd, data, len))
WRAP(ssize_t, pwrite, is_file(fd), (int fd, const void *data, size_t len, off_t pos),
     (fd, data, len, pos))
WRAP(ssize_t, pwrite64, is_file(fd), (int fd, const void *data, size_t len, off64_t pos),
     (fd, data, len, pos))
WRAP(ssize_t, writev, is_file(fd), (int fd, const struct iovec *data, int count),
     (fd, data, count))
WRAP(ssize_t, copy_file_range, 1,
     (int from, off64_t *from_pos, int to, off64_t *to_pos, size_t len, unsigned flags),
     (from, from_pos, to, to_pos, len, flags))
WRAP(int, fsync, 1, (int fd), (fd))
WRAP(int, fdatasync, 1, (int fd), (fd))
WRAP(int, syncfs, 1, (int fd), (fd))
WRAP(int, ftruncate, is_file(fd), (int fd, off_t len), (fd, len))
WRAP(int, ftruncate64, is_file(fd), (int fd, off64_t len), (fd, len))
WRAP(int, fallocate, 1, (int fd, int mode, off_t pos, off_t len), (fd, mode, pos, len))
WRAP(int, posix_fallocate, 1, (int fd, off_t pos, off_t len), (fd, pos, len))
WRAP(int, mkdir, 1, (const char *path, mode_t mode), (path, mode))
WRAP(int, mkdirat, 1, (int fd, const char *path, mode_t mode), (fd, path, mode))
WRAP(int, mknodat, 1, (int fd, const char *path, mode_t mode, dev_t dev),
     (fd, path, mode, dev))
WRAP(int, symlinkat, 1, (const char *target, int fd, const char *path),
     (target, fd, path))
WRAP(int, linkat, 1, (int from, const char *path, int to, const char *name, int flags),
     (from, path, to, name, flags))
WRAP(int, renameat, 1, (int from, const char *path, int to, const char *name),
     (from, path, to, name))
WRAP(int, renameat2, 1,
     (int from, const char *path, int to, const char *name, unsigned flags),
     (from, path, to, name, flags))
WRAP(int, fsetxattr, 1,
     (int fd, const char *name, const void *value, size_t len, int flags),
     (fd, name, value, len, flags))

/* Opening takes an inode when it makes a file. */
static int makes(int fd, const char *path, int flags)
{
    int kept = errno;
    int result =
        (flags & __O_TMPFILE) ||
        ((flags & O_CREAT) && faccessat(fd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0);

    errno = kept;
    return result;
}

#define WRAP_OPEN(name, directory, parameters, arguments)                      \
    int name parameters                                                        \
    {                                                                          \
        mode_t mode = 0;                                                       \
        va_list more;                                                          \
        REAL(name);                                                            \
        va_start(more, flags);                                                 \
        if (flags & (O_CREAT | __O_TMPFILE))                                   \
            mode = va_arg(more, mode_t);                                       \
        va_end(more);                                                          \
        return makes(directory, path, flags) && fails() ? -1 : real arguments; \
    }
WRAP_OPEN(open, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
WRAP_OPEN(open64, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
WRAP_OPEN(openat, fd, (int fd, const char *path, int flags, ...), (fd, path, flags, mode))
WRAP_OPEN(openat64, fd, (int fd, const char *path, int flags, ...),
          (fd, path, flags, mode))
