/* What happened in a build, kept for questions asked the day after: a sink that passes
 * events on and writes them as JSON lines, step output whole.
 *
 * <store>/builds/<id>/events.jsonl of a build in which something ran or failed, the
 * newest CB_HISTORY_KEPT; <store>/builds/<id>.jsonl of one that found everything in the
 * cache, whose few lines are written at its end, the newest CB_HISTORY_KEPT of these: a
 * rebuild in a loop does not push out the log of yesterday's failure. The first line says
 * what was asked for ("begin"), the last how it ended ("end"). The file is marked while
 * its build goes on, and stays until that has ended. It is a convenience: when it cannot
 * be written the build goes on. */
#include "engine/engine-priv.h"

#include "base/atomic-file.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/lockfile.h"
#include "base/log.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define HELD_BACK_MAX (1u << 20)

struct cb_history_log {
    struct cb_event_sink sink; /* first: the sink handed out */
    struct cb_event_sink *next;
    struct cb_store *store;
    int show_misses;
    pthread_mutex_t lock;  /* guards what follows */
    struct cb_strbuf held; /* lines not written yet */
    int fd;                /* -1: not opened, or given up */
    char id[CB_BUILD_ID_LEN + 1];
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
        [CB_EVENT_STEP_USAGE] = "usage",
    };

    return (size_t)kind < CB_ARRAY_SIZE(names) ? names[kind] : NULL;
}

static void open_line(struct cb_strbuf *out, const char *event)
{
    int64_t now_ms = cb_now_ns() / 1000000;

    cb_strbuf_addf(out, "{\"time\":%" PRId64 ".%03d,\"event\":\"%s\"", now_ms / 1000,
                   (int)(now_ms % 1000), event);
}

static void add_usage(struct cb_strbuf *out, const struct cb_step_usage *usage)
{
    cb_strbuf_addf(
        out,
        ",\"peak_memory\":%llu,\"cpu_ns\":%llu,\"read_bytes\":%llu,"
        "\"written_bytes\":%llu,\"oom_killed\":%s",
        (unsigned long long)usage->peak_memory_bytes, (unsigned long long)usage->cpu_ns,
        (unsigned long long)usage->read_bytes, (unsigned long long)usage->written_bytes,
        usage->oom_killed ? "true" : "false");
}

static void add_inputs(struct cb_strbuf *out, const struct cb_event *event)
{
    cb_strbuf_adds(out, ",\"inputs\":[");
    for (size_t i = 0; i < event->input_count; i++)
        cb_strbuf_addf(out, i ? ",%llu" : "%llu", (unsigned long long)event->inputs[i]);
    cb_strbuf_addc(out, ']');
}

static void add_line(struct cb_strbuf *out, const struct cb_event *event)
{
    open_line(out, kind_name(event->kind));
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
    if (event->usage)
        add_usage(out, event->usage);
    if (event->input_count)
        add_inputs(out, event);
    cb_strbuf_adds(out, "}\n");
}

static void add_optional(struct cb_strbuf *out, const char *key, const char *text)
{
    if (text)
        add_text(out, key, text, strlen(text));
}

static void add_platforms(struct cb_strbuf *out, const struct cb_strings *platforms)
{
    cb_auto_value(cb_strbuf) text = {0};

    for (size_t i = 0; i < platforms->count; i++)
        cb_strbuf_addf(&text, "%s%s", i ? "," : "", platforms->items[i]);
    if (text.len)
        add_text(out, "platform", cb_strbuf_text(&text), text.len);
}

/* A path or a URL, of which a password is not kept. */
static void add_place(struct cb_strbuf *out, const char *key, const char *text)
{
    cb_autofree char *shown = text ? cb_redact_place(text) : NULL;

    add_optional(out, key, shown);
}

static void add_names(struct cb_strbuf *out, const struct cb_strings *names)
{
    cb_strbuf_adds(out, ",\"names\":[");
    for (size_t i = 0; i < names->count; i++) {
        cb_strbuf_adds(out, i ? "," : "");
        add_json_bytes(out, names->items[i], strlen(names->items[i]));
    }
    cb_strbuf_addc(out, ']');
}

/* The place in the Dockerfile is told too, as it is on the terminal. */
static void add_failure(struct cb_strbuf *out, const struct cb_error *error)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_error_format(error, "cbuild", &text);
    while (text.len && text.text[text.len - 1] == '\n')
        cb_strbuf_truncate(&text, text.len - 1);
    add_text(out, "error", cb_strbuf_text(&text), text.len);
}

static const char *result_name(const struct cb_error *error)
{
    if (!error)
        return "succeeded";
    return cb_error_kind(error) == CB_ERR_CANCELED ? "canceled" : "failed";
}

/* ── The file ── */

/* NAME is that of a log's directory, or of the log itself. */
static int is_running(int builds_fd, const char *name, int is_file)
{
    cb_autofree char *path = xasprintf("%s%s", name, is_file ? "" : "/events.jsonl");

    return cb_lock_is_held(builds_fd, path);
}

/* Ids begin with the time, so that the order of names is the order of builds. Of each of
 * the two forms the newest are kept, and those whose builds go on. */
static void remove_old(struct cb_store *store, int builds_fd, int is_file)
{
    cb_auto_value(cb_strings) names = {0};
    size_t newer = 0;

    if (cb_fs_list(builds_fd, &names, NULL) < 0)
        return;
    for (size_t i = names.count; i-- > 0;) {
        if ((strchr(names.items[i], '.') != NULL) == is_file &&
            newer++ >= CB_HISTORY_KEPT && !is_running(builds_fd, names.items[i], is_file))
            cb_build_remove(store, builds_fd, names.items[i], NULL);
    }
}

/* Milliseconds since 1970 in eleven digits, and three at random. */
static void make_id(char id[CB_BUILD_ID_LEN + 1])
{
    unsigned short random = 0;

    (void)!getrandom(&random, sizeof(random), 0);
    snprintf(id, CB_BUILD_ID_LEN + 1, "%011llx%03x",
             (unsigned long long)(cb_now_ns() / 1000000) & 0xfffffffffffULL,
             random & 0xfffu);
}

static int make_dir(int parent, const char *name)
{
    if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
        return -1;
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static int open_log(int dir_fd, const char *name)
{
    return openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
}

/* WHOLE: nothing but what is held is to come. */
static int open_file(struct cb_store *store, int whole, const char *id)
{
    cb_autofd int builds = make_dir(cb_store_root_fd(store), "builds");
    char name[CB_BUILD_ID_LEN + 8];
    cb_autofd int dir = -1;
    int fd;

    if (builds < 0)
        return -1;
    snprintf(name, sizeof(name), "%s.jsonl", id);
    dir = whole ? -1 : make_dir(builds, id);
    fd = whole ? open_log(builds, name) : dir < 0 ? -1 : open_log(dir, "events.jsonl");
    if (fd >= 0 && cb_lock_mark(fd) < 0)
        cb_debug("this build will be shown as interrupted: %s", strerror(errno));
    remove_old(store, builds, whole);
    return fd;
}

static void write_held(struct cb_history_log *log, int whole)
{
    if (log->fd < 0 && !log->failed)
        log->fd = open_file(log->store, whole, log->id);
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

/* Only what is held back for a file that may never come is limited. */
static void keep(struct cb_history_log *log, const struct cb_event *event)
{
    int worth = is_worth(log, event);

    if (log->failed || (!worth && log->held.len > HELD_BACK_MAX))
        return;
    add_line(&log->held, event);
    if (worth)
        write_held(log, 0);
}

static void emit(struct cb_event_sink *sink, const struct cb_event *event)
{
    struct cb_history_log *log = (struct cb_history_log *)sink;

    if (kind_name(event->kind)) {
        pthread_mutex_lock(&log->lock);
        keep(log, event);
        pthread_mutex_unlock(&log->lock);
    }
    if (log->next && (log->show_misses || event->kind != CB_EVENT_MISS))
        log->next->emit(log->next, event);
}

struct cb_history_log *cb_history_log_new(struct cb_store *store,
                                          struct cb_event_sink *next, int show_misses)
{
    struct cb_history_log *log = xcalloc(1, sizeof(*log));

    log->sink.emit = emit;
    log->next = next;
    log->store = store;
    log->show_misses = show_misses;
    log->fd = -1;
    make_id(log->id);
    pthread_mutex_init(&log->lock, NULL);
    return log;
}

struct cb_event_sink *cb_history_log_sink(struct cb_history_log *log)
{
    return &log->sink;
}

void cb_history_log_begin(struct cb_history_log *log,
                          const struct cb_build_request *request, const char *target,
                          const struct cb_strings *names)
{
    pthread_mutex_lock(&log->lock);
    open_line(&log->held, "begin");
    add_place(&log->held, "context", request->context);
    add_place(&log->held, "dockerfile", request->dockerfile);
    add_optional(&log->held, "target", target);
    add_platforms(&log->held, &request->platforms);
    add_names(&log->held, names);
    cb_strbuf_adds(&log->held, "}\n");
    pthread_mutex_unlock(&log->lock);
}

void cb_history_log_end(struct cb_history_log *log,
                        const struct cb_build_outcome *outcome,
                        const struct cb_error *error)
{
    const struct cb_solve_stats *stats = &outcome->stats;
    char text[CB_DIGEST_MAX_TEXT];

    pthread_mutex_lock(&log->lock);
    open_line(&log->held, "end");
    cb_strbuf_addf(&log->held,
                   ",\"result\":\"%s\",\"steps\":%u,\"cached\":%u,\"executed\":%u",
                   result_name(error), stats->total, stats->cached, stats->executed);
    if (error)
        add_failure(&log->held, error);
    else if (cb_digest_is_set(&outcome->image_id))
        add_optional(&log->held, "image", cb_digest_text(&outcome->image_id, text));
    cb_strbuf_adds(&log->held, "}\n");
    write_held(log, !error && stats->executed == 0);
    pthread_mutex_unlock(&log->lock);
}

int cb_history_log_keep(struct cb_history_log *log, const char *name, const char *text,
                        char id[CB_BUILD_ID_LEN + 1], struct cb_error **err)
{
    cb_autofree char *path = NULL;

    pthread_mutex_lock(&log->lock);
    write_held(log, 0);
    memcpy(id, log->id, sizeof(log->id));
    pthread_mutex_unlock(&log->lock);
    if (log->failed)
        return cb_error_set(err, CB_ERR_SYSTEM, "the log of this build is not kept");
    path = xasprintf("builds/%s/%s", id, name);
    return cb_atomic_file_write(cb_store_root_fd(log->store), path, text, strlen(text),
                                0600, 0, err);
}

const char *cb_history_log_id(const struct cb_history_log *log)
{
    return log->failed ? "" : log->id;
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
