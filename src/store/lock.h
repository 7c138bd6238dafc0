/* The order in which locks are taken. Whoever holds one may take those further down,
 * never those above:
 *
 *   0. a name's lock in outbox/ (outbox.h), waits long; the directory's is a leaf
 *   1. the step, commit or unpack lock of a key   ingest/….lock, waits long
 *   2. the ingest lock of a blob                  ingest/<hex>.lock, waits long
 *   3. room.lock: something becomes part of a store with a limit (cap.h)
 *   4. gc.lock: shared to begin using an object, exclusive to sweep
 *   5. cb_store.mutex
 *   6. the database: its mutex, then SQLite's own file locks
 *   7. the lease's mutex
 *
 * A process that leases late (lease.h) keeps lock 4 until it writes its lease, which it
 * does before it takes 1 or 2, makes anything or asks a registry.
 *
 * Locks 1 to 3 are flock'd files: they serve threads and processes alike and die with
 * their holder. A thread holds one of each kind, but for ADD of a git repository: the
 * step's, then its commit's, then while git fetches the repository's (git-repos.h), which
 * nobody holds who waits for a step. Lock 4 is held for
 * microseconds. 5 to 7 are never held while waiting for anything but the disk. */
#ifndef CB_STORE_LOCK_H
#define CB_STORE_LOCK_H

#include "base/error.h"

#include <pthread.h>

struct cb_store;

/* flock belongs to an open file, and threads share ours: the first holder takes the
 * shared lock, the last gives it back. */
struct cb_gc_lock {
    pthread_mutex_t mutex;
    int fd;
    unsigned holders;
    int late; /* see cb_store_lease_late: the first holder's lock is kept until then */
    int kept;
};
void cb_gc_lock_init(struct cb_gc_lock *lock);
void cb_gc_lock_destroy(struct cb_gc_lock *lock);

/* How long a wait is before people are told of it. */
#define CB_TELL_WAIT_MS 1000

/* Both wait as long as it takes, or until the store's cancel token is set (CANCELED).
 * Shared: between looking an object up and having it in the lease. */
int cb_gc_lock_shared(struct cb_store *store, struct cb_error **err);
void cb_gc_unlock_shared(struct cb_store *store);
/* Lets go of what was kept. */
void cb_gc_unlock_kept(struct cb_store *store);
/* Exclusive, by a descriptor of its own; closing it releases. */
int cb_gc_lock_exclusive(struct cb_store *store, int *fd, struct cb_error **err);

/* `cb_gc_shared held = store;` after cb_gc_lock_shared releases at the end of the scope.
 */
static inline void cb_gc_shared_cleanup(struct cb_store **store)
{
    if (*store)
        cb_gc_unlock_shared(*store);
}
#define cb_gc_shared __attribute__((cleanup(cb_gc_shared_cleanup))) struct cb_store *

#endif
