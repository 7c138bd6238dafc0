/* Tar and compression streams by themselves. */
#include "store-test.h"

#include "store/compress.h"
#include "store/decompress.h"
#include "store/tar-mend.h"

static int write_entry(struct fixture *f, struct cb_strbuf *tar,
                       const struct cb_tar_entry *entry, const char *data)
{
    cb_auto(cb_tar_writer) writer = NULL;

    if (cb_tar_writer_new(&writer, write_strbuf, tar, &f->error) < 0 ||
        cb_tar_writer_entry(writer, entry, &f->error) < 0 ||
        (data && cb_tar_writer_data(writer, data, strlen(data), &f->error) < 0))
        return -1;
    return cb_tar_writer_finish(writer, &f->error);
}

static void first_entry(struct fixture *f, const struct cb_strbuf *tar,
                        struct cb_tar_reader **reader, struct cb_strbuf *from,
                        struct cb_tar_entry *entry)
{
    *from = (struct cb_strbuf){.text = tar->text, .len = tar->len};
    ok(f, cb_tar_reader_new(reader, read_strbuf, from, 0, 0, &f->error));
    assert_int_equal(cb_tar_reader_next(*reader, entry, &f->error), 1);
}

static void a_plain_entry_is_one_ustar_header(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) tar = {0};
    struct cb_tar_entry entry = {.path = (char *)"dir/file",
                                 .mode = S_IFREG | 0644,
                                 .size = 2,
                                 .mtime = {.tv_sec = 1000000000}};

    ok(f, write_entry(f, &tar, &entry, "hi"));
    assert_int_equal(tar.len, 4 * 512);
    assert_string_equal(tar.text, "dir/file");
    assert_memory_equal(tar.text + 100,
                        "0000644\0"
                        "0000000\0"
                        "0000000\0"
                        "00000000002\0"
                        "07346545000\0",
                        48);
    assert_memory_equal(tar.text + 257,
                        "ustar\0"
                        "00",
                        8);
}

static void fields_that_do_not_fit_go_to_pax_in_order(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) tar = {0};
    struct cb_xattr xattr = {.name = (char *)"user.x", .value = (void *)"v", .len = 1};
    struct cb_tar_entry entry = {.path = (char *)"caf\xc3\xa9",
                                 .mode = S_IFREG | 0644,
                                 .uid = 2097152,
                                 .gid = 4294967294u,
                                 .mtime = {.tv_sec = -2, .tv_nsec = 500000000},
                                 .xattrs = &xattr,
                                 .xattr_count = 1};

    ok(f, write_entry(f, &tar, &entry, NULL));
    assert_int_equal(tar.text[156], 'x');
    assert_memory_equal(tar.text + 512,
                        "25 SCHILY.xattr.user.x=v\n"
                        "18 gid=4294967294\n"
                        "14 mtime=-1.5\n"
                        "14 path=caf\xc3\xa9\n"
                        "15 uid=2097152\n",
                        25 + 18 + 14 + 14 + 15);
}

static void a_size_beyond_8_gib_is_exact(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_tar_writer) writer = NULL;
    cb_auto(cb_tar_reader) reader = NULL;
    cb_auto_value(cb_strbuf) tar = {0};
    struct cb_strbuf from;
    struct cb_tar_entry read,
        entry = {.path = (char *)"big", .mode = S_IFREG | 0644, .size = INT64_C(9) << 30};

    ok(f, cb_tar_writer_new(&writer, write_strbuf, &tar, &f->error));
    ok(f, cb_tar_writer_entry(writer, &entry, &f->error));
    fails(f, CB_ERR_INTEGRITY, cb_tar_writer_finish(writer, &f->error));
    says(f, "9663676416 bytes short");
    first_entry(f, &tar, &reader, &from, &read);
    assert_int_equal(read.size, INT64_C(9) << 30);
}

static void paths_split_where_ustar_can(void **state)
{
    struct fixture *f = *state;
    size_t len;

    for (len = 90; len < 300; len++) {
        cb_auto_value(cb_strbuf) tar = {0};
        cb_auto(cb_tar_reader) reader = NULL;
        struct cb_strbuf from;
        struct cb_tar_entry read, entry = {.mode = S_IFDIR | 0755};
        char path[300];
        size_t i;

        for (i = 0; i < len; i++)
            path[i] = i % 50 == 49 ? '/' : 'p';
        path[len - 1] = '/';
        if (len > 1 && path[len - 2] == '/')
            path[len - 2] = 'q';
        path[len] = '\0';
        entry.path = path;
        ok(f, write_entry(f, &tar, &entry, NULL));
        first_entry(f, &tar, &reader, &from, &read);
        assert_string_equal(read.path, path);
        if (len <= 250)
            assert_int_equal(tar.text[156], '5'); /* without PAX */
    }
}

static void times_come_back_with_their_nanoseconds(void **state)
{
    static const struct timespec times[] = {{0, 0},
                                            {1, 1},
                                            {-1, 0},
                                            {-7, 250000000},
                                            {1 << 30, 999999999},
                                            {INT64_C(1) << 34, 0}};
    struct fixture *f = *state;
    size_t i;

    for (i = 0; i < CB_ARRAY_SIZE(times); i++) {
        cb_auto_value(cb_strbuf) tar = {0};
        cb_auto(cb_tar_reader) reader = NULL;
        struct cb_strbuf from;
        struct cb_tar_entry read,
            entry = {.path = (char *)"f", .mode = S_IFREG | 0644, .mtime = times[i]};

        ok(f, write_entry(f, &tar, &entry, NULL));
        first_entry(f, &tar, &reader, &from, &read);
        assert_int_equal(read.mtime.tv_sec, times[i].tv_sec);
        assert_int_equal(read.mtime.tv_nsec, times[i].tv_nsec);
    }
}

static void more_or_less_data_than_said_is_refused(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) tar = {0};
    struct cb_tar_entry entry = {.path = (char *)"f", .mode = S_IFREG | 0644, .size = 3};

    fails(f, CB_ERR_INTEGRITY, write_entry(f, &tar, &entry, "four"));
    fails(f, CB_ERR_INTEGRITY, write_entry(f, &tar, &entry, "hi"));
}

/* ── Compression ── */

static void noise(struct cb_strbuf *out, size_t len)
{
    uint32_t x = 1;
    size_t i;

    cb_strbuf_reserve(out, len + 1);
    for (i = 0; i < len; i++) {
        x = x * 1664525 + 1013904223;
        cb_strbuf_addc(out, (char)(i % 64 < 40 ? 'a' + (x >> 29) : x >> 24));
    }
}

static void compress(struct fixture *f, const struct cb_strbuf *in,
                     enum cb_compression kind, int level, struct cb_pool *pool,
                     size_t piece, struct cb_strbuf *out)
{
    cb_auto(cb_compressor) compressor = NULL;
    size_t at;

    ok(f,
       cb_compressor_new(&compressor, kind, level, pool, write_strbuf, out, &f->error));
    for (at = 0; at < in->len; at += piece)
        ok(f,
           cb_compressor_write(compressor, in->text + at,
                               in->len - at < piece ? in->len - at : piece, &f->error));
    ok(f, cb_compressor_finish(compressor, &f->error));
}

static int decompress(struct fixture *f, const struct cb_strbuf *in, int filters,
                      uint64_t max, struct cb_strbuf *out)
{
    struct cb_strbuf from = {.text = in->text, .len = in->len};
    cb_auto(cb_decoder) decoder = NULL;
    const void *bytes;
    ssize_t len;

    if (cb_decoder_new(&decoder, read_strbuf, &from, filters, max, &f->error) < 0)
        return -1;
    while ((len = cb_decoder_next(decoder, &bytes, &f->error)) > 0)
        cb_strbuf_add(out, bytes, (size_t)len);
    return (int)len;
}

static void streams_come_back_and_are_stable(void **state)
{
    static const size_t sizes[] = {0, 1, 100, 1 << 20, (1 << 20) + 1, 9000000};
    struct fixture *f = *state;
    size_t i;
    int kind, level;

    for (i = 0; i < CB_ARRAY_SIZE(sizes); i++) {
        cb_auto_value(cb_strbuf) in = {0};

        noise(&in, sizes[i]);
        for (kind = CB_COMPRESSION_GZIP; kind <= CB_COMPRESSION_ZSTD; kind++) {
            for (level = 0; level < 4; level += 3) {
                cb_auto_value(cb_strbuf) one = {0};
                cb_auto_value(cb_strbuf) two = {0};
                cb_auto_value(cb_strbuf) back = {0};

                compress(f, &in, (enum cb_compression)kind, level, f->pool, 70000, &one);
                compress(f, &in, (enum cb_compression)kind, level, NULL, 1 << 22, &two);
                assert_int_equal(one.len, two.len);
                assert_memory_equal(one.text, two.text, one.len);
                ok(f, decompress(f, &one, CB_TAR_GZIP | CB_TAR_ZSTD, 0, &back));
                assert_int_equal(back.len, in.len);
                if (in.len)
                    assert_memory_equal(back.text, in.text, in.len);
            }
        }
    }
}

static void joined_members_are_one_stream(void **state)
{
    struct fixture *f = *state;
    int kind;

    for (kind = CB_COMPRESSION_GZIP; kind <= CB_COMPRESSION_ZSTD; kind++) {
        cb_auto_value(cb_strbuf) in = {.text = xstrdup("half"), .len = 4, .capacity = 5};
        cb_auto_value(cb_strbuf) joined = {0};
        cb_auto_value(cb_strbuf) back = {0};

        compress(f, &in, (enum cb_compression)kind, 0, NULL, 100, &joined);
        compress(f, &in, (enum cb_compression)kind, 0, NULL, 100, &joined);
        ok(f, decompress(f, &joined, CB_TAR_GZIP | CB_TAR_ZSTD, 0, &back));
        assert_string_equal(back.text, "halfhalf");
    }
}

static void damaged_and_cut_streams_are_refused(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) in = {0};
    int kind;

    noise(&in, 300000);
    for (kind = CB_COMPRESSION_GZIP; kind <= CB_COMPRESSION_ZSTD; kind++) {
        cb_auto_value(cb_strbuf) packed = {0};
        cb_auto_value(cb_strbuf) back = {0};

        compress(f, &in, (enum cb_compression)kind, 0, NULL, 1 << 20, &packed);
        cb_strbuf_truncate(&packed, packed.len - 3);
        fails(f, CB_ERR_INTEGRITY,
              decompress(f, &packed, CB_TAR_GZIP | CB_TAR_ZSTD, 0, &back));
        packed.text[packed.len / 2] ^= 0x10;
        fails(f, CB_ERR_INTEGRITY,
              decompress(f, &packed, CB_TAR_GZIP | CB_TAR_ZSTD, 0, &back));
    }
}

static void junk_behind_gzip_is_refused_and_zeros_are_not(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) in = {.text = xstrdup("data"), .len = 4, .capacity = 5};
    cb_auto_value(cb_strbuf) packed = {0};
    cb_auto_value(cb_strbuf) back = {0};

    compress(f, &in, CB_COMPRESSION_GZIP, 0, NULL, 100, &packed);
    cb_strbuf_add(&packed, "\0\0\0\0\0\0\0\0\0", 9);
    ok(f, decompress(f, &packed, CB_TAR_GZIP, 0, &back));
    assert_string_equal(back.text, "data");
    cb_strbuf_adds(&packed, "junk");
    fails(f, CB_ERR_INTEGRITY, decompress(f, &packed, CB_TAR_GZIP, 0, &back));
}

static int write_thrice(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    return ++*(int *)arg > 3 ? cb_error_set(err, CB_ERR_SYSTEM, "no room") : 0;
}

static void compression_ends_when_its_output_does(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_compressor) compressor = NULL;
    cb_autofree char *zeros = xcalloc(1, 1 << 20);
    int writes = 0, result = 0;

    ok(f, cb_compressor_new(&compressor, CB_COMPRESSION_GZIP, 0, f->pool, write_thrice,
                            &writes, &f->error));
    for (int i = 0; i < 100 && result == 0; i++)
        result = cb_compressor_write(compressor, zeros, 1 << 20, &f->error);
    assert_int_equal(result, -1);
    says(f, "no room");
    assert_int_equal(writes, 4);
}

/* How far a stream of MIB of zeros gets; LAST: what the decoder says at its end. */
static uint64_t unpack_zeros(struct fixture *f, int mib, int trusted, ssize_t *last)
{
    cb_auto(cb_compressor) compressor = NULL;
    cb_auto_value(cb_strbuf) packed = {0};
    struct cb_strbuf from = {0};
    cb_auto(cb_decoder) decoder = NULL;
    cb_autofree char *zeros = xcalloc(1, 1 << 20);
    const void *bytes;
    uint64_t total = 0;

    ok(f, cb_compressor_new(&compressor, CB_COMPRESSION_ZSTD, 0, f->pool, write_strbuf,
                            &packed, &f->error));
    for (int i = 0; i < mib; i++)
        ok(f, cb_compressor_write(compressor, zeros, 1 << 20, &f->error));
    ok(f, cb_compressor_finish(compressor, &f->error));
    from.text = packed.text;
    from.len = packed.len;
    ok(f, cb_decoder_new(&decoder, read_strbuf, &from, CB_TAR_ZSTD, 0, &f->error));
    if (trusted)
        cb_decoder_any_ratio(decoder);
    while ((*last = cb_decoder_next(decoder, &bytes, &f->error)) > 0)
        total += (uint64_t)*last;
    return total;
}

static void a_bomb_is_stopped_by_its_ratio(void **state)
{
    struct fixture *f = *state;
    ssize_t last;
    uint64_t total = unpack_zeros(f, 1536, 0, &last);

    assert_int_equal(last, -1);
    says(f, "more than 1000 times its size");
    assert_true(total <= 1281u << 20);
}

static void only_bytes_bound_what_is_trusted(void **state)
{
    struct fixture *f = *state;
    ssize_t last;

    assert_true(unpack_zeros(f, 1024, 0, &last) == 1024u << 20);
    assert_int_equal(last, 0);
    assert_true(unpack_zeros(f, 1536, 1, &last) == 1536u << 20);
    assert_int_equal(last, 0);
}

static void a_window_of_2_gib_is_refused(void **state)
{
    struct fixture *f = *state;
    /* frame header: no single segment, window descriptor for 2^31; then a block of
     * nothing */
    struct cb_strbuf frame = {.text = (char *)"\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00",
                              .len = 9};
    cb_auto_value(cb_strbuf) back = {0};

    fails(f, CB_ERR_INTEGRITY, decompress(f, &frame, CB_TAR_ZSTD, 0, &back));
}

static void only_the_filters_asked_for_are_undone(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) in = {.text = xstrdup("data"), .len = 4, .capacity = 5};
    cb_auto_value(cb_strbuf) packed = {0};
    cb_auto_value(cb_strbuf) back = {0};

    compress(f, &in, CB_COMPRESSION_GZIP, 0, NULL, 100, &packed);
    ok(f, decompress(f, &packed, CB_TAR_ZSTD | CB_TAR_XZ, 0, &back));
    assert_int_equal(back.len, packed.len);
    assert_memory_equal(back.text, packed.text, packed.len);
}

/* "hello\n" by bzip2 and xz. */
static const char bzip2_hello[] =
    "\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\xc1\xc0\x80\xe2\x00\x00\x01\x41\x00\x00\x10"
    "\x02\x44"
    "\xa0\x00\x30\xcd\x00\xc3\x46\x29\x97\x17\x72\x45\x38\x50\x90\xc1\xc0\x80\xe2";

static void bzip2_is_undone_in_this_process(void **state)
{
    struct fixture *f = *state;
    struct cb_strbuf in = {.text = (char *)bzip2_hello, .len = sizeof(bzip2_hello) - 1};
    cb_auto_value(cb_strbuf) back = {0};

    ok(f, decompress(f, &in, CB_TAR_BZIP2 | CB_TAR_XZ, 0, &back));
    assert_string_equal(back.text, "hello\n");
}

static int sniff(struct fixture *f, const struct cb_strbuf *bytes, int filters)
{
    cb_autofd int fd = openat(f->top_fd, "sniff", O_RDWR | O_CREAT | O_TRUNC, 0600);

    assert_int_equal(cb_fs_write_all(fd, bytes->text, bytes->len), 0);
    return cb_tar_sniff(fd, filters);
}

/* Of Go before 1.8: GNU's magic, an owner in base 256, and the front of a long name in
 * PREFIX. */
static void go_entry(struct cb_strbuf *tar, const char *prefix, const char *name,
                     const char *data)
{
    size_t at = tar->len;
    unsigned char *head;
    unsigned sum = 0;

    tar_entry(tar, name, '0', 0644, data, NULL);
    head = (unsigned char *)tar->text + at;
    memcpy(head + 108, "\x80\0\0\0\0\x2d\xc6\xc0", 8);
    memcpy(head + 257, "ustar  ", 8);
    memcpy(head + 345, prefix, strlen(prefix));
    memset(head + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++)
        sum += head[i];
    snprintf((char *)head + 148, 8, "%06o", sum);
}

#define GO_PREFIX                                                                \
    "usr/share/of-a-length-that-libarchive-takes-for-a-map-of-holes/0123456789/" \
    "0123456789"

static void assert_next(struct fixture *f, struct cb_tar_reader *reader, const char *path,
                        uint32_t uid, const char *data)
{
    struct cb_tar_entry entry;
    char buffer[64];
    ssize_t len;

    assert_int_equal(cb_tar_reader_next(reader, &entry, &f->error), 1);
    assert_string_equal(entry.path, path);
    assert_int_equal(entry.uid, uid);
    len = cb_tar_reader_data(reader, buffer, sizeof(buffer), &f->error);
    assert_int_equal(len, strlen(data));
    assert_memory_equal(buffer, data, strlen(data));
}

static void names_of_old_go_are_whole(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) tar = {0};
    cb_auto(cb_tar_reader) reader = NULL;
    struct cb_strbuf from;

    go_entry(&tar, GO_PREFIX, "file", "one");
    go_entry(&tar, "14524112400\00014524112400", "times", "two");
    go_entry(&tar, "", "plain", "three");
    go_entry(&tar, "short", "file", "four");
    tar_pax(&tar, "path", "said elsewhere", 14);
    go_entry(&tar, "short", "file", "five");
    tar_end(&tar);
    from = (struct cb_strbuf){.text = tar.text, .len = tar.len};
    ok(f, cb_tar_reader_new(&reader, read_strbuf, &from, 0, 0, &f->error));
    assert_next(f, reader, GO_PREFIX "/file", 3000000, "one");
    assert_next(f, reader, "times", 3000000, "two");
    assert_next(f, reader, "plain", 3000000, "three");
    assert_next(f, reader, "short/file", 3000000, "four");
    assert_next(f, reader, "said elsewhere", 3000000, "five");
}

/* The bytes that come out are those that went in, but for the mended header. */
static void mended_headers_may_come_in_pieces(void **state)
{
    cb_auto_value(cb_strbuf) tar = {0};
    size_t mended;

    tar_pax(&tar, "mtime", "1.5", 3);
    tar_file(&tar, "before", "some data");
    mended = tar.len;
    go_entry(&tar, GO_PREFIX, "file", "one");
    tar_end(&tar);
    cb_strbuf_adds(&tar, "junk");
    for (size_t piece = 1; piece < 1500; piece += 7) {
        cb_auto_value(cb_strbuf) out = {0};
        struct cb_tar_mend mend;

        cb_tar_mend_init(&mend);
        for (size_t at = 0; at < tar.len; at += piece) {
            const void *bytes;
            size_t len;

            cb_tar_mend_take(&mend, tar.text + at,
                             tar.len - at < piece ? tar.len - at : piece);
            while (cb_tar_mend_give(&mend, &bytes, &len, NULL) > 0)
                cb_strbuf_add(&out, bytes, len);
        }
        assert_int_equal(out.len, tar.len);
        assert_memory_equal(out.text + mended + 257,
                            "ustar\0"
                            "00",
                            8);
        assert_int_equal(cb_tar_is_header((unsigned char *)out.text + mended), 1);
        memcpy(out.text + mended, tar.text + mended, 512);
        assert_memory_equal(out.text, tar.text, tar.len);
    }
    assert_non_null(*state);
}

static void archives_are_told_from_other_files(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_strbuf) tar = {0};
    cb_auto_value(cb_strbuf)
        text = {.text = xstrdup("just text"), .len = 9, .capacity = 10};
    cb_auto_value(cb_strbuf) packed = {0};
    cb_auto_value(cb_strbuf) packed_text = {0};
    cb_auto_value(cb_strbuf) zeros = {0};

    tar_file(&tar, "f", "x");
    tar_end(&tar);
    tar_end(&zeros);
    compress(f, &tar, CB_COMPRESSION_GZIP, 0, NULL, 100000, &packed);
    compress(f, &text, CB_COMPRESSION_GZIP, 0, NULL, 100000, &packed_text);
    assert_int_equal(sniff(f, &tar, 0), 1);
    assert_int_equal(sniff(f, &packed, CB_TAR_GZIP), 1);
    assert_int_equal(sniff(f, &packed, CB_TAR_XZ), 0);
    assert_int_equal(sniff(f, &packed_text, CB_TAR_GZIP), 0);
    assert_int_equal(sniff(f, &text, CB_TAR_GZIP), 0);
    assert_int_equal(sniff(f, &zeros, 0), 0);
    tar.text[0] ^= 1; /* the checksum is off */
    assert_int_equal(sniff(f, &tar, 0), 0);
}

/* Old GNU: the map is in the header, the real size behind it. */
static void make_sparse(struct cb_strbuf *tar, const unsigned offsets[2])
{
    static const char data[1024] = "first";
    unsigned sum = 0;

    tar_file(tar, "sparse", "");
    tar->text[156] = 'S';
    memcpy(tar->text + 124, "00000002000", 12); /* 1024 bytes are stored */
    memcpy(tar->text + 257, "ustar  ", 8);
    memset(tar->text + 329, 0, 512 - 329);
    for (int i = 0; i < 2; i++)
        snprintf(tar->text + 386 + 24 * i, 24, "%011o%c%011o", offsets[i], 0, 512);
    memcpy(tar->text + 483, "00000004000", 12); /* 2048 with the holes */
    memset(tar->text + 148, ' ', 8);
    for (int i = 0; i < 512; i++)
        sum += (unsigned char)tar->text[i];
    snprintf(tar->text + 148, 8, "%06o", sum);
    cb_strbuf_add(tar, data, sizeof(data));
    tar_end(tar);
}

static ssize_t read_all(struct fixture *f, struct cb_tar_reader *reader, char *out,
                        size_t size)
{
    size_t have = 0;
    ssize_t got;

    while ((got = cb_tar_reader_data(reader, out + have, size - have, &f->error)) > 0)
        have += (size_t)got;
    return got < 0 ? -1 : (ssize_t)have;
}

static void sparse_files_are_read_and_overlapping_pieces_refused(void **state)
{
    static const struct {
        unsigned offsets[2];
        int whole;
    } cases[] = {{{0, 1024}, 1}, {{512, 1024}, 1}, {{1024, 0}, 0}, {{512, 512}, 0}};
    struct fixture *f = *state;

    for (size_t i = 0; i < CB_ARRAY_SIZE(cases); i++) {
        cb_auto_value(cb_strbuf) tar = {0};
        cb_auto(cb_tar_reader) reader = NULL;
        struct cb_strbuf from;
        struct cb_tar_entry entry;
        char data[4096] = "";

        make_sparse(&tar, cases[i].offsets);
        first_entry(f, &tar, &reader, &from, &entry);
        assert_int_equal(entry.size, 2048);
        if (cases[i].whole) {
            assert_int_equal(read_all(f, reader, data, sizeof(data)), 2048);
            assert_string_equal(data + cases[i].offsets[0], "first");
        } else {
            fails(f, CB_ERR_INTEGRITY, (int)read_all(f, reader, data, sizeof(data)));
            says(f, "pieces of a sparse file overlap");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_plain_entry_is_one_ustar_header),
        test(fields_that_do_not_fit_go_to_pax_in_order),
        test(a_size_beyond_8_gib_is_exact),
        test(paths_split_where_ustar_can),
        test(times_come_back_with_their_nanoseconds),
        test(more_or_less_data_than_said_is_refused),
        test(streams_come_back_and_are_stable),
        test(compression_ends_when_its_output_does),
        test(joined_members_are_one_stream),
        test(damaged_and_cut_streams_are_refused),
        test(junk_behind_gzip_is_refused_and_zeros_are_not),
        test(a_bomb_is_stopped_by_its_ratio),
        test(only_bytes_bound_what_is_trusted),
        test(a_window_of_2_gib_is_refused),
        test(only_the_filters_asked_for_are_undone),
        test(bzip2_is_undone_in_this_process),
        test(names_of_old_go_are_whole),
        test(mended_headers_may_come_in_pieces),
        test(archives_are_told_from_other_files),
        test(sparse_files_are_read_and_overlapping_pieces_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
