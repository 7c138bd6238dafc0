/* Snapshots: a directory snapshots/<id>/fs per layer, a row per committed one.
 *
 * An active snapshot is a directory and a line in the lease; nothing is written to the
 * index for it, and if its process dies the next start removes what the dead lease names.
 * Committing is one row. Files are not synced: the row carries the boot id, and an
 * unsynced snapshot of another boot is forgotten on sight, since a machine crash may have
 * torn it. */
#include "store/snapshot.h"

#include "base/fs.h"
#include "base/log.h"
#include "store/cap.h"
#include "store/snapshot-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

char *cb_snapshot_path(const struct cb_snapshot *snapshot, const char *name)
{
    return xasprintf("%s/%s", snapshot->row.id, name);
}

/* ── Handles ── */

static struct cb_snapshot *new_handle(struct cb_store *store, struct cb_snapshot *parent)
{
    struct cb_snapshot *snapshot = xcalloc(1, sizeof(*snapshot));

    snapshot->store = store;
    snapshot->references = 1;
    snapshot->watch_fd = -1;
    cb_snapshot_set_parent(snapshot, parent);
    return snapshot;
}

void cb_snapshot_set_parent(struct cb_snapshot *snapshot, struct cb_snapshot *parent)
{
    snapshot->parent = cb_snapshot_ref(parent);
    snapshot->row.depth = parent ? parent->row.depth + 1 : 1;
    snprintf(snapshot->row.parent, sizeof(snapshot->row.parent), "%s",
             parent ? parent->row.id : "");
}

struct cb_snapshot *cb_snapshot_ref(struct cb_snapshot *snapshot)
{
    if (!snapshot)
        return NULL;
    pthread_mutex_lock(&snapshot->store->mutex);
    snapshot->references++;
    pthread_mutex_unlock(&snapshot->store->mutex);
    return snapshot;
}

/* What the kernel leaves in a work directory is known; a general removal would look into
 * each part of it first. */
static int remove_work(struct cb_snapshot *snapshot, struct cb_error **err)
{
    struct cb_store *store = snapshot->store;
    cb_autofree char *work = cb_snapshot_path(snapshot, "work");
    cb_autofd int own = openat(store->snapshots_fd, snapshot->row.id,
                               O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    cb_close(&snapshot->watch_fd);
    cb_snapshot_remove_old(snapshot);
    if (own >= 0)
        store->driver->clear_work(own);
    if (unlinkat(store->snapshots_fd, work, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return 0;
    return cb_fs_remove_tree(store->snapshots_fd, work, err);
}

/* Part by part: a layer that stayed empty takes a few calls, and where there is something
 * in it only that is looked through. */
static int remove_parts(struct cb_snapshot *snapshot)
{
    int snapshots = snapshot->store->snapshots_fd;
    cb_autofree char *upper = cb_snapshot_path(snapshot, "fs");

    if (cb_snapshot_leave_initial(snapshot))
        return 1;
    if (unlinkat(snapshots, upper, AT_REMOVEDIR) < 0 &&
        cb_fs_remove_tree(snapshots, upper, NULL) < 0)
        return 0;
    if (cb_snapshot_leave_spare(snapshot))
        return 1;
    return remove_work(snapshot, NULL) == 0 &&
           unlinkat(snapshots, snapshot->row.id, AT_REMOVEDIR) == 0;
}

static void discard_active(struct cb_snapshot *snapshot)
{
    struct cb_store *store = snapshot->store;
    cb_auto(cb_error) error = NULL;

    if (!remove_parts(snapshot) &&
        cb_fs_remove_tree(store->snapshots_fd, snapshot->row.id, &error) < 0)
        cb_warn("%s", cb_error_message(error));
    cb_lease_forget(store->lease, CB_LEASE_ACTIVE, snapshot->row.id);
}

/* Handles know each other by id while they live, so the map and the count change
 * together. */
static int drop_reference(struct cb_snapshot *snapshot)
{
    struct cb_store *store = snapshot->store;
    int last;

    pthread_mutex_lock(&store->mutex);
    last = --snapshot->references == 0;
    if (last && cb_map_get(store->snapshots, snapshot->row.id) == snapshot)
        cb_map_remove(store->snapshots, snapshot->row.id);
    pthread_mutex_unlock(&store->mutex);
    return last;
}

void cb_snapshot_unref(struct cb_snapshot *snapshot)
{
    while (snapshot && drop_reference(snapshot)) {
        struct cb_snapshot *parent = snapshot->parent;

        cb_snapshot_detach(snapshot);
        if (!snapshot->row.committed && !snapshot->pinned)
            discard_active(snapshot);
        cb_close(&snapshot->watch_fd);
        cb_strbuf_free(&snapshot->initial);
        free(snapshot->initial_key);
        free(snapshot);
        snapshot = parent;
    }
}

const char *cb_snapshot_id(const struct cb_snapshot *snapshot)
{
    return snapshot->row.id;
}

struct cb_snapshot *cb_snapshot_parent(const struct cb_snapshot *snapshot)
{
    return snapshot->parent;
}

unsigned cb_snapshot_depth(const struct cb_snapshot *snapshot)
{
    return snapshot->row.depth;
}

int cb_snapshot_is_committed(const struct cb_snapshot *snapshot)
{
    return snapshot->row.committed;
}

int64_t cb_snapshot_created_ns(const struct cb_snapshot *snapshot)
{
    return __atomic_load_n(&snapshot->row.created_ns, __ATOMIC_RELAXED);
}

/* The handle may be shared. */
int cb_snapshot_backdate(struct cb_snapshot *committed, int64_t created_ns,
                         struct cb_error **err)
{
    if (cb_db_snapshot_set_created(committed->store->db, committed->row.id, created_ns,
                                   err) < 0)
        return -1;
    __atomic_store_n(&committed->row.created_ns, created_ns, __ATOMIC_RELAXED);
    return 0;
}

/* ── Making ── */

/* 1: there is a layer with what its key stands for. */
static int make_directories(struct cb_snapshot *snapshot, struct cb_error **err)
{
    static const struct {
        const char *name;
        mode_t mode;
    } directories[] = {{"", 0700}, {"/fs", 0755}};
    const int made = cb_snapshot_take_spare(snapshot);

    for (size_t i = (size_t)made; i < CB_ARRAY_SIZE(directories); i++) {
        cb_autofree char *path = xasprintf("%s%s", snapshot->row.id, directories[i].name);

        if (mkdirat(snapshot->store->snapshots_fd, path, directories[i].mode) < 0 ||
            fchmodat(snapshot->store->snapshots_fd, path, directories[i].mode, 0) < 0)
            return cb_error_errno(err, errno, "mkdir `%s/snapshots/%s`",
                                  snapshot->store->root, path);
    }
    return made == CB_ARRAY_SIZE(directories);
}

/* The upper directory's own metadata is what overlay shows for "/". */
int cb_snapshot_inherit_root(struct cb_snapshot *snapshot, struct cb_error **err)
{
    cb_autofd int fd = -1;
    cb_autofd int parent_fd = -1;
    struct timespec times[2];
    struct stat st;

    if (!snapshot->parent)
        return 0;
    if (cb_snapshot_open_upper(snapshot->parent, &parent_fd, err) < 0 ||
        cb_snapshot_open_upper(snapshot, &fd, err) < 0)
        return -1;
    if (fstat(parent_fd, &st) < 0)
        return cb_error_errno(err, errno, "stat root of snapshot `%s`",
                              snapshot->parent->row.id);
    times[0] = times[1] = st.st_mtim;
    if (fchown(fd, st.st_uid, st.st_gid) < 0 || fchmod(fd, st.st_mode & 07777) < 0 ||
        futimens(fd, times) < 0)
        return cb_error_errno(err, errno, "set metadata of snapshot `%s`",
                              snapshot->row.id);
    return 0;
}

static int lease_active(struct cb_snapshot *snapshot, struct cb_error **err)
{
    const char *id = snapshot->row.id;
    cb_gc_shared held = NULL;

    if (cb_gc_lock_shared(snapshot->store, err) < 0)
        return -1;
    held = snapshot->store;
    return cb_lease_add(held->lease, CB_LEASE_ACTIVE, &id, 1, err);
}

static int check_depth(const struct cb_store *store, const struct cb_snapshot *parent,
                       struct cb_error **err)
{
    if (!parent || parent->row.depth <= store->driver->max_layers)
        return 0;
    cb_error_set(err, CB_ERR_UNSUPPORTED,
                 "more than %u layers: the %s driver cannot stack them",
                 store->driver->max_layers, store->driver->name);
    return cb_error_hint(err, "join RUN and COPY steps, or start from a base image with "
                              "fewer layers");
}

/* INITIAL_KEY: or NULL. */
static int prepare(struct cb_store *store, struct cb_snapshot *parent,
                   const char *initial_key, struct cb_snapshot **out,
                   struct cb_error **err)
{
    cb_auto(cb_snapshot) snapshot = NULL;
    int begun;

    if (cb_store_check_writable(store, err) < 0 || check_depth(store, parent, err) < 0 ||
        cb_store_lease_now(store, err) < 0)
        return -1;
    snapshot = new_handle(store, parent);
    snapshot->initial_key = initial_key ? xstrdup(initial_key) : NULL;
    cb_id_new(snapshot->row.id);
    if (lease_active(snapshot, err) < 0 ||
        (begun = make_directories(snapshot, err)) < 0 ||
        cb_snapshot_inherit_root(snapshot, err) < 0)
        return -1;
    *out = cb_steal(&snapshot);
    return begun;
}

int cb_snapshot_prepare(struct cb_store *store, struct cb_snapshot *parent,
                        struct cb_snapshot **out, struct cb_error **err)
{
    return prepare(store, parent, NULL, out, err);
}

int cb_snapshot_prepare_initial(struct cb_store *store, struct cb_snapshot *parent,
                                const char *key, struct cb_snapshot **out,
                                struct cb_error **err)
{
    return prepare(store, parent, key, out, err);
}

void cb_snapshot_set_initial(struct cb_snapshot *active)
{
    cb_autofd int layer = -1;

    cb_strbuf_truncate(&active->initial, 0);
    if (cb_snapshot_open_upper(active, &layer, NULL) < 0 ||
        cb_layer_describe(layer, &active->initial) < 0)
        cb_snapshot_forget_initial(active);
}

void cb_snapshot_forget_initial(struct cb_snapshot *active)
{
    cb_strbuf_truncate(&active->initial, 0);
}

/* ── Committing and removing ── */

/* Before its row is there, so that whoever finds the row finds this handle. */
static int publish(struct cb_snapshot *snapshot, const struct cb_snapshot_row *row,
                   const struct cb_snapshot_known *known, struct cb_error **err)
{
    struct cb_store *store = snapshot->store;
    struct cb_snapshot_row before = snapshot->row;

    pthread_mutex_lock(&store->mutex);
    snapshot->row = *row;
    cb_map_set(store->snapshots, row->id, snapshot);
    pthread_mutex_unlock(&store->mutex);
    if (cb_db_snapshot_put(store->db, row, known, err) == 0)
        return 0;
    pthread_mutex_lock(&store->mutex);
    snapshot->row = before;
    if (!snapshot->pinned)
        cb_map_remove(store->snapshots, row->id);
    pthread_mutex_unlock(&store->mutex);
    return -1;
}

int cb_snapshot_commit_known(struct cb_snapshot *snapshot,
                             const struct cb_snapshot_known *known, int cut,
                             struct cb_error **err)
{
    struct cb_store *store = snapshot->store;
    struct cb_snapshot_row row = snapshot->row;
    const char *id = snapshot->row.id;
    cb_auto(cb_lock) room = NULL;
    cb_gc_shared held = NULL;
    uint64_t bytes = 0;

    cb_snapshot_detach(snapshot);
    if (cb_snapshot_settle(snapshot, err) < 0 || remove_work(snapshot, err) < 0)
        return -1;
    if (store->max_bytes)
        bytes = cb_tree_bytes(store->snapshots_fd, id);
    if (cb_store_make_room(store, bytes, &room, err) < 0)
        return -1;
    row.created_ns = cb_now_ns();
    row.committed = 1;
    row.synced = 0;
    row.cut = cut;
    row.is_empty = known->layer && cb_snapshot_layer_is_empty(known->layer);
    snprintf(row.boot, sizeof(row.boot), "%s", store->boot_id);
    if (cb_gc_lock_shared(store, err) < 0)
        return -1;
    held = store;
    if (cb_lease_add(store->lease, CB_LEASE_SNAPSHOT, &id, 1, err) < 0 ||
        publish(snapshot, &row, known, err) < 0)
        return -1;
    snapshot->pinned = 0;
    cb_lease_forget(store->lease, CB_LEASE_ACTIVE, id);
    return 0;
}

int cb_snapshot_is_too_large(const struct cb_snapshot *active)
{
    const struct cb_store *store = active->store;

    if (!store->max_bytes)
        return -1;
    return cb_tree_bytes(store->snapshots_fd, active->row.id) > store->max_bytes;
}

int cb_snapshot_commit(struct cb_snapshot *snapshot, struct cb_error **err)
{
    const struct cb_snapshot_known nothing = {0};

    return cb_snapshot_commit_known(snapshot, &nothing, 0, err);
}

char *cb_snapshot_fact(struct cb_snapshot *snapshot, const char *key)
{
    char *value = NULL;

    cb_db_fact_get(snapshot->store->db, snapshot->row.id, key, &value, NULL);
    return value;
}

int cb_snapshot_set_fact(struct cb_snapshot *snapshot, const char *key, const char *value,
                         struct cb_error **err)
{
    return cb_db_fact_set(snapshot->store->db, snapshot->row.id, key, value, err);
}

/* What an active snapshot is kept on must be there after a crash of the machine, too: an
 * unsynced layer would be forgotten then, with all above it. Once for each layer. */
static int sync_parents(struct cb_snapshot *snapshot, struct cb_error **err)
{
    struct cb_store *store = snapshot->store;
    int unsynced = 0;

    for (const struct cb_snapshot *at = snapshot->parent; at; at = at->parent)
        unsynced |= !at->row.synced;
    if (!unsynced || store->no_sync)
        return 0;
    if (syncfs(store->root_fd) < 0)
        return cb_error_errno(err, errno, "sync `%s`", store->root);
    for (const struct cb_snapshot *at = snapshot->parent; at; at = at->parent)
        if (!at->row.synced && cb_db_snapshot_set_synced(store->db, at->row.id, err) < 0)
            return -1;
    return 0;
}

int cb_snapshot_pin(struct cb_snapshot *snapshot, const char *owner,
                    struct cb_error **err)
{
    struct cb_store *store = snapshot->store;
    cb_gc_shared held = NULL;

    if (cb_store_check_writable(store, err) < 0 || cb_gc_lock_shared(store, err) < 0)
        return -1;
    held = store;
    if (!snapshot->row.committed) {
        const struct cb_snapshot_known nothing = {0};
        struct cb_snapshot_row row = snapshot->row;

        row.created_ns = cb_now_ns();
        row.synced = 1;
        if (sync_parents(snapshot, err) < 0)
            return -1;
        if (publish(snapshot, &row, &nothing, err) < 0)
            return -1;
    }
    if (cb_db_pin(store->db, snapshot->row.id, owner, err) < 0)
        return -1;
    snapshot->pinned = 1;
    return 0;
}

int cb_snapshot_unpin(struct cb_store *store, const char *owner, struct cb_error **err)
{
    return cb_db_unpin(store->db, owner, err);
}
