/* Input is gathered into a batch of chunks, the chunks are compressed side by side, and
 * written in order. gzip: every chunk is a run of deflate blocks that ends on a byte
 * boundary and looks back to nothing before it, all in one member. zstd: every chunk is a
 * frame. Chunks are large enough that starting afresh costs little (under 1 % at 1 MiB).
 */
#include "store/compress.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <string.h>
#include <zstd.h>

#define GZIP_CHUNK (1u << 20)
#define ZSTD_CHUNK (2u << 20)
#define BATCH      4 /* chunks: bounds the memory, and the cores one stream uses */

struct chunk {
    unsigned char *in, *out;
    size_t in_len, out_len;
};

struct cb_compressor {
    enum cb_compression compression;
    int level;
    struct cb_pool *pool;
    int (*write)(void *arg, const void *bytes, size_t len, struct cb_error **err);
    void *arg;
    size_t chunk_size, out_size;
    struct chunk chunks[BATCH];
    size_t filled; /* chunks begun */
    uint32_t crc;
    uint64_t total;
    int started;
};

/* ── gzip ── */

static const struct {
    int level;
    size_t buffer;
} gzip_levels[] = {
    {1, ISAL_DEF_LVL1_DEFAULT}, {2, ISAL_DEF_LVL2_DEFAULT}, {3, ISAL_DEF_LVL3_DEFAULT}};

static int gzip_chunk(struct cb_compressor *compressor, struct chunk *chunk,
                      struct cb_error **err)
{
    int at = compressor->level <= 0  ? 1
             : compressor->level > 3 ? 2
                                     : compressor->level - 1;
    cb_autofree struct isal_zstream *stream = xmalloc(sizeof(*stream));
    cb_autofree unsigned char *work = xmalloc(gzip_levels[at].buffer);
    int code;

    isal_deflate_init(stream);
    stream->level = (uint32_t)gzip_levels[at].level;
    stream->level_buf = work;
    stream->level_buf_size = (uint32_t)gzip_levels[at].buffer;
    stream->flush = FULL_FLUSH;
    stream->next_in = chunk->in;
    stream->avail_in = (uint32_t)chunk->in_len;
    stream->next_out = chunk->out;
    stream->avail_out = (uint32_t)compressor->out_size;
    code = isal_deflate(stream);
    if (code != COMP_OK || stream->avail_in || stream->avail_out == 0)
        return cb_error_set(err, CB_ERR_SYSTEM, "gzip: compression failed (%d)", code);
    chunk->out_len = compressor->out_size - stream->avail_out;
    return 0;
}

/* No name, no time, "unknown" system: nothing that differs from run to run. */
static int gzip_begin(struct cb_compressor *compressor, struct cb_error **err)
{
    static const unsigned char header[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff};

    return compressor->write(compressor->arg, header, sizeof(header), err);
}

static void put_u32(unsigned char *at, uint32_t value)
{
    int i;

    for (i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

/* An empty last block, then the checksum and the length. */
static int gzip_end(struct cb_compressor *compressor, struct cb_error **err)
{
    unsigned char trailer[10] = {0x03, 0x00};

    put_u32(trailer + 2, compressor->crc);
    put_u32(trailer + 6, (uint32_t)compressor->total);
    return compressor->write(compressor->arg, trailer, sizeof(trailer), err);
}

/* ── zstd ── */

static int zstd_chunk(struct cb_compressor *compressor, struct chunk *chunk,
                      struct cb_error **err)
{
    int level = compressor->level ? compressor->level : ZSTD_CLEVEL_DEFAULT;
    size_t len = ZSTD_compress(chunk->out, compressor->out_size, chunk->in, chunk->in_len,
                               level > 19 ? 19 : level);

    if (ZSTD_isError(len))
        return cb_error_set(err, CB_ERR_SYSTEM, "zstd: %s", ZSTD_getErrorName(len));
    chunk->out_len = len;
    return 0;
}

/* ── Batches ── */

static int compress_chunk(void *arg, size_t index, struct cb_error **err)
{
    struct cb_compressor *compressor = arg;
    struct chunk *chunk = &compressor->chunks[index];

    if (compressor->compression == CB_COMPRESSION_GZIP)
        return gzip_chunk(compressor, chunk, err);
    return zstd_chunk(compressor, chunk, err);
}

static int begin(struct cb_compressor *compressor, struct cb_error **err)
{
    if (compressor->started)
        return 0;
    compressor->started = 1;
    return compressor->compression == CB_COMPRESSION_GZIP ? gzip_begin(compressor, err)
                                                          : 0;
}

static int flush(struct cb_compressor *compressor, struct cb_error **err)
{
    size_t i;

    if (begin(compressor, err) < 0 ||
        cb_pool_for_each(compressor->pool, compressor->filled, compress_chunk, compressor,
                         err) < 0)
        return -1;
    for (i = 0; i < compressor->filled; i++) {
        struct chunk *chunk = &compressor->chunks[i];

        if (compressor->write(compressor->arg, chunk->out, chunk->out_len, err) < 0)
            return -1;
        chunk->in_len = 0;
    }
    compressor->filled = 0;
    return 0;
}

/* The chunk that takes the next byte; makes room when the batch is full. */
static int current_chunk(struct cb_compressor *compressor, struct chunk **out,
                         struct cb_error **err)
{
    struct chunk *chunk;

    if (compressor->filled == BATCH &&
        compressor->chunks[BATCH - 1].in_len == compressor->chunk_size &&
        flush(compressor, err) < 0)
        return -1;
    if (compressor->filled == 0 ||
        compressor->chunks[compressor->filled - 1].in_len == compressor->chunk_size)
        compressor->filled++;
    chunk = &compressor->chunks[compressor->filled - 1];
    if (!chunk->in) {
        chunk->in = xmalloc(compressor->chunk_size);
        chunk->out = xmalloc(compressor->out_size);
    }
    *out = chunk;
    return 0;
}

int cb_compressor_new(struct cb_compressor **out, enum cb_compression compression,
                      int level, struct cb_pool *pool,
                      int (*write)(void *arg, const void *bytes, size_t len,
                                   struct cb_error **err),
                      void *arg, struct cb_error **err)
{
    struct cb_compressor *compressor = xcalloc(1, sizeof(*compressor));

    compressor->compression = compression;
    compressor->level = level;
    compressor->pool = pool;
    compressor->write = write;
    compressor->arg = arg;
    compressor->chunk_size = compression == CB_COMPRESSION_GZIP ? GZIP_CHUNK : ZSTD_CHUNK;
    compressor->out_size = ZSTD_compressBound(compressor->chunk_size) + (64u << 10);
    *out = compressor;
    return 0;
}

int cb_compressor_write(struct cb_compressor *compressor, const void *bytes, size_t len,
                        struct cb_error **err)
{
    const unsigned char *at = bytes;

    if (compressor->compression == CB_COMPRESSION_NONE)
        return compressor->write(compressor->arg, bytes, len, err);
    if (compressor->compression == CB_COMPRESSION_GZIP)
        compressor->crc = crc32_gzip_refl(compressor->crc, bytes, len);
    compressor->total += len;
    while (len) {
        struct chunk *chunk;
        size_t part;

        if (current_chunk(compressor, &chunk, err) < 0)
            return -1;
        part = compressor->chunk_size - chunk->in_len;
        part = part < len ? part : len;
        memcpy(chunk->in + chunk->in_len, at, part);
        chunk->in_len += part;
        at += part;
        len -= part;
    }
    return 0;
}

/* An empty zstd stream still is a frame. */
int cb_compressor_finish(struct cb_compressor *compressor, struct cb_error **err)
{
    struct chunk *chunk;

    if (compressor->compression == CB_COMPRESSION_NONE)
        return 0;
    if (compressor->compression == CB_COMPRESSION_ZSTD && compressor->total == 0 &&
        current_chunk(compressor, &chunk, err) < 0)
        return -1;
    if (flush(compressor, err) < 0)
        return -1;
    return compressor->compression == CB_COMPRESSION_GZIP ? gzip_end(compressor, err) : 0;
}

void cb_compressor_free(struct cb_compressor *compressor)
{
    size_t i;

    if (!compressor)
        return;
    for (i = 0; i < BATCH; i++) {
        free(compressor->chunks[i].in);
        free(compressor->chunks[i].out);
    }
    free(compressor);
}
