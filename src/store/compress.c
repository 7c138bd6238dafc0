/* Input is gathered into chunks, which are compressed side by side and written in order.
 * The chunks are a ring: the caller fills one while helpers work on those before it, so
 * that what it does to get the bytes and to be rid of them (reading, digests, writing)
 * goes on meanwhile. It compresses itself only when all chunks are full, and then waits
 * only for one that somebody works on. gzip: all chunks are in one member. */
#include "store/compress.h"

#include "store/compress-chunk.h"

#include <isa-l/crc.h>
#include <pthread.h>
#include <string.h>

#define MIN_CHUNKS  4
#define MAX_CHUNKS  8 /* bounds the memory, and the cores one stream uses */
#define ZSTD_CHUNKS 4 /* which are twice as large */

struct cb_compressor {
    enum cb_compression compression;
    int level;
    struct cb_pool *pool;
    int (*write)(void *arg, const void *bytes, size_t len, struct cb_error **err);
    void *arg;
    struct cb_chunk chunks[MAX_CHUNKS];
    size_t count;     /* chunks in use */
    uint64_t written; /* chunks since the start */
    uint32_t crc;
    uint64_t total;
    int started;
    pthread_mutex_t lock;   /* all below, and a chunk's `done` */
    pthread_cond_t changed; /* a chunk is done, or nobody works */
    uint64_t filled, taken; /* chunks since the start */
    unsigned running, helpers, holders;
    struct cb_error *error;
    int failed;
};

/* ── gzip ── */

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

/* ── The ring ── */

static struct cb_chunk *chunk_at(struct cb_compressor *compressor, uint64_t position)
{
    return &compressor->chunks[position % compressor->count];
}

/* Called with the lock held, and with a chunk that nobody has taken. */
static void compress_one(struct cb_compressor *compressor)
{
    struct cb_chunk *chunk = chunk_at(compressor, compressor->taken++);
    struct cb_error *error = NULL;
    int result;

    compressor->running++;
    pthread_mutex_unlock(&compressor->lock);
    result = cb_chunk_compress(chunk, compressor->compression, compressor->level, &error);
    pthread_mutex_lock(&compressor->lock);
    compressor->running--;
    chunk->done = 1;
    if (result < 0 && !compressor->failed) {
        compressor->failed = 1;
        compressor->error = cb_steal(&error);
    }
    cb_error_free(error);
    pthread_cond_broadcast(&compressor->changed);
}

/* Called with the lock held, which is gone afterwards. */
static void let_go(struct cb_compressor *compressor)
{
    int last = --compressor->holders == 0;

    pthread_mutex_unlock(&compressor->lock);
    if (!last)
        return;
    for (size_t i = 0; i < MAX_CHUNKS; i++)
        cb_chunk_clear(&compressor->chunks[i]);
    pthread_cond_destroy(&compressor->changed);
    pthread_mutex_destroy(&compressor->lock);
    cb_error_free(compressor->error);
    free(compressor);
}

/* May come to run when all is over. */
static void help(void *arg)
{
    struct cb_compressor *compressor = arg;

    pthread_mutex_lock(&compressor->lock);
    while (compressor->taken < compressor->filled)
        compress_one(compressor);
    compressor->helpers--;
    let_go(compressor);
}

static void call_helper(struct cb_compressor *compressor)
{
    int wanted;

    pthread_mutex_lock(&compressor->lock);
    wanted = compressor->pool && compressor->helpers < cb_pool_core_count() &&
             compressor->helpers < compressor->filled - compressor->taken;
    if (wanted) {
        compressor->helpers++;
        compressor->holders++;
    }
    pthread_mutex_unlock(&compressor->lock);
    if (wanted)
        cb_pool_submit(compressor->pool, CB_POOL_CPU, help, compressor);
}

/* The next to be written: 1 when it is done. Must it be, it is made or waited for. */
static int next_is_done(struct cb_compressor *compressor, int must, struct cb_error **err)
{
    struct cb_chunk *chunk = chunk_at(compressor, compressor->written);
    int done;

    pthread_mutex_lock(&compressor->lock);
    while (must && !chunk->done && !compressor->failed) {
        if (compressor->taken < compressor->filled)
            compress_one(compressor);
        else
            pthread_cond_wait(&compressor->changed, &compressor->lock);
    }
    done = compressor->failed ? cb_error_move(err, &compressor->error) : chunk->done;
    pthread_mutex_unlock(&compressor->lock);
    return done;
}

/* Writes what is done, and waits until at most LEFT chunks are full. */
static int drain(struct cb_compressor *compressor, size_t left, struct cb_error **err)
{
    while (compressor->written < compressor->filled) {
        struct cb_chunk *chunk = chunk_at(compressor, compressor->written);
        int done = next_is_done(compressor,
                                compressor->filled - compressor->written > left, err);

        if (done <= 0)
            return done;
        if (compressor->write(compressor->arg, chunk->out, chunk->out_len, err) < 0)
            return -1;
        chunk->done = 0;
        chunk->in_len = 0;
        compressor->written++;
    }
    return 0;
}

static int begin(struct cb_compressor *compressor, struct cb_error **err)
{
    if (compressor->started)
        return 0;
    compressor->started = 1;
    return compressor->compression == CB_COMPRESSION_GZIP ? gzip_begin(compressor, err)
                                                          : 0;
}

/* The chunk that takes the next byte goes to whoever compresses. */
static void pass_on(struct cb_compressor *compressor)
{
    pthread_mutex_lock(&compressor->lock);
    compressor->filled++;
    pthread_mutex_unlock(&compressor->lock);
}

static size_t chunk_count(enum cb_compression compression)
{
    size_t count = cb_pool_core_count() + 3;

    if (compression == CB_COMPRESSION_ZSTD)
        return ZSTD_CHUNKS;
    return count < MIN_CHUNKS ? MIN_CHUNKS : count > MAX_CHUNKS ? MAX_CHUNKS : count;
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
    compressor->count = chunk_count(compression);
    compressor->holders = 1;
    pthread_mutex_init(&compressor->lock, NULL);
    pthread_cond_init(&compressor->changed, NULL);
    *out = compressor;
    return 0;
}

static int fill(struct cb_compressor *compressor, const unsigned char *bytes, size_t len,
                struct cb_error **err)
{
    size_t size = cb_chunk_size(compressor->compression);

    while (len) {
        struct cb_chunk *chunk = chunk_at(compressor, compressor->filled);
        size_t part;

        cb_chunk_prepare(chunk, compressor->compression);
        part = size - chunk->in_len < len ? size - chunk->in_len : len;
        memcpy(chunk->in + chunk->in_len, bytes, part);
        chunk->in_len += part;
        bytes += part;
        len -= part;
        if (chunk->in_len < size)
            continue;
        pass_on(compressor);
        call_helper(compressor);
        if (drain(compressor, compressor->count - 1, err) < 0)
            return -1;
    }
    return 0;
}

int cb_compressor_write(struct cb_compressor *compressor, const void *bytes, size_t len,
                        struct cb_error **err)
{
    if (compressor->compression == CB_COMPRESSION_NONE)
        return compressor->write(compressor->arg, bytes, len, err);
    if (compressor->compression == CB_COMPRESSION_GZIP)
        compressor->crc = crc32_gzip_refl(compressor->crc, bytes, len);
    compressor->total += len;
    return begin(compressor, err) < 0 ? -1 : fill(compressor, bytes, len, err);
}

/* An empty zstd stream still is a frame. */
int cb_compressor_finish(struct cb_compressor *compressor, struct cb_error **err)
{
    struct cb_chunk *last = chunk_at(compressor, compressor->filled);
    int lone_frame =
        compressor->total == 0 && compressor->compression == CB_COMPRESSION_ZSTD;

    if (compressor->compression == CB_COMPRESSION_NONE)
        return 0;
    if (lone_frame)
        cb_chunk_prepare(last, compressor->compression);
    if (last->in_len || lone_frame)
        pass_on(compressor);
    if (begin(compressor, err) < 0 || drain(compressor, 0, err) < 0)
        return -1;
    return compressor->compression == CB_COMPRESSION_GZIP ? gzip_end(compressor, err) : 0;
}

/* Nobody begins another chunk; those that are being compressed are waited for. */
void cb_compressor_free(struct cb_compressor *compressor)
{
    if (!compressor)
        return;
    pthread_mutex_lock(&compressor->lock);
    compressor->taken = compressor->filled;
    while (compressor->running)
        pthread_cond_wait(&compressor->changed, &compressor->lock);
    let_go(compressor);
}
