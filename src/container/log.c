/* The log's writer, in the monitor. */
#include "container/log-priv.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#define LONGEST_LINE 16384
#define BATCH_BYTES  65536 /* of records in one write */
#define FULL_MS      1000  /* so long nothing is tried after a disk was full */

struct cb_log {
    struct cb_journald *journald; /* that keeps it; or NULL */
    int dir_fd, fd, told;
    struct cb_log_limits limits;
    uint64_t bytes;
    char *attributes;          /* JSON, or NULL */
    struct cb_strbuf lines[2]; /* what is not a whole line yet */
    struct cb_strbuf batch;    /* records that are not written yet */
    struct cb_strbuf rest;     /* of a record, behind its line: the same for all lines
                                  that are read at once */
    time_t second;             /* whose text SECOND_TEXT is; 0: none's */
    char second_text[CB_TIMESTAMP_MAX];
    int64_t full_ms; /* when the disk was found full; 0: it is not */
};

static int open_file(struct cb_log *log)
{
    struct stat st;

    log->fd = openat(log->dir_fd, "log",
                     O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    log->bytes = log->fd >= 0 && fstat(log->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
    return log->fd < 0 ? -1 : 0;
}

int cb_log_open(struct cb_log **out, int dir_fd,
                const struct cb_container_options *options, struct cb_error **err)
{
    cb_auto(cb_log) log = NULL;

    *out = NULL;
    if (options->log_driver && strcmp(options->log_driver, "none") == 0)
        return 0;
    log = xcalloc(1, sizeof(*log));
    log->dir_fd = dir_fd;
    log->fd = -1;
    if (cb_log_read_options(options, &log->limits, err) < 0)
        return -1;
    if (cb_log_is_journald(options)) {
        if (cb_journald_open(&log->journald, err) < 0)
            return -1;
    } else if (open_file(log) < 0) {
        return cb_error_errno(err, errno, "open the log");
    }
    *out = cb_steal(&log);
    return 0;
}

void cb_log_set_attributes(struct cb_log *log, const json_t *attributes)
{
    if (log && log->journald)
        cb_journald_set_fields(log->journald, attributes);
    else if (log && attributes)
        log->attributes = json_dumps(attributes, JSON_COMPACT | JSON_SORT_KEYS);
}

/* log → log.1 → log.2 … */
static void rotate(struct cb_log *log)
{
    cb_close(&log->fd);
    for (unsigned i = log->limits.max_files - 1; i > 0; i--) {
        cb_autofree char *from = i > 1 ? xasprintf("log.%u", i - 1) : xstrdup("log");
        cb_autofree char *to = xasprintf("log.%u", i);

        renameat(log->dir_fd, from, log->dir_fd, to);
    }
    if (log->limits.max_files == 1)
        unlinkat(log->dir_fd, "log", 0);
    open_file(log);
}

/* On a full disk btrfs looks for room for seconds before a write fails, and whoever wants
 * the container stopped waits for that. What is lost meanwhile would be lost anyway. */
static int is_still_full(const struct cb_log *log)
{
    struct statvfs disk;

    return log->full_ms && (cb_clock_ms() - log->full_ms < FULL_MS ||
                            (fstatvfs(log->fd, &disk) == 0 && disk.f_bavail == 0));
}

static int put(struct cb_log *log, const char *bytes, size_t len)
{
    if (log->fd < 0 || is_still_full(log))
        return -1;
    if (cb_fs_write_all(log->fd, bytes, len) == 0) {
        log->bytes += len;
        log->full_ms = 0;
        return 0;
    }
    if (errno == ENOSPC || errno == EDQUOT)
        log->full_ms = cb_clock_ms();
    return -1;
}

static void flush(struct cb_log *log)
{
    if (log->batch.len && put(log, log->batch.text, log->batch.len) < 0 && !log->told) {
        log->told = 1;
        cb_warn("the log cannot be written: %s", strerror(errno));
    }
    cb_strbuf_truncate(&log->batch, 0);
}

/* As cb_timestamp_format has it: of thousands of lines a second all but the fraction is
 * the same. */
static void add_time(struct cb_log *log, struct cb_strbuf *out)
{
    struct timespec now = cb_timestamp_now();
    char fraction[] = ".000000000";
    size_t digits = sizeof(fraction) - 1;

    if (now.tv_sec != log->second) {
        const struct timespec whole = {.tv_sec = now.tv_sec};

        cb_timestamp_format(whole, log->second_text);
        log->second_text[strlen(log->second_text) - 1] = '\0';
        log->second = now.tv_sec;
    }
    for (long left = now.tv_nsec, i = 9; i > 0; i--, left /= 10)
        fraction[i] = (char)('0' + left % 10);
    while (fraction[digits - 1] == '0')
        digits--;
    cb_strbuf_adds(out, log->second_text);
    cb_strbuf_add(out, fraction, digits > 1 ? digits : 0);
    cb_strbuf_addc(out, 'Z');
}

static void set_rest(struct cb_log *log, int stream)
{
    struct cb_strbuf *rest = &log->rest;

    cb_strbuf_truncate(rest, 0);
    cb_strbuf_adds(rest,
                   stream == 1 ? ",\"stream\":\"stdout\"" : ",\"stream\":\"stderr\"");
    if (log->attributes) {
        cb_strbuf_adds(rest, ",\"attrs\":");
        cb_strbuf_adds(rest, log->attributes);
    }
    cb_strbuf_adds(rest, ",\"time\":\"");
    add_time(log, rest);
    cb_strbuf_adds(rest, "\"}\n");
}

/* For what the batch has from BEGIN on: what is before that still fits into this one. */
static void begin_file(struct cb_log *log, size_t begin)
{
    cb_auto_value(cb_strbuf) record = {0};

    cb_strbuf_add(&record, log->batch.text + begin, log->batch.len - begin);
    cb_strbuf_truncate(&log->batch, begin);
    flush(log);
    rotate(log);
    cb_strbuf_add(&log->batch, record.text, record.len);
}

static void write_record(struct cb_log *log, const struct cb_strbuf *line)
{
    static const char head[] = "{\"log\":";
    struct cb_strbuf *batch = &log->batch;
    size_t before = batch->len;

    cb_strbuf_add(batch, head, sizeof(head) - 1);
    cb_strbuf_add_json_bytes(batch, line->text, line->len);
    cb_strbuf_add(batch, log->rest.text, log->rest.len);
    if (log->limits.max_bytes && log->bytes + batch->len > log->limits.max_bytes &&
        log->bytes + before > 0)
        begin_file(log, before);
    if (batch->len >= BATCH_BYTES)
        flush(log);
}

static void write_line(struct cb_log *log, int stream, const struct cb_strbuf *line,
                       int is_part)
{
    if (log->journald)
        cb_journald_add(log->journald, stream, line, is_part);
    else
        write_record(log, line);
}

/* Of a line that is too long what does not end within a character. */
static void write_part(struct cb_log *log, int stream, struct cb_strbuf *line)
{
    char rest[4] = "";
    size_t left = 0;
    unsigned point;

    while (left < 3 && ((unsigned char)line->text[line->len - 1 - left] & 0xc0) == 0x80)
        left++;
    left++;
    if (!((unsigned char)line->text[line->len - left] & 0x80) ||
        cb_utf8_decode(line->text + line->len - left, left, &point))
        left = 0;
    memcpy(rest, line->text + line->len - left, left);
    cb_strbuf_truncate(line, line->len - left);
    write_line(log, stream, line, 1);
    cb_strbuf_truncate(line, 0);
    cb_strbuf_add(line, rest, left);
}

/* As much of BYTES as belongs to the line that is being gathered. */
static size_t add_to_line(struct cb_log *log, int stream, const char *bytes, size_t len)
{
    struct cb_strbuf *line = &log->lines[stream - 1];
    size_t room = LONGEST_LINE - line->len, taken = len < room ? len : room;
    const char *newline = memchr(bytes, '\n', taken);

    if (newline)
        taken = (size_t)(newline - bytes) + 1;
    if (newline && !line->len) {
        const struct cb_strbuf whole = {.text = (char *)bytes, .len = taken};

        write_line(log, stream, &whole, 0);
        return taken;
    }
    cb_strbuf_add(line, bytes, taken);
    if (newline) {
        write_line(log, stream, line, 0);
        cb_strbuf_truncate(line, 0);
    } else if (line->len >= LONGEST_LINE) {
        write_part(log, stream, line);
    }
    return taken;
}

void cb_log_add(struct cb_log *log, int stream, const char *bytes, size_t len)
{
    if (!log)
        return;
    if (log->journald)
        cb_journald_renew(log->journald);
    else
        set_rest(log, stream);
    for (size_t at = 0; at < len;)
        at += add_to_line(log, stream, bytes + at, len - at);
    flush(log);
}

void cb_log_close(struct cb_log *log)
{
    if (!log)
        return;
    for (int stream = 1; stream <= 2; stream++) {
        if (log->lines[stream - 1].len) { /* its end never came */
            set_rest(log, stream);
            write_line(log, stream, &log->lines[stream - 1], 1);
        }
        cb_strbuf_free(&log->lines[stream - 1]);
    }
    flush(log);
    cb_strbuf_free(&log->batch);
    cb_strbuf_free(&log->rest);
    cb_journald_close(log->journald);
    cb_close(&log->fd);
    free(log->attributes);
    free(log);
}
