/* A process on our standard streams. Private to this directory. */
#ifndef CB_CONTAINER_ATTACH_H
#define CB_CONTAINER_ATTACH_H

#include "base/cancel.h"
#include "container/signals.h"
#include "executor/executor.h"

/* Starts SPEC on our streams, or with spec->tty on our terminal, passes signals on, and
 * waits for its end. A terminal that is lost, or CANCEL, ends it. */
int cb_attach(struct cb_launcher *launcher, struct cb_process_spec *spec, int interactive,
              const struct cb_stopping *stopping, struct cb_cancel *cancel,
              struct cb_exit *result, struct cb_error **err);

#endif
