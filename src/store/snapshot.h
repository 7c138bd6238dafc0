/* Snapshots: filesystem states as stacks of layer directories. A committed snapshot is
 * one layer over its parent; the kernel's overlay format is what is on disk (whiteouts as
 * 0:0 devices, opaque xattrs).
 *
 * Roots are handed out as descriptors of detached mounts (fsopen, fsmount): nothing is
 * attached to any mount namespace, so a killed process leaves no mount. Work below a root
 * goes through base/fs.h's *_in_root calls. */
#ifndef CB_STORE_SNAPSHOT_H
#define CB_STORE_SNAPSHOT_H

#include "base/digest.h"
#include "store/store.h"

struct cb_snapshot; /* refcounted, thread-safe; holds a lease on itself and its parents */

#define CB_SNAPSHOT_ID_MAX 40

/* A new active snapshot on PARENT (NULL: empty). Not visible to others until committed;
 * removed with its last reference. */
int cb_snapshot_prepare(struct cb_store *store, struct cb_snapshot *parent,
                        struct cb_snapshot **out, struct cb_error **err);
/* The same for who puts the same few entries without content into every tree on PARENT.
 * KEY, letters and digits, says which: 1, the layer has them already, or 0. */
int cb_snapshot_prepare_initial(struct cb_store *store, struct cb_snapshot *parent,
                                const char *key, struct cb_snapshot **out,
                                struct cb_error **err);
/* They are in ACTIVE's layer now, and nothing else. If that is so again with its last
 * reference, the layer is kept for the next of the same key. */
void cb_snapshot_set_initial(struct cb_snapshot *active);
/* Others may have come to ACTIVE's tree, and keep something of it open: it is not. */
void cb_snapshot_forget_initial(struct cb_snapshot *active);
/* 1 found, 0 not (or of another boot and unsynced: discarded). */
int cb_snapshot_get(struct cb_store *store, const char *id, struct cb_snapshot **out,
                    struct cb_error **err);
struct cb_snapshot *cb_snapshot_ref(struct cb_snapshot *snapshot);
void cb_snapshot_unref(struct cb_snapshot *snapshot);
CB_AUTO_DEFINE(cb_snapshot, cb_snapshot_unref)

const char *cb_snapshot_id(const struct cb_snapshot *snapshot);
struct cb_snapshot *
cb_snapshot_parent(const struct cb_snapshot *snapshot); /* borrowed, or NULL */
unsigned
cb_snapshot_depth(const struct cb_snapshot *snapshot); /* layers, itself included */
int cb_snapshot_is_committed(const struct cb_snapshot *snapshot);
int64_t cb_snapshot_created_ns(const struct cb_snapshot *snapshot);
/* For a layer that came from another machine: when it was made there. */
int cb_snapshot_backdate(struct cb_snapshot *committed, int64_t created_ns,
                         struct cb_error **err);

/* The merged tree. Active: writable. Committed: read-only. *FD is a directory descriptor
 * of a detached mount (a plain directory for an active snapshot without parent, or a
 * committed one without). Close it when done. VOLATILE_: no syncing in the mount. Works
 * for up to 500 layers and any path length (lowerdir+ by descriptor). */
int cb_snapshot_open_root(struct cb_snapshot *snapshot, int *fd, struct cb_error **err);
/* What mounting an active one left that its tree does not need: for the time in which
 * there is nothing to do but to wait for who uses it, since it has to go at the end. */
void cb_snapshot_tidy_work(const struct cb_snapshot *active);
/* Whether the layer on its way takes more than the whole store may (--max-store), so that
 * it can never be committed: 1/0, by a walk through its files. -1 without such a limit.
 */
int cb_snapshot_is_too_large(const struct cb_snapshot *active);
/* The layer's own directory (upper), for fast paths that know nothing below is touched.
 * Caller closes. */
int cb_snapshot_open_upper(struct cb_snapshot *snapshot, int *fd, struct cb_error **err);

/* Makes it immutable and findable. All descriptors of its root must be closed. On failure
 * it stays active. */
int cb_snapshot_commit(struct cb_snapshot *snapshot, struct cb_error **err);
/* Removes committed snapshot and what depends on it in the index; files go with the last
 * lease. */
int cb_snapshot_remove(struct cb_store *store, const char *id, struct cb_error **err);

/* Keeps the snapshot for OWNER (a container, say) beyond this process, committed or still
 * active: an active one is found again by cb_snapshot_get and stays writable. Unpinning
 * leaves it to the next gc. */
int cb_snapshot_pin(struct cb_snapshot *snapshot, const char *owner,
                    struct cb_error **err);
int cb_snapshot_unpin(struct cb_store *store, const char *owner, struct cb_error **err);

/* Small facts kept with a committed snapshot's row: "identity", "tree", "layer-name".
 * Caller frees; NULL if none. */
char *cb_snapshot_fact(struct cb_snapshot *snapshot, const char *key);
int cb_snapshot_set_fact(struct cb_snapshot *snapshot, const char *key, const char *value,
                         struct cb_error **err);

#endif
