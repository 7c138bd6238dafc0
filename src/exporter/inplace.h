/* Inside exporter/: layers that are compressed right where the archive has them, so that
 * their bytes are written once. An archive begins with documents that name the layers'
 * digests, and those are known last; but how long the documents will be is known to the
 * block of a tar, but for rare cases, in which what is there is moved. */
#ifndef CB_EXPORTER_INPLACE_H
#define CB_EXPORTER_INPLACE_H

#include "base/map.h"
#include "oci/oci.h"
#include "store/layer.h"

struct cb_inplace {
    int fd;               /* the archive, borrowed */
    int64_t first, next;  /* where the first blob's header is, and the next one's */
    struct cb_map *there; /* digests that have their place */
    struct cb_map *made;  /* diff id → a layer that is in its place */
};

/* 1 when FD can take layers in this way: an empty file that can be read, too, and is at
 * its begin. */
int cb_inplace_open(struct cb_inplace *place, int fd);
void cb_inplace_clear(struct cb_inplace *place);
CB_AUTO_VALUE_DEFINE(cb_inplace, cb_inplace_clear)

/* The first blob's header will be AT. */
void cb_inplace_start(struct cb_inplace *place, int64_t at);
/* A blob that is written in its turn, unless it was there before. */
int cb_inplace_pass(struct cb_inplace *place, const struct cb_digest *digest,
                    int64_t size, struct cb_error **err);
/* Compresses a layer, which OUT then describes. 0: the store has it, or should, since it
 * was wanted before: a form that is asked for again is kept. */
int cb_inplace_layer(struct cb_inplace *place, const struct cb_layer_want *want,
                     struct cb_descriptor *out, struct cb_error **err);
/* The first blob's header is AT after all. */
int cb_inplace_settle(struct cb_inplace *place, int64_t at, struct cb_error **err);
/* Where the bytes of a blob are that is in its place already; or -1. */
int64_t cb_inplace_find(const struct cb_inplace *place, const struct cb_digest *digest);

#endif
