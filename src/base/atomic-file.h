/* Publishing a file: temporary in the same directory, write, fsync, rename, fsync of the
 * directory. A file not committed is discarded when the scope ends. */
#ifndef CB_BASE_ATOMIC_FILE_H
#define CB_BASE_ATOMIC_FILE_H

#include "base/error.h"

struct cb_atomic_file;

/* NAME below DIR_FD, created with MODE. */
int cb_atomic_file_open(struct cb_atomic_file **out, int dir_fd, const char *name,
                        mode_t mode, struct cb_error **err);
int cb_atomic_file_fd(const struct cb_atomic_file *file);
enum cb_file_sync {
    CB_FILE_UNSYNCED, /* after a power cut the name may lead to an empty file */
    CB_FILE_SYNCED,   /* bytes, then name; both stay */
    CB_FILE_STARTED,  /* unsynced, but the bytes are on their way before the name: ext4
                         then keeps neither or both, and others are soon as safe */
};
/* Takes FILE; SYNC is one of these. */
int cb_atomic_file_commit(struct cb_atomic_file **file, int sync, struct cb_error **err);
void cb_atomic_file_discard(struct cb_atomic_file *file);
CB_AUTO_DEFINE(cb_atomic_file, cb_atomic_file_discard)
/* Whole-file convenience. PATH relative to DIR_FD (AT_FDCWD allowed). */
int cb_atomic_file_write(int dir_fd, const char *name, const void *bytes, size_t len,
                         mode_t mode, int sync, struct cb_error **err);

#endif
