/* A container's files, for who is outside of it. */
#ifndef CB_CONTAINER_FILES_H
#define CB_CONTAINER_FILES_H

#include "container/record.h"

#include <sys/stat.h>

struct cb_container_files {
    int root; /* as the container sees it, what is mounted there included */
    struct cb_snapshot *snapshot;
    struct cb_lock *hold; /* of one that does not run: it is not started meanwhile */
};
void cb_container_files_close(struct cb_container_files *files);
CB_AUTO_VALUE_DEFINE(cb_container_files, cb_container_files_close)

/* Before the store is opened. Where there are no mounts by descriptor the calling thread,
 * which must be the only one, moves into a mount namespace of its own: what is opened in
 * another one could not be mounted there. */
int cb_container_files_begin(struct cb_error **err);
/* Opens them. Of a container that does not run the calling thread, which must be the
 * only one, moves into a mount namespace of its own, where the volumes are mounted. */
int cb_container_files_open(struct cb_store *store, struct cb_container *container,
                            struct cb_cancel *cancel, struct cb_container_files *out,
                            struct cb_error **err);
/* For copy.h and diff.h: where the kernel's filesystems are mounted, and what marks.h
 * says. */
int cb_container_leaves_out(const char *path, const struct stat *st);
/* What it has written so far, once more, on the layers of its image: an active snapshot
 * of the caller's; with PLACES also what cb_container_leaves_out would leave out. It may
 * run meanwhile. */
int cb_container_files_copy(struct cb_store *store, const struct cb_container *container,
                            int places, struct cb_cancel *cancel,
                            struct cb_snapshot **out, struct cb_error **err);
/* The size of the files it has written, and in *WHOLE (or NULL) of all it has; of a
 * layer's own, in LAYER_BYTES. */
int64_t cb_container_bytes(struct cb_store *store, const struct cb_container *container,
                           int64_t *whole);
int64_t cb_container_layer_bytes(struct cb_snapshot *snapshot);

#endif
