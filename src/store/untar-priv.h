/* Between untar.c (which entries, in which way), untar-path.c (where they go),
 * untar-whiteout.c (what they hide) and untar-file.c (one entry onto disk). */
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

/* MERGED: did this layer make PATH, which has no links on the way? */
static inline int cb_untar_has_made(const struct cb_untar *untar, const char *path)
{
    return untar->unpacked && cb_map_has(untar->unpacked, path);
}

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

/* ── untar-path.c ── */

/* The path of an archive name below the root, cleaned, without leading slash; "" is the
 * top. Names with ".." are refused. Caller frees. */
int cb_untar_path(const struct cb_untar *untar, const char *name, char **out,
                  struct cb_error **err);
/* Opens the directory that PATH (cleaned, relative to the root) goes to, and makes it
 * unless OVERLAY; FD is borrowed, *NAME is part of PATH. 1 found; 0: not in this layer
 * (OVERLAY), needs_below is set. */
int cb_untar_find_parent(struct cb_untar *untar, const char *path, int *fd,
                         const char **name, struct cb_error **err);
/* MERGED: NAME in the directory found last, without links on the way. Caller frees. */
char *cb_untar_real_path(const struct cb_untar *untar, const char *name);
/* At once, since what is removed may have led to it. */
void cb_untar_forget_parent(struct cb_untar *untar);

/* ── untar-whiteout.c ── */

/* PATH is a whiteout of TARGET beside it. */
int cb_untar_whiteout(struct cb_untar *untar, const char *path, const char *target,
                      struct cb_error **err);
/* PATH makes its directory opaque. */
int cb_untar_opaque(struct cb_untar *untar, const char *path, struct cb_error **err);

#endif
