/* What later layers take away of earlier ones. */
#include "store/layer-waste.h"

#include "store-test.h"

/* A layer on PARENT (freed), as COMMAND leaves it: its directory is the merged tree. */
static struct cb_snapshot *layer(struct fixture *f, struct cb_snapshot *parent,
                                 void (*change)(int root))
{
    struct cb_snapshot *snapshot = NULL;
    int root = -1;

    ok(f, cb_snapshot_prepare(f->store, parent, &snapshot, &f->error));
    ok(f, cb_snapshot_open_root(snapshot, &root, &f->error));
    change(root);
    cb_close(&root);
    ok(f, cb_snapshot_commit(snapshot, &f->error));
    cb_snapshot_unref(parent);
    return snapshot;
}

static void put(int root, const char *name, size_t size)
{
    cb_autofree char *bytes = xcalloc(1, size + 1);
    cb_autofd int fd = openat(root, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(cb_fs_write_all(fd, bytes, size), 0);
}

static void first(int root)
{
    assert_int_equal(mkdirat(root, "dir", 0755), 0);
    assert_int_equal(mkdirat(root, "dir/sub", 0755), 0);
    assert_int_equal(mkdirat(root, "gone", 0755), 0);
    put(root, "kept", 1000);
    put(root, "dir/rewritten", 2000);
    put(root, "dir/sub/inner", 300);
    put(root, "gone/a", 40);
    put(root, "gone/b", 50);
    put(root, "two", 7000);
    assert_int_equal(linkat(root, "two", root, "two-more", 0), 0);
}

static void second(int root)
{
    put(root, "dir/rewritten", 2100);
    put(root, "new", 5);
    cb_fs_remove_tree(root, "gone", NULL);
    assert_int_equal(unlinkat(root, "two", 0), 0);
}

/* A directory anew, a file in the place of a directory, the last name of a file. */
static void third(int root)
{
    cb_fs_remove_tree(root, "dir", NULL);
    assert_int_equal(mkdirat(root, "dir", 0755), 0);
    put(root, "gone", 1);
    assert_int_equal(unlinkat(root, "two-more", 0), 0);
}

static void files_that_are_written_again_or_deleted_are_wasted(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_layer_waste) waste = {0};
    struct cb_snapshot *top = layer(f, layer(f, layer(f, NULL, first), second), third);
    struct cb_digests diff_ids = {0};

    ok(f, cb_chain_register(top, NULL, &diff_ids, &f->error));
    ok(f, cb_layer_waste_find(f->store, diff_ids.items, diff_ids.count, NULL, &waste,
                              &f->error));
    assert_int_equal(waste.layers.count, 3);
    assert_int_equal(waste.layers.items[0].bytes, 10390);
    assert_int_equal(waste.layers.items[0].files, 7);
    assert_int_equal(waste.layers.items[0].wasted_bytes, 9390);
    assert_int_equal(waste.layers.items[0].wasted_files, 6);
    assert_int_equal(waste.layers.items[1].bytes, 2105);
    assert_int_equal(waste.layers.items[1].wasted_bytes, 2100);
    assert_int_equal(waste.layers.items[1].hidden, 2);
    assert_int_equal(waste.layers.items[2].bytes, 1);
    assert_int_equal(waste.layers.items[2].wasted_bytes, 0);
    assert_string_equal(waste.wasted.items[0].path, "two-more");
    assert_int_equal(waste.wasted.items[0].bytes, 7000);
    assert_int_equal(waste.wasted.items[0].by, 2);
    assert_int_equal(waste.wasted.items[0].deleted, 1);
    assert_string_equal(waste.wasted.items[1].path, "dir/rewritten");
    assert_int_equal(waste.wasted.items[1].layer, 1);
    assert_string_equal(waste.wasted.items[2].path, "dir/rewritten");
    assert_int_equal(waste.wasted.items[2].deleted, 0);
    cb_vec_free(&diff_ids);
    cb_snapshot_unref(top);
}

static void layers_that_are_not_there_are_not_known(void **state)
{
    struct fixture *f = *state;
    cb_auto_value(cb_layer_waste) waste = {0};
    struct cb_digest missing = cb_digest_of("x", 1);

    ok(f, cb_layer_waste_find(f->store, &missing, 1, NULL, &waste, &f->error));
    assert_int_equal(waste.layers.count, 1);
    assert_int_equal(waste.layers.items[0].is_known, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(files_that_are_written_again_or_deleted_are_wasted),
        T(layers_that_are_not_there_are_not_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
