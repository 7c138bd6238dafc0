/* flock(2). The lock belongs to the open file, so it ends with its holder however that
 * ends. A holder may remove the file when done: whoever gets a lock checks that the name
 * still means this file, and otherwise starts again. flock cannot be waited for together
 * with a cancel token, so a cancellable wait asks again at growing intervals, during
 * which cancellation wakes it at once.
 *
 * flock cannot be asked about either, only tried, and whoever wants the lock in that
 * moment finds it busy. So holders put a record lock on the open file beside it, which
 * conflicts with nobody's and which F_OFD_GETLK tells of. */
#include "base/lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define LONGEST_PAUSE_MS 25

struct cb_lock {
    int fd;
    int dir_fd;
    char *name;
    enum cb_lock_mode mode;
};

static void free_lock(struct cb_lock *lock)
{
    cb_close(&lock->fd);
    if (lock->dir_fd != AT_FDCWD)
        cb_close(&lock->dir_fd);
    free(lock->name);
    free(lock);
}

void cb_lock_release(struct cb_lock *lock)
{
    if (!lock)
        return;
    /* A stale pid is only untidy, so failing to remove it is nothing. */
    if (lock->mode == CB_LOCK_EXCLUSIVE && ftruncate(lock->fd, 0) < 0)
        errno = 0;
    free_lock(lock);
}

void cb_lock_release_unlink(struct cb_lock *lock)
{
    if (!lock)
        return;
    if (lock->mode == CB_LOCK_EXCLUSIVE)
        unlinkat(lock->dir_fd, lock->name, 0);
    free_lock(lock);
}

static void write_holder(int fd)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());

    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)len, 0) < 0)
        errno = 0; /* only for the message of those who wait */
}

static pid_t read_holder(int fd)
{
    char text[24] = "";
    ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
    long pid = len > 0 ? strtol(text, NULL, 10) : 0;

    if (pid <= 0 || pid > 1 << 30 || (kill((pid_t)pid, 0) < 0 && errno == ESRCH))
        return 0;
    return (pid_t)pid;
}

/* Does NAME still mean the file open as FD? */
static int is_current(int fd, int dir_fd, const char *name)
{
    struct stat held, named;

    return fstat(fd, &held) == 0 &&
           fstatat(dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

static int keep_directory(int dir_fd)
{
    return dir_fd == AT_FDCWD ? AT_FDCWD : fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
}

static int open_lock_file(int *fd, int dir_fd, const char *name, struct cb_error **err)
{
    cb_close(fd);
    *fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (*fd < 0 && errno == EROFS) {
        *fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        errno = EROFS;
    }
    if (*fd < 0)
        return cb_error_errno(err, errno, "open lock `%s`", name);
    return 0;
}

/* ── Marks ── */

static int mark(int fd, short type)
{
    struct flock whole = {.l_type = type, .l_whence = SEEK_SET};

    return fcntl(fd, F_OFD_SETLK, &whole);
}

int cb_lock_mark(int fd)
{
    return mark(fd, F_WRLCK);
}

int cb_lock_is_marked(int fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}

int cb_lock_is_held(int dir_fd, const char *name)
{
    cb_autofd int fd =
        openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    return fd >= 0 && cb_lock_is_marked(fd);
}

pid_t cb_lock_holder(int dir_fd, const char *name)
{
    cb_autofd int fd =
        openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    return fd < 0 ? 0 : read_holder(fd);
}

/* ── Taking ── */

static int finish(struct cb_lock **out, int *fd, int dir_fd, const char *name,
                  enum cb_lock_mode mode, struct cb_error **err)
{
    int kept = keep_directory(dir_fd);
    struct cb_lock *lock;

    if (kept == -1)
        return cb_error_errno(err, errno, "lock `%s`", name);
    if (mode == CB_LOCK_EXCLUSIVE)
        write_holder(*fd);
    lock = xcalloc(1, sizeof(*lock));
    lock->fd = cb_steal_fd(fd);
    lock->dir_fd = kept;
    lock->name = xstrdup(name);
    lock->mode = mode;
    *out = lock;
    return 0;
}

/* 1: locked, 0: busy, -1: errno. */
static int flock_now(int fd, enum cb_lock_mode mode)
{
    int operation = mode == CB_LOCK_SHARED ? LOCK_SH : LOCK_EX;

    while (flock(fd, operation | LOCK_NB) < 0) {
        if (errno != EINTR)
            return errno == EWOULDBLOCK ? 0 : -1;
    }
    return 1;
}

/* For what is shown to people: they can do without. */
static void show(const struct cb_lock *lock)
{
    mark(lock->fd, F_RDLCK);
}

int cb_lock_try_unseen(struct cb_lock **out, int dir_fd, const char *name,
                       enum cb_lock_mode mode, struct cb_error **err)
{
    cb_autofd int fd = -1;
    int locked;

    do {
        if (open_lock_file(&fd, dir_fd, name, err) < 0)
            return -1;
        locked = flock_now(fd, mode);
        if (locked < 0)
            return cb_error_errno(err, errno, "lock `%s`", name);
        if (locked == 0)
            return 0;
    } while (!is_current(fd, dir_fd, name));
    return finish(out, &fd, dir_fd, name, mode, err) < 0 ? -1 : 1;
}

int cb_lock_try(struct cb_lock **out, int dir_fd, const char *name,
                enum cb_lock_mode mode, struct cb_error **err)
{
    int taken = cb_lock_try_unseen(out, dir_fd, name, mode, err);

    if (taken > 0)
        show(*out);
    return taken;
}

static int wait_cancellable(int fd, enum cb_lock_mode mode, struct cb_cancel *cancel,
                            struct cb_error **err)
{
    struct pollfd wait = {.fd = cb_cancel_fd(cancel), .events = POLLIN};
    int locked, pause_ms = 1;

    while ((locked = flock_now(fd, mode)) == 0) {
        if (cb_cancel_check(cancel, err) < 0)
            return -1;
        poll(&wait, 1, pause_ms);
        if (pause_ms < LONGEST_PAUSE_MS)
            pause_ms *= 2;
    }
    return locked < 0 ? cb_error_errno(err, errno, "lock") : 0;
}

static int wait_for_lock(int fd, enum cb_lock_mode mode, struct cb_cancel *cancel,
                         struct cb_error **err)
{
    if (cancel)
        return wait_cancellable(fd, mode, cancel, err);
    while (flock(fd, mode == CB_LOCK_SHARED ? LOCK_SH : LOCK_EX) < 0) {
        if (errno != EINTR)
            return cb_error_errno(err, errno, "lock");
    }
    return 0;
}

int cb_lock_take(struct cb_lock **out, int dir_fd, const char *name,
                 enum cb_lock_mode mode, const struct cb_lock_wait *wait,
                 struct cb_error **err)
{
    const struct cb_lock_wait how = wait ? *wait : (struct cb_lock_wait){0};
    cb_autofd int fd = -1;
    int locked, told = 0;

    do {
        if (open_lock_file(&fd, dir_fd, name, err) < 0)
            return -1;
        locked = flock_now(fd, mode);
        if (locked < 0)
            return cb_error_errno(err, errno, "lock `%s`", name);
        if (locked == 0 && how.on_wait && !told++)
            how.on_wait(how.arg, read_holder(fd));
        if (locked == 0 && wait_for_lock(fd, mode, how.cancel, err) < 0)
            return cb_error_wrap(err, "`%s`", name);
    } while (!is_current(fd, dir_fd, name));
    if (finish(out, &fd, dir_fd, name, mode, err) < 0)
        return -1;
    show(*out);
    return 0;
}
