/* What a container printed: a line of JSON for each line, as docker's json-file has it.
 * "log" is the newest file, "log.1" the one before it. Or journald has it. Private to
 * this directory, but for reading. */
#ifndef CB_CONTAINER_LOG_H
#define CB_CONTAINER_LOG_H

#include "container/record.h"

struct cb_log;

#define CB_LOG_MAX_FILES 1000 /* of --log-opt max-file */

/* --log-driver, --log-opt. USAGE. */
int cb_log_check(const struct cb_container_options *options, struct cb_error **err);
/* NULL in *OUT for the driver "none". */
int cb_log_open(struct cb_log **out, int dir_fd,
                const struct cb_container_options *options, struct cb_error **err);
/* 1: journald keeps it. */
int cb_log_is_journald(const struct cb_container_options *options);
/* What every line is to carry, for `logs --details` or as fields of journald's: a new
 * reference, or NULL for nothing. USAGE for a tag or an expression that is none. */
int cb_log_attributes(const struct cb_container *container, json_t **out,
                      struct cb_error **err);
void cb_log_set_attributes(struct cb_log *log, const json_t *attributes);
/* STREAM 1 or 2. Lines are written when they are whole, or long. A full disk loses what
 * was printed, and is told once. */
void cb_log_add(struct cb_log *log, int stream, const char *bytes, size_t len);
void cb_log_close(struct cb_log *log);
CB_AUTO_DEFINE(cb_log, cb_log_close)

struct cb_log_line {
    struct timespec time;
    int stream; /* 1, 2 */
    const char *text;
    size_t len;
    json_t *attributes; /* borrowed, or NULL */
};
struct cb_log_wish {
    int64_t tail; /* of lines; -1: all */
    int has_since, has_until, follow;
    int details; /* attributes are looked at */
    /* Or NULL: before more is waited for, and several times a second meanwhile; -1 ends
     * it. */
    int (*rest)(void *arg);
    struct timespec since, until;
};
/* Calls SHOW for every line that is wished for, until it returns -1; with FOLLOW until
 * the container has ended, or CANCEL. */
int cb_log_read(struct cb_container *container, const struct cb_log_wish *wish,
                int (*show)(void *arg, const struct cb_log_line *line), void *arg,
                struct cb_cancel *cancel, struct cb_error **err);

#endif
