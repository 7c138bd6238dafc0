/* The lock between using and sweeping. */
#include "store/lock.h"

#include "store/store-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

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

static int flock_retry(int fd, int operation)
{
    int result;

    do
        result = flock(fd, operation);
    while (result < 0 && errno == EINTR);
    return result;
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
    if (flock_retry(lock->fd, LOCK_SH) < 0)
        return cb_error_errno(err, errno, "lock `%s/gc.lock`", store->root);
    return 0;
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
    if (flock_retry(lock, LOCK_EX) < 0)
        return cb_error_errno(err, errno, "lock `%s/gc.lock`", store->root);
    *fd = cb_steal_fd(&lock);
    return 0;
}
