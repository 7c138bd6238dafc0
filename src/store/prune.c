/* Pruning. The choice is made from a list, without any lock: by the time it is carried
 * out somebody may have begun to use what was chosen. That costs nothing but a record,
 * since files go with the collection that follows, which keeps what any lease names.
 *
 * The least recently used goes first, and a layer only after all that stand on it, so
 * that what is removed is really freed. */
#include "store/prune.h"

#include "base/fs.h"
#include "store/cache-mount.h"
#include "store/db-gc.h"
#include "store/gc.h"
#include "store/git-repos.h"
#include "store/store-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define HOUR_NS   (INT64_C(3600) * 1000000000)
#define BIT(type) (1u << (type))

/* ── Choosing ── */

static int wished(enum cb_wish wish, int is)
{
    return wish == CB_EITHER || (wish == CB_ONLY) == is;
}

int cb_cache_filter_matches(const struct cb_cache_filter *filter,
                            const struct cb_cache_item *item, int64_t now_ns)
{
    unsigned types = filter->types ? filter->types : ~BIT(CB_ITEM_LOG);

    return (types & BIT(item->type)) &&
           (!filter->id || strncmp(item->id, filter->id, strlen(filter->id)) == 0) &&
           (!filter->parent ||
            strncmp(item->parent, filter->parent, strlen(filter->parent)) == 0) &&
           (!filter->description || strstr(item->description, filter->description)) &&
           (!filter->unused_ns || now_ns - item->used_ns > filter->unused_ns) &&
           wished(filter->in_use, item->in_use) && wished(filter->shared, item->shared);
}

/* What is not freed by removing it counts for nobody's limit. */
static uint64_t counted_bytes(const struct cb_cache_item *item)
{
    return item->shared ? 0 : item->bytes;
}

static uint64_t disk_free(struct cb_store *store)
{
    struct statvfs fs;

    return fstatvfs(store->root_fd, &fs) < 0 ? UINT64_MAX
                                             : (uint64_t)fs.f_bavail * fs.f_frsize;
}

/* How many of the TOTAL bytes that match may stay. */
static uint64_t bytes_to_keep(struct cb_store *store,
                              const struct cb_prune_options *options, uint64_t total)
{
    uint64_t keep = options->max_used, free_bytes = disk_free(store);

    if (!options->max_used && !options->min_free)
        return options->reserved;
    if (!keep)
        keep = UINT64_MAX;
    if (options->min_free > free_bytes) {
        uint64_t missing = options->min_free - free_bytes;
        uint64_t left = total > missing ? total - missing : 0;

        keep = left < keep ? left : keep;
    }
    return keep > options->reserved ? keep : options->reserved;
}

struct choice {
    struct cb_store *store;
    const struct cb_prune_options *options;
    struct cb_map *standing;   /* id of a layer → how many stand on it */
    struct cb_strings records; /* snapshots whose records go */
    uint64_t excess;           /* bytes that still have to go */
    uint64_t freed;
};

static void choice_clear(struct choice *choice)
{
    cb_map_free(choice->standing);
    cb_strings_free(&choice->records);
}

static void count_standing(struct choice *choice, const struct cb_cache_items *items)
{
    cb_vec_foreach (item, items) {
        size_t count = (size_t)cb_map_get(choice->standing, item->parent);

        if (*item->parent)
            cb_map_set(choice->standing, item->parent, (void *)(count + 1));
    }
}

static int may_go(const struct choice *choice, const struct cb_cache_item *item,
                  int64_t now_ns)
{
    const struct cb_cache_filter *filter = &choice->options->filter;

    return !item->in_use && (filter->all || filter->shared == CB_ONLY || !item->shared) &&
           cb_cache_filter_matches(filter, item, now_ns) &&
           (item->shared || !cb_map_get(choice->standing, item->id));
}

static int remove_file(struct choice *choice, const char *directory, const char *name,
                       uint64_t bytes, struct cb_error **err)
{
    cb_autofd int fd =
        openat(choice->store->root_fd, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return cb_error_errno(err, errno, "open `%s`", directory);
    choice->freed += bytes;
    return cb_fs_remove_tree(fd, name, err);
}

/* A directory, or a file of few lines: never both. */
static int remove_log(struct choice *choice, const struct cb_cache_item *item,
                      struct cb_error **err)
{
    cb_autofree char *single = xasprintf("%s.jsonl", item->id);

    if (remove_file(choice, "builds", item->id, item->bytes, err) < 0)
        return -1;
    return remove_file(choice, "builds", single, 0, err);
}

/* One that a step has taken meanwhile stays. */
static int remove_mount(struct choice *choice, const struct cb_cache_item *item,
                        struct cb_error **err)
{
    cb_auto(cb_error) error = NULL;

    if (cb_cache_mount_remove(choice->store, item->id, &choice->freed, &error) == 0 ||
        cb_error_kind(error) == CB_ERR_EXISTS)
        return 0;
    return cb_error_move(err, &error);
}

static int remove_item(struct choice *choice, const struct cb_cache_item *item,
                       struct cb_error **err)
{
    size_t count;

    switch (item->type) {
    case CB_ITEM_MOUNT:
        return remove_mount(choice, item, err);
    case CB_ITEM_GIT:
        return cb_git_repo_remove(choice->store, item->id, &choice->freed, err);
    case CB_ITEM_LOCAL:
        return remove_file(choice, "stat-index", item->id, item->bytes, err);
    case CB_ITEM_LOG:
        return remove_log(choice, item, err);
    case CB_ITEM_REGULAR:
        break;
    }
    count = (size_t)cb_map_get(choice->standing, item->parent);
    if (count)
        cb_map_set(choice->standing, item->parent, (void *)(count - 1));
    cb_strings_add(&choice->records, item->id);
    return 0;
}

static uint64_t excess_of(struct choice *choice, const struct cb_cache_items *items,
                          int64_t now_ns)
{
    const struct cb_prune_options *options = choice->options;
    struct cb_cache_filter all = options->filter;
    uint64_t total = 0, keep;

    if (options->excess)
        return options->excess;
    if (!options->reserved && !options->max_used && !options->min_free)
        return UINT64_MAX;
    all.unused_ns = 0;
    cb_vec_foreach (item, items)
        if (cb_cache_filter_matches(&all, item, now_ns))
            total += counted_bytes(item);
    keep = bytes_to_keep(choice->store, options, total);
    return total > keep ? total - keep : 0;
}

/* The item goes over to REMOVED and leaves an empty one. */
static void move_item(struct cb_cache_items *removed, struct cb_cache_item *item)
{
    if (!removed)
        return;
    cb_vec_push(removed, *item);
    *item = (struct cb_cache_item){0};
}

static int remove_chosen(struct choice *choice, struct cb_cache_items *items,
                         struct cb_cache_items *removed, struct cb_error **err)
{
    int64_t now_ns = cb_now_ns();

    count_standing(choice, items);
    choice->excess = excess_of(choice, items, now_ns);
    cb_vec_foreach (item, items) {
        uint64_t bytes = counted_bytes(item);

        if (!choice->excess)
            break;
        if (!may_go(choice, item, now_ns))
            continue;
        if (remove_item(choice, item, err) < 0)
            return -1;
        if (choice->excess != UINT64_MAX)
            choice->excess -= bytes < choice->excess ? bytes : choice->excess;
        move_item(removed, item);
    }
    return 0;
}

/* ── Carrying out ── */

int cb_store_prune(struct cb_store *store, const struct cb_prune_options *options,
                   struct cb_cache_items *removed, uint64_t *freed_bytes,
                   struct cb_error **err)
{
    cb_auto_value(cb_cache_items) items = {0};
    __attribute__((cleanup(choice_clear))) struct choice choice = {
        .store = store, .options = options, .standing = cb_map_new(NULL)};
    int64_t empty_before =
        cb_now_ns() - (options->filter.unused_ns ? options->filter.unused_ns : 0);
    uint64_t swept = 0;

    if (cb_store_check_writable(store, err) < 0)
        return -1;
    cb_record_flush(store);
    if (cb_cache_items_list(store, &items, err) < 0 ||
        remove_chosen(&choice, &items, removed, err) < 0 ||
        cb_db_forget_records(store->db, &choice.records,
                             choice.excess == UINT64_MAX ? empty_before : 0, err) < 0 ||
        (options->names &&
         cb_db_forget_resolutions(store->db, empty_before / 1000000000 + 1, err) < 0) ||
        cb_store_gc(store, &swept, err) < 0)
        return -1;
    if (freed_bytes)
        *freed_bytes = choice.freed + swept;
    return 0;
}

/* ── By itself ── */

/* 1: it is time, and the next process sees that it is taken care of. */
static int is_due(struct cb_store *store)
{
    cb_autofd int fd =
        openat(store->root_fd, "pruned", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    struct stat st;
    int64_t age;

    if (fd < 0 || fstat(fd, &st) < 0)
        return 0;
    age = cb_now_ns() - (int64_t)st.st_mtim.tv_sec * 1000000000;
    if (st.st_size && age >= 0 && age < HOUR_NS)
        return 0;
    return pwrite(fd, "\n", 1, 0) == 1 && futimens(fd, NULL) == 0;
}

int cb_store_prune_by_policy(struct cb_store *store, struct cb_error **err)
{
    struct statvfs fs;
    uint64_t disk;

    if (store->read_only || !is_due(store))
        return 0;
    disk = fstatvfs(store->root_fd, &fs) < 0 ? 0 : (uint64_t)fs.f_blocks * fs.f_frsize;
    {
        const struct cb_prune_options policy[] = {
            {.filter = {.types =
                            BIT(CB_ITEM_MOUNT) | BIT(CB_ITEM_LOCAL) | BIT(CB_ITEM_GIT),
                        .unused_ns = 48 * HOUR_NS},
             .max_used = UINT64_C(512) << 20},
            {.filter = {.unused_ns = 60 * 24 * HOUR_NS}},
            {.reserved = disk / 10, .max_used = disk / 10 * 6, .min_free = disk / 5},
            {.filter = {.all = 1},
             .reserved = disk / 10,
             .max_used = disk / 10 * 6,
             .min_free = disk / 5},
        };

        for (size_t i = 0; i < CB_ARRAY_SIZE(policy); i++)
            if (cb_store_prune(store, &policy[i], NULL, NULL, err) < 0)
                return -1;
    }
    return 0;
}
