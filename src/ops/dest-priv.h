/* Where copied files go: a new layer. */
#ifndef CB_OPS_DEST_PRIV_H
#define CB_OPS_DEST_PRIV_H

#include "ops/ops-priv.h"

struct cb_dest {
    int fd;       /* what is written to: the layer's own directory, or the merged tree */
    int lower_fd; /* read-only tree below the layer; -1: none, or FD shows it */
    int merged;   /* FD is a mount */
    struct timespec now; /* time of what has no time of its own */
    struct cb_map *dirs; /* path → struct dest_dir: directories known to be in FD */
};

/* What a directory is to look like. */
struct cb_dir_look {
    mode_t mode;
    mode_t passed_mode; /* CB_DIR_MODE: if it is there already */
    struct cb_owner owner;
    struct timespec mtime;
    const char *xattrs;
    size_t xattrs_len;
};

/* SNAPSHOT is active, on PARENT (NULL: on nothing). MERGED: work through the merged tree,
 * for whoever must see what is below (an unpacked tar); otherwise straight in the layer's
 * directory. EPOCH or -1. */
int cb_dest_open(struct cb_dest *dest, struct cb_snapshot *snapshot,
                 struct cb_result *parent, int merged, int64_t epoch,
                 struct cb_error **err);
void cb_dest_close(struct cb_dest *dest);
CB_AUTO_VALUE_DEFINE(cb_dest, cb_dest_close)
/* Sets the times of directories, last of all. */
int cb_dest_finish(struct cb_dest *dest, struct cb_error **err);
/* Forgets what is known: something else wrote to the tree. */
void cb_dest_forget(struct cb_dest *dest);

/* Paths below are relative to the tree, "" is its root, and free of links: */
/* makes one of an absolute path as written. Caller frees. */
int cb_dest_resolve(struct cb_dest *dest, const char *path, char **out,
                    struct cb_error **err);
/* 1 there, 0 not. */
int cb_dest_lookup(struct cb_dest *dest, const char *path, struct stat *st,
                   struct cb_error **err);
/* What becomes of a directory that is there already. */
enum cb_dir_there {
    CB_DIR_KEEP, /* stays as it is */
    CB_DIR_MODE, /* gets the mode, unless this COPY made it: what is on the way */
    CB_DIR_DRESS /* looks as LOOK says: what is copied */
};
/* A directory that is to be there; its parent is. New ones look as LOOK says. */
int cb_dest_dir(struct cb_dest *dest, const char *path, const struct cb_dir_look *look,
                enum cb_dir_there there, struct cb_error **err);
/* The same for all of PATH: missing directories have MODE and belong to OWNER. */
int cb_dest_dirs(struct cb_dest *dest, const char *path, const struct cb_owner *owner,
                 mode_t mode, struct cb_error **err);
/* Announces a file: refuses to put it over a directory. Its directory is there. */
int cb_dest_expect_file(struct cb_dest *dest, const char *path, struct cb_error **err);
/* Creates it, empty, replacing another. Thread-safe. */
int cb_dest_create(const struct cb_dest *dest, const char *path, int *fd,
                   struct cb_error **err);
/* Makes room for what cannot be opened: a link, a device. After EEXIST. */
int cb_dest_make_room(const struct cb_dest *dest, const char *path,
                      struct cb_error **err);

#endif
