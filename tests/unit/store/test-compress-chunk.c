/* A layer's gzip has the same bytes each time, whatever memory it was made in. */
#include "store-test.h"

#include "store/compress-chunk.h"

#include <isa-l/igzip_lib.h>
#include <sys/mman.h>

#define AREA   (264u << 20) /* 4096 places, and room behind the last */
#define PLACES 4096
#define STEP   (64u << 10)

/* Bytes of a small alphabet without an order; the same ones each time. */
static void noise(unsigned char *at, size_t len, unsigned seed)
{
    uint32_t value = seed * 2654435761u + 1;

    while (len--) {
        value = value * 1664525u + 1013904223u;
        *at++ = (unsigned char)(0x40 | value >> 27);
    }
}

/* Its second, third and fourth byte begin what comes again later. */
static void fill_repeating(struct cb_chunk *chunk)
{
    static const char start[] = "qzabcdefghijklmnop";

    noise(chunk->in, 700, 5);
    memcpy(chunk->in, start, 18);
    memcpy(chunk->in + 118, start + 1, 14);
    memcpy(chunk->in + 232, start + 2, 13);
    memcpy(chunk->in + 345, start + 3, 12);
    chunk->in_len = 700;
}

static void compress(struct cb_chunk *chunk, int level)
{
    assert_int_equal(cb_chunk_compress(chunk, CB_COMPRESSION_GZIP, level, NULL), 0);
}

static void where_the_memory_is_changes_nothing(void **state)
{
    char *area = mmap(NULL, AREA, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct cb_chunk chunk = {0};
    cb_auto_value(cb_strbuf) first = {0};
    void *own;

    (void)state;
    assert_ptr_not_equal(area, MAP_FAILED);
    cb_chunk_prepare(&chunk, CB_COMPRESSION_GZIP);
    fill_repeating(&chunk);
    own = chunk.work;
    for (int level = 1; level <= 2; level++) {
        cb_strbuf_truncate(&first, 0);
        for (size_t i = 0; i < PLACES; i++) {
            chunk.work = area + i * STEP;
            compress(&chunk, level);
            if (i == 0)
                cb_strbuf_add(&first, (char *)chunk.out, chunk.out_len);
            assert_int_equal(chunk.out_len, first.len);
            assert_memory_equal(chunk.out, first.text, first.len);
            assert_int_equal(madvise(area + i * STEP, STEP, MADV_DONTNEED), 0);
        }
    }
    chunk.work = own;
    cb_chunk_clear(&chunk);
    munmap(area, AREA);
}

static void check_unpacks(const struct cb_chunk *chunk)
{
    struct inflate_state inflate;
    cb_autofree unsigned char *out = xmalloc(chunk->in_len + 1);

    isal_inflate_init(&inflate);
    inflate.next_in = chunk->out;
    inflate.avail_in = (uint32_t)chunk->out_len;
    inflate.next_out = out;
    inflate.avail_out = (uint32_t)chunk->in_len + 1;
    assert_int_equal(isal_inflate(&inflate), ISAL_DECOMP_OK);
    assert_int_equal(inflate.avail_in, 0);
    assert_int_equal(inflate.avail_out, 1);
    assert_memory_equal(out, chunk->in, chunk->in_len);
}

/* What was compressed there before, and what stands behind the chunk. */
static void check_used_memory(size_t len, int level)
{
    struct cb_chunk fresh = {0}, used = {0};

    cb_chunk_prepare(&fresh, CB_COMPRESSION_GZIP);
    cb_chunk_prepare(&used, CB_COMPRESSION_GZIP);
    noise(used.in, cb_chunk_size(CB_COMPRESSION_GZIP), 9);
    for (size_t i = 1; i < 1000; i++)
        memcpy(used.in + i * 900, used.in + i * 500, 400);
    used.in_len = cb_chunk_size(CB_COMPRESSION_GZIP);
    compress(&used, 4 - level);
    compress(&used, level);
    memset(fresh.in, 0, cb_chunk_size(CB_COMPRESSION_GZIP));
    noise(fresh.in, len, 7);
    for (size_t i = 0; i + 64 < len; i += 256)
        memcpy(fresh.in + i, "qzabcdefghijklmnop", 18);
    memcpy(used.in, fresh.in, len);
    fresh.in_len = used.in_len = len;
    compress(&fresh, level);
    compress(&used, level);
    check_unpacks(&fresh);
    assert_int_equal(fresh.out_len, used.out_len);
    assert_memory_equal(fresh.out, used.out, fresh.out_len);
    cb_chunk_clear(&fresh);
    cb_chunk_clear(&used);
}

static void what_the_memory_held_changes_nothing(void **state)
{
    static const size_t lengths[] = {1,   3,    15,    16,     17,     18,     31,
                                     300, 5000, 70000, 140000, 500001, 1 << 20};

    (void)state;
    for (int level = 1; level <= 3; level++) {
        for (size_t i = 0; i < CB_ARRAY_SIZE(lengths); i++)
            check_used_memory(lengths[i], level);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_the_memory_is_changes_nothing),
        cmocka_unit_test(what_the_memory_held_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
