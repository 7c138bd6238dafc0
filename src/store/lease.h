/* What a living process uses: leases/<id>, a file that is flock'd as long as its process
 * lives and that lists, a line each, what must not be collected. A killed process's lease
 * is dead without any timeout, and its lines say what it left half-made.
 *
 * Adding happens under the shared gc.lock, reading others' under the exclusive one, so a
 * reader never sees half a line.
 *
 * A build that finds all it needs is over in milliseconds. It leases late: keeps the
 * shared gc.lock, remembers the lines, and never writes the file unless it goes on to
 * make something. */
#ifndef CB_STORE_LEASE_H
#define CB_STORE_LEASE_H

#include "base/error.h"
#include "base/map.h"

enum cb_lease_kind {
    CB_LEASE_SNAPSHOT = 's', /* a committed snapshot in use */
    CB_LEASE_ACTIVE = 'a',   /* a snapshot being made: removed when its maker died */
    CB_LEASE_BLOB = 'b',
    CB_LEASE_TEMPORARY = 't', /* something in tmp/ carries our name */
};

struct cb_lease;

/* The file itself is made by the first cb_lease_add. */
int cb_lease_open(struct cb_lease **out, int root_fd, struct cb_error **err);
void cb_lease_close(struct cb_lease *lease);
CB_AUTO_DEFINE(cb_lease, cb_lease_close)

const char *cb_lease_id(const struct cb_lease *lease);
int cb_lease_add(struct cb_lease *lease, enum cb_lease_kind kind,
                 const char *const *names, size_t count, struct cb_error **err);
/* From now on lines are only remembered, until cb_lease_write. */
void cb_lease_defer(struct cb_lease *lease);
int cb_lease_write(struct cb_lease *lease, struct cb_error **err);
/* For this process's own sweeps only; others go on honouring the line. */
void cb_lease_forget(struct cb_lease *lease, enum cb_lease_kind kind, const char *name);

/* Adds "<kind><name>" of every living lease to USED. Own snapshots are left out: their
 * handles are known. */
int cb_leases_collect(const struct cb_lease *own, struct cb_map *used,
                      struct cb_error **err);
/* Is the process that holds lease ID alive? */
int cb_lease_alive(const struct cb_lease *own, const char *id);
/* Calls DEAD for each line of each dead lease, then removes the lease. */
void cb_leases_sweep(const struct cb_lease *own,
                     void (*dead)(void *arg, enum cb_lease_kind kind, const char *name),
                     void *arg);

#endif
