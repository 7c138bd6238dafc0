/* The times of a layer's files, none newer than wanted. */
#include "store-test.h"

#include "store/clamp.h"

#define EPOCH 1000000000

static void set_time(int fd, const char *path, time_t seconds, long nanoseconds)
{
    struct timespec time = {.tv_sec = seconds, .tv_nsec = nanoseconds};
    struct timespec times[2] = {time, time};

    assert_int_equal(utimensat(fd, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void assert_time(int fd, const char *path, time_t seconds, long nanoseconds)
{
    struct stat st;

    assert_int_equal(fstatat(fd, path, &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_mtim.tv_sec, seconds);
    assert_int_equal(st.st_mtim.tv_nsec, nanoseconds);
}

static struct cb_snapshot *base(struct fixture *f)
{
    struct cb_snapshot *snapshot = new_snapshot(f, NULL);
    cb_autofd int fd = root_of(f, snapshot);

    assert_int_equal(mkdirat(fd, "d", 0755), 0);
    put_file(fd, "d/below", "below", 0644);
    put_file(fd, "d/gone", "gone", 0644);
    set_time(fd, "d/below", EPOCH + 7, 0);
    cb_close(&fd);
    ok(f, cb_snapshot_commit(snapshot, &f->error));
    return snapshot;
}

static void what_is_newer_gets_the_time_and_what_is_older_keeps_its_own(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) parent = base(f);
    cb_auto(cb_snapshot) snapshot = new_snapshot(f, parent);
    cb_autofd int fd = root_of(f, snapshot);

    put_file(fd, "d/new", "x", 0444);
    put_file(fd, "d/old", "x", 0644);
    put_file(fd, "d/barely", "x", 0644);
    set_time(fd, "d/old", EPOCH - 1, 5);
    set_time(fd, "d/barely", EPOCH, 1);
    assert_int_equal(symlinkat("nowhere", fd, "d/link"), 0);
    assert_int_equal(mkfifoat(fd, "d/fifo", 0644), 0);
    assert_int_equal(unlinkat(fd, "d/gone", 0), 0);
    cb_close(&fd);
    ok(f, cb_snapshot_clamp(snapshot, EPOCH, NULL, &f->error));
    ok(f, cb_snapshot_commit(snapshot, &f->error));
    fd = root_of(f, snapshot);
    assert_time(fd, ".", EPOCH, 0);
    assert_time(fd, "d", EPOCH, 0);
    assert_time(fd, "d/new", EPOCH, 0);
    assert_time(fd, "d/old", EPOCH - 1, 5);
    assert_time(fd, "d/barely", EPOCH, 0);
    assert_time(fd, "d/link", EPOCH, 0);
    assert_time(fd, "d/fifo", EPOCH, 0);
    assert_time(fd, "d/below", EPOCH + 7, 0);
    assert_false(exists(fd, "d/gone"));
}

static void a_layer_that_is_old_already_is_the_same_layer(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) snapshot = new_snapshot(f, NULL);
    cb_autofd int fd = root_of(f, snapshot);
    struct cb_layer_info before, after;

    put_file(fd, "file", "x", 0644);
    set_time(fd, "file", EPOCH - 1, 0);
    cb_close(&fd);
    ok(f, cb_layer_measure(snapshot, f->pool, &before, &f->error));
    ok(f, cb_snapshot_clamp(snapshot, EPOCH, NULL, &f->error));
    ok(f, cb_layer_measure(snapshot, f->pool, &after, &f->error));
    assert_true(cb_digest_equal(&before.diff_id, &after.diff_id));
    ok(f, cb_snapshot_clamp(snapshot, EPOCH - 2, NULL, &f->error));
    ok(f, cb_layer_measure(snapshot, f->pool, &after, &f->error));
    assert_false(cb_digest_equal(&before.diff_id, &after.diff_id));
    assert_true(cb_digest_equal(&before.tree, &after.tree));
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_is_newer_gets_the_time_and_what_is_older_keeps_its_own),
        test(a_layer_that_is_old_already_is_the_same_layer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
