#include "store-test.h"

static void a_blob_is_found_under_its_digest(void **state)
{
    struct fixture *f = *state;
    struct cb_digest digest, expected = cb_digest_of("hello", 5);
    cb_auto_value(cb_strbuf) bytes = {0};
    int64_t size = 0;
    char hex[CB_DIGEST_MAX_TEXT];
    cb_autofree char *path = NULL;

    ok(f, cb_content_put(f->store, "hello", 5, &digest, &f->error));
    assert_true(cb_digest_equal(&digest, &expected));
    assert_int_equal(cb_content_has(f->store, &digest, &size), 1);
    assert_int_equal(size, 5);
    ok(f, cb_content_read(f->store, &digest, 100, &bytes, &f->error));
    assert_string_equal(bytes.text, "hello");
    path = xasprintf("store/blobs/sha256/%s", cb_digest_hex(&digest, hex));
    assert_int_equal(stat_of(f->top_fd, path).st_mode, S_IFREG | 0444);
}

static void a_missing_blob_is_not_found(void **state)
{
    struct fixture *f = *state;
    struct cb_digest digest = cb_digest_of("x", 1);
    int fd;

    assert_int_equal(cb_content_has(f->store, &digest, NULL), 0);
    fails(f, CB_ERR_NOT_FOUND, cb_content_open(f->store, &digest, &fd, NULL, &f->error));
}

static struct cb_blob_writer *begin(struct fixture *f, const char *text)
{
    struct cb_digest digest = cb_digest_of(text, strlen(text));
    struct cb_blob_writer *writer = NULL;
    int present = -1;

    ok(f, cb_blob_writer_open(
              f->store,
              &(struct cb_blob_wanted){.digest = &digest, .size = (int64_t)strlen(text)},
              &writer, &present, &f->error));
    assert_int_equal(present, writer == NULL);
    return writer;
}

static void an_interrupted_download_goes_on_where_it_stopped(void **state)
{
    struct fixture *f = *state;
    struct cb_blob_writer *writer = begin(f, "hello world");
    struct cb_digest digest;
    int64_t size;

    ok(f, cb_blob_writer_write(writer, "hello", 5, &f->error));
    cb_blob_writer_close(writer);
    reopen_store(f);
    writer = begin(f, "hello world");
    assert_int_equal(cb_blob_writer_offset(writer), 5);
    ok(f, cb_blob_writer_write(writer, " world", 6, &f->error));
    ok(f, cb_blob_commit(&writer, &digest, &size, &f->error));
    assert_null(writer);
    assert_int_equal(size, 11);
    assert_null(begin(f, "hello world"));
}

static void a_download_can_start_again(void **state)
{
    struct fixture *f = *state;
    struct cb_blob_writer *writer = begin(f, "hello");

    ok(f, cb_blob_writer_write(writer, "zzz", 3, &f->error));
    ok(f, cb_blob_writer_reset(writer, &f->error));
    assert_int_equal(cb_blob_writer_offset(writer), 0);
    ok(f, cb_blob_writer_write(writer, "hello", 5, &f->error));
    ok(f, cb_blob_commit(&writer, NULL, NULL, &f->error));
}

static void wrong_bytes_never_get_the_digest(void **state)
{
    struct fixture *f = *state;
    struct cb_blob_writer *writer = begin(f, "hello");
    struct cb_digest digest = cb_digest_of("hello", 5);

    ok(f, cb_blob_writer_write(writer, "hellO", 5, &f->error));
    fails(f, CB_ERR_INTEGRITY, cb_blob_commit(&writer, NULL, NULL, &f->error));
    says(f, "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    cb_blob_writer_close(writer);
    assert_int_equal(cb_content_has(f->store, &digest, NULL), 0);
    writer = begin(f, "hello");
    assert_int_equal(cb_blob_writer_offset(writer), 0); /* the wrong bytes are not kept */
    cb_blob_writer_close(writer);
}

static void more_bytes_than_expected_are_refused_at_once(void **state)
{
    struct fixture *f = *state;
    struct cb_blob_writer *writer = begin(f, "hello");

    fails(f, CB_ERR_INTEGRITY, cb_blob_writer_write(writer, "hello!", 6, &f->error));
    says(f, "longer than its 5 bytes");
    cb_blob_writer_close(writer);
}

static void fewer_bytes_than_expected_are_refused_and_kept(void **state)
{
    struct fixture *f = *state;
    struct cb_blob_writer *writer = begin(f, "hello");

    ok(f, cb_blob_writer_write(writer, "hell", 4, &f->error));
    fails(f, CB_ERR_INTEGRITY, cb_blob_commit(&writer, NULL, NULL, &f->error));
    says(f, "4 bytes of 5");
    cb_blob_writer_close(writer);
    writer = begin(f, "hello");
    assert_int_equal(cb_blob_writer_offset(writer), 4);
    cb_blob_writer_close(writer);
}

static void a_discarded_writer_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct cb_blob_writer *writer = NULL;
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int tmp = -1;

    ok(f, cb_blob_writer_open(f->store, &(struct cb_blob_wanted){.size = -1}, &writer,
                              NULL, &f->error));
    ok(f, cb_blob_writer_write(writer, "abc", 3, &f->error));
    cb_blob_writer_close(writer);
    tmp = openat(f->top_fd, "store/tmp", O_RDONLY | O_DIRECTORY);
    ok(f, cb_fs_list(tmp, &names, &f->error));
    assert_int_equal(names.count, 0);
}

static void damaged_bytes_are_noticed_when_read(void **state)
{
    struct fixture *f = *state;
    struct cb_digest digest;
    cb_auto_value(cb_strbuf) bytes = {0};
    char hex[CB_DIGEST_MAX_TEXT];
    cb_autofree char *path = NULL;

    ok(f, cb_content_put(f->store, "hello", 5, &digest, &f->error));
    path = xasprintf("store/blobs/sha256/%s", cb_digest_hex(&digest, hex));
    put_file(f->top_fd, path, "hellO", 0444);
    fails(f, CB_ERR_INTEGRITY,
          cb_content_read(f->store, &digest, 100, &bytes, &f->error));
    assert_int_equal(bytes.len, 0);
}

static void a_link_is_not_a_blob(void **state)
{
    struct fixture *f = *state;
    struct cb_digest digest = cb_digest_of("canary", 6);
    char hex[CB_DIGEST_MAX_TEXT];
    cb_autofree char *path =
        xasprintf("store/blobs/sha256/%s", cb_digest_hex(&digest, hex));
    int fd;

    put_file(f->top_fd, "canary", "canary", 0600);
    assert_int_equal(symlinkat("../../../canary", f->top_fd, path), 0);
    assert_int_equal(cb_content_has(f->store, &digest, NULL), 0);
    assert_int_equal(cb_content_open(f->store, &digest, &fd, NULL, NULL), -1);
}

static void a_store_others_can_write_is_refused(void **state)
{
    struct fixture *f = *state;
    struct cb_store_options options = {.root = f->root};
    struct cb_store *store = NULL;

    assert_int_equal(chmod(f->root, 0777), 0);
    fails(f, CB_ERR_DENIED, cb_store_open(&store, &options, &f->error));
    assert_int_equal(chmod(f->root, 0700), 0);
    assert_int_equal(chown(f->root, 1, 1), 0);
    fails(f, CB_ERR_DENIED, cb_store_open(&store, &options, &f->error));
    assert_int_equal(chown(f->root, 0, 0), 0);
}

static void another_format_is_refused(void **state)
{
    struct fixture *f = *state;
    struct cb_store_options options = {.root = f->root, .create = 1};
    struct cb_store *store = NULL;

    put_file(f->top_fd, "store/format", "2\n", 0600);
    fails(f, CB_ERR_UNSUPPORTED, cb_store_open(&store, &options, &f->error));
    says(f, "unknown format `2`");
}

static void a_directory_in_use_does_not_become_a_store(void **state)
{
    struct fixture *f = *state;
    struct cb_store_options options = {.root = f->top, .create = 1};
    struct cb_store *store = NULL;

    put_file(f->top_fd, "precious", "x", 0600);
    fails(f, CB_ERR_EXISTS, cb_store_open(&store, &options, &f->error));
    says(f, "not a store");
}

static void a_read_only_store_is_read_and_not_written(void **state)
{
    struct fixture *f = *state;
    struct cb_store_options options = {.root = f->root, .read_only = 1};
    struct cb_digest digest;
    cb_auto_value(cb_strbuf) bytes = {0};

    ok(f, cb_content_put(f->store, "hello", 5, &digest, &f->error));
    cb_store_close(f->store);
    f->store = NULL;
    ok(f, cb_store_open(&f->store, &options, &f->error));
    ok(f, cb_content_read(f->store, &digest, 100, &bytes, &f->error));
    fails(f, CB_ERR_DENIED, cb_content_put(f->store, "new", 3, &digest, &f->error));
}

static void a_scratch_directory_goes_with_its_handle(void **state)
{
    struct fixture *f = *state;
    struct cb_scratch *scratch = NULL;
    cb_autofree char *path = NULL;
    struct stat st;

    ok(f, cb_store_scratch(f->store, &scratch, &f->error));
    path = xstrdup(cb_scratch_path(scratch));
    put_file(cb_scratch_fd(scratch), "x", "x", 0600);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    cb_scratch_free(scratch);
    assert_int_equal(stat(path, &st), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_blob_is_found_under_its_digest),
        test(a_missing_blob_is_not_found),
        test(an_interrupted_download_goes_on_where_it_stopped),
        test(a_download_can_start_again),
        test(wrong_bytes_never_get_the_digest),
        test(more_bytes_than_expected_are_refused_at_once),
        test(fewer_bytes_than_expected_are_refused_and_kept),
        test(a_discarded_writer_leaves_nothing),
        test(damaged_bytes_are_noticed_when_read),
        test(a_link_is_not_a_blob),
        test(a_store_others_can_write_is_refused),
        test(another_format_is_refused),
        test(a_directory_in_use_does_not_become_a_store),
        test(a_read_only_store_is_read_and_not_written),
        test(a_scratch_directory_goes_with_its_handle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
