/* Headers are collected, so that they are whole however the stream is cut; all else is
 * passed on as it came. */
#include "store/tar-mend.h"

#include <stdio.h>
#include <string.h>

#define BLOCK        512
#define CHECKSUM     148
#define CHECKSUM_LEN 8
#define TYPE         156
#define MAGIC        257
#define PREFIX       345 /* in GNU's: the times of last access and last change */
#define PREFIX_LEN   155
#define TIME_LEN     12

void cb_tar_mend_init(struct cb_tar_mend *mend)
{
    *mend = (struct cb_tar_mend){0};
    cb_tar_guard_init(&mend->guard);
}

/* ── Headers ── */

/* Nothing, base 256, or octal digits among blanks. */
static int is_time(const unsigned char *field)
{
    size_t len = strnlen((const char *)field, TIME_LEN), i = 0;

    if (len && field[0] & 0x80)
        return 1;
    while (i < len && field[i] == ' ')
        i++;
    while (i < len && field[i] >= '0' && field[i] <= '7')
        i++;
    while (i < len && field[i] == ' ')
        i++;
    return i == len;
}

static int has_prefix(const unsigned char *head)
{
    const unsigned char *field = head + PREFIX;
    size_t len = strnlen((const char *)field, PREFIX_LEN);

    if (memcmp(head + MAGIC, "ustar  ", 8) != 0 ||
        (is_time(field) && is_time(field + TIME_LEN)))
        return 0;
    for (size_t i = 0; i < len; i++) {
        if (field[i] & 0x80)
            return 0;
    }
    return len > 0;
}

/* Says that it is POSIX's. */
static void mend_header(unsigned char *head)
{
    char text[CHECKSUM_LEN];
    unsigned sum = 0;

    memcpy(head + MAGIC,
           "ustar\0"
           "00",
           8);
    memset(head + CHECKSUM, ' ', CHECKSUM_LEN);
    for (size_t i = 0; i < BLOCK; i++)
        sum += head[i];
    snprintf(text, sizeof(text), "%06o", sum);
    memcpy(head + CHECKSUM, text, CHECKSUM_LEN - 1);
}

/* Whoever writes headers of their own for what does not fit knows better. */
static void look_at_header(struct cb_tar_mend *mend)
{
    char type = (char)mend->head[TYPE];

    if (type == 'g')
        return;
    if (!mend->has_more && has_prefix(mend->head))
        mend_header(mend->head);
    mend->has_more = type == 'x' || type == 'X' || type == 'L' || type == 'K';
}

/* ── The stream ── */

void cb_tar_mend_take(struct cb_tar_mend *mend, const void *bytes, size_t len)
{
    mend->rest = bytes;
    mend->rest_len = len;
}

static size_t least(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

static int use(struct cb_tar_mend *mend, size_t len, struct cb_error **err)
{
    const unsigned char *bytes = mend->rest;

    mend->rest += len;
    mend->rest_len -= len;
    return cb_tar_guard_feed(&mend->guard, bytes, len, err);
}

/* 1: it is whole. */
static int collect_header(struct cb_tar_mend *mend, struct cb_error **err)
{
    size_t len = least(BLOCK - mend->have, mend->rest_len);

    memcpy(mend->head + mend->have, mend->rest, len);
    mend->have += (unsigned)len;
    if (use(mend, len, err) < 0)
        return -1;
    if (mend->have < BLOCK)
        return 0;
    mend->have = 0;
    look_at_header(mend);
    return 1;
}

/* As far as the guard is in the same state. */
static size_t part_bytes(const struct cb_tar_mend *mend)
{
    const struct cb_tar_guard *guard = &mend->guard;

    if (guard->state == CB_GUARD_OFF)
        return mend->rest_len;
    return least(guard->state == CB_GUARD_SPARSE_MAP ? BLOCK - guard->have : guard->left,
                 mend->rest_len);
}

int cb_tar_mend_give(struct cb_tar_mend *mend, const void **bytes, size_t *len,
                     struct cb_error **err)
{
    if (mend->rest_len == 0)
        return 0;
    if (mend->guard.state == CB_GUARD_HEADER) {
        *bytes = mend->head;
        *len = BLOCK;
        return collect_header(mend, err);
    }
    *bytes = mend->rest;
    *len = part_bytes(mend);
    return use(mend, *len, err) < 0 ? -1 : 1;
}

size_t cb_tar_mend_end(struct cb_tar_mend *mend, const void **bytes)
{
    static const unsigned char zeros[BLOCK];
    size_t missing = cb_tar_guard_missing(&mend->guard);

    if (mend->have) {
        size_t have = mend->have;

        mend->have = 0;
        *bytes = mend->head;
        return have;
    }
    if (!missing || cb_tar_guard_feed(&mend->guard, zeros, missing, NULL) < 0)
        return 0;
    *bytes = zeros;
    return missing;
}
