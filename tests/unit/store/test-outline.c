/* A tar in two kinds of parts, however it is cut on its way, and an outline that somebody
 * has damaged. */
#include "store-test.h"

#include "store/outline.h"
#include "store/snapshot-priv.h"
#include "store/tar-split.h"

#define BLOCK 512

/* A header with what the split looks at. */
static void header(unsigned char *block, char type, uint64_t size)
{
    memset(block, 0, BLOCK);
    memcpy(block, "name", 4);
    block[156] = (unsigned char)type;
    snprintf((char *)block + 124, 12, "%011llo", (unsigned long long)size);
}

/* A file of 600 bytes, a directory with a size, a long name and its file of 1, the end,
 * and what stands behind it. */
#define TAR_BYTES (12 * BLOCK)
static void make_tar(unsigned char *tar)
{
    memset(tar, 0, TAR_BYTES);
    header(tar, '0', 600);
    memset(tar + BLOCK, 'a', 600);
    header(tar + 3 * BLOCK, '5', 9);
    header(tar + 4 * BLOCK, 'L', 700);
    memset(tar + 5 * BLOCK, 'n', 700);
    header(tar + 7 * BLOCK, '0', 1);
    tar[8 * BLOCK] = 'b';
    header(tar + 11 * BLOCK, '0', 300);
}

/* The bytes of files, and the places where one begins, in CHUNK bytes at a time. */
static void split(const unsigned char *tar, size_t chunk, struct cb_strbuf *content,
                  struct cb_strbuf *begins)
{
    struct cb_tar_split state;

    cb_tar_split_init(&state);
    for (size_t at = 0; at < TAR_BYTES;) {
        size_t end = (at / chunk + 1) * chunk;
        struct cb_tar_part part;
        ssize_t used;

        end = end < TAR_BYTES ? end : TAR_BYTES;
        used = cb_tar_split_take(&state, tar + at, end - at, &part, NULL);
        assert_true(used > 0);
        if (part.begins)
            cb_strbuf_addf(begins, "%zu+%d ", at, (int)part.begins);
        if (part.is_content)
            cb_strbuf_add(content, tar + at, (size_t)used);
        at += (size_t)used;
    }
}

static void a_tar_splits_in_the_same_way_however_it_comes(void **state)
{
    static const size_t chunks[] = {1, 7, 511, 512, 513, 1111, TAR_BYTES};
    unsigned char tar[TAR_BYTES];

    make_tar(tar);
    for (size_t i = 0; i < CB_ARRAY_SIZE(chunks); i++) {
        cb_auto_value(cb_strbuf) content = {0};
        cb_auto_value(cb_strbuf) begins = {0};

        split(tar, chunks[i], &content, &begins);
        assert_string_equal(cb_strbuf_text(&begins), "512+600 4096+1 ");
        assert_int_equal(content.len, 601);
        assert_int_equal(content.text[600], 'b');
    }
}

static int count(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    *(uint64_t *)arg += len;
    return 0;
}

/* A committed layer of one file, outlined. */
static struct cb_snapshot *outlined(struct fixture *f, const char *file)
{
    struct cb_snapshot *snapshot = new_snapshot(f, NULL);
    cb_auto(cb_outline_writer) writer = NULL;
    unsigned char tar[TAR_BYTES];
    char text[601];
    cb_autofd int fd = root_of(f, snapshot);

    memset(text, 'a', 600);
    text[600] = '\0';
    put_file(fd, "file", text, 0644);
    put_file(fd, "other", "b", 0644);
    cb_close(&fd);
    make_tar(tar);
    ok(f, cb_outline_writer_new(snapshot, &writer, &f->error));
    ok(f, cb_outline_take(writer, tar, sizeof(tar), &f->error));
    ok(f, cb_outline_file(writer, file, 600, &f->error));
    ok(f, cb_outline_file(writer, "other", 1, &f->error));
    assert_int_equal(cb_outline_finish(writer, &f->error), 1);
    ok(f, cb_snapshot_commit(snapshot, &f->error));
    return snapshot;
}

static void an_outline_gives_all_bytes_and_no_more_than_it_may(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) snapshot = outlined(f, "file");
    uint64_t bytes = 0;

    assert_true(cb_outline_exists(snapshot));
    ok(f, cb_outline_play(snapshot, TAR_BYTES, count, &bytes, &f->error));
    assert_int_equal(bytes, TAR_BYTES);
    fails(f, CB_ERR_INTEGRITY,
          cb_outline_play(snapshot, TAR_BYTES - 1, count, &bytes, &f->error));
}

static void a_damaged_outline_leads_nowhere(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) outside = outlined(f, "../../../../../../etc/passwd");
    cb_auto(cb_snapshot) cut = outlined(f, "file");
    cb_autofree char *path = cb_snapshot_path(cut, "outline");
    uint64_t bytes = 0;

    fails(f, CB_ERR_NOT_FOUND,
          cb_outline_play(outside, TAR_BYTES, count, &bytes, &f->error));
    says(f, "etc/passwd");
    for (int size = 60; size >= 0; size -= 20) {
        cb_autofd int fd =
            openat(f->store->snapshots_fd, path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

        assert_int_equal(ftruncate(fd, size), 0);
        fails(f, CB_ERR_INTEGRITY,
              cb_outline_play(cut, TAR_BYTES, count, &bytes, &f->error));
    }
}

static void a_file_of_another_size_gives_the_outline_up(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) snapshot = new_snapshot(f, NULL);
    cb_auto(cb_outline_writer) writer = NULL;
    unsigned char tar[TAR_BYTES];

    make_tar(tar);
    ok(f, cb_outline_writer_new(snapshot, &writer, &f->error));
    ok(f, cb_outline_take(writer, tar, sizeof(tar), &f->error));
    ok(f, cb_outline_file(writer, "file", 599, &f->error));
    assert_int_equal(cb_outline_finish(writer, &f->error), 0);
    cb_outline_writer_free(cb_steal(&writer));
    assert_false(cb_outline_exists(snapshot));
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_tar_splits_in_the_same_way_however_it_comes),
        test(an_outline_gives_all_bytes_and_no_more_than_it_may),
        test(a_damaged_outline_leads_nowhere),
        test(a_file_of_another_size_gives_the_outline_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
