/* Inside registry/: what is said of an image that came from elsewhere, as part of what
 * registry/said.c keeps: {"type": …, "index": …, "about": …, "documents": {…}}, the
 * documents to the byte, so that they go on under the digests they have. */
#ifndef CB_REGISTRY_BROUGHT_H
#define CB_REGISTRY_BROUGHT_H

#include "oci/attestation.h"
#include "store/store.h"

/* Of the index and all that it says of an image. A server chooses it, and it is in memory
 * several times, as text in text. */
#define CB_BROUGHT_MAX_BYTES (8u << 20)

/* Adds a document of SIZE to *BYTES. -1: it becomes more than may be brought. */
int cb_brought_count(int64_t *bytes, int64_t size, struct cb_error **err);

/* INDEX and what it says of ABOUT, all of it in the store. 1; 0: nothing, or not all of
 * it is there. UNSUPPORTED: it cannot be kept. Caller decrefs *OUT. */
int cb_brought_read(struct cb_store *store, const struct cb_index *index,
                    const struct cb_digest *about, json_t **out, struct cb_error **err);
/* The index it came in; NULL if that cannot be read. */
struct cb_index *cb_brought_index(const json_t *brought);
/* 1: all that is said of MANIFEST, added to OUT; 0: it is of another manifest. */
int cb_brought_attest(const json_t *brought, const struct cb_manifest *manifest,
                      struct cb_attestations *out);
/* The same as statements for said.c, of whatever manifest; ARTIFACT: the form they had.
 * Caller decrefs. */
json_t *cb_brought_statements(const json_t *brought, int *artifact);

/* Calls VISIT for each attestation of INDEX that is about ABOUT, until it fails. */
int cb_brought_each(const struct cb_index *index, const struct cb_digest *about,
                    int (*visit)(void *arg, const struct cb_descriptor *entry,
                                 struct cb_error **err),
                    void *arg, struct cb_error **err);

#endif
