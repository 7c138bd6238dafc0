/* The user's terminal while a container owns it. Private to this directory. */
#ifndef CB_CONTAINER_TERMINAL_H
#define CB_CONTAINER_TERMINAL_H

#include "base/cancel.h"
#include "container/signals.h"
#include "executor/executor.h"

struct cb_terminal;

/* Raw mode on FD if it is a terminal; restored by cb_terminal_free. NULL if it is none.
 */
struct cb_terminal *cb_terminal_open(int fd);
void cb_terminal_free(struct cb_terminal *terminal);
CB_AUTO_DEFINE(cb_terminal, cb_terminal_free)
void cb_terminal_size(int fd, unsigned short *rows, unsigned short *columns);

/* Moves bytes between our stdio and the container's pty until the container has ended and
 * its output is drained. Forwards size changes. SIGNALS: a signalfd with SIGWINCH and
 * those to forward. INTERACTIVE 0: our stdin is not read. CANCEL kills the container. */
int cb_terminal_relay(struct cb_process *process, int signals, int interactive,
                      const struct cb_stopping *stopping, struct cb_cancel *cancel,
                      struct cb_error **err);

#endif
