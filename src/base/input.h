/* Reading from where bytes may never come: standard input, a FIFO, somebody's pipe. What
 * was cancelled meanwhile does not wait for them. */
#ifndef CB_BASE_INPUT_H
#define CB_BASE_INPUT_H

#include "base/cancel.h"
#include "base/strbuf.h"

#include <sys/types.h>

/* As read(2), once there is something to be read. CANCEL may be NULL. -1 with CANCELED,
 * or what the system says. */
ssize_t cb_input_read(int fd, struct cb_cancel *cancel, void *buffer, size_t len,
                      struct cb_error **err);
/* All of it, at most MAX bytes, behind what OUT has. */
int cb_input_read_all(int fd, struct cb_cancel *cancel, size_t max, struct cb_strbuf *out,
                      struct cb_error **err);
/* All of it, into a file. */
int cb_input_copy(int fd, struct cb_cancel *cancel, int to_fd, struct cb_error **err);

#endif
