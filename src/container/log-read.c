/* Reading a container's log: the last lines, those of a time, and what is yet to come. */
#include "container/log-priv.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>

#define MAX_LINE      (1u << 20)
#define LOOK_AGAIN_MS 200

struct reader {
    const struct cb_log_wish *wish;
    int (*show)(void *arg, const struct cb_log_line *line);
    void *arg;
    struct cb_strbuf part;  /* of a record that is being written */
    struct cb_strbuf bytes; /* of the line */
    int64_t skip;           /* lines before the tail */
    int64_t *counter;       /* set: only count */
    int is_done;            /* past its last moment, or nobody listens */
    /* Where the log ended when the reading began, for who does not follow: one that is
     * written faster than it is read would have no end. */
    struct stat last;
    int has_last;
};

static int is_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

/* Lines that are torn, or not ours, are passed over. */
static int parse(const char *text, size_t len, json_t **document,
                 struct cb_log_line *line)
{
    const char *stream, *when;
    const json_t *bytes;

    if (cb_json_parse_with_nul(document, "log", text, len, MAX_LINE, NULL) < 0)
        return 0;
    bytes = json_object_get(*document, "log");
    stream = json_string_value(json_object_get(*document, "stream"));
    when = json_string_value(json_object_get(*document, "time"));
    if (!json_is_string(bytes) || !stream || !when ||
        cb_timestamp_parse(&line->time, when, NULL) < 0)
        return 0;
    line->stream = strcmp(stream, "stderr") == 0 ? 2 : 1;
    line->text = json_string_value(bytes);
    line->len = json_string_length(bytes);
    line->attributes = json_object_get(*document, "attrs");
    return 1;
}

static void take_line(struct reader *reader, const char *text, size_t len)
{
    cb_auto_json *document = NULL;
    struct cb_log_line line;

    if ((!cb_log_record_parse(text, len, &reader->bytes, &line) &&
         !parse(text, len, &document, &line)) ||
        (reader->wish->has_since && is_before(&line.time, &reader->wish->since)))
        return;
    if (reader->wish->has_until && is_before(&reader->wish->until, &line.time)) {
        reader->is_done = 1;
        return;
    }
    if (reader->counter)
        ++*reader->counter;
    else if (reader->skip > 0)
        reader->skip--;
    else if (reader->show(reader->arg, &line) < 0)
        reader->is_done = 1;
}

static void note_end(struct reader *reader, int dir_fd)
{
    cb_autofd int fd = cb_log_open_file(dir_fd, 0);

    if (fd < 0)
        fd = cb_log_open_file(dir_fd, 1); /* it is being rotated */
    reader->has_last = fd >= 0 && fstat(fd, &reader->last) == 0;
}

/* How much of SIZE bytes may be read of FD. */
static size_t wanted(const struct reader *reader, int fd, size_t size)
{
    struct stat st;
    off_t at;

    if (!reader->has_last || fstat(fd, &st) < 0 || st.st_ino != reader->last.st_ino ||
        st.st_dev != reader->last.st_dev)
        return size;
    at = lseek(fd, 0, SEEK_CUR);
    if (at >= reader->last.st_size)
        return 0;
    return (size_t)(reader->last.st_size - at) < size
               ? (size_t)(reader->last.st_size - at)
               : size;
}

static void take_bytes(struct reader *reader, char *at, const char *end)
{
    while (at < end && !reader->is_done) {
        char *newline = memchr(at, '\n', (size_t)(end - at));

        if (!newline) {
            if (reader->part.len < MAX_LINE)
                cb_strbuf_add(&reader->part, at, (size_t)(end - at));
            break;
        }
        if (reader->part.len) {
            cb_strbuf_add(&reader->part, at, (size_t)(newline - at));
            take_line(reader, cb_strbuf_text(&reader->part), reader->part.len);
            cb_strbuf_truncate(&reader->part, 0);
        } else {
            take_line(reader, at, (size_t)(newline - at));
        }
        at = newline + 1;
    }
}

/* To the end of what is there, or was. */
static int read_on(struct reader *reader, int fd, struct cb_error **err)
{
    char buffer[65536];
    ssize_t got = 1;

    while (!reader->is_done && got > 0) {
        size_t size = wanted(reader, fd, sizeof(buffer));

        if (size == 0)
            reader->is_done = 1;
        else if ((got = read(fd, buffer, size)) > 0)
            take_bytes(reader, buffer, buffer + got);
    }
    return got < 0 ? cb_error_errno(err, errno, "read the log") : 0;
}

/* Which file FD is by now; beyond the oldest when it is gone. */
static unsigned file_of(int dir_fd, int fd)
{
    unsigned oldest = cb_log_oldest(dir_fd);
    struct stat held, named;

    if (fstat(fd, &held) < 0)
        return 0;
    for (unsigned i = 0; i <= oldest; i++) {
        cb_autofd int other = cb_log_open_file(dir_fd, i);

        if (other >= 0 && fstat(other, &named) == 0 && held.st_ino == named.st_ino &&
            held.st_dev == named.st_dev)
            return i;
    }
    return oldest + 1;
}

/* The file that was begun behind FD, or -1. Names move while they are looked at. */
static int next_file(int dir_fd, int fd)
{
    unsigned file;

    while ((file = file_of(dir_fd, fd)) > 0) {
        cb_autofd int next = cb_log_open_file(dir_fd, file - 1);

        if (next < 0 || file_of(dir_fd, fd) == file)
            return cb_steal_fd(&next);
    }
    return -1;
}

/* From where *FD stands to the end of what there is. A file that has lost its name is
 * written no more: what came between our last reading and that is read then. */
static int read_files(struct reader *reader, int dir_fd, int *fd, struct cb_error **err)
{
    while (*fd >= 0) {
        int next;

        if (read_on(reader, *fd, err) < 0)
            return -1;
        next = reader->is_done ? -1 : next_file(dir_fd, *fd);
        if (next < 0)
            break;
        if (read_on(reader, *fd, err) < 0) {
            cb_close(&next);
            return -1;
        }
        cb_close(fd);
        *fd = next;
    }
    return 0;
}

/* Until nobody writes any more. The state is looked at before the last reading. */
static int follow(struct reader *reader, struct cb_container *container, int *fd,
                  struct cb_cancel *cancel, struct cb_error **err)
{
    cb_autofd int notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    int runs = 1;

    if (notify >= 0)
        inotify_add_watch(notify, cb_fd_path(container->dir_fd).text,
                          IN_MODIFY | IN_MOVED_TO | IN_CREATE);
    while (runs && !reader->is_done) {
        struct pollfd waits[] = {{.fd = notify, .events = POLLIN},
                                 {.fd = cb_cancel_fd(cancel), .events = POLLIN}};
        char events[4096];

        runs = cb_container_refresh(container, NULL) == 0 &&
               cb_container_is_running(container);
        if (*fd < 0)
            *fd = cb_log_open_file(container->dir_fd, 0);
        if (read_files(reader, container->dir_fd, fd, err) < 0)
            return -1;
        if (runs && reader->wish->rest && reader->wish->rest(reader->arg) < 0)
            return 0;
        if (runs && poll(waits, 2, LOOK_AGAIN_MS) > 0 && waits[1].revents)
            return cb_cancel_check(cancel, err);
        while (notify >= 0 && read(notify, events, sizeof(events)) > 0)
            continue;
    }
    return 0;
}

/* The last lines before a moment are known once all before it are counted. */
static int count_lines(struct reader *reader, int dir_fd, struct cb_error **err)
{
    cb_autofd int fd = cb_log_open_at(dir_fd, -1);
    int64_t count = 0;
    int status;

    reader->counter = &count;
    status = read_files(reader, dir_fd, &fd, err);
    reader->counter = NULL;
    reader->is_done = 0;
    cb_strbuf_truncate(&reader->part, 0);
    reader->skip = count > reader->wish->tail ? count - reader->wish->tail : 0;
    return status;
}

int cb_log_read(struct cb_container *container, const struct cb_log_wish *wish,
                int (*show)(void *arg, const struct cb_log_line *line), void *arg,
                struct cb_cancel *cancel, struct cb_error **err)
{
    struct reader reader = {.wish = wish, .show = show, .arg = arg};
    cb_autofd int fd = -1;
    int by_end = wish->tail >= 0 && !wish->has_until;
    int status = 0;

    if (cb_log_is_journald(&container->options))
        return cb_journald_read(container, wish, show, arg, cancel, err);
    if (!wish->follow)
        note_end(&reader, container->dir_fd);
    if (wish->tail >= 0 && !by_end)
        status = count_lines(&reader, container->dir_fd, err);
    fd = cb_log_open_at(container->dir_fd, by_end ? wish->tail : -1);
    if (fd < 0 && errno != ENOENT)
        return cb_error_errno(err, errno, "open the log");
    if (status == 0)
        status = read_files(&reader, container->dir_fd, &fd, err);
    if (status == 0 && wish->follow && cb_container_is_running(container))
        status = follow(&reader, container, &fd, cancel, err);
    cb_strbuf_free(&reader.part);
    cb_strbuf_free(&reader.bytes);
    return status;
}
