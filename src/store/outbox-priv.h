/* An entry as its document. */
#ifndef CB_STORE_OUTBOX_PRIV_H
#define CB_STORE_OUTBOX_PRIV_H

#include "base/json.h"
#include "store/outbox.h"

/* The manifest stands in it as a string. */
#define CB_OUTBOX_MAX_BYTES (3 * CB_MANIFEST_MAX_BYTES)

/* A new reference. */
json_t *cb_outbox_emit(const struct cb_outbox_entry *entry);
/* INTEGRITY; UNSUPPORTED for another version. */
int cb_outbox_parse(struct cb_outbox_entry **out, const char *bytes, size_t len,
                    struct cb_error **err);

#endif
