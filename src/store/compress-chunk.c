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

/* Kept from chunk to chunk: fresh pages for each would cost more than what is in them. */
struct gzip_work {
    struct isal_zstream stream;
    _Alignas(16) unsigned char buffer[ISAL_DEF_LVL3_DEFAULT];
};

void cb_chunk_prepare(struct cb_chunk *chunk, enum cb_compression compression)
{
    if (chunk->in)
        return;
    chunk->in = xmalloc(cb_chunk_size(compression));
    chunk->out = xmalloc(out_size(compression));
    if (compression == CB_COMPRESSION_GZIP)
        chunk->work = xmalloc(sizeof(struct gzip_work));
}

void cb_chunk_clear(struct cb_chunk *chunk)
{
    free(chunk->in);
    free(chunk->out);
    free(chunk->work);
}

/* ── gzip ── */

static const struct {
    int level;
    size_t buffer;
} gzip_levels[] = {
    {1, ISAL_DEF_LVL1_DEFAULT}, {2, ISAL_DEF_LVL2_DEFAULT}, {3, ISAL_DEF_LVL3_DEFAULT}};

/* ISA-L's fast routine (levels 1 and 2 of 2.30 and later ones), when it begins where
 * there is no history, enters the third byte in its hash table under a hash of the
 * stream's address: rarely, and not twice in the same place, a match is found or missed
 * for that. It leaves the last 16 bytes before a flush to the exact routine, so a chunk's
 * first 16, flushed alone, begin the history; that is ten bytes more for each chunk. */
#define GZIP_HEAD 16

static int gzip_part(struct isal_zstream *stream, size_t len, uint16_t flush)
{
    int code;

    stream->avail_in = (uint32_t)len;
    stream->flush = flush;
    code = isal_deflate(stream);
    return code == COMP_OK && (stream->avail_in || stream->avail_out == 0)
               ? STATELESS_OVERFLOW
               : code;
}

static void gzip_start(struct isal_zstream *stream, int level, unsigned char *buffer)
{
    int at = level <= 0 ? 1 : level > 3 ? 2 : level - 1;

    isal_deflate_init(stream);
    stream->level = (uint32_t)gzip_levels[at].level;
    stream->level_buf = buffer;
    stream->level_buf_size = (uint32_t)gzip_levels[at].buffer;
}

static int gzip_chunk(struct cb_chunk *chunk, int level, struct cb_error **err)
{
    struct gzip_work *work = chunk->work;
    struct isal_zstream *stream = &work->stream;
    size_t room = out_size(CB_COMPRESSION_GZIP);
    size_t head = chunk->in_len > GZIP_HEAD ? GZIP_HEAD : 0;
    int code = COMP_OK;

    gzip_start(stream, level, work->buffer);
    stream->next_in = chunk->in;
    stream->next_out = chunk->out;
    stream->avail_out = (uint32_t)room;
    if (head)
        code = gzip_part(stream, head, SYNC_FLUSH);
    if (code == COMP_OK)
        code = gzip_part(stream, chunk->in_len - head, FULL_FLUSH);
    if (code != COMP_OK)
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
