/* The form of a delta, between delta-make.c and delta-apply.c. All numbers are
 * little-endian: MAGIC, the base's chain id and diff id, the length of the result; then
 * pieces until that length is reached: where the part of the base begins and how long it
 * is (8 bytes each), the length of the piece, that of its zstd frame (4 each), and the
 * frame. Nothing follows. */
#ifndef CB_STORE_DELTA_PRIV_H
#define CB_STORE_DELTA_PRIV_H

#include "store/delta.h"

#define CB_DELTA_MAGIC      "CBDELTA1"
#define CB_DELTA_MAGIC_LEN  8
#define CB_DELTA_HEAD       (CB_DELTA_MAGIC_LEN + 32 + 32 + 8)
#define CB_DELTA_PIECE_HEAD 24
#define CB_DELTA_PIECE      (8u << 20)
#define CB_DELTA_PART       (24u << 20)

/* INTEGRITY: the file ends before. */
int cb_delta_read(int fd, void *buffer, size_t len, int64_t at, struct cb_error **err);
int64_t cb_delta_file_bytes(int fd);
int cb_delta_zstd_failed(const char *why, struct cb_error **err);

#endif
