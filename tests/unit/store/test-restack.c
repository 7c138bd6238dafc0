/* One layer on several parents: the same files, the same digest, nothing copied. */
#include "store-test.h"

#include "store/copy-tree.h"

/* A layer on nothing with d/ (700, of 5:6, old), d/file with two names, d/soft, d/fifo.
 */
static struct cb_snapshot *layer(struct fixture *f)
{
    struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    struct cb_snapshot *snapshot = new_snapshot(f, NULL);
    cb_autofd int fd = root_of(f, snapshot);

    assert_int_equal(mkdirat(fd, "d", 0700), 0);
    put_file(fd, "d/file", "content", 04755);
    assert_int_equal(linkat(fd, "d/file", fd, "d/again", 0), 0);
    assert_int_equal(symlinkat("file", fd, "d/soft"), 0);
    assert_int_equal(mkfifoat(fd, "d/fifo", 0640), 0);
    assert_int_equal(fchownat(fd, "d", 5, 6, 0), 0);
    assert_int_equal(utimensat(fd, "d/soft", old, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(utimensat(fd, "d", old, 0), 0);
    cb_close(&fd);
    ok(f, cb_snapshot_commit(snapshot, &f->error));
    return snapshot;
}

static struct cb_snapshot *base(struct fixture *f, const char *name)
{
    struct cb_snapshot *snapshot = new_snapshot(f, NULL);
    cb_autofd int fd = root_of(f, snapshot);

    assert_int_equal(mkdirat(fd, "d", 0755), 0);
    put_file(fd, name, "base", 0644);
    put_file(fd, "d/below", "below", 0644);
    assert_int_equal(fchmod(fd, 0711), 0);
    cb_close(&fd);
    ok(f, cb_snapshot_commit(snapshot, &f->error));
    return snapshot;
}

static struct cb_snapshot *restack(struct fixture *f, struct cb_snapshot *top,
                                   struct cb_snapshot *parent)
{
    struct cb_snapshot *out = NULL;

    ok(f, cb_layer_restack(top,
                           &(struct cb_restack){
                               .parent = parent, .identity = "sha256:x", .pool = f->pool},
                           &out, &f->error));
    return out;
}

static void a_layer_looks_the_same_wherever_it_stands(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) top = layer(f);
    cb_auto(cb_snapshot) one = base(f, "one");
    cb_auto(cb_snapshot) two = base(f, "two");
    cb_auto(cb_snapshot) on_one = restack(f, top, one);
    cb_auto(cb_snapshot) on_two = restack(f, top, two);
    cb_autofd int fd = root_of(f, on_two), lonely = root_of(f, top);
    struct cb_layer_info info, other;
    struct stat st;

    assert_file(fd, "two", "base");
    assert_int_equal(exists(fd, "one"), 0);
    assert_file(fd, "d/below", "below");
    assert_file(fd, "d/file", "content");
    st = stat_of(fd, "d");
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(st.st_uid, 5);
    assert_int_equal(st.st_gid, 6);
    assert_int_equal(st.st_mtim.tv_sec, 1000);
    st = stat_of(fd, ".");
    assert_int_equal(st.st_mode & 07777, 0711);
    assert_int_equal(stat_of(fd, "d/file").st_mode & 07777, 04755);
    assert_int_equal(stat_of(fd, "d/file").st_ino, stat_of(fd, "d/again").st_ino);
    /* Shared with the other places. */
    assert_int_equal(stat_of(lonely, "d/file").st_nlink, 6);
    ok(f, cb_layer_info(on_one, f->pool, &info, &f->error));
    ok(f, cb_layer_info(on_two, f->pool, &other, &f->error));
    assert_true(cb_digest_equal(&info.diff_id, &other.diff_id));
    assert_true(cb_digest_equal(&info.tree, &other.tree));
    ok(f, cb_layer_measure(on_two, f->pool, &other, &f->error));
    assert_true(cb_digest_equal(&info.diff_id, &other.diff_id));
}

static void a_layer_outlives_the_one_it_was_made_of(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) top = layer(f);
    cb_auto(cb_snapshot) one = base(f, "one");
    cb_auto(cb_snapshot) on_one = restack(f, top, one);
    cb_autofree char *id = xstrdup(cb_snapshot_id(top));
    cb_autofd int fd = -1;

    cb_snapshot_unref(cb_steal(&top));
    ok(f, cb_snapshot_remove(f->store, id, &f->error));
    fd = root_of(f, on_one);
    assert_file(fd, "d/file", "content");
}

/* A file that may have no further name is copied with all its looks. */
static void what_cannot_be_shared_is_copied(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) from = new_snapshot(f, NULL);
    cb_auto(cb_snapshot) to = new_snapshot(f, NULL);
    cb_autofd int from_fd = root_of(f, from), to_fd = root_of(f, to);
    int count = 0;

    assert_int_equal(mkdirat(from_fd, "d", 0755), 0);
    put_file(from_fd, "d/file", "content", 0640);
    assert_int_equal(fchownat(from_fd, "d/file", 5, 6, 0), 0);
    for (; count < 70000; count++) {
        char name[32];

        snprintf(name, sizeof(name), "%d", count);
        if (linkat(from_fd, "d/file", to_fd, name, 0) < 0)
            break;
    }
    ok(f, cb_share_tree(from_fd, to_fd, NULL, &f->error));
    assert_file(to_fd, "d/file", "content");
    assert_int_equal(stat_of(to_fd, "d/file").st_mode & 07777, 0640);
    assert_int_equal(stat_of(to_fd, "d/file").st_uid, 5);
    assert_int_equal(stat_of(to_fd, "d/file").st_nlink, count < 70000 ? 1 : count + 2);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_layer_looks_the_same_wherever_it_stands),
        test(a_layer_outlives_the_one_it_was_made_of),
        test(what_cannot_be_shared_is_copied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
