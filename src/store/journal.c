/* The journal's two files: events.jsonl is written, events.1.jsonl is what was written
 * before it got too long; together they are bounded. Writers take no lock (one who was
 * stopped would hold up every other): a line is one write(2) to a file opened with
 * O_APPEND. Only the change of files is locked, and left to the next writer when the lock
 * is not to be had. A line that was torn, by a full disk or a crash, is ended by the next
 * one, and readers pass over it. */
#include "store/journal.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "base/map.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>

#define DIRECTORY "journal"
#define CURRENT   "events.jsonl"
#define EARLIER   "events.1.jsonl"
#define FILE_MAX  (4 << 20)
#define READ_SIZE (64u << 10)

static int open_directory(struct cb_store *store)
{
    int root = cb_store_root_fd(store);

    (void)mkdirat(root, DIRECTORY, 0700);
    return openat(root, DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

/* ── Writing ── */

/* Of two attributes of one name the first counts. */
static void add_attributes(struct cb_strbuf *line, const struct cb_strings *attributes)
{
    cb_auto(cb_map) seen = cb_map_new(NULL);
    const char *comma = "";

    for (size_t i = 0; attributes && i + 1 < attributes->count; i += 2) {
        size_t before = line->len;

        if (cb_map_has(seen, attributes->items[i]))
            continue;
        cb_map_set(seen, attributes->items[i], NULL);
        cb_strbuf_adds(line, comma);
        cb_strbuf_add_json(line, attributes->items[i]);
        cb_strbuf_addc(line, ':');
        cb_strbuf_add_json(line, attributes->items[i + 1]);
        if (line->len > CB_JOURNAL_LINE_MAX - 4)
            cb_strbuf_truncate(line, before);
        else
            comma = ",";
    }
}

static void format_line(struct cb_strbuf *line, const struct cb_journal_entry *entry)
{
    cb_strbuf_addf(line, "{\"time\":%" PRId64 ",\"type\":", cb_now_ns());
    cb_strbuf_add_json(line, entry->type);
    cb_strbuf_adds(line, ",\"action\":");
    cb_strbuf_add_json(line, entry->action);
    cb_strbuf_adds(line, ",\"id\":");
    cb_strbuf_add_json(line, entry->id);
    cb_strbuf_adds(line, ",\"attributes\":{");
    add_attributes(line, entry->attributes);
    cb_strbuf_adds(line, "}}\n");
}

/* Is FD still what the name leads to? */
static int is_current(int dir, int fd)
{
    struct stat here, there;

    return fstat(fd, &here) == 0 &&
           fstatat(dir, CURRENT, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           here.st_ino == there.st_ino && here.st_dev == there.st_dev;
}

static int open_current(int dir)
{
    return openat(dir, CURRENT,
                  O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                  0600);
}

/* Opened for one more line; -1 with errno. */
static int open_for_line(int dir)
{
    int fd = open_current(dir);
    struct stat st;

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) < 0 || st.st_size < FILE_MAX || flock(fd, LOCK_EX | LOCK_NB) < 0)
        return fd;
    if (is_current(dir, fd))
        (void)renameat(dir, CURRENT, dir, EARLIER);
    cb_close(&fd);
    return open_current(dir);
}

static int ends_torn(int fd)
{
    struct stat st;
    char last = '\n';

    return fstat(fd, &st) == 0 && st.st_size > 0 &&
           pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n';
}

static int add_line(struct cb_store *store, struct cb_strbuf *line)
{
    cb_autofd int dir = open_directory(store);
    cb_autofd int fd = dir < 0 ? -1 : open_for_line(dir);
    cb_auto_value(cb_strbuf) ended = {0};

    if (fd < 0)
        return -1;
    if (ends_torn(fd)) {
        cb_strbuf_addc(&ended, '\n');
        cb_strbuf_add(&ended, line->text, line->len);
        line = &ended;
    }
    return write(fd, line->text, line->len) == (ssize_t)line->len ? 0 : -1;
}

void cb_journal_add(struct cb_store *store, const struct cb_journal_entry *entry)
{
    cb_auto_value(cb_strbuf) line = {0};

    format_line(&line, entry);
    if (add_line(store, &line) < 0)
        cb_debug("%s %s is not in the journal: %s", entry->type, entry->action,
                 strerror(errno));
}

/* ── Reading ── */

struct cb_journal_reader {
    int dir, fd; /* FD -1: there is no file yet */
    int watch;
    int earlier;           /* FD is that of EARLIER: CURRENT follows */
    int skipping;          /* in a line that is too long to be one */
    struct cb_strbuf text; /* read, not returned */
    size_t at;
};

void cb_journal_event_clear(struct cb_journal_event *event)
{
    free(event->type);
    free(event->action);
    free(event->id);
    cb_strings_free(&event->attributes);
    *event = (struct cb_journal_event){0};
}

void cb_journal_close(struct cb_journal_reader *reader)
{
    if (!reader)
        return;
    cb_close(&reader->dir);
    cb_close(&reader->fd);
    cb_close(&reader->watch);
    cb_strbuf_free(&reader->text);
    free(reader);
}

static int open_read(int dir, const char *name)
{
    return openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

static int open_watch(int dir)
{
    cb_autofd int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    if (watch < 0 || inotify_add_watch(watch, cb_fd_path(dir).text,
                                       IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
        return -1;
    return cb_steal_fd(&watch);
}

int cb_journal_open(struct cb_journal_reader **out, struct cb_store *store, int from_now,
                    struct cb_error **err)
{
    cb_auto(cb_journal_reader) reader = xcalloc(1, sizeof(*reader));

    reader->fd = reader->watch = -1;
    reader->dir = open_directory(store);
    if (reader->dir < 0)
        return cb_error_errno(err, errno, "open the journal of the store");
    reader->watch = open_watch(reader->dir);
    if (reader->watch < 0)
        return cb_error_errno(err, errno, "watch the journal of the store");
    reader->fd = from_now ? -1 : open_read(reader->dir, EARLIER);
    reader->earlier = reader->fd >= 0;
    if (reader->fd < 0)
        reader->fd = open_read(reader->dir, CURRENT);
    if (from_now && reader->fd >= 0)
        (void)lseek(reader->fd, 0, SEEK_END);
    *out = cb_steal(&reader);
    return 0;
}

int cb_journal_fd(const struct cb_journal_reader *reader)
{
    return reader->watch;
}

/* What was told is known; what comes later is told again. */
static void drain(int watch)
{
    char buffer[4096];

    while (read(watch, buffer, sizeof(buffer)) > 0)
        ;
}

/* Bytes read, 0 at the end. */
static ssize_t read_more(struct cb_journal_reader *reader, struct cb_error **err)
{
    ssize_t got;

    if (reader->fd < 0)
        return 0;
    cb_strbuf_reserve(&reader->text, READ_SIZE);
    do
        got = read(reader->fd, reader->text.text + reader->text.len, READ_SIZE - 1);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return cb_error_errno(err, errno, "read the journal of the store");
    reader->text.len += (size_t)got;
    return got;
}

/* Is there a file behind this one, to which nothing is added any more? */
static int is_over(const struct cb_journal_reader *reader)
{
    return reader->earlier || reader->fd < 0 || !is_current(reader->dir, reader->fd);
}

/* 1, or 0 if there is none. */
static int next_file(struct cb_journal_reader *reader)
{
    int fd = open_read(reader->dir, CURRENT);

    if (fd < 0)
        return 0;
    cb_close(&reader->fd);
    reader->fd = fd;
    reader->earlier = reader->skipping = 0;
    cb_strbuf_truncate(&reader->text, 0);
    reader->at = 0;
    return 1;
}

static int parse_line(const char *text, size_t len, struct cb_journal_event *out)
{
    cb_auto_json *line = NULL;
    const char *type, *action, *id, *name;
    json_t *value;

    if (cb_json_parse(&line, "event", text, len, 2 * CB_JOURNAL_LINE_MAX, NULL) < 0)
        return 0;
    type = json_string_value(json_object_get(line, "type"));
    action = json_string_value(json_object_get(line, "action"));
    id = json_string_value(json_object_get(line, "id"));
    if (!type || !action || !id)
        return 0;
    *out = (struct cb_journal_event){
        .time_ns = json_integer_value(json_object_get(line, "time")),
        .type = xstrdup(type),
        .action = xstrdup(action),
        .id = xstrdup(id)};
    json_object_foreach(json_object_get(line, "attributes"), name, value)
    {
        if (!json_is_string(value))
            continue;
        cb_strings_add(&out->attributes, name);
        cb_strings_add(&out->attributes, json_string_value(value));
    }
    return 1;
}

/* The next whole line of what was read: 1 if it is an event, 0 if not, -1: none. */
static int take_line(struct cb_journal_reader *reader, struct cb_journal_event *out)
{
    const char *start = cb_strbuf_text(&reader->text) + reader->at;
    size_t left = reader->text.len - reader->at;
    const char *end = memchr(start, '\n', left);
    int skip = reader->skipping;

    if (!end && left > 2 * CB_JOURNAL_LINE_MAX) {
        reader->skipping = 1;
        reader->at = reader->text.len;
    }
    if (!end) {
        cb_auto_value(cb_strbuf) rest = {0};

        cb_strbuf_add(&rest, cb_strbuf_text(&reader->text) + reader->at,
                      reader->text.len - reader->at);
        cb_strbuf_truncate(&reader->text, 0);
        cb_strbuf_add(&reader->text, cb_strbuf_text(&rest), rest.len);
        reader->at = 0;
        return -1;
    }
    reader->at += (size_t)(end - start) + 1;
    reader->skipping = 0;
    return !skip && parse_line(start, (size_t)(end - start), out);
}

int cb_journal_next(struct cb_journal_reader *reader, struct cb_journal_event *out,
                    struct cb_error **err)
{
    for (;;) {
        int taken = take_line(reader, out);
        ssize_t got;
        int over;

        if (taken > 0)
            return 1;
        if (taken == 0)
            continue;
        drain(reader->watch);
        over = is_over(reader); /* asked first: what was added before is still read */
        got = read_more(reader, err);
        if (got < 0)
            return -1;
        if (got == 0 && !(over && next_file(reader)))
            return 0;
    }
}
