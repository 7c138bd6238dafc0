/* Inside a copy: entries on their way, and what of them is kept. */
#ifndef CB_CONTAINER_COPY_PRIV_H
#define CB_CONTAINER_COPY_PRIV_H

#include "base/map.h"
#include "base/vec.h"
#include "container/copy.h"

#include <sys/stat.h>

struct cb_copy_level { /* a directory being filled */
    int fd;
    struct stat st; /* of the source */
};

struct cb_copy {
    struct cb_container_copying *how;
    CB_VEC(struct cb_copy_level) levels; /* the first is the caller's */
    struct cb_map *links; /* "dev:ino" → first path below the first level */
    dev_t dev;            /* of the first level */
    ino_t ino;
};

/* An entry on its way. */
struct cb_copy_entry {
    const char *path; /* for messages, and below the first level */
    int from_dir, to_dir;
    const char *name, *to_name;
    struct stat st;
};

/* ── copy-metadata.c: as the copy's caller has it ── */
/* FD of the new file, or -1 and its PATH; FROM_FD, or -1 and the entry's name. */
int cb_copying_xattrs(const struct cb_copy *copy, const struct cb_copy_entry *entry,
                      int from_fd, int fd, const char *path, struct cb_error **err);
/* Set-id bits mean nothing once the owner is another, and are not brought to the host. */
mode_t cb_copying_mode(const struct cb_container_copying *how, const struct stat *st);
/* Owner and mode. The owner first: changing it takes set-id bits and capabilities away.
 */
int cb_copying_finish(const struct cb_container_copying *how, const struct stat *st,
                      int fd, const char *path, struct cb_error **err);
int cb_copying_set_times(int fd, const struct stat *st, const char *path,
                         struct cb_error **err);
/* All but the mode, of what cannot be opened: NAME in the entry's TO_DIR. */
int cb_copying_finish_named(const struct cb_copy *copy, const struct cb_copy_entry *entry,
                            const char *name, struct cb_error **err);

/* ── copy-entry.c ── */
/* All but directories. What nobody can make here is counted in HOW->left_out. */
int cb_copying_entry(struct cb_copy *copy, struct cb_copy_entry *entry,
                     struct cb_error **err);

#endif
