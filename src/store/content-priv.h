/* Blobs, as the rest of the store sees them. */
#ifndef CB_STORE_CONTENT_PRIV_H
#define CB_STORE_CONTENT_PRIV_H

#include "store/content.h"
#include "store/store-priv.h"

/* "blobs/sha256/<hex>", below the root. Caller frees. */
char *cb_content_path(const struct cb_digest *digest);
/* To be called under the shared gc.lock. */
int cb_content_lease(struct cb_store *store, const struct cb_digest *digest,
                     struct cb_error **err);

#endif
