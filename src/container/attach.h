/* A process on our standard streams. Private to this directory. */
#ifndef CB_CONTAINER_ATTACH_H
#define CB_CONTAINER_ATTACH_H

#include "base/cancel.h"
#include "container/signals.h"
#include "container/streams.h"
#include "executor/executor.h"

struct cb_attach_options {
    int interactive;
    const struct cb_stopping *stopping;
    const struct cb_witness *witness; /* of one without a terminal; or NULL */
    /* With WITNESS's argument, or NULL: while the process is made, and before it is gone.
     */
    void (*requested)(void *arg);
    void (*ended)(void *arg);
};
/* Starts SPEC on our streams, or with spec->tty on our terminal, passes signals on, and
 * waits for its end. A terminal that is lost, or CANCEL, ends it. */
int cb_attach(struct cb_launcher *launcher, struct cb_process_spec *spec,
              const struct cb_attach_options *options, struct cb_cancel *cancel,
              struct cb_exit *result, struct cb_error **err);

#endif
