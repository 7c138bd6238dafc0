#include "store-test.h"

#include "store/stat-index.h"

#include <time.h>

static struct stat file_stat(int64_t mtime_s, long mtime_ns)
{
    struct stat st = {.st_dev = 1,
                      .st_ino = 2,
                      .st_size = 3,
                      .st_mode = S_IFREG | 0644,
                      .st_mtim = {mtime_s, mtime_ns},
                      .st_ctim = {mtime_s, mtime_ns}};

    return st;
}

static void add(struct fixture *f, const char *path, const struct stat *st,
                const char *text)
{
    struct cb_stat_index *index = cb_stat_index_open(f->store, f->top_fd);
    struct cb_digest digest = cb_digest_of(text, strlen(text));

    cb_stat_index_add(index, path, st, &digest);
    cb_stat_index_close(index);
}

static int find(struct fixture *f, const char *path, const struct stat *st,
                const char *text)
{
    struct cb_stat_index *index = cb_stat_index_open(f->store, f->top_fd);
    struct cb_digest want = cb_digest_of(text, strlen(text)), have;
    int found = cb_stat_index_find(index, path, st, &have);

    cb_stat_index_close(index);
    if (found)
        assert_true(cb_digest_equal(&want, &have));
    return found;
}

static char *index_path(struct fixture *f)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int fd = openat(f->top_fd, "store/stat-index", O_RDONLY | O_DIRECTORY);

    ok(f, cb_fs_list(fd, &names, &f->error));
    assert_int_equal(names.count, 1);
    return xasprintf("store/stat-index/%s", names.items[0]);
}

static void an_unchanged_file_is_known(void **state)
{
    struct fixture *f = *state;
    struct stat st = file_stat(1000000000, 5);

    add(f, "dir/file", &st, "content");
    assert_int_equal(find(f, "dir/file", &st, "content"), 1);
    assert_int_equal(find(f, "dir/fil", &st, "content"), 0);
    assert_int_equal(find(f, "dir/file2", &st, "content"), 0);
}

static void any_change_of_the_stat_data_is_a_miss(void **state)
{
    struct fixture *f = *state;
    struct stat st = file_stat(1000000000, 5);
    struct stat other[7];
    size_t i;

    for (i = 0; i < CB_ARRAY_SIZE(other); i++)
        other[i] = st;
    other[0].st_dev++;
    other[1].st_ino++;
    other[2].st_size++;
    other[3].st_mode ^= 0111;
    other[4].st_mtim.tv_nsec++;
    other[5].st_ctim.tv_nsec++;
    other[6].st_mtim.tv_sec--;
    add(f, "f", &st, "content");
    for (i = 0; i < CB_ARRAY_SIZE(other); i++)
        assert_int_equal(find(f, "f", &other[i], "content"), 0);
}

static void a_file_changed_in_the_same_tick_is_not_trusted(void **state)
{
    struct fixture *f = *state;
    struct timespec now;
    struct stat just_now, second, future, changed;

    clock_gettime(CLOCK_REALTIME, &now);
    just_now = file_stat(now.tv_sec, now.tv_nsec);
    second = file_stat(now.tv_sec - 1, 0); /* a file system of whole seconds */
    future = file_stat(now.tv_sec + 100, 7);
    changed = file_stat(1000000000, 5);
    changed.st_ctim = now;
    add(f, "a", &just_now, "x");
    add(f, "b", &second, "x");
    add(f, "c", &future, "x");
    add(f, "d", &changed, "x");
    assert_int_equal(find(f, "a", &just_now, "x"), 0);
    assert_int_equal(find(f, "b", &second, "x"), 0);
    assert_int_equal(find(f, "c", &future, "x"), 0);
    assert_int_equal(find(f, "d", &changed, "x"), 0);
}

static void entries_are_kept_sorted_and_replaced(void **state)
{
    struct fixture *f = *state;
    struct stat st = file_stat(1000000000, 5), later = file_stat(1000000001, 5);
    struct cb_stat_index *index = cb_stat_index_open(f->store, f->top_fd);
    int i;

    for (i = 0; i < 1000; i++) {
        cb_autofree char *path = xasprintf("d%d/f%d", i * 7919 % 100, i * 7919 % 1000);
        struct cb_digest digest = cb_digest_of(path, strlen(path));

        cb_stat_index_add(index, path, &st, &digest);
    }
    cb_stat_index_close(index);
    add(f, "d7/f7", &later, "new");
    assert_int_equal(find(f, "d7/f7", &later, "new"), 1);
    for (i = 0; i < 1000; i++) {
        cb_autofree char *path = xasprintf("d%d/f%d", i * 7919 % 100, i * 7919 % 1000);

        if (strcmp(path, "d7/f7") != 0)
            assert_int_equal(find(f, path, &st, path), 1);
    }
}

static void nothing_is_written_when_nothing_changed(void **state)
{
    struct fixture *f = *state;
    struct stat st = file_stat(1000000000, 5);
    cb_autofree char *path = NULL;
    ino_t before;

    add(f, "f", &st, "x");
    path = index_path(f);
    before = stat_of(f->top_fd, path).st_ino;
    assert_int_equal(find(f, "f", &st, "x"), 1);
    assert_int_equal(find(f, "g", &st, "x"), 0);
    assert_int_equal(stat_of(f->top_fd, path).st_ino, before);
}

static void a_damaged_index_is_a_miss(void **state)
{
    struct fixture *f = *state;
    struct stat st = file_stat(1000000000, 5);
    cb_autofree char *path = NULL;
    cb_auto_value(cb_strbuf) bytes = {0};
    size_t i;

    add(f, "some/file", &st, "x");
    path = index_path(f);
    ok(f, cb_fs_read_file(f->top_fd, path, 1 << 20, &bytes, &f->error));
    for (i = 0; i < bytes.len; i++) {
        cb_autofd int fd = openat(f->top_fd, path, O_WRONLY | O_TRUNC);

        bytes.text[i] ^= 0x40;
        assert_int_equal(cb_fs_write_all(fd, bytes.text, bytes.len), 0);
        assert_int_equal(find(f, "some/file", &st, "x"), 0);
        bytes.text[i] ^= 0x40;
    }
    for (i = 0; i < bytes.len; i += 3) {
        cb_autofd int fd = openat(f->top_fd, path, O_WRONLY | O_TRUNC);

        assert_int_equal(cb_fs_write_all(fd, bytes.text, i), 0);
        assert_int_equal(find(f, "some/file", &st, "x"), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(an_unchanged_file_is_known),
        test(any_change_of_the_stat_data_is_a_miss),
        test(a_file_changed_in_the_same_tick_is_not_trusted),
        test(entries_are_kept_sorted_and_replaced),
        test(nothing_is_written_when_nothing_changed),
        test(a_damaged_index_is_a_miss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
