/* The cache as a list. Layers come from the index: those that a record or an ancestor of
 * one names. The others are files, whose own times and locks say when they were used and
 * whether they are. A layer counts as used when anything on it was, so that in the order
 * of the list what can be removed comes first. */
#include "store/cache-items.h"

#include "base/fs.h"
#include "base/lockfile.h"
#include "base/text.h"
#include "store/cache-mount.h"
#include "store/db-gc.h"
#include "store/db-snapshots.h"
#include "store/git-repos.h"
#include "store/snapshot-priv.h"
#include "store/store-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#define LOCK_SUFFIX ".lock"
#define DAY_NS      (INT64_C(86400) * 1000000000)

static const char *const type_names[] = {
    [CB_ITEM_REGULAR] = "regular",         [CB_ITEM_MOUNT] = "exec.cachemount",
    [CB_ITEM_GIT] = "source.git.checkout", [CB_ITEM_LOCAL] = "source.local",
    [CB_ITEM_LOG] = "build.log",
};

const char *cb_item_type_name(enum cb_item_type type)
{
    return type_names[type];
}

int cb_item_type_parse(enum cb_item_type *out, const char *name)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(type_names); i++) {
        if (strcmp(type_names[i], name) == 0) {
            *out = (enum cb_item_type)i;
            return 1;
        }
    }
    return 0;
}

void cb_cache_items_free(struct cb_cache_items *items)
{
    cb_vec_foreach (item, items) {
        free(item->id);
        free(item->parent);
        free(item->description);
    }
    cb_vec_free(items);
}

static int64_t time_ns(const struct timespec *time)
{
    return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

/* ── Layers ── */

/* What nobody has measured yet. */
static int measure(struct cb_store *store, struct cb_cache_items *items,
                   struct cb_error **err)
{
    struct cb_disk_sizes sizes = {0};
    size_t next = 0;
    int result;

    cb_vec_foreach (item, items)
        if (item->bytes == UINT64_MAX)
            cb_vec_push(&sizes, ((struct cb_disk_size){.id = item->id}));
    result = cb_snapshots_measure(store, &sizes, err);
    cb_vec_foreach (item, items)
        if (item->bytes == UINT64_MAX)
            item->bytes = (uint64_t)sizes.items[next++].bytes;
    cb_vec_free(&sizes);
    return result;
}

struct marks {
    struct cb_map *images; /* snapshots that images and containers reach */
    struct cb_map *leased;
    struct cb_map *by_id; /* id → index + 1 */
};

static void marks_clear(struct marks *marks)
{
    cb_map_free(marks->images);
    cb_map_free(marks->leased);
    cb_map_free(marks->by_id);
}

static int is_leased(const struct marks *marks, const char *id)
{
    cb_autofree char *key = xasprintf("%c%s", CB_LEASE_SNAPSHOT, id);

    return cb_map_has(marks->leased, key);
}

static int has_handle(struct cb_store *store, const char *id)
{
    int found;

    pthread_mutex_lock(&store->mutex);
    found = cb_map_has(store->snapshots, id);
    pthread_mutex_unlock(&store->mutex);
    return found;
}

static int by_depth(const void *a, const void *b)
{
    const struct cb_cache_item *x = a, *y = b;

    return x->depth < y->depth ? 1 : x->depth > y->depth ? -1 : strcmp(x->id, y->id);
}

/* Deepest first, so that each hands on what it got from those on it. */
static void hand_down(struct cb_cache_items *items, struct marks *marks)
{
    for (size_t i = 0; i < items->count; i++)
        cb_map_set(marks->by_id, items->items[i].id, (void *)(i + 1));
    cb_vec_foreach (item, items) {
        size_t at = (size_t)cb_map_get(marks->by_id, item->parent);
        struct cb_cache_item *parent = at ? &items->items[at - 1] : NULL;

        if (!parent)
            continue;
        parent->in_use |= item->in_use;
        if (parent->used_ns < item->used_ns)
            parent->used_ns = item->used_ns;
    }
}

static int list_layers(struct cb_store *store, struct cb_cache_items *out,
                       struct cb_error **err)
{
    __attribute__((cleanup(marks_clear))) struct marks marks = {
        cb_map_new(NULL), cb_map_new(NULL), cb_map_new(NULL)};

    if (cb_db_cached_snapshots(store->db, out, err) < 0 ||
        cb_db_reached_snapshots(store->db, CB_REACH_IMAGES | CB_REACH_PINS, marks.images,
                                err) < 0 ||
        cb_leases_collect(store->lease, marks.leased, err) < 0 ||
        measure(store, out, err) < 0)
        return -1;
    cb_vec_foreach (item, out) {
        item->shared = cb_map_has(marks.images, item->id);
        item->in_use = is_leased(&marks, item->id) || has_handle(store, item->id);
    }
    if (out->count)
        qsort(out->items, out->count, sizeof(*out->items), by_depth);
    hand_down(out, &marks);
    return 0;
}

/* ── Files ── */

/* The id is what `cbuild builds` calls it. */
static void add_log(int dir_fd, const char *name, const struct stat *st,
                    struct cb_cache_item *item)
{
    cb_autofree char *path =
        S_ISDIR(st->st_mode) ? xasprintf("%s/events.jsonl", name) : xstrdup(name);

    item->id = xstrndup(name, strcspn(name, "."));
    item->in_use = cb_lock_is_held(dir_fd, path);
    if (S_ISDIR(st->st_mode))
        item->bytes = cb_tree_bytes(dir_fd, name);
}

/* What somebody writes has a name with a dot until it is whole. After a day nobody does.
 */
static int is_being_written(const char *name, const struct stat *st)
{
    return *name == '.' && cb_now_ns() - time_ns(&st->st_mtim) < DAY_NS;
}

static int list_files(struct cb_store *store, const char *directory,
                      enum cb_item_type type, struct cb_cache_items *out,
                      struct cb_error **err)
{
    cb_autofd int fd =
        openat(store->root_fd, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cb_auto_value(cb_strings) names = {0};

    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return cb_error_errno(err, errno, "open `%s/%s`", store->root, directory);
    if (cb_fs_list(fd, &names, err) < 0)
        return -1;
    cb_vec_foreach (name, &names) {
        struct cb_cache_item item = {.type = type};
        struct stat st;

        if (cb_ends_with(*name, LOCK_SUFFIX) ||
            fstatat(fd, *name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
            is_being_written(*name, &st))
            continue;
        item.bytes = (uint64_t)st.st_blocks * 512;
        item.created_ns = item.used_ns = time_ns(&st.st_mtim);
        if (type == CB_ITEM_LOG)
            add_log(fd, *name, &st, &item);
        else
            item.id = xstrdup(*name);
        item.parent = xstrdup("");
        item.description = xstrdup("");
        cb_vec_push(out, item);
    }
    return 0;
}

static int list_mounts(struct cb_store *store, struct cb_cache_items *out,
                       struct cb_error **err)
{
    cb_auto_value(cb_cache_mounts) mounts = {0};

    if (cb_cache_mount_list(store, &mounts, err) < 0)
        return -1;
    cb_vec_foreach (mount, &mounts) {
        struct cb_cache_item item = {.type = CB_ITEM_MOUNT,
                                     .id = xstrdup(mount->name),
                                     .parent = xstrdup(""),
                                     .description = xstrdup(mount->id),
                                     .bytes = mount->bytes,
                                     .created_ns = mount->used_ns,
                                     .used_ns = mount->used_ns,
                                     .in_use = mount->busy};

        cb_vec_push(out, item);
    }
    return 0;
}

/* ── All ── */

static int by_use(const void *a, const void *b)
{
    const struct cb_cache_item *x = a, *y = b;

    if (x->used_ns != y->used_ns)
        return x->used_ns < y->used_ns ? -1 : 1;
    return by_depth(a, b);
}

int cb_cache_items_list(struct cb_store *store, struct cb_cache_items *out,
                        struct cb_error **err)
{
    if (list_layers(store, out, err) < 0 || list_mounts(store, out, err) < 0 ||
        cb_git_repos_list(store, out, err) < 0 ||
        list_files(store, "stat-index", CB_ITEM_LOCAL, out, err) < 0 ||
        list_files(store, "builds", CB_ITEM_LOG, out, err) < 0)
        return -1;
    if (out->count)
        qsort(out->items, out->count, sizeof(*out->items), by_use);
    return 0;
}
