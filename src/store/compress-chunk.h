/* Inside store/: a piece of a stream that is compressed for itself. gzip: a run of
 * deflate blocks that ends on a byte boundary and looks back to nothing before it. zstd:
 * a frame. */
#ifndef CB_STORE_COMPRESS_CHUNK_H
#define CB_STORE_COMPRESS_CHUNK_H

#include "oci/oci.h"

struct cb_chunk {
    unsigned char *in, *out;
    size_t in_len, out_len;
    void *work; /* gzip's memory; what it has, and where it is, changes no byte of OUT */
    int done;   /* OUT is what was IN */
};

/* Where streams are cut. Large enough that starting afresh costs little (under 1 %). */
size_t cb_chunk_size(enum cb_compression compression);
/* Its buffers, once. */
void cb_chunk_prepare(struct cb_chunk *chunk, enum cb_compression compression);
int cb_chunk_compress(struct cb_chunk *chunk, enum cb_compression compression, int level,
                      struct cb_error **err);
void cb_chunk_clear(struct cb_chunk *chunk);

#endif
