/* Selectors as text, and what happens to files that change after they were listed. */
#include "ops/selection-priv.h"
#include "unit/ops/fixture.h"

static void selectors_survive_as_text(void **state)
{
    cb_auto_value(cb_selector) before = {.owners = 1, .required = 1};
    cb_auto_value(cb_selector) after = {0};
    cb_autofree char *text = NULL, *again = NULL;
    static const char *const paths[] = {"a b", "",         "new\nline", "back\\slash",
                                        "\\n", "\xff\xfe", " "};

    before.verb = xstrdup("ADD");
    for (size_t i = 0; i < CB_ARRAY_SIZE(paths); i++)
        cb_strings_add(&before.paths, paths[i]);
    cb_strings_add(&before.exclude, "path x");
    text = cb_selector_text(&before);
    OK(cb_selector_parse(&after, text, err));
    again = cb_selector_text(&after);
    assert_string_equal(again, text);
    assert_int_equal(after.paths.count, CB_ARRAY_SIZE(paths));
    for (size_t i = 0; i < CB_ARRAY_SIZE(paths); i++)
        assert_string_equal(after.paths.items[i], paths[i]);
    assert_true(after.owners && after.required && !after.literal && !after.parents);
}

static void malformed_selectors_are_refused(void **state)
{
    static const char *const bad[] = {"x", "x\n", "unknown x\n", "path a", "\n"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(bad); i++) {
        struct cb_selector selector;
        cb_auto(cb_error) error = NULL;

        assert_int_equal(cb_selector_parse(&selector, bad[i], &error), -1);
        assert_int_equal(cb_error_kind(error), CB_ERR_INTEGRITY);
    }
}

/* Lists everything in a directory that holds "f", changes it, and opens "f" as listed. */
static void assert_change_is_noticed(void (*change)(int root))
{
    char dir[] = "/tmp/cbuild-selection-XXXXXX";
    cb_auto_value(cb_selector) selector = {0};
    cb_auto(cb_selection) selection = NULL;
    cb_auto(cb_error) error = NULL;
    struct cb_tree tree = {.place = "here"};
    cb_autofd int root = -1, fd = -1;

    assert_non_null(mkdtemp(dir));
    root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    plant(root, "f=one other=two");
    OK(cb_selector_parse(&selector, CB_SELECTOR_ALL, err));
    tree.root_fd = root;
    OK(cb_select(&tree, &selector, &selection, err));
    assert_int_equal(selection->entries.count, 3);
    assert_string_equal(selection->entries.items[1].path, "f");
    change(root);
    assert_int_equal(cb_entry_open(root, &selection->entries.items[1], &fd, &error), -1);
    assert_string_equal(cb_error_message(error), "`f`: file changed while it was read");
    OK(cb_fs_remove_tree(AT_FDCWD, dir, err));
}

static void written(int root)
{
    cb_autofd int fd = openat(root, "f", O_WRONLY | O_CLOEXEC);

    assert_int_equal(cb_fs_write_all(fd, "two", 3), 0);
}
static void removed(int root)
{
    assert_int_equal(unlinkat(root, "f", 0), 0);
}
static void linked(int root)
{
    removed(root);
    plant(root, "f->other");
}
static void fifo(int root)
{
    removed(root);
    plant(root, "f|");
}
static void replaced(int root)
{
    plant(root, "new=one");
    assert_int_equal(renameat(root, "new", root, "f"), 0);
}

static void files_that_changed_since_they_were_listed_are_refused(void **state)
{
    assert_change_is_noticed(written);
    assert_change_is_noticed(removed);
    assert_change_is_noticed(linked);
    assert_change_is_noticed(fifo);
    assert_change_is_noticed(replaced);
}

static void identities_follow_content_and_not_time(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_result) one = FILESYSTEM(f, "a=1", "b=2");
    cb_auto(cb_result) same = FILESYSTEM(f, "a=1", "b=2");
    cb_auto(cb_result) other = FILESYSTEM(f, "a=1", "b=3");
    cb_auto(cb_result) below = FILESYSTEM(f, "a=0", "b=2");
    struct timespec now[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    struct cb_snapshot *layer = NULL;
    struct cb_digest later;
    int root;

    assert_true(cb_digest_equal(&one->identity, &same->identity));
    assert_false(cb_digest_equal(&one->identity, &other->identity));
    assert_false(cb_digest_equal(&one->identity, &below->identity));
    OK(cb_snapshot_prepare(f->store, cb_snapshot_parent(cb_snapshot_result_get(one)),
                           &layer, err));
    OK(cb_snapshot_open_root(layer, &root, err));
    plant(root, "b=2");
    assert_int_equal(utimensat(root, "b", now, 0), 0);
    close(root);
    OK(cb_snapshot_commit(layer, err));
    later = identity_of(f, layer);
    cb_snapshot_unref(layer);
    assert_true(cb_digest_equal(&one->identity, &later));
}

static void scratch_is_one_empty_filesystem(void **state)
{
    struct fixture *f = *state;
    cb_auto(cb_graph) graph = cb_graph_new();
    struct cb_vertex_options options = {0}, again = {0};
    cb_autofree char *message = NULL;
    cb_auto(cb_result) result = NULL;
    struct cb_edge first, second;

    OK(cb_op_scratch(&options, &f->env, err));
    first = add_step(graph, &options, NULL, 0);
    OK(cb_op_scratch(&again, &f->env, err));
    second = add_step(graph, &again, NULL, 0);
    assert_ptr_equal(first.vertex, second.vertex);
    result = solve(f, graph, first, &message);
    assert_non_null(result);
    assert_null(cb_snapshot_result_get(result));
    assert_result(result, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selectors_survive_as_text),
        cmocka_unit_test(malformed_selectors_are_refused),
        cmocka_unit_test(files_that_changed_since_they_were_listed_are_refused),
        cmocka_unit_test_setup_teardown(identities_follow_content_and_not_time,
                                        fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(scratch_is_one_empty_filesystem, fixture_open,
                                        fixture_close),
    };

    if (!fixture_needs_root())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
