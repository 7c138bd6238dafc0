/* A large blob over several connections at once, where one is slow. */
#ifndef CB_REGISTRY_RANGES_H
#define CB_REGISTRY_RANGES_H

#include "registry/registry-priv.h"
#include "store/content.h"

#define CB_RANGES_MIN (32 << 20) /* less is left to one stream */

/* Whether pieces are worth it for a blob of this size at all. */
int cb_ranges_fit(const struct cb_descriptor *blob);
/* 1: an earlier process left pieces of what comes after OFFSET. */
int cb_ranges_left(struct cb_registry *registry, const struct cb_descriptor *blob,
                   int64_t offset);
/* Brings WRITER, which is somewhere inside the blob, to its end. It may succeed before
 * that: a server that does not do ranges as it should is no error. */
int cb_ranges_receive(struct cb_registry *registry,
                      const struct cb_repository *repository,
                      const struct cb_descriptor *blob, struct cb_blob_writer *writer,
                      uint64_t event_id, struct cb_error **err);

#endif
