/* A delta is played piece by piece; what it says is checked before it is followed. */
#include "store/delta-priv.h"

#include "base/alloc.h"
#include "store/little-endian.h"
#include "store/zeros.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#define MAX_BYTES (INT64_C(64) << 30)
/* As for other compressed layers: beyond this, so many times what there is to go by. What
 * is a hole, here or there, takes no room and does not count. */
#define FREE_BYTES (INT64_C(5) << 28)
#define MAX_RATIO  1000
#define ZERO_RUN   (32u << 10)

static int unknown(struct cb_error **err)
{
    return cb_error_set(err, CB_ERR_INTEGRITY, "delta: not one that is known here");
}

int cb_delta_head_read(int fd, struct cb_delta_head *out, struct cb_error **err)
{
    unsigned char bytes[CB_DELTA_HEAD];
    uint64_t len;

    if (cb_delta_file_bytes(fd) < CB_DELTA_HEAD)
        return unknown(err);
    if (cb_delta_read(fd, bytes, sizeof(bytes), 0, err) < 0)
        return -1;
    if (memcmp(bytes, CB_DELTA_MAGIC, CB_DELTA_MAGIC_LEN) != 0)
        return unknown(err);
    *out = (struct cb_delta_head){.chain_id.algorithm = CB_SHA256,
                                  .diff_id.algorithm = CB_SHA256};
    memcpy(out->chain_id.bytes, bytes + CB_DELTA_MAGIC_LEN, 32);
    memcpy(out->diff_id.bytes, bytes + CB_DELTA_MAGIC_LEN + 32, 32);
    len = cb_le_get(bytes + CB_DELTA_MAGIC_LEN + 64, 8);
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
    return at < 0 && errno != ENXIO ? cb_delta_file_bytes(fd) : room;
}

static int applying_start(struct applying *applying, const struct cb_delta_head *head,
                          struct cb_error **err)
{
    applying->room = room_of(applying->base_fd) + cb_delta_file_bytes(applying->fd);
    applying->base_bytes = cb_delta_file_bytes(applying->base_fd);
    applying->at = CB_DELTA_HEAD;
    applying->left = head->bytes;
    applying->context = ZSTD_createDCtx();
    if (!applying->context)
        return cb_delta_zstd_failed("out of memory", err);
    applying->piece = xmalloc(CB_DELTA_PIECE);
    applying->part = xmalloc(CB_DELTA_PART);
    applying->packed = xmalloc(ZSTD_compressBound(CB_DELTA_PIECE));
    return 0;
}

/* The next piece is in APPLYING->piece: *LEN bytes. */
static int next_piece(struct applying *applying, size_t *len, struct cb_error **err)
{
    unsigned char head[CB_DELTA_PIECE_HEAD];
    uint64_t start, part, packed;
    size_t code;

    if (cb_delta_read(applying->fd, head, sizeof(head), applying->at, err) < 0)
        return -1;
    start = cb_le_get(head, 8);
    part = cb_le_get(head + 8, 8);
    *len = cb_le_get(head + 16, 4);
    packed = cb_le_get(head + 20, 4);
    if (part > CB_DELTA_PART || start > (uint64_t)applying->base_bytes ||
        part > (uint64_t)applying->base_bytes - start || !*len || *len > CB_DELTA_PIECE ||
        (int64_t)*len > applying->left || packed > ZSTD_compressBound(CB_DELTA_PIECE))
        return damaged(err);
    applying->at += CB_DELTA_PIECE_HEAD;
    if (cb_delta_read(applying->fd, applying->packed, packed, applying->at, err) < 0 ||
        cb_delta_read(applying->base_fd, applying->part, part, (int64_t)start, err) < 0)
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
                   const struct cb_delta_sink *sink, struct cb_cancel *cancel,
                   struct cb_error **err)
{
    cb_auto_value(applying) applying = {.fd = fd, .base_fd = base_fd};

    if (applying_start(&applying, head, err) < 0)
        return -1;
    while (applying.left) {
        size_t len;

        if (cb_cancel_check(cancel, err) < 0 || next_piece(&applying, &len, err) < 0 ||
            check_ratio(&applying, len, err) < 0 ||
            sink->write(sink->arg, applying.piece, len, err) < 0)
            return -1;
        applying.left -= (int64_t)len;
    }
    return applying.at == cb_delta_file_bytes(fd) ? 0 : damaged(err);
}
