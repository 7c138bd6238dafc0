/* The store: blobs, images and their names, snapshots, layers, cache records. One
 * directory, many processes.
 *
 * Layout, durability classes and the life of an object: docs/design/store.md. A struct
 * cb_store may be used from any thread. Opening costs the same with ten images as with
 * ten thousand. */
#ifndef CB_STORE_STORE_H
#define CB_STORE_STORE_H

#include "base/cancel.h"
#include "base/error.h"
#include "base/event.h"
#include "base/pool.h"

struct cb_store;

struct cb_store_options {
    const char *root; /* NULL: $CBUILD_ROOT, else /var/lib/cbuild */
    int of_user;      /* … or $XDG_DATA_HOME/cbuild: a user's own */
    int create;       /* make it when missing */
    int read_only;
    struct cb_cancel *cancel; /* ends waits for other processes; or NULL */
    uint64_t max_bytes;       /* the store is kept below this; 0: no limit */
    uint64_t max_layer;       /* bytes that a foreign layer may unpack to; 0: as layer.h
                                 says, and no more than 1000 times what was fetched */
    int repair;  /* a damaged index is replaced by one made of what is left */
    int attach;  /* trees that are mounts are attached below tmp/, for kernels that can
                    mount nothing of a detached one (before 6.15): for a process in a
                    mount namespace of its own */
    int no_sync; /* --no-sync: no fsync at all, for throw-away CI machines */
    int recalls; /* asks the index what the last such process asked: a few things */
};
/* Where the store is when nobody says: $CBUILD_ROOT, or the place for root or, OF_USER,
 * for the user's own. Caller frees. */
char *cb_store_default_root(int of_user);
/* Refuses a root not owned by us or writable by others (DENIED), or of an unknown format
 * (UNSUPPORTED). Sweeps what dead processes left. Takes a lease that lasts until close.
 */
int cb_store_open(struct cb_store **out, const struct cb_store_options *options,
                  struct cb_error **err);
void cb_store_close(struct cb_store *store);
CB_AUTO_DEFINE(cb_store, cb_store_close)

/* For who may be done in milliseconds: nothing is written for what is merely used, and
 * collections by others wait, until something is made or the store closes. */
void cb_store_lease_late(struct cb_store *store);
/* Ends that: to be called before waiting for a server or a person. The store's own calls
 * that make something do it themselves. */
int cb_store_lease_now(struct cb_store *store, struct cb_error **err);

/* What the index says by now survives a power cut, unless there is no syncing. */
int cb_store_sync_index(struct cb_store *store, struct cb_error **err);

const char *cb_store_root(const struct cb_store *store);
int cb_store_root_fd(const struct cb_store *store); /* borrowed */
/* How layers become trees in this store ("overlay"): chosen when it was made. */
const char *cb_store_driver(const struct cb_store *store);
/* Makes such a tree and lets it go. */
int cb_store_try_driver(struct cb_store *store, struct cb_error **err);
/* A private scratch directory "<root>/tmp/<random>", removed by cb_store_scratch_free (or
 * the next sweep). */
struct cb_scratch;
int cb_store_scratch(struct cb_store *store, struct cb_scratch **out,
                     struct cb_error **err);
int cb_scratch_fd(const struct cb_scratch *scratch);
const char *cb_scratch_path(const struct cb_scratch *scratch); /* absolute */
void cb_scratch_free(struct cb_scratch *scratch);
CB_AUTO_DEFINE(cb_scratch, cb_scratch_free)

#endif
