/* Streams out of their compression, bounded on the way: by bytes, and by ratio, so that a
 * small download cannot fill the disk (security: decompression bombs). */
#ifndef CB_STORE_DECOMPRESS_H
#define CB_STORE_DECOMPRESS_H

#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

typedef ssize_t (*cb_read_fn)(void *arg, void *buffer, size_t len, struct cb_error **err);

struct cb_decoder;

/* FILTERS as CB_TAR_GZIP and so on (tar.h). Looks at the first bytes; what is in none of
 * the allowed compressions is passed on as it is. MAX_BYTES 0: unbounded. */
int cb_decoder_new(struct cb_decoder **out, cb_read_fn read, void *arg, int filters,
                   uint64_t max_bytes, struct cb_error **err);
/* The next piece, borrowed until the next call: its length, 0 at the end, -1. */
ssize_t cb_decoder_next(struct cb_decoder *decoder, const void **bytes,
                        struct cb_error **err);
void cb_decoder_free(struct cb_decoder *decoder);
CB_AUTO_DEFINE(cb_decoder, cb_decoder_free)

/* Only MAX_BYTES bounds it: for what has been unpacked before, or when a user has said
 * how large it may be. */
void cb_decoder_any_ratio(struct cb_decoder *decoder);
/* The filter that was found; 0: none. */
int cb_decoder_filter(const struct cb_decoder *decoder);

#endif
