/* Parts of `buildx imagetools`. */
#ifndef CB_COMMANDS_IMAGETOOLS_H
#define CB_COMMANDS_IMAGETOOLS_H

#include "commands/transfer.h"
#include "registry/draft.h"

/* What FORMAT asks for and the document of REFERENCE (BYTES) only leads to: `Image`, the
 * configuration, `Provenance` and `SBOM`, of several platforms each by its name. */
int cb_imagetools_add_said(struct cb_transfer *transfer,
                           const struct cb_reference *reference,
                           const struct cb_strbuf *bytes, const char *format,
                           json_t *document, struct cb_error **err);

/* What --annotation says. USAGE for those of manifests. */
int cb_imagetools_annotations(const struct cb_strings *texts, struct cb_annotations *out,
                              struct cb_error **err);
/* DRAFT gets them, once. */
void cb_imagetools_annotate(struct cb_draft *draft,
                            const struct cb_annotations *annotations);

#endif
