/* What takes how much room. Sizes of layers come from the index where they are known,
 * from the disk where not, or where files may have further names in other layers: each is
 * then counted once, with what is counted first. */
#include "store/gc.h"

#include "base/fs.h"
#include "store/attested.h"
#include "store/cache-items.h"
#include "store/db-gc.h"
#include "store/outbox.h"
#include "store/snapshot-priv.h"
#include "store/walk.h"

#include <errno.h>
#include <fcntl.h>

static int add_blocks(void *arg, const struct cb_walk_entry *entry, struct cb_error **err)
{
    uint64_t *bytes = arg;
    nlink_t names = S_ISDIR(entry->st.st_mode) ? 1 : entry->st.st_nlink;

    *bytes += (uint64_t)entry->st.st_blocks * 512 / (names ? names : 1);
    return 0;
}

uint64_t cb_tree_bytes(int dir_fd, const char *name)
{
    cb_autofd int fd =
        openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    uint64_t bytes = 0;

    if (fd >= 0)
        cb_walk(fd, add_blocks, &bytes, NULL, NULL);
    return bytes;
}

int cb_snapshots_measure(struct cb_store *store, struct cb_disk_sizes *sizes,
                         struct cb_error **err)
{
    cb_vec_foreach (size, sizes)
        size->bytes = (int64_t)cb_tree_bytes(store->snapshots_fd, size->id);
    if (!sizes->count || store->read_only)
        return 0;
    return cb_db_disk_sizes_set(store->db, sizes, err);
}

/* ── Files that several layers have ── */

struct measuring {
    struct cb_store *store;
    struct cb_map *sharing; /* ids of snapshots that may have files of others */
    struct cb_map *seen;    /* such files, by device and inode */
    uint64_t bytes, blocks; /* of the files that were not seen before */
};

static void measuring_clear(struct measuring *measuring)
{
    cb_map_free(measuring->sharing);
    cb_map_free(measuring->seen);
}

static int measuring_open(struct measuring *measuring, struct cb_store *store,
                          struct cb_error **err)
{
    *measuring = (struct measuring){
        .store = store, .sharing = cb_map_new(NULL), .seen = cb_map_new(NULL)};
    return cb_db_snapshots_with(store->db, CB_FACT_SHARES, measuring->sharing, err);
}

static int add_unseen(void *arg, const struct cb_walk_entry *entry, struct cb_error **err)
{
    struct measuring *measuring = arg;
    char key[CB_INODE_KEY_MAX];

    if (S_ISREG(entry->st.st_mode) && entry->st.st_nlink > 1) {
        cb_inode_key(key, entry->st.st_dev, entry->st.st_ino);
        if (cb_map_has(measuring->seen, key))
            return 0;
        cb_map_set(measuring->seen, key, measuring);
    }
    if (S_ISREG(entry->st.st_mode))
        measuring->bytes += (uint64_t)entry->st.st_size;
    measuring->blocks += (uint64_t)entry->st.st_blocks * 512;
    return 0;
}

/* 1, and the sums say what it has that no other had; 0: it shares nothing. */
static int measure_sharing(struct measuring *measuring, const char *id)
{
    cb_autofd int fd = -1;

    measuring->bytes = measuring->blocks = 0;
    if (!cb_map_has(measuring->sharing, id))
        return 0;
    fd = openat(measuring->store->snapshots_fd, id,
                O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0)
        cb_walk(fd, add_unseen, measuring, NULL, NULL);
    return 1;
}

static int snapshot_bytes(struct measuring *measuring, const char *id, uint64_t *bytes,
                          struct cb_error **err)
{
    struct cb_store *store = measuring->store;
    int64_t known = -1;

    if (measure_sharing(measuring, id)) {
        *bytes += measuring->bytes;
        return 0;
    }
    if (cb_db_snapshot_size(store->db, id, &known, err) < 0)
        return -1;
    *bytes += known >= 0 ? (uint64_t)known : cb_tree_bytes(store->snapshots_fd, id);
    return 0;
}

/* Snapshots in SET that are not in WITHOUT. */
static int set_bytes(struct measuring *measuring, const struct cb_map *set,
                     const struct cb_map *without, uint64_t *bytes, struct cb_error **err)
{
    const char *id;
    void *value;
    size_t at = 0;

    *bytes = 0;
    while (cb_map_next(set, &at, &id, &value)) {
        if (without && cb_map_has(without, id))
            continue;
        if (snapshot_bytes(measuring, id, bytes, err) < 0)
            return -1;
    }
    return 0;
}

/* Of what images have, that which nobody else does. */
static int reclaimable_bytes(struct cb_store *store, const struct cb_map *images,
                             const struct cb_map *pinned, uint64_t *bytes,
                             struct cb_error **err)
{
    __attribute__((cleanup(measuring_clear))) struct measuring measuring;
    const char *id;
    void *value;
    size_t at = 0;

    if (measuring_open(&measuring, store, err) < 0)
        return -1;
    while (cb_map_next(pinned, &at, &id, &value))
        measure_sharing(&measuring, id);
    return set_bytes(&measuring, images, pinned, bytes, err);
}

/* ── The parts ── */

/* What `du` lists and `prune` can remove, as sums. */
static int add_cache(struct measuring *measuring, struct cb_usage *usage,
                     struct cb_map *known, struct cb_error **err)
{
    cb_auto_value(cb_cache_items) items = {0};

    if (cb_cache_items_list(measuring->store, &items, err) < 0)
        return -1;
    cb_vec_foreach (item, &items) {
        struct cb_usage_part *part = item->type == CB_ITEM_MOUNT ? &usage->cache_mounts
                                     : item->type == CB_ITEM_LOG ? &usage->logs
                                                                 : &usage->cache;

        if (item->type == CB_ITEM_REGULAR)
            cb_map_set(known, item->id, known);
        part->count++;
        part->active += (uint64_t)(item->in_use != 0);
        if (item->shared)
            continue;
        if (item->type == CB_ITEM_REGULAR && measure_sharing(measuring, item->id))
            item->bytes = measuring->blocks;
        part->bytes += item->bytes;
        part->reclaimable += item->in_use ? 0 : item->bytes;
    }
    return 0;
}

/* Of a snapshot that is no image's, container's or cache's: being made, or left for the
 * next gc. */
static int add_stray(struct cb_store *store, const struct cb_map *known,
                     struct cb_usage_part *rest, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};

    if (cb_fs_list(store->snapshots_fd, &names, err) < 0)
        return -1;
    cb_vec_foreach (name, &names) {
        if (!cb_map_has(known, *name))
            rest->bytes += cb_tree_bytes(store->snapshots_fd, *name);
    }
    return 0;
}

static uint64_t plain_files_bytes(int dir_fd)
{
    cb_auto_value(cb_strings) names = {0};
    uint64_t bytes = 0;
    struct stat st;

    if (cb_fs_list(dir_fd, &names, NULL) < 0)
        return 0;
    cb_vec_foreach (name, &names) {
        if (fstatat(dir_fd, *name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            bytes += (uint64_t)st.st_blocks * 512;
    }
    return bytes;
}

/* The index, and directories that no other part has. */
static int add_rest(struct cb_store *store, const struct cb_map *known,
                    struct cb_usage_part *rest, struct cb_error **err)
{
    static const char *const directories[] = {"ingest",
                                              "urls",
                                              "journal",
                                              "networks",
                                              "tmp",
                                              "containers",
                                              "leases",
                                              CB_ATTESTED_DIRECTORY,
                                              CB_OUTBOX_DIRECTORY};

    for (size_t i = 0; i < CB_ARRAY_SIZE(directories); i++)
        rest->bytes += cb_tree_bytes(store->root_fd, directories[i]);
    rest->bytes += plain_files_bytes(store->root_fd);
    rest->count = 1;
    rest->active = 1;
    return add_stray(store, known, rest, err);
}

int cb_store_usage(struct cb_store *store, struct cb_usage *out, struct cb_error **err)
{
    cb_auto(cb_map) images = cb_map_new(NULL);
    cb_auto(cb_map) pinned = cb_map_new(NULL);
    cb_auto(cb_map) known = cb_map_new(NULL);
    struct cb_usage usage = {0};
    __attribute__((cleanup(measuring_clear))) struct measuring measuring = {0};
    struct cb_db_counts counts;

    if (measuring_open(&measuring, store, err) < 0 ||
        cb_db_counts(store->db, &counts, err) < 0 ||
        cb_db_reached_snapshots(store->db, CB_REACH_IMAGES | CB_REACH_PINS, known, err) <
            0 ||
        cb_db_reached_snapshots(store->db, CB_REACH_IMAGES, images, err) < 0 ||
        cb_db_reached_snapshots(store->db, CB_REACH_PINS, pinned, err) < 0 ||
        set_bytes(&measuring, images, NULL, &usage.images.bytes, err) < 0 ||
        reclaimable_bytes(store, images, pinned, &usage.images.reclaimable, err) < 0 ||
        add_cache(&measuring, &usage, known, err) < 0 ||
        cb_gc_measure_blobs(store, &usage.blobs, err) < 0 ||
        add_rest(store, known, &usage.rest, err) < 0)
        return -1;
    usage.images.count = counts.images;
    *out = usage;
    return 0;
}
