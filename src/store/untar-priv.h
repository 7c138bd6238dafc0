/* Between untar.c (which entries, in which way) and untar-file.c (one entry onto disk).
 */
#ifndef CB_STORE_UNTAR_PRIV_H
#define CB_STORE_UNTAR_PRIV_H

#include "base/map.h"
#include "base/vec.h"
#include "store/untar.h"

struct cb_untar_times {
    char *path;
    struct timespec mtime;
};

struct cb_untar {
    struct cb_tar_reader *reader;
    int root_fd;
    const char *dest; /* cleaned, "" for the root itself */
    const struct cb_untar_options *options;
    struct cb_untar_result result;
    /* The directory the last entry went to: most entries follow their sibling. Forgotten
     * as soon as anything is removed or a link is made, since then the path may mean
     * another place. */
    char *parent_path;
    int parent_fd;
    char *parent_real; /* MERGED: its path without links */
    int parent_stale;  /* not to be used for the next entry */
    int no_devices;    /* in a user namespace nobody may make them */
    unsigned left_out; /* of them */
    unsigned xattrs_left_out;
    char *first_xattr; /* of these, and whose it is */
    /* Directories get their times when nothing is put into them any more. */
    CB_VEC(struct cb_untar_times) times;
    struct cb_map *unpacked; /* MERGED: paths this layer made, without links on the way,
                              * which its whiteouts spare */
};

/* The directory of this entry is not kept open for the next one. */
static inline void cb_untar_forget_parent_later(struct cb_untar *untar)
{
    untar->parent_stale = 1;
}
/* Makes ENTRY at NAME in DIR_FD, replacing what is there. 0 also when giving up
 * (needs_below). */
int cb_untar_file(struct cb_untar *untar, const struct cb_tar_entry *entry,
                  const char *path, int dir_fd, const char *name, struct cb_error **err);
/* Owner, mode, attributes of an open file or directory. */
int cb_untar_metadata(struct cb_untar *untar, const struct cb_tar_entry *entry, int fd,
                      struct cb_error **err);
/* The path of an archive name below the root, cleaned, without leading slash; "" is the
 * top. Names with ".." are refused. Caller frees. */
int cb_untar_path(const struct cb_untar *untar, const char *name, char **out,
                  struct cb_error **err);

#endif
