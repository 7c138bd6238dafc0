/* flock(2) on a file: dies with its holder, conflicts between opens of one process too.
 * Whether somebody holds one can be asked without taking it. On a file system that is
 * mounted for reading one that is there can be taken, and none be made (EROFS). */
#ifndef CB_BASE_LOCKFILE_H
#define CB_BASE_LOCKFILE_H

#include "base/cancel.h"
#include "base/error.h"

enum cb_lock_mode { CB_LOCK_SHARED, CB_LOCK_EXCLUSIVE };

struct cb_lock;

/* How a lock is waited for that is not to be had at once. */
struct cb_lock_wait {
    struct cb_cancel *cancel; /* ends it; or NULL */
    /* Called once, with the holder's pid (0 if unknown); or NULL. */
    void (*on_wait)(void *arg, pid_t holder);
    void *arg;
};
/* WAIT NULL: however long it takes, and nobody is told. The holder's pid is kept in the
 * file. */
int cb_lock_take(struct cb_lock **out, int dir_fd, const char *name,
                 enum cb_lock_mode mode, const struct cb_lock_wait *wait,
                 struct cb_error **err);
/* 1: taken, 0: busy. */
int cb_lock_try(struct cb_lock **out, int dir_fd, const char *name,
                enum cb_lock_mode mode, struct cb_error **err);
/* The same, but cb_lock_is_held does not tell of it: for who only looks after what the
 * last holder has left. */
int cb_lock_try_unseen(struct cb_lock **out, int dir_fd, const char *name,
                       enum cb_lock_mode mode, struct cb_error **err);
/* 1: somebody holds it, this process included. Nothing is taken or made, so nobody who
 * wants it is disturbed. */
int cb_lock_is_held(int dir_fd, const char *name);
/* Who holds it exclusively, or held it last: 0 when that is not known, or not any more.
 */
pid_t cb_lock_holder(int dir_fd, const char *name);

/* A file that says of itself that it is in use as long as FD, open for writing, is open.
 * -1: it cannot, with errno. */
int cb_lock_mark(int fd);
int cb_lock_is_marked(int fd);

/* Releases. UNLINK removes the file first (only sound for exclusive locks; takers
 * re-check the inode). */
void cb_lock_release(struct cb_lock *lock);
void cb_lock_release_unlink(struct cb_lock *lock);
CB_AUTO_DEFINE(cb_lock, cb_lock_release)

#endif
