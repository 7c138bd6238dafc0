/* Copying a selection into a layer. */
#ifndef CB_OPS_COPY_PRIV_H
#define CB_OPS_COPY_PRIV_H

#include "ops/bunch-priv.h"
#include "ops/dest-priv.h"
#include "ops/early-write-priv.h"
#include "ops/selection-priv.h"

struct cb_copy_job { /* a regular file to be copied */
    const struct cb_entry *entry;
    int source_root;
    struct cb_snapshot *source; /* whose root that is; or NULL */
    char *target;
    char *same_as; /* a further name of what is (or will be) there; or NULL */
};

/* How one COPY copies, and what it has still to do. */
struct cb_copying {
    struct cb_dest *dest;
    struct cb_snapshot *source;   /* that is copied from, if it is one */
    const struct cb_owner *owner; /* NULL: as listed */
    const struct cb_chmod *chmod; /* NULL: as listed */
    struct cb_pool *pool;
    struct cb_cancel *cancel;
    struct cb_event_sink *sink;
    uint64_t event_id;
    CB_VEC(struct cb_copy_job) files, names;
    struct cb_bunches bunches;    /* of files */
    struct cb_early_write *early; /* or NULL */
    struct cb_map *pending;       /* targets of the jobs */
    struct cb_map *links;        /* "dev:ino" → where the first of several names went */
    struct cb_map *link_targets; /* the other way round */
};
void cb_copying_clear(struct cb_copying *copying);
CB_AUTO_VALUE_DEFINE(cb_copying, cb_copying_clear)

/* Copies everything below a matched directory into the directory TARGET, which is there.
 * The selection must live until the flush. */
int cb_copy_directory(struct cb_copying *copying, int source_root,
                      const struct cb_selection *selection, const struct cb_match *match,
                      const char *target, struct cb_error **err);
/* Copies a matched file to TARGET; its directory is there. */
int cb_copy_file(struct cb_copying *copying, int source_root,
                 const struct cb_entry *entry, const char *target, struct cb_error **err);
/* Does what is left to do. */
int cb_copy_flush(struct cb_copying *copying, struct cb_error **err);
/* The bytes and looks of one file, on any thread. BUFFER: CB_COPY_SMALL_BYTES, what is
 * read and written in one go. */
#define CB_COPY_SMALL_BYTES (64 << 10)
int cb_copy_job_run(const struct cb_copying *copying, const struct cb_copy_job *job,
                    void *buffer, struct cb_error **err);
struct cb_owner cb_copy_owner(const struct cb_copying *copying,
                              const struct cb_entry *entry);
/* Writes a file of given content, 0644. */
int cb_copy_content(struct cb_copying *copying, const void *content, size_t len,
                    const char *target, struct cb_error **err);

/* ADD: is the file a tar, plain or compressed? 1/0/-1. */
int cb_unpack_wanted(int source_root, const struct cb_entry *entry,
                     struct cb_error **err);
/* Extracts it into TARGET, which is there; the destination is the merged tree. */
int cb_unpack(struct cb_copying *copying, int source_root, const struct cb_entry *entry,
              const char *target, struct cb_error **err);

#endif
