/* File: header, entries sorted by path, then the paths' bytes. It is mapped and searched
 * in place; an entry carries its own check sum, so that a damaged one is a miss and
 * opening reads nothing.
 *
 * An entry is only kept when the file's times are older than the moment the index was
 * opened, which is before the file was looked at: a change made after that look would
 * give it a later time. A file changed in the same tick (or on a file system that counts
 * whole seconds, the same second) could keep its times; such a file is read again next
 * time. */
#include "store/stat-index.h"

#include "base/atomic-file.h"
#include "base/fs.h"
#include "base/map.h"
#include "store/store-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <isa-l/crc.h>
#include <stdio.h>
#include <sys/mman.h>

#define MAGIC       "cbstat1"
#define TICK_NS     INT64_C(20000000) /* twice the coarsest kernel tick */
#define SECOND_NS   INT64_C(1000000000)
#define MAX_ENTRIES 4000000u
#define STALE_FACTOR \
    4 /* entries not asked for are dropped when they are so many times the rest */

struct header {
    char magic[8];
    uint32_t count;
    uint32_t paths_len;
};

struct entry {
    uint32_t path_at, path_len;
    uint64_t dev, ino;
    int64_t size, mtime_ns, ctime_ns;
    uint32_t mode;
    unsigned char digest[32];
    uint32_t check; /* of all before, and the path */
};

struct added {
    struct entry entry;
};

struct cb_stat_index {
    struct cb_store *store;
    char *name;
    int64_t opened_ns;
    const unsigned char *map; /* or NULL */
    size_t map_len;
    const struct entry *entries;
    uint32_t count;
    const char *paths;
    uint32_t paths_len;

    pthread_mutex_t mutex; /* guards what follows */
    unsigned char *seen;   /* by entry */
    struct cb_map *added;  /* path → struct added */
};

/* ── Reading ── */

static int64_t nanoseconds(const struct timespec *time)
{
    return (int64_t)time->tv_sec * SECOND_NS + time->tv_nsec;
}

static uint32_t check_sum(const struct entry *entry, const char *path)
{
    uint32_t sum =
        crc32_gzip_refl(0, (const unsigned char *)entry, offsetof(struct entry, check));

    return crc32_gzip_refl(sum, (const unsigned char *)path, entry->path_len);
}

static void use_map(struct cb_stat_index *index)
{
    const struct header *header = (const struct header *)index->map;
    size_t entries_len;

    if (index->map_len < sizeof(*header) || memcmp(header->magic, MAGIC, 8) != 0 ||
        header->count > MAX_ENTRIES)
        return;
    entries_len = (size_t)header->count * sizeof(struct entry);
    if (index->map_len != sizeof(*header) + entries_len + header->paths_len)
        return;
    index->entries = (const struct entry *)(header + 1);
    index->paths = (const char *)index->map + sizeof(*header) + entries_len;
    index->count = header->count;
    index->paths_len = header->paths_len;
}

static void map_file(struct cb_stat_index *index)
{
    cb_autofree char *path = xasprintf("stat-index/%s", index->name);
    cb_autofd int fd = openat(index->store->root_fd, path,
                              O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    void *map;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
        return;
    map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return;
    index->map = map;
    index->map_len = (size_t)st.st_size;
    use_map(index);
}

struct cb_stat_index *cb_stat_index_open(struct cb_store *store, int context_dir_fd)
{
    struct cb_stat_index *index = xcalloc(1, sizeof(*index));
    struct stat st = {0};

    index->opened_ns = cb_now_ns();
    index->store = store;
    pthread_mutex_init(&index->mutex, NULL);
    index->added = cb_map_new(free);
    if (fstat(context_dir_fd, &st) == 0)
        index->name = xasprintf("%llx-%llx.idx", (unsigned long long)st.st_dev,
                                (unsigned long long)st.st_ino);
    if (index->name)
        map_file(index);
    index->seen = xcalloc(index->count / 8 + 1, 1);
    return index;
}

/* Paths compare as bytes, the shorter first. NULL when an entry is damaged. */
static int compare(const struct cb_stat_index *index, const struct entry *entry,
                   const char *path, size_t len, int *damaged)
{
    size_t least = entry->path_len < len ? entry->path_len : len;
    int order;

    if (entry->path_at > index->paths_len ||
        entry->path_len > index->paths_len - entry->path_at) {
        *damaged = 1;
        return 0;
    }
    order = memcmp(index->paths + entry->path_at, path, least);
    if (order)
        return order;
    return entry->path_len < len ? -1 : entry->path_len > len;
}

static const struct entry *search(const struct cb_stat_index *index, const char *path)
{
    size_t len = strlen(path);
    uint32_t low = 0, high = index->count;
    int damaged = 0;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct entry *entry = &index->entries[middle];
        int order = compare(index, entry, path, len, &damaged);

        if (damaged)
            return NULL;
        if (order == 0)
            return entry->check == check_sum(entry, path) ? entry : NULL;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static int matches(const struct entry *entry, const struct stat *st)
{
    return entry->dev == st->st_dev && entry->ino == st->st_ino &&
           entry->size == st->st_size && entry->mode == st->st_mode &&
           entry->mtime_ns == nanoseconds(&st->st_mtim) &&
           entry->ctime_ns == nanoseconds(&st->st_ctim);
}

int cb_stat_index_find(struct cb_stat_index *index, const char *path,
                       const struct stat *st, struct cb_digest *digest)
{
    const struct entry *entry = search(index, path);
    size_t at;

    if (!entry || !matches(entry, st))
        return 0;
    at = (size_t)(entry - index->entries);
    pthread_mutex_lock(&index->mutex);
    index->seen[at / 8] |= (unsigned char)(1u << at % 8);
    pthread_mutex_unlock(&index->mutex);
    *digest = (struct cb_digest){.algorithm = CB_SHA256};
    memcpy(digest->bytes, entry->digest, sizeof(entry->digest));
    return 1;
}

/* ── Adding ── */

static int is_racy(const struct cb_stat_index *index, const struct stat *st)
{
    int64_t mtime = nanoseconds(&st->st_mtim), ctime = nanoseconds(&st->st_ctim);
    int64_t latest = mtime > ctime ? mtime : ctime;
    int whole_seconds = mtime % SECOND_NS == 0 && ctime % SECOND_NS == 0;

    return latest >= index->opened_ns - (whole_seconds ? 2 * SECOND_NS : TICK_NS);
}

void cb_stat_index_add(struct cb_stat_index *index, const char *path,
                       const struct stat *st, const struct cb_digest *digest)
{
    struct added *added;

    if (index->store->read_only || digest->algorithm != CB_SHA256 || is_racy(index, st))
        return;
    added = xcalloc(1, sizeof(*added));
    added->entry = (struct entry){.dev = st->st_dev,
                                  .ino = st->st_ino,
                                  .size = st->st_size,
                                  .mtime_ns = nanoseconds(&st->st_mtim),
                                  .ctime_ns = nanoseconds(&st->st_ctim),
                                  .mode = st->st_mode};
    memcpy(added->entry.digest, digest->bytes, sizeof(added->entry.digest));
    pthread_mutex_lock(&index->mutex);
    cb_map_set(index->added, path, added);
    pthread_mutex_unlock(&index->mutex);
}

/* ── Writing ── */

struct line {
    const char *path;
    size_t len;
    struct entry entry;
};
struct lines {
    CB_VEC(struct line) list;
};

static int by_path(const void *a, const void *b)
{
    const struct line *one = a, *two = b;
    int order = memcmp(one->path, two->path, one->len < two->len ? one->len : two->len);

    if (order)
        return order;
    return one->len < two->len ? -1 : one->len > two->len;
}

static int was_seen(const struct cb_stat_index *index, uint32_t at)
{
    return index->seen[at / 8] >> (at % 8) & 1;
}

/* What is left of deleted files goes once it outweighs the rest. */
static int keep_unseen(const struct cb_stat_index *index)
{
    size_t seen = cb_map_count(index->added);
    uint32_t i;

    for (i = 0; i < index->count; i++)
        seen += (size_t)was_seen(index, i);
    return index->count <= STALE_FACTOR * seen + 1000;
}

static void collect_old(const struct cb_stat_index *index, struct lines *lines)
{
    int keep = keep_unseen(index);
    uint32_t i;

    for (i = 0; i < index->count; i++) {
        const struct entry *entry = &index->entries[i];
        struct line line = {.len = entry->path_len, .entry = *entry};
        cb_autofree char *path = NULL;

        if (entry->path_at > index->paths_len ||
            entry->path_len > index->paths_len - entry->path_at)
            continue;
        line.path = index->paths + entry->path_at;
        path = xstrndup(line.path, line.len);
        if ((keep || was_seen(index, i)) && !cb_map_has(index->added, path) &&
            entry->check == check_sum(entry, line.path))
            cb_vec_push(&lines->list, line);
    }
}

static void collect_new(const struct cb_stat_index *index, struct lines *lines)
{
    const char *path;
    void *value;
    size_t at = 0;

    while (cb_map_next(index->added, &at, &path, &value)) {
        struct line line = {
            .path = path, .len = strlen(path), .entry = ((struct added *)value)->entry};

        cb_vec_push(&lines->list, line);
    }
}

static void format(struct lines *lines, struct cb_strbuf *out)
{
    struct header header = {.magic = MAGIC, .count = (uint32_t)lines->list.count};
    uint32_t at = 0;

    cb_vec_foreach (line, &lines->list) {
        header.paths_len += (uint32_t)line->len;
    }
    cb_strbuf_reserve(out, sizeof(header) + lines->list.count * sizeof(struct entry) +
                               header.paths_len);
    cb_strbuf_add(out, &header, sizeof(header));
    cb_vec_foreach (line, &lines->list) {
        line->entry.path_at = at;
        line->entry.path_len = (uint32_t)line->len;
        line->entry.check = check_sum(&line->entry, line->path);
        cb_strbuf_add(out, &line->entry, sizeof(line->entry));
        at += (uint32_t)line->len;
    }
    cb_vec_foreach (line, &lines->list) {
        cb_strbuf_add(out, line->path, line->len);
    }
}

static void write_index(struct cb_stat_index *index)
{
    cb_auto_value(cb_strbuf) bytes = {0};
    struct lines lines = {0};
    cb_autofd int dir_fd = -1;

    collect_old(index, &lines);
    collect_new(index, &lines);
    if (lines.list.count <= MAX_ENTRIES) {
        qsort(lines.list.items, lines.list.count, sizeof(*lines.list.items), by_path);
        format(&lines, &bytes);
        dir_fd = openat(index->store->root_fd, "stat-index",
                        O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir_fd >= 0)
            cb_atomic_file_write(dir_fd, index->name, bytes.text, bytes.len, 0600, 0,
                                 NULL);
    }
    cb_vec_free(&lines.list);
}

void cb_stat_index_close(struct cb_stat_index *index)
{
    if (!index)
        return;
    if (index->name && cb_map_count(index->added) > 0)
        write_index(index);
    if (index->map)
        munmap((void *)index->map, index->map_len);
    cb_map_free(index->added);
    pthread_mutex_destroy(&index->mutex);
    free(index->seen);
    free(index->name);
    free(index);
}
