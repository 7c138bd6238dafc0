/* The files of a log, for who reads them, and what journald is told. Private to this
 * directory. */
#ifndef CB_CONTAINER_LOG_PRIV_H
#define CB_CONTAINER_LOG_PRIV_H

#include "container/log.h"

/* ── log-options.c ── */
struct cb_log_limits {
    uint64_t max_bytes; /* of a file; 0: any */
    unsigned max_files;
};
/* USAGE for options that the driver does not know, or values that are none. */
int cb_log_read_options(const struct cb_container_options *options,
                        struct cb_log_limits *out, struct cb_error **err);

/* ── log-tail.c ── */
/* File 0 is "log", others are "log.N". -1 with errno. */
int cb_log_open_file(int dir_fd, unsigned file);
unsigned cb_log_oldest(int dir_fd);
/* Where the last LINES lines begin, or all with -1: the file, standing there; -1 with
 * errno. A line that is not yet whole is not counted. */
int cb_log_open_at(int dir_fd, int64_t lines);

/* ── log-record.c ── */
/* 1: TEXT is a record as the writer makes it, with nothing to tell but a line, whose
 * bytes go to BYTES; 0: it may be another one. */
int cb_log_record_parse(const char *text, size_t len, struct cb_strbuf *bytes,
                        struct cb_log_line *line);

/* ── log-journald.c ── */
struct cb_journald;
/* UNSUPPORTED if none listens. */
int cb_journald_open(struct cb_journald **out, struct cb_error **err);
/* What every line of CONTAINER has: its own, and of EXTRA, whose names become fields'. */
json_t *cb_journald_fields(const struct cb_container *container, json_t *extra,
                           const char *tag);
void cb_journald_set_fields(struct cb_journald *journald, const json_t *fields);
/* For what comes next it may be waited, a second in all, unless that was in vain. */
void cb_journald_renew(struct cb_journald *journald);
/* IS_PART: more of the same line is to come. */
void cb_journald_add(struct cb_journald *journald, int stream,
                     const struct cb_strbuf *line, int is_part);
/* Tells how many lines were lost. */
void cb_journald_close(struct cb_journald *journald);
CB_AUTO_DEFINE(cb_journald, cb_journald_close)
/* Waits until it has taken all that was sent before, a second at most. */
void cb_journald_settle(void);

/* ── log-entries.c ── */
/* Its entries, out of bytes that come in any pieces. */
struct cb_entries;
struct cb_entry {
    const char *cursor;
    struct cb_log_line line; /* with its end, if that is not yet to come */
};
struct cb_entries *cb_entries_new(int with_details);
void cb_entries_free(struct cb_entries *entries);
CB_AUTO_DEFINE(cb_entries, cb_entries_free)
/* Where the bytes are added, borrowed. */
struct cb_strbuf *cb_entries_input(struct cb_entries *entries);
/* 1: *OUT is the next that is a line of a container's, and holds until the next call; 0:
 * there is none in what was added, which may be added to. INTEGRITY for other bytes. */
int cb_entries_next(struct cb_entries *entries, struct cb_entry *out,
                    struct cb_error **err);

/* ── log-journald-read.c ── */
/* As cb_log_read. UNSUPPORTED without journalctl, DENIED to who may not read it. */
int cb_journald_read(struct cb_container *container, const struct cb_log_wish *wish,
                     int (*show)(void *arg, const struct cb_log_line *line), void *arg,
                     struct cb_cancel *cancel, struct cb_error **err);

#endif
