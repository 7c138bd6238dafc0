/* The format, all numbers little-endian: MAGIC, the base's chain id and diff id, the
 * length of the result; then pieces until that length is reached: where the part of the
 * base begins and how long it is, the length of the piece, that of its zstd frame, and
 * the frame. Nothing follows.
 *
 * Which part a piece is like: tars consist of blocks, so what two of them have in common
 * is shifted by whole blocks. Of the base one block in each STRIDE is noted; the first
 * block of the piece that is among them says by how much. */
#include "store/delta.h"

#include "base/alloc.h"
#include "base/vec.h"
#include "store/zeros.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define MAGIC      "CBDELTA1"
#define MAGIC_LEN  8
#define HEAD_BYTES (MAGIC_LEN + 32 + 32 + 8)
#define PIECE_HEAD 24
#define PIECE      (8u << 20)
#define PART       (24u << 20)
#define SLACK      (8u << 20) /* of the base before the place that is alike */
#define BLOCK      512
#define STRIDE     (16u << 10)
#define WINDOW_LOG 26 /* more than PIECE and PART */
#define LEVEL      3
#define MAX_BYTES  (INT64_C(64) << 30)
/* As for other compressed layers: beyond this, so many times what there is to go by. What
 * is a hole, here or there, takes no room and does not count. */
#define FREE_BYTES (INT64_C(5) << 28)
#define MAX_RATIO  1000
#define ZERO_RUN   (32u << 10)

/* ── Reading and numbers ── */

static int read_exactly(int fd, void *buffer, size_t len, int64_t at,
                        struct cb_error **err)
{
    char *to = buffer;

    while (len) {
        ssize_t got = pread(fd, to, len, at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cb_error_errno(err, errno, "read a layer");
        if (got == 0)
            return cb_error_set(err, CB_ERR_INTEGRITY, "delta: ends too early");
        to += got;
        at += got;
        len -= (size_t)got;
    }
    return 0;
}

static int64_t size_of(int fd)
{
    struct stat st;

    return fstat(fd, &st) < 0 ? 0 : st.st_size;
}

static void put_number(unsigned char *to, uint64_t number, size_t bytes)
{
    uint64_t little = htole64(number);

    memcpy(to, &little, bytes);
}

static uint64_t get_number(const unsigned char *from, size_t bytes)
{
    uint64_t little = 0;

    memcpy(&little, from, bytes);
    return le64toh(little);
}

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
            read_exactly(fd, block, BLOCK, at, err) < 0)
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
    cb_delta_write_fn write;
    void *arg;
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

static int zstd_failed(size_t code, struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_SYSTEM, "zstd: %s", ZSTD_getErrorName(code));
}

static int making_start(struct making *making, struct cb_error **err)
{
    making->context = ZSTD_createCCtx();
    if (!making->context)
        return cb_error_set(err, CB_ERR_SYSTEM, "zstd: out of memory");
    ZSTD_CCtx_setParameter(making->context, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(making->context, ZSTD_c_windowLog, WINDOW_LOG);
    ZSTD_CCtx_setParameter(making->context, ZSTD_c_enableLongDistanceMatching, 1);
    making->base_bytes = size_of(making->base_fd);
    making->piece = xmalloc(PIECE);
    making->part = xmalloc(PART);
    making->packed = xmalloc(PIECE_HEAD + ZSTD_compressBound(PIECE));
    return 0;
}

static int make_piece(struct making *making, size_t len, struct cb_error **err)
{
    int64_t from = find_alike(&making->marks, making->piece, len, making->alike);
    int64_t last = making->base_bytes > PART ? making->base_bytes - PART : 0;
    int64_t start = from < SLACK ? 0 : from - SLACK;
    size_t part, code;

    making->alike = from + (int64_t)len;
    if (start > last)
        start = last;
    part =
        making->base_bytes - start < PART ? (size_t)(making->base_bytes - start) : PART;
    if (read_exactly(making->base_fd, making->part, part, start, err) < 0)
        return -1;
    ZSTD_CCtx_refPrefix(making->context, making->part, part);
    code = ZSTD_compress2(making->context, making->packed + PIECE_HEAD,
                          ZSTD_compressBound(PIECE), making->piece, len);
    if (ZSTD_isError(code))
        return zstd_failed(code, err);
    put_number(making->packed, (uint64_t)start, 8);
    put_number(making->packed + 8, part, 8);
    put_number(making->packed + 16, len, 4);
    put_number(making->packed + 20, code, 4);
    return making->write(making->arg, making->packed, PIECE_HEAD + code, err);
}

static int write_head(const struct making *making, const struct cb_delta_head *head,
                      struct cb_error **err)
{
    unsigned char bytes[HEAD_BYTES] = MAGIC;

    memcpy(bytes + MAGIC_LEN, head->chain_id.bytes, 32);
    memcpy(bytes + MAGIC_LEN + 32, head->diff_id.bytes, 32);
    put_number(bytes + MAGIC_LEN + 64, (uint64_t)head->bytes, 8);
    return making->write(making->arg, bytes, sizeof(bytes), err);
}

int cb_delta_make(const struct cb_delta_head *head, int base_fd, int new_fd,
                  cb_delta_write_fn write, void *arg, struct cb_cancel *cancel,
                  struct cb_error **err)
{
    cb_auto_value(making) making = {.base_fd = base_fd, .write = write, .arg = arg};

    if (making_start(&making, err) < 0 ||
        mark_base(base_fd, making.base_bytes, &making.marks, cancel, err) < 0 ||
        write_head(&making, head, err) < 0)
        return -1;
    for (int64_t at = 0; at < head->bytes;) {
        size_t len = head->bytes - at < PIECE ? (size_t)(head->bytes - at) : PIECE;

        if (cb_cancel_check(cancel, err) < 0 ||
            read_exactly(new_fd, making.piece, len, at, err) < 0 ||
            make_piece(&making, len, err) < 0)
            return -1;
        at += (int64_t)len;
    }
    return 0;
}

/* ── Applying ── */

int cb_delta_head_read(int fd, struct cb_delta_head *out, struct cb_error **err)
{
    unsigned char bytes[HEAD_BYTES];
    uint64_t len;

    if (size_of(fd) < HEAD_BYTES || read_exactly(fd, bytes, sizeof(bytes), 0, err) < 0 ||
        memcmp(bytes, MAGIC, MAGIC_LEN) != 0)
        return cb_error_set(err, CB_ERR_INTEGRITY, "delta: not one that is known here");
    *out = (struct cb_delta_head){.chain_id.algorithm = CB_SHA256,
                                  .diff_id.algorithm = CB_SHA256};
    memcpy(out->chain_id.bytes, bytes + MAGIC_LEN, 32);
    memcpy(out->diff_id.bytes, bytes + MAGIC_LEN + 32, 32);
    len = get_number(bytes + MAGIC_LEN + 64, 8);
    if (len > MAX_BYTES)
        return cb_error_set(err, CB_ERR_INTEGRITY,
                            "delta: its layer would be larger than %lld bytes",
                            (long long)MAX_BYTES);
    out->bytes = (int64_t)len;
    return 0;
}

struct applying {
    ZSTD_DCtx *context;
    int fd, base_fd;
    int64_t at, base_bytes, left; /* LEFT: of the result */
    int64_t taken, room;          /* by the result; by what it is made of */
    unsigned char *piece, *part, *packed;
};

static void applying_clear(struct applying *applying)
{
    ZSTD_freeDCtx(applying->context);
    free(applying->piece);
    free(applying->part);
    free(applying->packed);
}
CB_AUTO_VALUE_DEFINE(applying, applying_clear)

static int damaged(struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_INTEGRITY, "delta: damaged, or not of this base");
}

/* What FD's file has but holes: a layer of nothing but zeros tells of nothing else. */
static int64_t room_of(int fd)
{
    int64_t room = 0;
    off_t at = 0, end;

    while ((at = lseek(fd, at, SEEK_DATA)) >= 0 &&
           (end = lseek(fd, at, SEEK_HOLE)) > at) {
        room += end - at;
        at = end;
    }
    return at < 0 && errno != ENXIO ? size_of(fd) : room;
}

static int applying_start(struct applying *applying, const struct cb_delta_head *head,
                          struct cb_error **err)
{
    applying->room = room_of(applying->base_fd) + size_of(applying->fd);
    applying->base_bytes = size_of(applying->base_fd);
    applying->at = HEAD_BYTES;
    applying->left = head->bytes;
    applying->context = ZSTD_createDCtx();
    if (!applying->context)
        return cb_error_set(err, CB_ERR_SYSTEM, "zstd: out of memory");
    applying->piece = xmalloc(PIECE);
    applying->part = xmalloc(PART);
    applying->packed = xmalloc(ZSTD_compressBound(PIECE));
    return 0;
}

/* The next piece is in APPLYING->piece: *LEN bytes. */
static int next_piece(struct applying *applying, size_t *len, struct cb_error **err)
{
    unsigned char head[PIECE_HEAD];
    uint64_t start, part, packed;
    size_t code;

    if (read_exactly(applying->fd, head, sizeof(head), applying->at, err) < 0)
        return -1;
    start = get_number(head, 8);
    part = get_number(head + 8, 8);
    *len = get_number(head + 16, 4);
    packed = get_number(head + 20, 4);
    if (part > PART || start > (uint64_t)applying->base_bytes ||
        part > (uint64_t)applying->base_bytes - start || !*len || *len > PIECE ||
        (int64_t)*len > applying->left || packed > ZSTD_compressBound(PIECE))
        return damaged(err);
    applying->at += PIECE_HEAD;
    if (read_exactly(applying->fd, applying->packed, packed, applying->at, err) < 0 ||
        read_exactly(applying->base_fd, applying->part, part, (int64_t)start, err) < 0)
        return -1;
    applying->at += (int64_t)packed;
    ZSTD_DCtx_refPrefix(applying->context, applying->part, part);
    code = ZSTD_decompressDCtx(applying->context, applying->piece, *len, applying->packed,
                               packed);
    return code == *len ? 0 : damaged(err);
}

static int check_ratio(struct applying *applying, size_t len, struct cb_error **err)
{
    applying->taken += (int64_t)(len - cb_zeros_count(applying->piece, len, ZERO_RUN));
    if (applying->taken <= FREE_BYTES || applying->taken / MAX_RATIO <= applying->room)
        return 0;
    return cb_error_set(err, CB_ERR_INTEGRITY,
                        "delta: its layer would be more than %d times as large as all "
                        "that it is made of",
                        MAX_RATIO);
}

int cb_delta_apply(const struct cb_delta_head *head, int fd, int base_fd,
                   cb_delta_write_fn write, void *arg, struct cb_cancel *cancel,
                   struct cb_error **err)
{
    cb_auto_value(applying) applying = {.fd = fd, .base_fd = base_fd};

    if (applying_start(&applying, head, err) < 0)
        return -1;
    while (applying.left) {
        size_t len;

        if (cb_cancel_check(cancel, err) < 0 || next_piece(&applying, &len, err) < 0 ||
            check_ratio(&applying, len, err) < 0 ||
            write(arg, applying.piece, len, err) < 0)
            return -1;
        applying.left -= (int64_t)len;
    }
    return applying.at == size_of(fd) ? 0 : damaged(err);
}
