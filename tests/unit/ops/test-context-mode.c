/* What becomes of a context's files on their way into a layer: git's modes,
 * sockets. */
#include "unit/ops/fixture.h"

static struct cb_result *copy_context(struct fixture *f, const char *name,
                                      const char *source, int unpack, char **message)
{
    cb_auto(cb_graph) graph = cb_graph_new();
    struct cb_copy_source from = {.input = 1, .path = source};
    struct cb_copy_options copy = {
        .sources = &from, .source_count = 1, .dest = "/x/", .unpack = unpack};
    struct cb_vertex_options options = {0};
    struct cb_edge inputs[2];

    OK(cb_op_copy(&options, &f->env, &copy, err));
    inputs[0] = add_given(graph, FILESYSTEM(f, "y=1"));
    inputs[1] = add_context(f, graph, name);
    return solve(f, graph, add_step(graph, &options, inputs, 2), message);
}

static void with_git_modes_only_execution_counts(void **state)
{
    struct fixture *f = *state;
    cb_autofd int context = make_dir(f, "context");
    cb_autofree char *message = NULL;
    cb_auto(cb_result) result = NULL;

    f->env.context_git_modes = 1;
    plant(context, "700@d/ 600@d/a=1 664@d/b=2 4711@d/c=3 444@d/e=4 d/l->a d/p|");
    result = copy_context(f, "context", ".", 0, &message);
    assert_result(result,
                  "x/ x/d/ x/d/a=1 x/d/b=2 755@x/d/c=3 x/d/e=4 x/d/l->a 600@x/d/p| y=1");
}

static void with_git_modes_another_umask_is_a_hit(void **state)
{
    static const char *const trees[] = {
        "700@d/ 600@d/a=1 700@d/x=2", "d/ d/a=1 755@d/x=2", "775@d/ 664@d/a=1 775@d/x=2"};
    static const char *const names[] = {"one", "two", "three"};
    struct fixture *f = *state;

    for (int git = 0; git < 2; git++) {
        f->env.context_git_modes = git;
        for (size_t i = 0; i < CB_ARRAY_SIZE(trees); i++) {
            cb_autofree char *name = xasprintf("%s-%d", names[i], git);
            cb_autofd int context = make_dir(f, name);
            cb_autofree char *message = NULL;
            cb_auto(cb_result) result = NULL;

            plant(context, trees[i]);
            result = copy_context(f, name, "d", 0, &message);
            assert_non_null(result);
            assert_int_equal(f->stats.cached, git && i > 0);
        }
    }
}

static void with_git_modes_execution_is_a_miss(void **state)
{
    struct fixture *f = *state;
    cb_autofd int context = make_dir(f, "context");
    cb_autofree char *message = NULL;
    cb_auto(cb_result) first = NULL;
    cb_auto(cb_result) second = NULL;

    f->env.context_git_modes = 1;
    plant(context, "a=1");
    first = copy_context(f, "context", "a", 0, &message);
    assert_int_equal(fchmodat(context, "a", 0744, 0), 0);
    second = copy_context(f, "context", "a", 0, &message);
    assert_int_equal(f->stats.cached, 0);
    assert_result(second, "x/ 755@x/a=1 y=1");
}

static void sockets_become_empty_files(void **state)
{
    struct fixture *f = *state;
    cb_autofd int context = make_dir(f, "context");
    cb_autofree char *message = NULL;

    plant(context, "d/ d/s% d/a=1");
    for (int unpack = 0; unpack < 2; unpack++) {
        cb_auto(cb_result) all = copy_context(f, "context", "d", unpack, &message);
        cb_auto(cb_result) one = copy_context(f, "context", "d/s", unpack, &message);

        assert_result(all, "x/ x/a=1 600@x/s= y=1");
        assert_result(one, "x/ 600@x/s= y=1");
    }
    assert_string_equal(cb_strbuf_text(&f->warnings), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(with_git_modes_only_execution_counts),
        TEST(with_git_modes_another_umask_is_a_hit),
        TEST(with_git_modes_execution_is_a_miss),
        TEST(sockets_become_empty_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
