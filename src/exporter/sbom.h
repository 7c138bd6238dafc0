/* What packages a filesystem has, as an SPDX 2.3 document. They are found by reading:
 * nothing of the filesystem is run, and nobody is asked. */
#ifndef CB_EXPORTER_SBOM_H
#define CB_EXPORTER_SBOM_H

#include "base/cancel.h"
#include "base/event.h"
#include "base/json.h"

#include <time.h>

struct cb_sbom_options {
    int root_fd;      /* -1: an empty one */
    const char *name; /* of the document; NULL: "image" */
    struct timespec created;
    int64_t epoch_s; /* >= 0: it is then that the document was made */
    struct cb_cancel *cancel;
    struct cb_event_sink *sink; /* is told of what cannot be read; or NULL */
};
int cb_sbom_make(const struct cb_sbom_options *options, json_t **out,
                 struct cb_error **err);

#endif
