/* What the build that made an image said of it, as a document that only registry/said.h
 * can read: attested/<image>.json. It goes with the image, at the next collection. */
#ifndef CB_STORE_ATTESTED_H
#define CB_STORE_ATTESTED_H

#include "base/digest.h"
#include "base/strbuf.h"
#include "store/store.h"

#define CB_ATTESTED_DIRECTORY "attested"
#define CB_ATTESTED_SUFFIX    ".json"

/* In the place of what was there; durable. */
int cb_attested_put(struct cb_store *store, const struct cb_digest *image,
                    const char *text, struct cb_error **err);
/* 1, or 0: nothing was said. */
int cb_attested_read(struct cb_store *store, const struct cb_digest *image, size_t max,
                     struct cb_strbuf *out, struct cb_error **err);
int cb_attested_forget(struct cb_store *store, const struct cb_digest *image,
                       struct cb_error **err);

#endif
