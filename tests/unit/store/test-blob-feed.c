#include "store-test.h"

#include "store/blob-feed.h"

#include <pthread.h>

#define BIG (3 << 20)

struct reader {
    struct cb_blob_feed *feed;
    struct cb_strbuf bytes;
    ssize_t last; /* what the last read gave */
};

/* Until the end, or until it fails. */
static void *read_all(void *arg)
{
    struct reader *reader = arg;
    char buffer[10000];

    while ((reader->last =
                cb_blob_feed_read(reader->feed, buffer, sizeof(buffer), NULL)) > 0)
        cb_strbuf_add(&reader->bytes, buffer, (size_t)reader->last);
    return NULL;
}

static struct cb_blob_writer *begin(struct fixture *f, const char *bytes, size_t len,
                                    struct cb_blob_feed *feed)
{
    struct cb_digest digest = cb_digest_of(bytes, len);
    struct cb_blob_writer *writer = NULL;
    int present = 0;

    ok(f, cb_blob_writer_open(
              f->store, &(struct cb_blob_wanted){.digest = &digest, .size = (int64_t)len},
              &writer, &present, &f->error));
    assert_non_null(writer);
    cb_blob_writer_feed(writer, feed);
    return writer;
}

static void what_is_written_is_read_by_another_thread(void **state)
{
    struct fixture *f = *state;
    cb_autofree char *bytes = xmalloc(BIG);
    cb_auto(cb_blob_feed) feed = cb_blob_feed_new();
    struct reader reader = {.feed = feed};
    struct cb_blob_writer *writer;
    pthread_t thread;

    for (size_t i = 0; i < BIG; i++)
        bytes[i] = (char)(i * 31 >> 3);
    writer = begin(f, bytes, BIG, feed);
    assert_int_equal(pthread_create(&thread, NULL, read_all, &reader), 0);
    for (size_t at = 0; at < BIG; at += BIG / 96)
        ok(f, cb_blob_writer_write(writer, bytes + at, BIG / 96, &f->error));
    pthread_join(thread, NULL); /* which does not wait for the commit */
    assert_int_equal(reader.last, 0);
    assert_int_equal(reader.bytes.len, BIG);
    assert_memory_equal(reader.bytes.text, bytes, BIG);
    ok(f, cb_blob_commit(&writer, NULL, NULL, &f->error));
    cb_blob_feed_end(feed);
    assert_false(cb_blob_feed_is_broken(feed));
    cb_strbuf_free(&reader.bytes);
}

static void bytes_of_an_earlier_process_are_read_too(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_blob_feed) feed = cb_blob_feed_new();
    struct reader reader = {.feed = feed};
    struct cb_blob_writer *writer = begin(f, "hello world", 11, NULL);

    ok(f, cb_blob_writer_write(writer, "hello", 5, &f->error));
    cb_blob_writer_close(writer);
    writer = begin(f, "hello world", 11, feed);
    ok(f, cb_blob_writer_write(writer, " world", 6, &f->error));
    ok(f, cb_blob_commit(&writer, NULL, NULL, &f->error));
    read_all(&reader);
    assert_string_equal(reader.bytes.text, "hello world");
    cb_strbuf_free(&reader.bytes);
}

static void a_download_that_starts_again_or_ends_breaks_the_feed(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 3; i++) {
        cb_auto(cb_blob_feed) feed = cb_blob_feed_new();
        struct reader reader = {.feed = feed};
        struct cb_blob_writer *writer = NULL;
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, read_all, &reader), 0);
        if (i > 0) {
            writer = begin(f, "hello world", 11, feed);
            ok(f, cb_blob_writer_write(writer, "hello", 5, &f->error));
        }
        if (i == 2)
            ok(f, cb_blob_writer_reset(writer, &f->error));
        cb_blob_writer_close(writer);
        cb_blob_feed_end(feed);
        pthread_join(thread, NULL);
        assert_int_equal(reader.last, -1);
        assert_true(cb_blob_feed_is_broken(feed));
        cb_strbuf_free(&reader.bytes);
    }
}

static void a_blob_that_is_another_breaks_the_feed(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_blob_feed) feed = cb_blob_feed_new();
    struct reader reader = {.feed = feed};
    struct cb_blob_writer *writer = begin(f, "hello world", 11, feed);

    ok(f, cb_blob_writer_write(writer, "hello WORLD", 11, &f->error));
    read_all(&reader);
    assert_int_equal(reader.last, 0);
    fails(f, CB_ERR_INTEGRITY, cb_blob_commit(&writer, NULL, NULL, &f->error));
    cb_blob_writer_close(writer);
    assert_true(cb_blob_feed_is_broken(feed));
    /* the second writer's bytes are not what was read */
    writer = begin(f, "hello world", 11, feed);
    ok(f, cb_blob_writer_write(writer, "hello world", 11, &f->error));
    ok(f, cb_blob_commit(&writer, NULL, NULL, &f->error));
    assert_true(cb_blob_feed_is_broken(feed));
    cb_strbuf_free(&reader.bytes);
}

static void a_blob_of_unknown_size_ends_when_it_is_sealed(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_blob_feed) feed = cb_blob_feed_new();
    struct reader reader = {.feed = feed};
    struct cb_blob_writer *writer = NULL;
    cb_autofd int fd = -1;
    struct cb_digest digest;
    int64_t size;

    ok(f, cb_blob_writer_open(f->store, &(struct cb_blob_wanted){.size = -1}, &writer,
                              NULL, &f->error));
    cb_blob_writer_feed(writer, feed);
    ok(f, cb_blob_writer_write(writer, "hello", 5, &f->error));
    assert_true(cb_blob_feed_reaches(feed, 5));
    ok(f, cb_blob_writer_write(writer, " world", 6, &f->error));
    ok(f, cb_blob_seal(writer, &digest, &size, &fd, &f->error));
    assert_false(cb_blob_feed_reaches(feed, 5)); /* no more to wait for */
    read_all(&reader);
    assert_int_equal(reader.last, 0);
    assert_string_equal(reader.bytes.text, "hello world");
    cb_blob_writer_close(writer);
    assert_false(cb_blob_feed_is_broken(feed));
    cb_strbuf_free(&reader.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_is_written_is_read_by_another_thread),
        test(bytes_of_an_earlier_process_are_read_too),
        test(a_download_that_starts_again_or_ends_breaks_the_feed),
        test(a_blob_that_is_another_breaks_the_feed),
        test(a_blob_of_unknown_size_ends_when_it_is_sealed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
