/* The file is for this machine and this tree only, so it is the structs as they are, each
 * followed by its path. */
#include "store/copy-record.h"

#include "base/fs.h"
#include "base/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAGIC    "cbuild tree 1"
#define MAX_SIZE ((size_t)1 << 30)
#define TICKS    100 /* at most so many waits of a millisecond */

struct line {
    uint64_t ino, nlink;
    int64_t changed_s, changed_ns, born_s, born_ns;
    uint32_t mode, path_len;
};

struct notes {
    struct cb_strbuf bytes;
    struct timespec latest;
};
static void notes_clear(struct notes *notes)
{
    cb_strbuf_free(&notes->bytes);
}
CB_AUTO_VALUE_DEFINE(notes, notes_clear)

static struct statx_timestamp born(int dir_fd, const char *name)
{
    struct statx info;

    if (statx(dir_fd, name, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &info) < 0 ||
        !(info.stx_mask & STATX_BTIME))
        return (struct statx_timestamp){.tv_sec = 0};
    return info.stx_btime;
}

static int is_later(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

static int note(void *arg, const struct cb_walk_entry *at, struct cb_error **err)
{
    struct notes *notes = arg;
    struct line line = {.ino = at->st.st_ino,
                        .nlink = at->st.st_nlink,
                        .changed_s = at->st.st_ctim.tv_sec,
                        .changed_ns = at->st.st_ctim.tv_nsec,
                        .mode = at->st.st_mode,
                        .path_len = (uint32_t)strlen(at->path)};

    if (S_ISDIR(at->st.st_mode)) {
        struct statx_timestamp time = born(at->dir_fd, at->name);

        line.born_s = time.tv_sec;
        line.born_ns = time.tv_nsec;
    }
    if (is_later(&at->st.st_ctim, &notes->latest))
        notes->latest = at->st.st_ctim;
    cb_strbuf_add(&notes->bytes, &line, sizeof(line));
    cb_strbuf_add(&notes->bytes, at->path, line.path_len + 1);
    return 0;
}

/* Files get their times from a clock that goes in ticks. Where it is another machine's
 * there is an end to the waiting all the same. */
static void wait_for_tick(const struct timespec *latest)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    struct timespec now;

    for (int i = 0; i < TICKS; i++) {
        if (clock_gettime(CLOCK_REALTIME_COARSE, &now) < 0 || is_later(&now, latest))
            return;
        nanosleep(&pause, NULL);
    }
}

int cb_copy_records_write(int tree_fd, int dir_fd, const char *name,
                          struct cb_error **err)
{
    cb_auto_value(notes) notes = {0};
    cb_autofd int fd = -1;

    cb_strbuf_add(&notes.bytes, MAGIC, sizeof(MAGIC));
    if (cb_walk(tree_fd, note, &notes, NULL, err) < 0)
        return -1;
    cb_strbuf_add(&notes.bytes, MAGIC, sizeof(MAGIC));
    fd =
        openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || cb_fs_write_all(fd, notes.bytes.text, notes.bytes.len) < 0)
        return cb_error_errno(err, errno, "write `%s`", name);
    wait_for_tick(&notes.latest);
    return 0;
}

static int damaged(const char *name, struct cb_error **err)
{
    cb_error_set(err, CB_ERR_INTEGRITY, "`%s` of a copied tree is damaged", name);
    return cb_error_hint(err, "what was written to that tree cannot be told from what "
                              "was there before");
}

static int add_line(struct cb_map *map, const char **at, const char *end)
{
    struct cb_copy_record *record;
    struct line line;

    if ((size_t)(end - *at) < sizeof(line))
        return -1;
    memcpy(&line, *at, sizeof(line));
    *at += sizeof(line);
    if ((size_t)(end - *at) <= line.path_len || (*at)[line.path_len])
        return -1;
    record = xcalloc(1, sizeof(*record));
    *record = (struct cb_copy_record){.ino = line.ino,
                                      .nlink = line.nlink,
                                      .changed_s = line.changed_s,
                                      .changed_ns = line.changed_ns,
                                      .born_s = line.born_s,
                                      .born_ns = line.born_ns,
                                      .mode = line.mode};
    cb_map_set(map, *at, record);
    *at += line.path_len + 1;
    return 0;
}

int cb_copy_records_read(int dir_fd, const char *name, struct cb_map **out,
                         struct cb_error **err)
{
    cb_auto_value(cb_strbuf) bytes = {0};
    cb_auto(cb_map) map = cb_map_new(free);
    const char *at, *end;

    if (cb_fs_read_file(dir_fd, name, MAX_SIZE, &bytes, err) < 0)
        return -1;
    if (bytes.len < 2 * sizeof(MAGIC) || memcmp(bytes.text, MAGIC, sizeof(MAGIC)) != 0 ||
        memcmp(bytes.text + bytes.len - sizeof(MAGIC), MAGIC, sizeof(MAGIC)) != 0)
        return damaged(name, err);
    at = bytes.text + sizeof(MAGIC);
    end = bytes.text + bytes.len - sizeof(MAGIC);
    while (at < end) {
        if (add_line(map, &at, end) < 0)
            return damaged(name, err);
    }
    *out = cb_steal(&map);
    return 0;
}

int cb_copy_record_is_untouched(const struct cb_copy_record *record,
                                const struct cb_walk_entry *at)
{
    return record->ino == at->st.st_ino && record->mode == at->st.st_mode &&
           record->changed_s == at->st.st_ctim.tv_sec &&
           record->changed_ns == at->st.st_ctim.tv_nsec;
}

/* The number of one that was removed may come again with the next. */
int cb_copy_record_is_same_directory(const struct cb_copy_record *record,
                                     const struct cb_walk_entry *at)
{
    struct statx_timestamp time;

    if (!S_ISDIR(record->mode) || record->ino != at->st.st_ino)
        return 0;
    time = born(at->dir_fd, at->name);
    return record->born_s == time.tv_sec && record->born_ns == time.tv_nsec;
}
