/* Media, archives and what is encrypted take more time than they give back. Samples from
 * all over the blob tell; a layer is large when that matters. Of one that is kept without
 * its blob it is noted when it comes. */
#include "store/layer.h"

#include "store/compress-chunk.h"
#include "store/content.h"
#include "store/layer-tar.h"

#include <unistd.h>

#define LARGE   (16 << 20)
#define SAMPLES 8
#define SAMPLE  (128 << 10)

static void sample(struct cb_chunk *chunk, int fd, int64_t at)
{
    ssize_t got = pread(fd, chunk->in, SAMPLE, at);

    chunk->in_len = got > 0 ? (size_t)got : 0;
}

int cb_layer_tar_is_dense(const struct cb_layer_tar *tar)
{
    struct cb_chunk chunk = {0};
    size_t in = 0, out = 0;
    int failed = 0;

    if (tar->size < LARGE)
        return 0;
    cb_chunk_prepare(&chunk, CB_COMPRESSION_GZIP);
    for (int i = 0; i < SAMPLES && !failed; i++) {
        sample(&chunk, tar->fd, tar->at + (2 * i + 1) * (tar->size / (2 * SAMPLES)));
        failed =
            !chunk.in_len || cb_chunk_compress(&chunk, CB_COMPRESSION_GZIP, 1, NULL) < 0;
        in += chunk.in_len;
        out += chunk.out_len;
    }
    cb_chunk_clear(&chunk);
    return !failed && out > in - in / 32;
}

int cb_layer_blob_is_dense(struct cb_store *store, const struct cb_descriptor *blob)
{
    cb_autofd int fd = -1;
    struct cb_layer_tar tar = {.size = blob->size};

    if (blob->size < LARGE || cb_content_open(store, &blob->digest, &fd, NULL, NULL) < 0)
        return 0;
    tar.fd = fd;
    return cb_layer_tar_is_dense(&tar);
}

int cb_layer_came_dense(struct cb_store *store, const struct cb_digest *chain_id)
{
    cb_auto(cb_snapshot) snapshot = NULL;
    cb_autofree char *fact = NULL;

    if (cb_chain_find(store, chain_id, &snapshot, NULL) > 0)
        fact = cb_snapshot_fact(snapshot, CB_FACT_DENSE);
    return fact != NULL;
}
