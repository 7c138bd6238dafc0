/* The two codecs, for one chunk each: whole in memory, and without a look at any other.
 */
#include "store/compress-chunk.h"

#include <isa-l/igzip_lib.h>
#include <zstd.h>

#define GZIP_CHUNK (1u << 20)
#define ZSTD_CHUNK (2u << 20)

size_t cb_chunk_size(enum cb_compression compression)
{
    return compression == CB_COMPRESSION_GZIP ? GZIP_CHUNK : ZSTD_CHUNK;
}

static size_t out_size(enum cb_compression compression)
{
    return ZSTD_compressBound(cb_chunk_size(compression)) + (64u << 10);
}

void cb_chunk_prepare(struct cb_chunk *chunk, enum cb_compression compression)
{
    if (chunk->in)
        return;
    chunk->in = xmalloc(cb_chunk_size(compression));
    chunk->out = xmalloc(out_size(compression));
}

void cb_chunk_clear(struct cb_chunk *chunk)
{
    free(chunk->in);
    free(chunk->out);
}

/* ── gzip ── */

static const struct {
    int level;
    size_t buffer;
} gzip_levels[] = {
    {1, ISAL_DEF_LVL1_DEFAULT}, {2, ISAL_DEF_LVL2_DEFAULT}, {3, ISAL_DEF_LVL3_DEFAULT}};

static int gzip_chunk(struct cb_chunk *chunk, int level, struct cb_error **err)
{
    size_t room = out_size(CB_COMPRESSION_GZIP);
    int at = level <= 0 ? 1 : level > 3 ? 2 : level - 1;
    /* Zeroed, so that no byte of the result can depend on what was there before. */
    cb_autofree struct isal_zstream *stream = xcalloc(1, sizeof(*stream));
    cb_autofree unsigned char *work = xcalloc(1, gzip_levels[at].buffer);
    int code;

    isal_deflate_init(stream);
    stream->level = (uint32_t)gzip_levels[at].level;
    stream->level_buf = work;
    stream->level_buf_size = (uint32_t)gzip_levels[at].buffer;
    stream->flush = FULL_FLUSH;
    stream->next_in = chunk->in;
    stream->avail_in = (uint32_t)chunk->in_len;
    stream->next_out = chunk->out;
    stream->avail_out = (uint32_t)room;
    code = isal_deflate(stream);
    if (code != COMP_OK || stream->avail_in || stream->avail_out == 0)
        return cb_error_set(err, CB_ERR_SYSTEM, "gzip: compression failed (%d)", code);
    chunk->out_len = room - stream->avail_out;
    return 0;
}

/* ── zstd ── */

static int zstd_chunk(struct cb_chunk *chunk, int level, struct cb_error **err)
{
    size_t len =
        ZSTD_compress(chunk->out, out_size(CB_COMPRESSION_ZSTD), chunk->in, chunk->in_len,
                      level > 19 ? 19
                      : level    ? level
                                 : ZSTD_CLEVEL_DEFAULT);

    if (ZSTD_isError(len))
        return cb_error_set(err, CB_ERR_SYSTEM, "zstd: %s", ZSTD_getErrorName(len));
    chunk->out_len = len;
    return 0;
}

int cb_chunk_compress(struct cb_chunk *chunk, enum cb_compression compression, int level,
                      struct cb_error **err)
{
    return compression == CB_COMPRESSION_GZIP ? gzip_chunk(chunk, level, err)
                                              : zstd_chunk(chunk, level, err);
}
