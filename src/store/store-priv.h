/* What the files of the store share. Who may touch a field is said beside it; everything
 * not marked is set by cb_store_open and never changed. */
#ifndef CB_STORE_STORE_PRIV_H
#define CB_STORE_STORE_PRIV_H

#include "base/clock.h"
#include "base/map.h"
#include "base/vec.h"
#include "store/db.h"
#include "store/driver.h"
#include "store/lease.h"
#include "store/lock.h"
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>

#define CB_ID_LEN 32 /* random 128 bit, as hexadecimal digits */

struct cb_store {
    char *root;
    int root_fd, snapshots_fd, ingest_fd, tmp_fd;
    int read_only, no_sync, repair, attach, recalls;
    int salvaged; /* the index was damaged, and is another now */
    uint64_t salvaged_rows;
    char boot_id[64];
    struct cb_cancel *cancel; /* borrowed, or NULL */
    struct cb_db *db;         /* has its own lock */
    struct cb_lease *lease;   /* has its own lock */
    struct cb_gc_lock gc;     /* has its own lock */
    atomic_int lease_late;
    const struct cb_snapshot_driver *driver;
    atomic_uint next_temporary;
    uint64_t max_bytes;         /* 0: no limit */
    uint64_t max_layer;         /* 0: CB_LAYER_MAX_BYTES, and a ratio */
    atomic_int mounts_changed;  /* a cache mount may have grown since it was measured */
    atomic_ullong mounts_bytes; /* as measured last */

    pthread_mutex_t mutex;    /* guards all below; a leaf, but for the database */
    struct cb_map *snapshots; /* id → living handle, not owned */
    struct cb_map *touched;   /* keys of cache records used, written by cb_record_flush */
};

/* ── driver-choice.c ── */
/* For a store that is being made: the first that works here, or the one that is asked
 * for. */
int cb_driver_choose(struct cb_store *store, struct cb_error **err);
/* The one it was made with. UNSUPPORTED if that cannot be used here. */
int cb_driver_recall(struct cb_store *store, struct cb_error **err);

void cb_id_new(char id[CB_ID_LEN + 1]);
/* A name below tmp/ that tells whose it is, so that a sweep knows whether the owner
 * lives. */
char *cb_store_temporary_name(struct cb_store *store);
/* The same, once the lease is there for others to see. For whatever outlives this call.
 */
int cb_store_begin_temporary(struct cb_store *store, char **name, struct cb_error **err);
/* Fails with DENIED in a store opened read-only. */
int cb_store_check_writable(const struct cb_store *store, struct cb_error **err);
/* Bytes on disk of NAME and all below it. */
uint64_t cb_tree_bytes(int dir_fd, const char *name);
/* Measures the snapshots named, and remembers it: each is measured once in its life. */
struct cb_disk_sizes;
int cb_snapshots_measure(struct cb_store *store, struct cb_disk_sizes *sizes,
                         struct cb_error **err);
/* Writes the last uses collected in `touched`, best effort. Any thread may. */
void cb_record_flush(struct cb_store *store);

#endif
