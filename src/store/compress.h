/* Streams into gzip or zstd, cut at fixed offsets: the same input gives the same bytes on
 * any number of cores. */
#ifndef CB_STORE_COMPRESS_H
#define CB_STORE_COMPRESS_H

#include "base/pool.h"
#include "oci/oci.h"

struct cb_compressor;

/* WRITE takes the compressed bytes. NONE passes everything through. LEVEL 0: default. */
int cb_compressor_new(struct cb_compressor **out, enum cb_compression compression,
                      int level, struct cb_pool *pool,
                      int (*write)(void *arg, const void *bytes, size_t len,
                                   struct cb_error **err),
                      void *arg, struct cb_error **err);
int cb_compressor_write(struct cb_compressor *compressor, const void *bytes, size_t len,
                        struct cb_error **err);
int cb_compressor_finish(struct cb_compressor *compressor, struct cb_error **err);
void cb_compressor_free(struct cb_compressor *compressor);
CB_AUTO_DEFINE(cb_compressor, cb_compressor_free)

#endif
