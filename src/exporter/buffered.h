/* Bytes on their way to a descriptor, in large pieces. */
#ifndef CB_EXPORTER_BUFFERED_H
#define CB_EXPORTER_BUFFERED_H

#include "base/error.h"

#include <stddef.h>

struct cb_buffered {
    int fd;
    const char *what; /* for messages: "the archive" */
    char *bytes;
    size_t len;
};
/* Frees what it holds; nothing is written. */
void cb_buffered_clear(struct cb_buffered *buffered);
CB_AUTO_VALUE_DEFINE(cb_buffered, cb_buffered_clear)

/* ARG is a struct cb_buffered: what tar writers call. */
int cb_buffered_write(void *arg, const void *bytes, size_t len, struct cb_error **err);
int cb_buffered_flush(struct cb_buffered *buffered, struct cb_error **err);

#endif
