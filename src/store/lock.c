/* The lock between using and sweeping. */
#include "store/lock.h"

#include "base/log.h"
#include "store/store-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>

#define LONGEST_PAUSE_MS 25

void cb_gc_lock_init(struct cb_gc_lock *lock)
{
    pthread_mutex_init(&lock->mutex, NULL);
    lock->fd = -1;
    lock->holders = 0;
}

void cb_gc_lock_destroy(struct cb_gc_lock *lock)
{
    cb_close(&lock->fd);
    pthread_mutex_destroy(&lock->mutex);
}

/* 1: locked, 0: busy, -1: errno. */
static int flock_now(int fd, int operation)
{
    while (flock(fd, operation | LOCK_NB) < 0) {
        if (errno != EINTR)
            return errno == EWOULDBLOCK ? 0 : -1;
    }
    return 1;
}

/* flock cannot be waited for together with a cancel token: it is asked for at growing
 * intervals, which cancellation ends at once. However long the others need, they are not
 * given up on. */
static int wait_flock(struct cb_store *store, int fd, int operation, const char *what,
                      struct cb_error **err)
{
    struct pollfd cancel = {.fd = cb_cancel_fd(store->cancel), .events = POLLIN};
    int waited_ms = 0, pause_ms = 1, told = 0, locked;

    while ((locked = flock_now(fd, operation)) == 0) {
        if (cb_cancel_check(store->cancel, err) < 0)
            return -1;
        if (waited_ms >= CB_TELL_WAIT_MS && !told++)
            cb_warn("waiting for %s `%s`", what, store->root);
        poll(&cancel, 1, pause_ms);
        waited_ms += pause_ms;
        if (pause_ms < LONGEST_PAUSE_MS)
            pause_ms *= 2;
    }
    if (locked < 0)
        return cb_error_errno(err, errno, "lock `%s/gc.lock`", store->root);
    return 0;
}

static int open_lock(struct cb_store *store, int *fd, struct cb_error **err)
{
    *fd = openat(store->root_fd, "gc.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0)
        return cb_error_errno(err, errno, "open `%s/gc.lock`", store->root);
    return 0;
}

static int take_shared(struct cb_store *store, struct cb_gc_lock *lock,
                       struct cb_error **err)
{
    if (lock->fd < 0 && open_lock(store, &lock->fd, err) < 0)
        return -1;
    return wait_flock(store, lock->fd, LOCK_SH, "the collection another process does in",
                      err);
}

int cb_gc_lock_shared(struct cb_store *store, struct cb_error **err)
{
    struct cb_gc_lock *lock = &store->gc;
    int result = 0;

    if (store->read_only)
        return 0;
    pthread_mutex_lock(&lock->mutex);
    if (lock->holders == 0)
        result = take_shared(store, lock, err);
    if (result == 0)
        lock->holders++;
    if (result == 0 && lock->late && !lock->kept) {
        lock->kept = 1;
        lock->holders++;
    }
    pthread_mutex_unlock(&lock->mutex);
    return result;
}

static void let_go(struct cb_gc_lock *lock)
{
    if (--lock->holders == 0)
        flock(lock->fd, LOCK_UN);
}

void cb_gc_unlock_shared(struct cb_store *store)
{
    struct cb_gc_lock *lock = &store->gc;

    if (store->read_only)
        return;
    pthread_mutex_lock(&lock->mutex);
    let_go(lock);
    pthread_mutex_unlock(&lock->mutex);
}

void cb_gc_unlock_kept(struct cb_store *store)
{
    struct cb_gc_lock *lock = &store->gc;

    pthread_mutex_lock(&lock->mutex);
    lock->late = 0;
    if (lock->kept)
        let_go(lock);
    lock->kept = 0;
    pthread_mutex_unlock(&lock->mutex);
}

int cb_gc_lock_exclusive(struct cb_store *store, int *fd, struct cb_error **err)
{
    cb_autofd int lock = -1;

    if (cb_store_lease_now(store, err) < 0)
        return -1;
    if (open_lock(store, &lock, err) < 0)
        return -1;
    if (wait_flock(store, lock, LOCK_EX, "other processes that use", err) < 0)
        return -1;
    *fd = cb_steal_fd(&lock);
    return 0;
}
