/* A state machine over the blocks of a tar stream. It only ever refuses: where it cannot
 * follow, it switches itself off. */
#include "store/tar-guard.h"

#include <string.h>

#define BLOCK 512

void cb_tar_guard_init(struct cb_tar_guard *guard)
{
    memset(guard, 0, sizeof(*guard));
}

int cb_tar_number(const unsigned char *field, size_t len, uint64_t *out)
{
    uint64_t value = 0;
    size_t i;

    if (field[0] & 0x80) {
        value = field[0] & 0x7f;
        for (i = 1; i < len; i++) {
            if (value >> 55)
                return -1;
            value = value << 8 | field[i];
        }
        *out = value;
        return 0;
    }
    for (i = 0; i < len && field[i] == ' '; i++)
        continue;
    for (; i < len && field[i] >= '0' && field[i] <= '7'; i++)
        value = value << 3 | (uint64_t)(field[i] - '0');
    *out = value;
    return 0;
}

static uint64_t padded(uint64_t size)
{
    return (size + BLOCK - 1) / BLOCK * BLOCK;
}

static void start_records(struct cb_tar_guard *guard, uint64_t size)
{
    guard->state = CB_GUARD_RECORDS;
    guard->left = size;
    guard->padding = padded(size) - size;
    guard->in_length = 1;
    guard->number = 0;
}

static void start_data(struct cb_tar_guard *guard, uint64_t size)
{
    guard->left = padded(size);
    guard->padding = guard->left - size;
    guard->state = guard->left ? CB_GUARD_DATA : CB_GUARD_HEADER;
}

/* Links, devices and directories have no data, whatever their size field says; of hard
 * links readers disagree. */
static void start_entry(struct cb_tar_guard *guard, char type, uint64_t size)
{
    if (guard->has_size)
        size = guard->size;
    guard->has_size = 0;
    if (type >= '2' && type <= '6')
        size = 0;
    if (size > UINT64_MAX / 2 || (type == '1' && size > 0)) {
        guard->state = CB_GUARD_OFF;
        return;
    }
    start_data(guard, size);
    guard->content = size;
}

static void take_header(struct cb_tar_guard *guard)
{
    static const unsigned char zeros[BLOCK];
    char type = (char)guard->block[156];
    uint64_t size;

    if (memcmp(guard->block, zeros, BLOCK) == 0 ||
        cb_tar_number(guard->block + 124, 12, &size) < 0) {
        guard->state = CB_GUARD_OFF;
        return;
    }
    if (type == 'x' || type == 'g' || type == 'X') {
        if (size)
            start_records(guard, size);
        return;
    }
    if (type == 'L' || type == 'K') {
        start_data(guard, size);
        return;
    }
    start_entry(guard, type, size);
    if (type == 'S' && guard->block[482] && guard->state != CB_GUARD_OFF)
        guard->state = CB_GUARD_SPARSE_MAP;
}

static void take_block(struct cb_tar_guard *guard)
{
    if (guard->state == CB_GUARD_HEADER)
        take_header(guard);
    else if (!guard->block[504])
        guard->state = guard->left ? CB_GUARD_DATA : CB_GUARD_HEADER;
}

/* ── Records: "<len> <key>=<value>\n" ── */

static int key_is(const struct cb_tar_guard *guard, const char *name)
{
    return guard->key_len == strlen(name) &&
           memcmp(guard->key, name, guard->key_len) == 0;
}

/* A length that is none, or reaches beyond the header: libarchive would drop the record,
 * and with it perhaps the name of the file. */
static int take_length(struct cb_tar_guard *guard, unsigned char c, unsigned *digits,
                       struct cb_error **err)
{
    if (c >= '0' && c <= '9' && guard->number < UINT64_MAX / 20) {
        guard->number = guard->number * 10 + (uint64_t)(c - '0');
        ++*digits;
        return 0;
    }
    if (guard->number <= *digits + 1 || guard->number - *digits > guard->left)
        return cb_error_set(err, CB_ERR_INTEGRITY, "tar: malformed PAX record");
    guard->in_length = 0;
    guard->in_value = 0;
    guard->key_len = 0;
    guard->record_left = guard->number - *digits - 1;
    guard->number = 0;
    return 0;
}

static void take_value(struct cb_tar_guard *guard, unsigned char c)
{
    guard->has_value = 1;
    if (!key_is(guard, "size") || c == '\n')
        return;
    if (c < '0' || c > '9' || guard->number > UINT64_MAX / 20)
        return;
    guard->number = guard->number * 10 + (uint64_t)(c - '0');
    guard->size = guard->number;
    guard->has_size = 1;
}

/* libarchive reads what is no number as 0, and 0 is root. Nobody is below zero. */
static int check_owner(const struct cb_tar_guard *guard, unsigned char c,
                       struct cb_error **err)
{
    if (!key_is(guard, "uid") && !key_is(guard, "gid"))
        return 0;
    if (guard->record_left > 1 ? c >= '0' && c <= '9' : guard->has_value)
        return 0;
    return cb_error_set(err, CB_ERR_INTEGRITY, "tar: PAX %.*s is no number",
                        (int)guard->key_len, guard->key);
}

static void take_key(struct cb_tar_guard *guard, unsigned char c)
{
    if (c == '=') {
        guard->in_value = 1;
        guard->has_value = 0;
        guard->number = 0;
    } else if (guard->key_len < sizeof(guard->key)) {
        guard->key[guard->key_len++] = (char)c;
    }
}

static int take_record_byte(struct cb_tar_guard *guard, unsigned char c,
                            struct cb_error **err)
{
    if (guard->in_length) {
        unsigned digits = guard->have;

        if (take_length(guard, c, &digits, err) < 0)
            return -1;
        guard->have = guard->in_length ? digits : 0;
        return 0;
    }
    if (guard->in_value && c == '\0' &&
        (key_is(guard, "path") || key_is(guard, "linkpath")))
        return cb_error_set(err, CB_ERR_INTEGRITY, "tar: PAX %.*s has a NUL in it",
                            (int)guard->key_len, guard->key);
    if (guard->in_value && check_owner(guard, c, err) < 0)
        return -1;
    if (guard->in_value)
        take_value(guard, c);
    else
        take_key(guard, c);
    if (guard->record_left <= 1) {
        guard->in_length = 1;
        guard->number = 0;
        guard->have = 0;
    } else {
        guard->record_left--;
    }
    return 0;
}

static int take_records(struct cb_tar_guard *guard, const unsigned char *bytes,
                        size_t len, size_t *used, struct cb_error **err)
{
    size_t i;

    for (i = 0; i < len && guard->left; i++, guard->left--) {
        if (take_record_byte(guard, bytes[i], err) < 0)
            return -1;
    }
    *used = i;
    if (guard->left == 0) {
        guard->have = 0;
        guard->left = guard->padding;
        guard->state = guard->left ? CB_GUARD_DATA : CB_GUARD_HEADER;
    }
    return 0;
}

static size_t take_data(struct cb_tar_guard *guard, size_t len)
{
    size_t used = guard->left < len ? (size_t)guard->left : len;

    guard->left -= used;
    guard->content -= used < guard->content ? used : guard->content;
    if (guard->left == 0)
        guard->state = CB_GUARD_HEADER;
    return used;
}

size_t cb_tar_guard_missing(const struct cb_tar_guard *guard)
{
    return guard->state == CB_GUARD_DATA && guard->left <= guard->padding
               ? (size_t)guard->left
               : 0;
}

static size_t collect_block(struct cb_tar_guard *guard, const unsigned char *bytes,
                            size_t len)
{
    size_t want = BLOCK - guard->have;
    size_t used = want < len ? want : len;

    memcpy(guard->block + guard->have, bytes, used);
    guard->have += (unsigned)used;
    if (guard->have == BLOCK) {
        guard->have = 0;
        take_block(guard);
    }
    return used;
}

int cb_tar_guard_feed(struct cb_tar_guard *guard, const void *bytes, size_t len,
                      struct cb_error **err)
{
    const unsigned char *at = bytes;

    while (len && guard->state != CB_GUARD_OFF) {
        size_t used = 0;

        if (guard->state == CB_GUARD_RECORDS) {
            if (take_records(guard, at, len, &used, err) < 0)
                return -1;
        } else if (guard->state == CB_GUARD_DATA) {
            used = take_data(guard, len);
        } else {
            used = collect_block(guard, at, len);
        }
        at += used;
        len -= used;
    }
    return 0;
}
