/* The whole output of a build, unclipped, for `logs` and for questions asked the day
 * after. A sink that passes events on and keeps them as JSON lines in
 * <store>/builds/<id>/events.jsonl. A build in which nothing ran leaves nothing: the
 * names of steps are held back until one of them executes or fails, so a rebuild with
 * nothing changed writes no file. The newest CB_HISTORY_KEPT builds are kept. It is a
 * convenience: when it cannot be written the build goes on. */
#include "engine/engine-priv.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define HELD_BACK_MAX (1u << 20)

struct cb_history_log {
    struct cb_event_sink sink; /* first: the sink handed out */
    struct cb_event_sink *next;
    struct cb_store *store;
    pthread_mutex_t lock;  /* guards what follows */
    struct cb_strbuf held; /* lines not written yet */
    int fd;                /* -1: not opened, or given up */
    int failed;
};

/* ── Lines ── */

/* Output may be anything: what is not UTF-8 becomes the replacement character. */
static void add_json_bytes(struct cb_strbuf *out, const char *text, size_t len)
{
    cb_strbuf_addc(out, '"');
    for (size_t i = 0; i < len;) {
        unsigned char c = (unsigned char)text[i];
        unsigned point;
        size_t size = cb_utf8_decode(text + i, len - i, &point);

        if (c == '"' || c == '\\')
            cb_strbuf_addf(out, "\\%c", c);
        else if (c == '\n')
            cb_strbuf_adds(out, "\\n");
        else if (c < 0x20 || c == 0x7f)
            cb_strbuf_addf(out, "\\u%04x", c);
        else if (size)
            cb_strbuf_add(out, text + i, size);
        else
            cb_strbuf_adds(out, "\\ufffd");
        i += size ? size : 1;
    }
    cb_strbuf_addc(out, '"');
}

static void add_text(struct cb_strbuf *out, const char *key, const char *text, size_t len)
{
    cb_strbuf_addf(out, ",\"%s\":", key);
    add_json_bytes(out, text, len);
}

static const char *kind_name(enum cb_event_kind kind)
{
    static const char *const names[] = {
        [CB_EVENT_STEP_START] = "start",   [CB_EVENT_STEP_LOG] = "log",
        [CB_EVENT_STEP_CACHED] = "cached", [CB_EVENT_STEP_DONE] = "done",
        [CB_EVENT_STEP_ERROR] = "error",   [CB_EVENT_STEP_CANCELED] = "canceled",
        [CB_EVENT_WARNING] = "warning",    [CB_EVENT_NOTICE] = "notice",
        [CB_EVENT_MISS] = "miss",          [CB_EVENT_STEP_STATUS] = NULL,
    };

    return (size_t)kind < CB_ARRAY_SIZE(names) ? names[kind] : NULL;
}

static void add_line(struct cb_strbuf *out, const struct cb_event *event)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    cb_strbuf_addf(out, "{\"time\":%lld.%03ld,\"event\":\"%s\"", (long long)now.tv_sec,
                   now.tv_nsec / 1000000, kind_name(event->kind));
    if (event->id)
        cb_strbuf_addf(out, ",\"step\":%llu", (unsigned long long)event->id);
    if (event->stream)
        cb_strbuf_addf(out, ",\"stream\":%d", event->stream);
    if (event->name)
        add_text(out, "name", event->name, strlen(event->name));
    if (event->rule)
        add_text(out, "rule", event->rule, strlen(event->rule));
    if (event->text)
        add_text(out, "text", event->text, event->len ? event->len : strlen(event->text));
    if (event->error)
        add_text(out, "error", cb_error_message(event->error),
                 strlen(cb_error_message(event->error)));
    cb_strbuf_adds(out, "}\n");
}

/* ── The file ── */

/* Names begin with the time, so that the order of names is the order of builds. */
static void remove_old(int builds_fd)
{
    cb_auto_value(cb_strings) names = {0};

    if (cb_fs_list(builds_fd, &names, NULL) < 0)
        return;
    for (size_t i = 0; i + CB_HISTORY_KEPT < names.count; i++)
        cb_fs_remove_tree(builds_fd, names.items[i], NULL);
}

static int make_dir(int parent, const char *name)
{
    if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
        return -1;
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static int open_file(struct cb_store *store)
{
    cb_autofd int builds = make_dir(cb_store_root_fd(store), "builds");
    cb_autofd int dir = -1;
    struct timespec now;
    char name[64];

    if (builds < 0)
        return -1;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(name, sizeof(name), "%010lld-%09ld-%d", (long long)now.tv_sec, now.tv_nsec,
             (int)getpid());
    dir = make_dir(builds, name);
    if (dir < 0)
        return -1;
    remove_old(builds);
    return openat(dir, "events.jsonl", O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC,
                  0600);
}

static void write_held(struct cb_history_log *log)
{
    if (log->fd < 0 && !log->failed)
        log->fd = open_file(log->store);
    if (log->fd < 0 || cb_fs_write_all(log->fd, log->held.text, log->held.len) < 0) {
        if (!log->failed)
            cb_debug("the log of this build is not kept: %s", strerror(errno));
        log->failed = 1;
    }
    cb_strbuf_truncate(&log->held, 0);
}

/* Output and failure are worth a file; so is anything once there is one. */
static int is_worth(const struct cb_history_log *log, const struct cb_event *event)
{
    return log->fd >= 0 || event->kind == CB_EVENT_STEP_LOG ||
           event->kind == CB_EVENT_STEP_ERROR;
}

static void keep(struct cb_history_log *log, const struct cb_event *event)
{
    if (log->failed || log->held.len > HELD_BACK_MAX)
        return;
    add_line(&log->held, event);
    if (is_worth(log, event))
        write_held(log);
}

static void emit(struct cb_event_sink *sink, const struct cb_event *event)
{
    struct cb_history_log *log = (struct cb_history_log *)sink;

    if (kind_name(event->kind)) {
        pthread_mutex_lock(&log->lock);
        keep(log, event);
        pthread_mutex_unlock(&log->lock);
    }
    if (log->next)
        log->next->emit(log->next, event);
}

struct cb_history_log *cb_history_log_new(struct cb_store *store,
                                          struct cb_event_sink *next)
{
    struct cb_history_log *log = xcalloc(1, sizeof(*log));

    log->sink.emit = emit;
    log->next = next;
    log->store = store;
    log->fd = -1;
    pthread_mutex_init(&log->lock, NULL);
    return log;
}

struct cb_event_sink *cb_history_log_sink(struct cb_history_log *log)
{
    return &log->sink;
}

void cb_history_log_end(struct cb_history_log *log, int executed,
                        const struct cb_error *error)
{
    struct cb_event event = {.kind = error ? CB_EVENT_STEP_ERROR : CB_EVENT_STEP_DONE,
                             .name = "build",
                             .error = error};

    pthread_mutex_lock(&log->lock);
    if (error || executed || log->fd >= 0) {
        keep(log, &event);
        write_held(log);
    }
    pthread_mutex_unlock(&log->lock);
}

void cb_history_log_free(struct cb_history_log *log)
{
    if (!log)
        return;
    cb_close(&log->fd);
    cb_strbuf_free(&log->held);
    pthread_mutex_destroy(&log->lock);
    free(log);
}
