/* Media, archives and what is encrypted take more time than they give back. Samples from
 * all over the blob tell; a layer is large when that matters. */
#include "store/layer.h"

#include "store/compress-chunk.h"
#include "store/content.h"

#include <unistd.h>

#define LARGE   (16 << 20)
#define SAMPLES 8
#define SAMPLE  (128 << 10)

static void sample(struct cb_chunk *chunk, int fd, int64_t at)
{
    ssize_t got = pread(fd, chunk->in, SAMPLE, at);

    chunk->in_len = got > 0 ? (size_t)got : 0;
}

int cb_layer_blob_is_dense(struct cb_store *store, const struct cb_descriptor *blob)
{
    struct cb_chunk chunk = {0};
    size_t in = 0, out = 0;
    cb_autofd int fd = -1;
    int failed = 0;

    if (blob->size < LARGE || cb_content_open(store, &blob->digest, &fd, NULL, NULL) < 0)
        return 0;
    cb_chunk_prepare(&chunk, CB_COMPRESSION_GZIP);
    for (int i = 0; i < SAMPLES && !failed; i++) {
        sample(&chunk, fd, (2 * i + 1) * (blob->size / (2 * SAMPLES)));
        failed =
            !chunk.in_len || cb_chunk_compress(&chunk, CB_COMPRESSION_GZIP, 1, NULL) < 0;
        in += chunk.in_len;
        out += chunk.out_len;
    }
    cb_chunk_clear(&chunk);
    return !failed && out > in - in / 32;
}
