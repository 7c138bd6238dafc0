/* What a step leaves behind without having changed anything. */
#include "store-test.h"

#include "store/trim.h"

/* A layer with etc/ (holding `passwd`) and a/b/c/ in it. */
static struct cb_snapshot *base(struct fixture *f)
{
    struct cb_snapshot *snapshot = new_snapshot(f, NULL);
    cb_autofd int fd = root_of(f, snapshot);

    assert_int_equal(mkdirat(fd, "etc", 0755), 0);
    put_file(fd, "etc/passwd", "root:x:0:0::/:/bin/sh\n", 0644);
    assert_int_equal(mkdirat(fd, "a", 0755), 0);
    assert_int_equal(mkdirat(fd, "a/b", 0700), 0);
    assert_int_equal(mkdirat(fd, "a/b/c", 0711), 0);
    cb_close(&fd);
    ok(f, cb_snapshot_commit(snapshot, &f->error));
    return snapshot;
}

static void set_time(int fd, const char *path, const struct stat *st)
{
    struct timespec times[2] = {st->st_mtim, st->st_mtim};

    assert_int_equal(utimensat(fd, path, times, 0), 0);
}

/* Makes a file in DIRECTORY and takes it away, so that overlay copies the directory up.
 */
static void visit(struct fixture *f, struct cb_snapshot *snapshot, const char *directory,
                  int restore)
{
    cb_autofd int fd = root_of(f, snapshot);
    cb_autofree char *file = xasprintf("%s/stub", directory);
    struct stat before = stat_of(fd, directory);

    put_file(fd, file, "", 0644);
    assert_int_equal(unlinkat(fd, file, 0), 0);
    if (restore)
        set_time(fd, directory, &before);
}

static int upper_has(struct fixture *f, struct cb_snapshot *snapshot, const char *path)
{
    cb_autofd int fd = -1;

    ok(f, cb_snapshot_open_upper(snapshot, &fd, &f->error));
    return exists(fd, path);
}

static struct cb_digest tree_of(struct fixture *f, struct cb_snapshot *snapshot)
{
    struct cb_layer_info info;

    ok(f, cb_layer_measure(snapshot, f->pool, &info, &f->error));
    return info.tree;
}

static void a_directory_that_was_only_copied_up_is_no_change(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) parent = base(f);
    cb_auto(cb_snapshot) untouched = new_snapshot(f, parent);
    cb_auto(cb_snapshot) visited = new_snapshot(f, parent);
    struct cb_digest one, two;

    visit(f, visited, "etc", 1);
    visit(f, visited, "a/b/c", 1);
    assert_true(upper_has(f, visited, "etc"));
    ok(f, cb_snapshot_trim(visited, &f->error));
    assert_false(upper_has(f, visited, "etc"));
    assert_false(upper_has(f, visited, "a"));
    one = tree_of(f, untouched);
    two = tree_of(f, visited);
    assert_true(cb_digest_equal(&one, &two));
}

static void a_directory_that_differs_stays(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) parent = base(f);
    cb_auto(cb_snapshot) snapshot = new_snapshot(f, parent);
    cb_autofd int fd = -1;

    visit(f, snapshot, "etc", 0); /* its time is another now */
    fd = root_of(f, snapshot);
    assert_int_equal(fchmodat(fd, "a/b", 0755, 0), 0);
    cb_close(&fd);
    ok(f, cb_snapshot_trim(snapshot, &f->error));
    assert_true(upper_has(f, snapshot, "etc"));
    assert_true(upper_has(f, snapshot, "a/b"));
}

static void a_directory_that_hides_what_was_there_stays(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) parent = base(f);
    cb_auto(cb_snapshot) snapshot = new_snapshot(f, parent);
    cb_autofd int fd = root_of(f, snapshot);
    struct stat before = stat_of(fd, "etc");

    assert_int_equal(unlinkat(fd, "etc/passwd", 0), 0);
    assert_int_equal(unlinkat(fd, "etc", AT_REMOVEDIR), 0);
    assert_int_equal(mkdirat(fd, "etc", 0755), 0);
    set_time(fd, "etc", &before);
    cb_close(&fd);
    ok(f, cb_snapshot_trim(snapshot, &f->error));
    ok(f, cb_snapshot_commit(snapshot, &f->error));
    fd = root_of(f, snapshot);
    assert_true(exists(fd, "etc"));
    assert_false(exists(fd, "etc/passwd"));
}

static void new_directories_and_files_stay_with_their_parents_times(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) parent = base(f);
    cb_auto(cb_snapshot) snapshot = new_snapshot(f, parent);
    cb_autofd int fd = -1;
    struct stat before, after;

    visit(f, snapshot, "a/b/c", 1);
    fd = root_of(f, snapshot);
    assert_int_equal(mkdirat(fd, "a/new", 0755), 0);
    put_file(fd, "a/file", "x", 0644);
    before = stat_of(fd, "a");
    cb_close(&fd);
    ok(f, cb_snapshot_trim(snapshot, &f->error));
    assert_false(upper_has(f, snapshot, "a/b"));
    assert_true(upper_has(f, snapshot, "a/new"));
    fd = root_of(f, snapshot);
    assert_file(fd, "a/file", "x");
    assert_true(exists(fd, "a/b/c"));
    after = stat_of(fd, "a");
    assert_int_equal(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_directory_that_was_only_copied_up_is_no_change),
        test(a_directory_that_differs_stays),
        test(a_directory_that_hides_what_was_there_stays),
        test(new_directories_and_files_stay_with_their_parents_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
