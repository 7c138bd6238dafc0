/* Deltas between tars: what was made comes back, whatever was shifted, and nothing that a
 * delta says leads out of the room there is. */
#include "store/delta.h"

#include "base/strbuf.h"
#include "store-test.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEAD 80 /* magic, two digests, the length */
#define MIB  (1u << 20)

static int put(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    cb_strbuf_add(arg, bytes, len);
    return 0;
}

static int file_of(const void *bytes, size_t len)
{
    int fd = memfd_create("delta", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    return fd;
}

static char *noise(size_t len, unsigned seed)
{
    char *bytes = xmalloc(len + 1);
    uint32_t state = seed;

    for (size_t i = 0; i < len; i++) {
        state = state * 1664525 + 1013904223;
        bytes[i] = (char)(state >> 24);
    }
    return bytes;
}

static void make(const char *base, size_t base_len, const char *new, size_t new_len,
                 struct cb_strbuf *delta)
{
    struct cb_delta_head head = {.chain_id = cb_digest_of("c", 1),
                                 .diff_id = cb_digest_of("d", 1),
                                 .bytes = (int64_t)new_len};
    cb_autofd int base_fd = file_of(base, base_len), new_fd = file_of(new, new_len);

    assert_int_equal(cb_delta_make(&head, base_fd, new_fd,
                                   &(struct cb_delta_sink){put, delta}, NULL, NULL),
                     0);
}

/* -1 when it is refused. */
static int apply(const char *base, size_t base_len, const char *delta, size_t len,
                 struct cb_strbuf *out)
{
    cb_autofd int fd = file_of(delta, len), base_fd = file_of(base, base_len);
    cb_auto(cb_error) error = NULL;
    struct cb_delta_head head;
    int result;

    if (cb_delta_head_read(fd, &head, &error) < 0) {
        assert_int_equal(cb_error_kind(error), CB_ERR_INTEGRITY);
        return -1;
    }
    result = cb_delta_apply(&head, fd, base_fd, &(struct cb_delta_sink){put, out}, NULL,
                            &error);
    if (result < 0)
        assert_int_equal(cb_error_kind(error), CB_ERR_INTEGRITY);
    return result;
}

static void check(const char *base, size_t base_len, const char *new, size_t new_len,
                  size_t most)
{
    cb_auto_value(cb_strbuf) delta = {0};
    cb_auto_value(cb_strbuf) out = {0};

    make(base, base_len, new, new_len, &delta);
    assert_true(delta.len <= most);
    assert_int_equal(apply(base, base_len, delta.text, delta.len, &out), 0);
    assert_int_equal(out.len, new_len);
    assert_memory_equal(cb_strbuf_text(&out), new, new_len);
}

static void what_was_shifted_is_found_again(void **state)
{
    size_t len = 40 * MIB, shift = 17 * MIB;
    cb_autofree char *base = noise(len, 1), *more = noise(shift, 2);
    cb_autofree char *new = xmalloc(len + shift);

    /* 17 MiB before the rest: farther than a piece and its surroundings reach. */
    memcpy(new, more, shift);
    memcpy(new + shift, base, len);
    check(base, len, new, len + shift, shift + MIB);
    /* And away again. */
    check(new, len + shift, base, len, MIB);
}

static void small_empty_and_unlike_layers_come_back(void **state)
{
    cb_autofree char *base = noise(3000, 1), *new = noise(70000, 2);

    check(base, 3000, new, 70000, 71000);
    check(base, 0, new, 70000, 71000);
    check(base, 3000, new, 0, HEAD);
    check(base, 0, base, 0, HEAD);
}

static void nothing_that_is_said_is_believed(void **state)
{
    size_t len = 100000;
    cb_autofree char *base = noise(len, 1);
    cb_auto_value(cb_strbuf) delta = {0};

    make(base, len, base, len, &delta);
    /* Each number of the piece's head, and the length of the result, as large as it may
     * be written. */
    for (size_t at = HEAD - 8; at < HEAD + 24; at++) {
        cb_autofree char *bad = xmalloc(delta.len);
        cb_auto_value(cb_strbuf) out = {0};

        memcpy(bad, delta.text, delta.len);
        bad[at] = (char)0xff;
        assert_int_equal(apply(base, len, bad, delta.len, &out), -1);
    }
    /* Cut anywhere, and something behind the end. */
    for (size_t cut = 0; cut < delta.len; cut += 1 + cut / 8) {
        cb_auto_value(cb_strbuf) out = {0};

        assert_int_equal(apply(base, len, delta.text, cut, &out), -1);
    }
    cb_strbuf_addc(&delta, 'x');
    {
        cb_auto_value(cb_strbuf) out = {0};

        assert_int_equal(apply(base, len, delta.text, delta.len, &out), -1);
    }
}

static int count(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    *(size_t *)arg += len;
    return 0;
}

/* A delta by hand: PIECES times the one of 8 MiB, told by the beginning of the base. How
 * many bytes come of it; -1: it is refused. */
static int64_t inflate(int begin_fd, int base_fd, const char *piece, size_t pieces)
{
    cb_auto_value(cb_strbuf) one = {0};
    cb_auto_value(cb_strbuf) delta = {0};
    cb_autofd int fd = -1;
    cb_auto(cb_error) error = NULL;
    struct cb_delta_head head;
    size_t out = 0;
    uint64_t len = htole64(8ull * MIB * pieces);

    {
        struct cb_delta_head made = {.chain_id = cb_digest_of("c", 1),
                                     .diff_id = cb_digest_of("d", 1),
                                     .bytes = 8 * MIB};
        cb_autofd int piece_fd = file_of(piece, 8 * MIB);

        assert_int_equal(cb_delta_make(&made, begin_fd, piece_fd,
                                       &(struct cb_delta_sink){put, &one}, NULL, NULL),
                         0);
    }
    cb_strbuf_add(&delta, one.text, HEAD - sizeof(len));
    cb_strbuf_add(&delta, (const char *)&len, sizeof(len));
    for (size_t i = 0; i < pieces; i++)
        cb_strbuf_add(&delta, one.text + HEAD, one.len - HEAD);
    fd = file_of(delta.text, delta.len);
    assert_int_equal(cb_delta_head_read(fd, &head, NULL), 0);
    if (cb_delta_apply(&head, fd, base_fd, &(struct cb_delta_sink){count, &out}, NULL,
                       &error) == 0)
        return (int64_t)out;
    assert_int_equal(cb_error_kind(error), CB_ERR_INTEGRITY);
    return -1;
}

/* 1.4 GB of what is no hole, by way of a base that is nearly nothing else. */
static void holes_of_the_base_are_no_room(void **state)
{
    cb_autofree char *some = noise(MIB / 8, 1), *piece = xcalloc(1, 8 * MIB);
    cb_autofd int begin = file_of(some, MIB / 8), base = file_of(some, MIB / 8);

    for (size_t at = 0; at < 8 * MIB; at += MIB / 8)
        memcpy(piece + at, some, MIB / 8);
    assert_int_equal(ftruncate(base, INT64_C(60) << 30), 0);
    assert_int_equal(inflate(begin, base, piece, 170), -1);
    /* Zeros take no room, however many. */
    memset(piece, 0, 8 * MIB);
    assert_int_equal(inflate(begin, base, piece, 170), 170ll * 8 * MIB);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_shifted_is_found_again),
        cmocka_unit_test(small_empty_and_unlike_layers_come_back),
        cmocka_unit_test(nothing_that_is_said_is_believed),
        cmocka_unit_test(holes_of_the_base_are_no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
