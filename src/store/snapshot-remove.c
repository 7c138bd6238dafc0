/* Taking snapshots away: rows first, then the directories nobody alive uses, moved aside
 * under the lock and emptied after it. Whoever sweeps tmp/ meanwhile only helps. */
#include "store/snapshot-priv.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

uint64_t cb_snapshots_discard(struct cb_store *store, const struct cb_strings *ids,
                              int gc_lock_fd)
{
    cb_auto_value(cb_strings) aside = {0};
    uint64_t freed = 0;

    cb_vec_foreach (id, ids) {
        cb_autofree char *name = cb_store_temporary_name(store);

        if (renameat(store->snapshots_fd, *id, store->tmp_fd, name) == 0) {
            cb_strings_take(&aside, cb_steal(&name));
        } else if (errno != ENOENT) {
            freed += cb_tree_bytes(store->snapshots_fd, *id);
            cb_fs_remove_tree(store->snapshots_fd, *id, NULL);
        }
    }
    cb_close(&gc_lock_fd);
    cb_vec_foreach (name, &aside) {
        freed += cb_tree_bytes(store->tmp_fd, *name);
        cb_fs_remove_tree(store->tmp_fd, *name, NULL);
    }
    return freed;
}

static int in_use(struct cb_store *store, const struct cb_map *leased, const char *id)
{
    cb_autofree char *used = xasprintf("%c%s", CB_LEASE_SNAPSHOT, id);
    cb_autofree char *active = xasprintf("%c%s", CB_LEASE_ACTIVE, id);
    int living;

    pthread_mutex_lock(&store->mutex);
    living = cb_map_has(store->snapshots, id);
    pthread_mutex_unlock(&store->mutex);
    return living || cb_map_has(leased, used) || cb_map_has(leased, active);
}

int cb_snapshot_remove(struct cb_store *store, const char *id, struct cb_error **err)
{
    cb_auto_value(cb_strings) removed = {0};
    cb_auto_value(cb_strings) unused = {0};
    cb_auto(cb_map) leased = cb_map_new(NULL);
    cb_autofree char *aside = NULL;
    cb_autofd int lock = -1;

    /* with a lease nobody takes what is put aside for a dead one's; it may go without */
    cb_store_begin_temporary(store, &aside, NULL);
    if (cb_store_check_writable(store, err) < 0 ||
        cb_gc_lock_exclusive(store, &lock, err) < 0 ||
        cb_db_snapshot_remove(store->db, id, &removed, err) < 0 ||
        cb_leases_collect(store->lease, leased, err) < 0)
        return -1;
    cb_vec_foreach (each, &removed) {
        if (!in_use(store, leased, *each))
            cb_strings_add(&unused, *each);
    }
    cb_snapshots_discard(store, &unused, cb_steal_fd(&lock));
    return 0;
}
