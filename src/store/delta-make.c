/* Which part of the base a piece is like: tars consist of blocks, so what two of them
 * have in common is shifted by whole blocks. Of the base one block in each STRIDE is
 * noted; the first block of the piece that is among them says by how much. */
#include "store/delta-priv.h"

#include "base/alloc.h"
#include "base/vec.h"
#include "store/little-endian.h"

#include <string.h>
#include <zstd.h>

#define SLACK      (8u << 20) /* of the base before the place that is alike */
#define BLOCK      512
#define STRIDE     (16u << 10)
#define WINDOW_LOG 26 /* more than a piece and its part */
#define LEVEL      3

/* ── Where the base is alike ── */

struct mark {
    uint64_t hash;
    int64_t at;
};

struct marks {
    struct mark *items;
    size_t count, capacity;
};

static void marks_clear(struct marks *marks)
{
    cb_vec_free(marks);
}

/* 0 for a block that says nothing: all its words are the same. */
static uint64_t hash_block(const unsigned char *block)
{
    uint64_t hash = 0, first, word, same = 1;

    memcpy(&first, block, sizeof(first));
    for (size_t i = 0; i < BLOCK; i += sizeof(word)) {
        memcpy(&word, block + i, sizeof(word));
        same &= word == first;
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    return same ? 0 : hash | 1;
}

static int by_hash(const void *a, const void *b)
{
    const struct mark *left = a, *right = b;

    return left->hash < right->hash ? -1 : left->hash > right->hash;
}

static int mark_base(int fd, int64_t size, struct marks *marks, struct cb_cancel *cancel,
                     struct cb_error **err)
{
    unsigned char block[BLOCK];

    for (int64_t at = 0; at + BLOCK <= size; at += STRIDE) {
        struct mark mark = {.at = at};

        if (cb_cancel_check(cancel, err) < 0 ||
            cb_delta_read(fd, block, BLOCK, at, err) < 0)
            return -1;
        mark.hash = hash_block(block);
        if (mark.hash)
            cb_vec_push(marks, mark);
    }
    if (marks->count)
        qsort(marks->items, marks->count, sizeof(*marks->items), by_hash);
    return 0;
}

/* Where in the base the beginning of PIECE would be; GUESS if nothing tells. */
static int64_t find_alike(const struct marks *marks, const unsigned char *piece,
                          size_t len, int64_t guess)
{
    for (size_t at = 0; marks->count && at + BLOCK <= len; at += BLOCK) {
        struct mark wanted = {.hash = hash_block(piece + at)};
        const struct mark *found = wanted.hash
                                       ? bsearch(&wanted, marks->items, marks->count,
                                                 sizeof(*marks->items), by_hash)
                                       : NULL;

        if (found)
            return found->at - (int64_t)at;
    }
    return guess;
}

/* ── Making ── */

struct making {
    ZSTD_CCtx *context;
    int base_fd;
    int64_t base_bytes;
    int64_t alike; /* where the piece is expected */
    struct marks marks;
    unsigned char *piece, *part, *packed;
    const struct cb_delta_sink *sink;
};

static void making_clear(struct making *making)
{
    ZSTD_freeCCtx(making->context);
    marks_clear(&making->marks);
    free(making->piece);
    free(making->part);
    free(making->packed);
}
CB_AUTO_VALUE_DEFINE(making, making_clear)

static int making_start(struct making *making, struct cb_error **err)
{
    making->context = ZSTD_createCCtx();
    if (!making->context)
        return cb_delta_zstd_failed("out of memory", err);
    ZSTD_CCtx_setParameter(making->context, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(making->context, ZSTD_c_windowLog, WINDOW_LOG);
    ZSTD_CCtx_setParameter(making->context, ZSTD_c_enableLongDistanceMatching, 1);
    making->base_bytes = cb_delta_file_bytes(making->base_fd);
    making->piece = xmalloc(CB_DELTA_PIECE);
    making->part = xmalloc(CB_DELTA_PART);
    making->packed = xmalloc(CB_DELTA_PIECE_HEAD + ZSTD_compressBound(CB_DELTA_PIECE));
    return 0;
}

static int make_piece(struct making *making, size_t len, struct cb_error **err)
{
    int64_t from = find_alike(&making->marks, making->piece, len, making->alike);
    int64_t last =
        making->base_bytes > CB_DELTA_PART ? making->base_bytes - CB_DELTA_PART : 0;
    int64_t start = from < SLACK ? 0 : from - SLACK;
    size_t part, code;

    making->alike = from + (int64_t)len;
    if (start > last)
        start = last;
    part = making->base_bytes - start < CB_DELTA_PART
               ? (size_t)(making->base_bytes - start)
               : CB_DELTA_PART;
    if (cb_delta_read(making->base_fd, making->part, part, start, err) < 0)
        return -1;
    ZSTD_CCtx_refPrefix(making->context, making->part, part);
    code = ZSTD_compress2(making->context, making->packed + CB_DELTA_PIECE_HEAD,
                          ZSTD_compressBound(CB_DELTA_PIECE), making->piece, len);
    if (ZSTD_isError(code))
        return cb_delta_zstd_failed(ZSTD_getErrorName(code), err);
    cb_le_put(making->packed, (uint64_t)start, 8);
    cb_le_put(making->packed + 8, part, 8);
    cb_le_put(making->packed + 16, len, 4);
    cb_le_put(making->packed + 20, code, 4);
    return making->sink->write(making->sink->arg, making->packed,
                               CB_DELTA_PIECE_HEAD + code, err);
}

static int write_head(const struct making *making, const struct cb_delta_head *head,
                      struct cb_error **err)
{
    unsigned char bytes[CB_DELTA_HEAD] = CB_DELTA_MAGIC;

    memcpy(bytes + CB_DELTA_MAGIC_LEN, head->chain_id.bytes, 32);
    memcpy(bytes + CB_DELTA_MAGIC_LEN + 32, head->diff_id.bytes, 32);
    cb_le_put(bytes + CB_DELTA_MAGIC_LEN + 64, (uint64_t)head->bytes, 8);
    return making->sink->write(making->sink->arg, bytes, sizeof(bytes), err);
}

int cb_delta_make(const struct cb_delta_head *head, int base_fd, int new_fd,
                  const struct cb_delta_sink *sink, struct cb_cancel *cancel,
                  struct cb_error **err)
{
    cb_auto_value(making) making = {.base_fd = base_fd, .sink = sink};

    if (making_start(&making, err) < 0 ||
        mark_base(base_fd, making.base_bytes, &making.marks, cancel, err) < 0 ||
        write_head(&making, head, err) < 0)
        return -1;
    for (int64_t at = 0; at < head->bytes;) {
        size_t len = head->bytes - at < CB_DELTA_PIECE ? (size_t)(head->bytes - at)
                                                       : CB_DELTA_PIECE;

        if (cb_cancel_check(cancel, err) < 0 ||
            cb_delta_read(new_fd, making.piece, len, at, err) < 0 ||
            make_piece(&making, len, err) < 0)
            return -1;
        at += (int64_t)len;
    }
    return 0;
}
