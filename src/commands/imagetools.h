/* Parts of `buildx imagetools inspect`. */
#ifndef CB_COMMANDS_IMAGETOOLS_H
#define CB_COMMANDS_IMAGETOOLS_H

#include "commands/transfer.h"

/* What FORMAT asks for and the document of REFERENCE (BYTES) only leads to: `Image`, the
 * configuration, `Provenance` and `SBOM`, of several platforms each by its name. */
int cb_imagetools_add_said(struct cb_transfer *transfer,
                           const struct cb_reference *reference,
                           const struct cb_strbuf *bytes, const char *format,
                           json_t *document, struct cb_error **err);

#endif
