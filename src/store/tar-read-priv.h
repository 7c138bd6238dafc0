/* Reading file data without copying it, for what writes it to disk. */
#ifndef CB_STORE_TAR_READ_PRIV_H
#define CB_STORE_TAR_READ_PRIV_H

#include "store/tar.h"

/* The next piece of the entry's data and where it belongs; holes are left out. Borrowed
 * until the next call: 1 a piece, 0 the end, -1. */
int cb_tar_reader_block(struct cb_tar_reader *reader, const void **bytes, size_t *len,
                        int64_t *offset, struct cb_error **err);
/* Length of the uncompressed stream read so far. */
uint64_t cb_tar_reader_bytes(const struct cb_tar_reader *reader);

#endif
