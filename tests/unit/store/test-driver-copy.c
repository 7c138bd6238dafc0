/* The driver that copies: what is a change, and what is none. */
#include "store-test.h"

#include "store/xattr.h"

#include <stdlib.h>

static int setup_copies(void **state)
{
    int result;

    setenv("CBUILD_STORAGE_DRIVER", "copy", 1);
    result = setup(state);
    unsetenv("CBUILD_STORAGE_DRIVER");
    return result;
}

/* A layer on nothing, and one on it: dir/{one,two,three}, of which one and two are one
 * file; old/below. */
static struct cb_snapshot *base(struct fixture *f)
{
    cb_auto(cb_snapshot) ground = snapshot_with(f, NULL, "file", "text");
    struct cb_snapshot *snapshot = new_snapshot(f, ground);
    cb_autofd int fd = root_of(f, snapshot);

    assert_int_equal(mkdirat(fd, "dir", 0755), 0);
    assert_int_equal(mkdirat(fd, "old", 0755), 0);
    put_file(fd, "dir/one", "same", 0644);
    assert_int_equal(linkat(fd, "dir/one", fd, "dir/two", 0), 0);
    put_file(fd, "dir/three", "3", 0644);
    put_file(fd, "old/below", "x", 0644);
    cb_close(&fd);
    ok(f, cb_snapshot_commit(snapshot, &f->error));
    return snapshot;
}

static int layer_of(struct fixture *f, struct cb_snapshot *snapshot)
{
    int fd = -1;

    ok(f, cb_snapshot_open_upper(snapshot, &fd, &f->error));
    return fd;
}

static size_t count_names(struct fixture *f, int fd)
{
    cb_auto_value(cb_strings) names = {0};

    ok(f, cb_fs_list(fd, &names, &f->error));
    return names.count;
}

static void a_tree_nobody_changed_is_an_empty_layer(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) parent = base(f);
    cb_auto(cb_snapshot) snapshot = new_snapshot(f, parent);
    cb_autofd int tree = root_of(f, snapshot);
    cb_autofd int layer = -1;

    assert_file(tree, "file", "text");
    assert_file(tree, "dir/two", "same");
    assert_int_equal(stat_of(tree, "dir/one").st_ino, stat_of(tree, "dir/two").st_ino);
    layer = layer_of(f, snapshot);
    assert_int_equal(count_names(f, layer), 0);
}

static void content_that_changed_under_its_old_size_and_time_is_a_change(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) parent = base(f);
    cb_auto(cb_snapshot) snapshot = new_snapshot(f, parent);
    cb_autofd int tree = root_of(f, snapshot);
    struct stat st = stat_of(tree, "file");
    struct timespec times[2] = {st.st_atim, st.st_mtim};
    cb_autofd int layer = -1;

    put_file(tree, "file", "TEXT", 0644);
    assert_int_equal(utimensat(tree, "file", times, 0), 0);
    layer = layer_of(f, snapshot);
    assert_file(layer, "file", "TEXT");
    assert_int_equal(count_names(f, layer), 1);
}

static void a_file_that_lost_a_name_has_not_changed(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) parent = base(f);
    cb_auto(cb_snapshot) snapshot = new_snapshot(f, parent);
    cb_autofd int tree = root_of(f, snapshot);
    cb_autofd int layer = -1;

    assert_int_equal(unlinkat(tree, "dir/one", 0), 0);
    layer = layer_of(f, snapshot);
    assert_true(S_ISCHR(stat_of(layer, "dir/one").st_mode));
    assert_false(exists(layer, "dir/two"));
    cb_close(&layer);
    put_file(tree, "dir/two", "SAME", 0644);
    cb_close(&tree);
    tree = root_of(f, snapshot);
    layer = layer_of(f, snapshot);
    assert_file(layer, "dir/two", "SAME");
    assert_false(exists(layer, "dir/three"));
}

static void a_directory_made_anew_hides_the_old_one(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) parent = base(f);
    cb_auto(cb_snapshot) snapshot = new_snapshot(f, parent);
    cb_auto(cb_snapshot) upper = NULL;
    cb_auto_value(cb_xattrs) xattrs = {0};
    cb_autofd int tree = root_of(f, snapshot);
    cb_autofd int layer = -1;

    assert_int_equal(unlinkat(tree, "old/below", 0), 0);
    assert_int_equal(unlinkat(tree, "old", AT_REMOVEDIR), 0);
    assert_int_equal(mkdirat(tree, "old", 0700), 0);
    assert_int_equal(mkdirat(tree, "new", 0700), 0);
    layer = layer_of(f, snapshot);
    assert_false(exists(layer, "old/below"));
    ok(f, cb_xattrs_read(-1, layer, "old", &xattrs, &f->error));
    assert_true(cb_xattrs_are_opaque(&xattrs));
    cb_xattrs_free(&xattrs);
    ok(f, cb_xattrs_read(-1, layer, "new", &xattrs, &f->error));
    assert_false(cb_xattrs_are_opaque(&xattrs));
    cb_close(&tree);
    ok(f, cb_snapshot_commit(snapshot, &f->error));
    upper = new_snapshot(f, snapshot);
    tree = root_of(f, upper);
    assert_true(exists(tree, "old"));
    assert_false(exists(tree, "old/below"));
}

static void what_was_put_into_the_layer_first_is_in_the_tree(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) parent = base(f);
    cb_auto(cb_snapshot) snapshot = new_snapshot(f, parent);
    cb_autofd int layer = layer_of(f, snapshot);
    cb_autofd int tree = -1;

    put_file(layer, "early", "1", 0644);
    put_file(layer, "file", "other", 0644);
    cb_close(&layer);
    tree = root_of(f, snapshot);
    assert_file(tree, "early", "1");
    assert_file(tree, "file", "other");
    put_file(tree, "late", "2", 0644);
    layer = layer_of(f, snapshot);
    assert_file(layer, "early", "1");
    assert_file(layer, "file", "other");
    assert_file(layer, "late", "2");
    assert_int_equal(count_names(f, layer), 3);
}

static void what_is_committed_cannot_be_written_through_its_tree(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) parent = base(f);
    cb_autofd int tree = root_of(f, parent);

    assert_int_equal(openat(tree, "file", O_WRONLY | O_CLOEXEC), -1);
    assert_int_equal(errno, EROFS);
}

static void a_record_that_is_not_whole_is_an_error(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_snapshot) parent = base(f);
    cb_auto(cb_snapshot) snapshot = new_snapshot(f, parent);
    cb_autofd int tree = root_of(f, snapshot);
    cb_autofree char *path =
        xasprintf("%s/snapshots/%s/work/record", f->root, cb_snapshot_id(snapshot));
    struct stat st = stat_of(AT_FDCWD, path);
    int layer;

    for (off_t size = st.st_size - 1; size >= 0; size -= 7) {
        assert_int_equal(truncate(path, size), 0);
        fails(f, CB_ERR_INTEGRITY, cb_snapshot_open_upper(snapshot, &layer, &f->error));
    }
    says(f, "damaged");
}

#define copying(name) cmocka_unit_test_setup_teardown(name, setup_copies, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        copying(a_tree_nobody_changed_is_an_empty_layer),
        copying(content_that_changed_under_its_old_size_and_time_is_a_change),
        copying(a_file_that_lost_a_name_has_not_changed),
        copying(a_directory_made_anew_hides_the_old_one),
        copying(what_was_put_into_the_layer_first_is_in_the_tree),
        copying(what_is_committed_cannot_be_written_through_its_tree),
        copying(a_record_that_is_not_whole_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
