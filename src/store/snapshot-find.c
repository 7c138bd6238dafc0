/* From an id to a handle. Rows of the index are believed only if they were written in
 * this run of the machine or synced, and have their directory; what is not believed is
 * forgotten together with all that stands on it. Handles that live are shared. */
#include "store/snapshot.h"

#include "store/snapshot-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* Written in another run of the machine and never synced, or without its directory. */
static int row_is_torn(const struct cb_store *store, const struct cb_snapshot_row *row)
{
    struct stat st;

    if (!row->synced && strcmp(row->boot, store->boot_id) != 0)
        return 1;
    return fstatat(store->snapshots_fd, row->id, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
           errno == ENOENT;
}

static int is_torn(const struct cb_store *store, const struct cb_snapshot_rows *rows)
{
    cb_vec_foreach (row, rows) {
        if (row_is_torn(store, row))
            return 1;
    }
    return 0;
}

/* The lowest torn one takes all above it along. */
static int forget_torn(struct cb_store *store, const struct cb_snapshot_rows *rows,
                       struct cb_error **err)
{
    size_t i;

    if (store->read_only)
        return 0;
    for (i = rows->count; i-- > 0;) {
        const struct cb_snapshot_row *row = &rows->items[i];

        if (row_is_torn(store, row))
            return cb_db_snapshot_remove(store->db, row->id, NULL, err);
    }
    return 0;
}

/* Rows are top first; handles are made from the ground up, those that live are shared.
 * BELOW: a reference to what they stand on, or NULL. */
static struct cb_snapshot *adopt_rows(struct cb_store *store,
                                      const struct cb_snapshot_rows *rows,
                                      struct cb_snapshot *below)
{
    size_t i;

    for (i = rows->count; i-- > 0;) {
        const struct cb_snapshot_row *row = &rows->items[i];
        struct cb_snapshot *snapshot = NULL;

        pthread_mutex_lock(&store->mutex);
        snapshot = cb_map_get(store->snapshots, row->id);
        if (snapshot) {
            snapshot->references++;
        } else {
            snapshot = xcalloc(1, sizeof(*snapshot));
            snapshot->watch_fd = -1;
            snapshot->store = store;
            snapshot->references = 1;
            snapshot->row = *row;
            snapshot->pinned = !row->committed;
            snapshot->parent = below;
            if (below)
                below->references++;
            cb_map_set(store->snapshots, row->id, snapshot);
        }
        pthread_mutex_unlock(&store->mutex);
        cb_snapshot_unref(below);
        below = snapshot;
    }
    return below;
}

static int lease_rows(struct cb_store *store, const struct cb_snapshot_rows *rows,
                      struct cb_error **err)
{
    cb_autofree const char **ids = xcalloc(rows->count, sizeof(*ids));
    size_t i;

    if (store->read_only) /* then nobody sweeps it either */
        return 0;
    for (i = 0; i < rows->count; i++)
        ids[i] = rows->items[i].id;
    return cb_lease_add(store->lease, CB_LEASE_SNAPSHOT, ids, rows->count, err);
}

static struct cb_snapshot *find_living(struct cb_store *store, const char *id)
{
    struct cb_snapshot *snapshot;

    pthread_mutex_lock(&store->mutex);
    snapshot = cb_map_get(store->snapshots, id);
    if (snapshot)
        snapshot->references++;
    pthread_mutex_unlock(&store->mutex);
    return snapshot;
}

/* The rows that have no living handle yet. On a living parent that is one: a step's
 * result is looked up while what it stands on is in use, and a long stack is not to be
 * looked through at each step. */
static int find_rows(struct cb_store *store, const struct cb_snapshot_row *row,
                     struct cb_snapshot_rows *rows, struct cb_snapshot **below,
                     struct cb_error **err)
{
    if (row->parent[0])
        *below = find_living(store, row->parent);
    if (!*below && row->parent[0])
        return cb_db_snapshot_stack(store->db, row->id, rows, err);
    cb_vec_push(rows, *row);
    return 1;
}

int cb_snapshot_get(struct cb_store *store, const char *id, struct cb_snapshot **out,
                    struct cb_error **err)
{
    cb_auto_value(cb_snapshot_rows) rows = {0};
    cb_auto(cb_snapshot) below = NULL;
    cb_gc_shared held = NULL;
    struct cb_snapshot_row row = {0};
    int found;

    *out = NULL;
    if (cb_gc_lock_shared(store, err) < 0)
        return -1;
    held = store;
    found = cb_db_snapshot_row(store->db, id, &row, err);
    if (found <= 0)
        return found;
    *out = find_living(store, id);
    if (*out)
        return 1;
    found = find_rows(store, &row, &rows, &below, err);
    if (found <= 0)
        return found;
    if (is_torn(store, &rows))
        return forget_torn(store, &rows, err);
    if (lease_rows(store, &rows, err) < 0)
        return -1;
    *out = adopt_rows(store, &rows, cb_steal(&below));
    return 1;
}
