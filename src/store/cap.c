/* A limit that holds: whatever is to become part of the store (a layer, a blob) asks for
 * room first, and makes it by removing what was not used for longest. Between the
 * question and the commit a lock is held, so that two processes do not both get the last
 * bytes.
 *
 * What is being made is on the disk already when it asks, and is counted by the asker.
 * The index's log grows without asking: room for that is kept. So do a step's cache
 * mounts, which are measured again when the step commits its layer. */
#include "store/cap.h"

#include "base/fs.h"
#include "base/timestamp.h"
#include "store/attested.h"
#include "store/db-gc.h"
#include "store/gc.h"
#include "store/git-repos.h"
#include "store/outbox.h"
#include "store/prune.h"
#include "store/refs.h"
#include "store/store-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define LOCK_NAME "room.lock"
#define INDEX_GROWS \
    (4u << 20) /* so much may the index's log grow until it is folded in */
#define EVERY_TYPE                                                       \
    (1u << CB_ITEM_REGULAR | 1u << CB_ITEM_MOUNT | 1u << CB_ITEM_LOCAL | \
     1u << CB_ITEM_GIT | 1u << CB_ITEM_LOG)

/* ── Measuring ── */

static int measure_unknown(struct cb_store *store, const struct cb_strings *ids,
                           uint64_t *bytes, struct cb_error **err)
{
    struct cb_disk_sizes sizes = {0};
    int result;

    cb_vec_foreach (id, ids)
        cb_vec_push(&sizes, ((struct cb_disk_size){.id = *id}));
    result = cb_snapshots_measure(store, &sizes, err);
    cb_vec_foreach (size, &sizes)
        *bytes += (uint64_t)size->bytes;
    cb_vec_free(&sizes);
    return result;
}

static uint64_t flat_bytes(struct cb_store *store, const char *directory)
{
    cb_autofd int fd =
        openat(store->root_fd, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cb_auto_value(cb_strings) names = {0};
    uint64_t bytes = 0;
    struct stat st;

    if (fd < 0 || cb_fs_list(fd, &names, NULL) < 0)
        return 0;
    cb_vec_foreach (name, &names)
        if (fstatat(fd, *name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            bytes += (uint64_t)st.st_blocks * 512;
    return bytes;
}

/* A cache mount may hold very many files: it is looked at again only when a step of ours
 * has used one. */
static uint64_t mount_bytes(struct cb_store *store)
{
    if (atomic_exchange(&store->mounts_changed, 0))
        atomic_store(&store->mounts_bytes, cb_tree_bytes(store->root_fd, "cache-mounts"));
    return atomic_load(&store->mounts_bytes);
}

/* Bytes on disk of everything in the store but what is being made. */
static int total_bytes(struct cb_store *store, uint64_t *bytes, struct cb_error **err)
{
    static const char *const flat[] = {
        ".",    "blobs/sha256", "blobs/sha512",        "ingest",           "stat-index",
        "urls", "journal",      CB_ATTESTED_DIRECTORY, CB_OUTBOX_DIRECTORY};
    cb_auto_value(cb_strings) unknown = {0};
    uint64_t total = mount_bytes(store) + cb_tree_bytes(store->root_fd, "builds") +
                     cb_tree_bytes(store->root_fd, CB_GIT_REPOS_DIRECTORY);
    int64_t layers = 0;

    if (cb_db_disk_total(store->db, &layers, &unknown, err) < 0 ||
        measure_unknown(store, &unknown, &total, err) < 0)
        return -1;
    for (size_t i = 0; i < CB_ARRAY_SIZE(flat); i++)
        total += flat_bytes(store, flat[i]);
    *bytes = total + (uint64_t)layers;
    return 0;
}

/* ── Making room ── */

static int remove_unnamed_images(struct cb_store *store, struct cb_error **err)
{
    cb_auto_value(cb_images) images = {0};

    if (cb_image_list(store, &images, err) < 0)
        return -1;
    cb_vec_foreach (image, &images)
        if (!cb_image_is_named(*image) &&
            cb_image_remove_unnamed(store, &(*image)->id, err) < 0)
            return -1;
    return cb_store_gc(store, NULL, err);
}

static int is_too_much(struct cb_store *store, uint64_t bytes, uint64_t *excess,
                       struct cb_error **err)
{
    uint64_t total;

    if (total_bytes(store, &total, err) < 0)
        return -1;
    *excess = total + bytes > store->max_bytes ? total + bytes - store->max_bytes : 0;
    return *excess > 0;
}

/* As much of the cache as is too much; what that leaves is told by measuring again. */
static int remove_cache(struct cb_store *store, uint64_t excess, struct cb_error **err)
{
    struct cb_prune_options options = {.filter = {.all = 1, .types = EVERY_TYPE}};

    options.excess = excess;
    return cb_store_prune(store, &options, NULL, NULL, err);
}

static int store_is_full(struct cb_store *store, uint64_t bytes, struct cb_error **err)
{
    cb_autofree char *limit = cb_size_human(store->max_bytes);
    cb_autofree char *wanted = cb_size_human(bytes);
    cb_autofree char *used = NULL;
    uint64_t total;

    if (total_bytes(store, &total, err) < 0)
        return -1;
    used = cb_size_human(total);
    cb_error_set(err, CB_ERR_SYSTEM,
                 "store `%s` is full: no room for %s more, %s of at most %s are in use",
                 store->root, wanted, used, limit);
    return cb_error_hint(err, "remove images with `cbuild rmi`, or raise --max-store");
}

int cb_store_make_room(struct cb_store *store, uint64_t bytes, struct cb_lock **lock,
                       struct cb_error **err)
{
    cb_auto(cb_lock) held = NULL;
    uint64_t excess;
    int full;

    *lock = NULL;
    if (!store->max_bytes)
        return 0;
    if (cb_store_lease_now(store, err) < 0 ||
        cb_lock_take(&held, store->root_fd, LOCK_NAME, CB_LOCK_EXCLUSIVE,
                     &(struct cb_lock_wait){.cancel = store->cancel}, err) < 0)
        return -1;
    bytes += INDEX_GROWS;
    full = is_too_much(store, bytes, &excess, err);
    if (full > 0)
        full = remove_cache(store, excess, err) < 0
                   ? -1
                   : is_too_much(store, bytes, &excess, err);
    if (full > 0)
        full = remove_unnamed_images(store, err) < 0
                   ? -1
                   : is_too_much(store, bytes, &excess, err);
    if (full > 0)
        full = store_is_full(store, bytes, err);
    if (full < 0)
        return -1;
    *lock = cb_steal(&held);
    return 0;
}
