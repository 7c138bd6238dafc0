/* What a copied tree was like before anybody wrote to it: for each path the inode and the
 * times that the kernel itself keeps, so that what has changed since is known without
 * reading anything. */
#ifndef CB_STORE_COPY_RECORD_H
#define CB_STORE_COPY_RECORD_H

#include "base/error.h"
#include "base/map.h"
#include "store/walk.h"

#include <stdint.h>

struct cb_copy_record {
    uint64_t ino, nlink;
    int64_t changed_s, changed_ns; /* ctime: nobody can set it */
    int64_t born_s, born_ns;       /* of a directory; 0 where it is not known */
    uint32_t mode;
    int seen, kept; /* of who compares: it is there; it is the same directory */
};

/* Notes the tree TREE_FD in the file NAME of DIR_FD, after waiting for the clock to be
 * past all that was done: from now on a change shows. */
int cb_copy_records_write(int tree_fd, int dir_fd, const char *name,
                          struct cb_error **err);
/* path → struct cb_copy_record. INTEGRITY when the file is not whole. */
int cb_copy_records_read(int dir_fd, const char *name, struct cb_map **out,
                         struct cb_error **err);
/* Is AT still the file of RECORD, untouched? Of a directory: is it that directory,
 * whatever was done in it? */
int cb_copy_record_is_untouched(const struct cb_copy_record *record,
                                const struct cb_walk_entry *at);
int cb_copy_record_is_same_directory(const struct cb_copy_record *record,
                                     const struct cb_walk_entry *at);

#endif
