#include "scratch.h"

#include "base/atomic-file.h"

static size_t count_names(int fd)
{
    cb_auto_value(cb_strings) names = {0};

    assert_int_equal(cb_fs_list(fd, &names, NULL), 0);
    return names.count;
}

static void a_file_appears_only_when_committed(void **state)
{
    struct scratch *scratch = *state;
    struct cb_error *err = NULL;
    cb_autofree char *text = NULL;
    struct stat st;

    assert_int_equal(mkdirat(scratch->fd, "sub", 0755), 0);
    assert_ok(cb_atomic_file_write(scratch->fd, "sub/a", "old", 3, 0444, 1, &err), err);
    {
        cb_auto(cb_atomic_file) file = NULL;

        assert_ok(cb_atomic_file_open(&file, scratch->fd, "sub/a", 0600, &err), err);
        assert_int_equal(cb_fs_write_all(cb_atomic_file_fd(file), "new", 3), 0);
    }
    text = read_text(scratch->fd, "sub/a");
    assert_string_equal(text, "old");
    assert_int_equal(fstatat(scratch->fd, "sub/a", &st, 0), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0444);
    {
        cb_autofd int sub = openat(scratch->fd, "sub", O_RDONLY | O_DIRECTORY);

        assert_int_equal(count_names(sub), 1);
    }
}

static void a_commit_replaces_and_takes(void **state)
{
    struct scratch *scratch = *state;
    struct cb_atomic_file *file = NULL;
    struct cb_error *err = NULL;
    cb_autofree char *text = NULL;

    write_file(scratch->fd, "a", "old");
    assert_ok(cb_atomic_file_open(&file, scratch->fd, "a", 0640, &err), err);
    assert_int_equal(cb_fs_write_all(cb_atomic_file_fd(file), "new", 3), 0);
    assert_ok(cb_atomic_file_commit(&file, 0, &err), err);
    assert_null(file);
    text = read_text(scratch->fd, "a");
    assert_string_equal(text, "new");
    assert_int_equal(count_names(scratch->fd), 1);
}

static void a_failed_commit_leaves_nothing_behind(void **state)
{
    struct scratch *scratch = *state;
    struct cb_error *err = NULL;

    assert_int_equal(mkdirat(scratch->fd, "taken", 0755), 0);
    assert_error(cb_atomic_file_write(scratch->fd, "taken", "x", 1, 0600, 0, &err), &err,
                 CB_ERR_SYSTEM, "rename to `taken`");
    assert_int_equal(count_names(scratch->fd), 1);
    assert_error(cb_atomic_file_write(scratch->fd, "no/x", "x", 1, 0600, 0, &err), &err,
                 CB_ERR_NOT_FOUND, "create `no/x`");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(a_file_appears_only_when_committed),
        scratch_test(a_commit_replaces_and_takes),
        scratch_test(a_failed_commit_leaves_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
