/* Reading a container's log: the last lines, those of a time, and what is yet to come. */
#include "container/log.h"

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
    struct cb_strbuf part; /* of a line that is being written */
    int64_t skip;          /* lines before the tail */
    int64_t *counter;      /* set: only count */
    int is_done;           /* past its last moment, or nobody listens */
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

    if (!parse(text, len, &document, &line) ||
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

/* To the end of what is there. */
static int read_on(struct reader *reader, int fd, struct cb_error **err)
{
    char buffer[65536];
    ssize_t got = 0;

    while (!reader->is_done && (got = read(fd, buffer, sizeof(buffer))) > 0) {
        char *at = buffer, *end = buffer + got;

        while (at < end && !reader->is_done) {
            char *newline = memchr(at, '\n', (size_t)(end - at));

            if (!newline) {
                if (reader->part.len < MAX_LINE)
                    cb_strbuf_add(&reader->part, at, (size_t)(end - at));
                break;
            }
            cb_strbuf_add(&reader->part, at, (size_t)(newline - at));
            take_line(reader, cb_strbuf_text(&reader->part), reader->part.len);
            cb_strbuf_truncate(&reader->part, 0);
            at = newline + 1;
        }
    }
    return got < 0 ? cb_error_errno(err, errno, "read the log") : 0;
}

/* All files, oldest first; *LAST stays open. */
static int read_all(struct reader *reader, int dir_fd, int *last, struct cb_error **err)
{
    unsigned oldest = 0;

    for (unsigned i = 1; i < CB_LOG_MAX_FILES; i++) {
        cb_autofree char *name = xasprintf("log.%u", i);

        if (faccessat(dir_fd, name, F_OK, 0) < 0)
            break;
        oldest = i;
    }
    for (unsigned i = oldest; i > 0; i--) {
        cb_autofree char *name = xasprintf("log.%u", i);
        cb_autofd int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

        if (fd >= 0 && read_on(reader, fd, err) < 0)
            return -1;
    }
    *last = openat(dir_fd, "log", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (*last < 0)
        return errno == ENOENT ? 0 : cb_error_errno(err, errno, "open the log");
    return read_on(reader, *last, err);
}

/* Has another file taken its name? */
static int was_rotated(int dir_fd, int fd)
{
    struct stat held, named;

    return fstat(fd, &held) == 0 && fstatat(dir_fd, "log", &named, 0) == 0 &&
           held.st_ino != named.st_ino;
}

/* Until nobody writes any more. The state is looked at before the last reading. */
static int follow(struct reader *reader, struct cb_container *container, int *fd,
                  struct cb_cancel *cancel, struct cb_error **err)
{
    cb_autofd int notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    cb_autofree char *path = xasprintf("/proc/self/fd/%d", container->dir_fd);
    int runs = 1;

    if (notify >= 0)
        inotify_add_watch(notify, path, IN_MODIFY | IN_MOVED_TO | IN_CREATE);
    while (runs && !reader->is_done) {
        struct pollfd waits[] = {{.fd = notify, .events = POLLIN},
                                 {.fd = cb_cancel_fd(cancel), .events = POLLIN}};
        char events[4096];

        runs = cb_container_refresh(container, NULL) == 0 &&
               cb_container_is_running(container);
        if (*fd < 0)
            *fd = openat(container->dir_fd, "log", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (*fd >= 0 && read_on(reader, *fd, err) < 0)
            return -1;
        if (*fd >= 0 && was_rotated(container->dir_fd, *fd)) {
            cb_close(fd);
            runs = 1;
            continue;
        }
        if (runs && poll(waits, 2, LOOK_AGAIN_MS) > 0 && waits[1].revents)
            return cb_cancel_check(cancel, err);
        while (notify >= 0 && read(notify, events, sizeof(events)) > 0)
            continue;
    }
    return 0;
}

int cb_log_read(struct cb_container *container, const struct cb_log_wish *wish,
                int (*show)(void *arg, const struct cb_log_line *line), void *arg,
                struct cb_cancel *cancel, struct cb_error **err)
{
    struct reader reader = {.wish = wish, .show = show, .arg = arg};
    cb_autofd int fd = -1;
    int64_t count = 0;
    int status = 0;

    if (wish->tail >= 0) {
        reader.counter = &count;
        status = read_all(&reader, container->dir_fd, &fd, err);
        cb_close(&fd);
        reader.counter = NULL;
        reader.is_done = 0;
        cb_strbuf_truncate(&reader.part, 0);
        reader.skip = count > wish->tail ? count - wish->tail : 0;
    }
    if (status == 0)
        status = read_all(&reader, container->dir_fd, &fd, err);
    if (status == 0 && wish->follow && cb_container_is_running(container))
        status = follow(&reader, container, &fd, cancel, err);
    cb_strbuf_free(&reader.part);
    return status;
}
