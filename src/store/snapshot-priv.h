/* What layers need of snapshots beyond the public calls. */
#ifndef CB_STORE_SNAPSHOT_PRIV_H
#define CB_STORE_SNAPSHOT_PRIV_H

#include "store/db-snapshots.h"
#include "store/snapshot.h"
#include "store/store-priv.h"

struct cb_snapshot {
    struct cb_store *store;
    struct cb_snapshot *parent; /* a reference, or NULL */
    struct cb_snapshot_row row; /* changes when committed; created_ns also after it */
    unsigned references;        /* store->mutex */
    int pinned;                 /* store->mutex: outlives its handle though active */
    int settled; /* store->mutex: nobody has opened its tree since its layer was made of
                    it */
    int was_mounted;  /* store->mutex: has a work directory, and nothing else beside its
                       * layer
                       */
    int has_new_work; /* store->mutex: a work directory that nothing was mounted with */
    int has_old;      /* the directory `old` is there */
    struct cb_strings attached; /* store->mutex: places of mounts of it */
    int watch_fd;      /* store->mutex: of inotify, -1 until something is mounted */
    unsigned mounts;   /* store->mutex: that were made of it … */
    unsigned watched;  /* … and that we hear the end of */
    char *initial_key; /* NULL: its layer is never kept */
    struct cb_strbuf initial; /* description of the layer; empty: not kept */
};

/* ── snapshot-initial.c ── */
/* All there is to know of the layer LAYER_FD, so that two descriptions are the same only
 * if nothing was changed; -1: there is more than a few entries, or a file has content. */
int cb_layer_describe(int layer_fd, struct cb_strbuf *out);

/* ── snapshot-spare.c ── */
/* SNAPSHOT gets a spare as its directory: 2 with the layer that its key stands for, 1
 * without a layer in it, or 0. It must have its line in the lease by then. */
int cb_snapshot_take_spare(struct cb_snapshot *snapshot);
/* The layer is as it was at first: SNAPSHOT becomes the spare of its key. 1, or 0: it is
 * still where it was. */
int cb_snapshot_leave_initial(struct cb_snapshot *snapshot);
/* The layer is removed: likewise what is left of SNAPSHOT. */
int cb_snapshot_leave_spare(struct cb_snapshot *snapshot);
/* What the work directory of a spare had in it is taken out when one begins with it, and
 * removed by this: while a container starts there is time for that, on its way out there
 * is none. */
void cb_snapshot_remove_old(struct cb_snapshot *snapshot);
/* A mount was made of SNAPSHOT, FD is its root: there is to be no spare while anybody has
 * something of it open, in whatever process that is. */
void cb_snapshot_watch_mount(struct cb_snapshot *snapshot, int fd);
/* Removes all spares, whatever is in them. */
void cb_snapshot_drop_spare(struct cb_store *store);

/* "<id>/fs" and so on, below snapshots/. */
char *cb_snapshot_path(const struct cb_snapshot *snapshot, const char *name);
/* What was done in an active snapshot's tree is in its layer: see driver.h. */
int cb_snapshot_settle(struct cb_snapshot *snapshot, struct cb_error **err);
/* Unmounts what could not be detached. */
void cb_snapshot_detach(struct cb_snapshot *snapshot);
/* Gives an active snapshot made without parent the parent it belongs on. Takes a
 * reference. */
void cb_snapshot_set_parent(struct cb_snapshot *snapshot, struct cb_snapshot *parent);
/* The root directory's mode, owner and times are those of the parent's. */
int cb_snapshot_inherit_root(struct cb_snapshot *snapshot, struct cb_error **err);
/* CUT: the layer hides all below it. */
int cb_snapshot_commit_known(struct cb_snapshot *snapshot,
                             const struct cb_snapshot_known *known, int cut,
                             struct cb_error **err);
/* What MAKE makes of TOP on BASE (or NULL), once: it is noted with TOP as its fact KEY
 * and found again. TOP itself when it is one layer on BASE already. WHAT is said of a
 * failure. */
struct cb_remaking {
    const char *key, *what;
    int (*make)(struct cb_snapshot *top, struct cb_snapshot *base,
                struct cb_cancel *cancel, struct cb_snapshot **out,
                struct cb_error **err);
};
int cb_snapshot_remake(struct cb_snapshot *top, struct cb_snapshot *base,
                       const struct cb_remaking *how, struct cb_cancel *cancel,
                       struct cb_snapshot **out, struct cb_error **err);
/* The fact that files of a snapshot may have further names in others: sizes that are
 * added up are to count them once. */
#define CB_FACT_SHARES "shares"
/* Notes it with TOP and all below it, down to BASE. */
void cb_snapshot_note_sharing(struct cb_snapshot *top, const struct cb_snapshot *base);
/* Moves the directories of these ids out of snapshots/ and removes them. IDS must be gone
 * from the index and unused. Returns bytes freed. */
uint64_t cb_snapshots_discard(struct cb_store *store, const struct cb_strings *ids,
                              int gc_lock_fd);

#endif
