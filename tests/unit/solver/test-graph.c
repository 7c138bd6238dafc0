/* Vertices are shared when definition and inputs are equal. */
#include "fake.h"

static void equal_steps_become_one_vertex(void **state)
{
    cb_auto(cb_graph) graph = cb_graph_new();
    struct fake base = {.name = "base"}, one = {.name = "RUN x"}, two = {.name = "RUN x"};
    struct cb_edge root = fake_vertex(graph, &base);
    struct cb_edge a = fake_vertex(graph, &one, root);
    struct cb_edge b = fake_vertex(graph, &two, root);
    struct cb_edge c = fake_vertex(graph, &two, a);

    assert_ptr_equal(a.vertex, b.vertex);
    assert_ptr_not_equal(a.vertex, c.vertex);
    assert_int_equal(cb_graph_count(graph), 3);
}

static void order_of_inputs_matters(void **state)
{
    cb_auto(cb_graph) graph = cb_graph_new();
    struct fake x = {.name = "x"}, y = {.name = "y"}, z = {.name = "z"};
    struct cb_edge a = fake_vertex(graph, &x), b = fake_vertex(graph, &y);
    struct cb_edge ab = fake_vertex(graph, &z, a, b), ba = fake_vertex(graph, &z, b, a);

    assert_ptr_not_equal(ab.vertex, ba.vertex);
}

static int freed;

static void count_free(void *payload)
{
    freed++;
}

static void
payload_of_a_duplicate_is_freed_at_once_and_others_with_the_graph(void **state)
{
    static const struct cb_op_class op = {.name = "fake",
                                          .cache_map = fake_map,
                                          .exec = fake_exec,
                                          .free_payload = count_free};
    struct cb_graph *graph = cb_graph_new();
    struct fake fake = {.name = "x"};
    struct cb_vertex_options options = fake_options(&fake, NULL, 0);

    options.op = &op;
    fake_add(graph, &options);
    assert_int_equal(freed, 0);
    fake_add(graph, &options);
    assert_int_equal(freed, 1);
    cb_graph_free(graph);
    assert_int_equal(freed, 2);
}

static void dump_shows_names_inputs_and_flags(void **state)
{
    cb_auto(cb_graph) graph = cb_graph_new();
    cb_auto_value(cb_strbuf) text = {0};
    struct fake base = {.name = "base"}, run = {.name = "[1/1] RUN \"x\""};
    struct cb_edge root = fake_vertex(graph, &base);
    struct cb_vertex_options options = fake_options(&run, &root, 1);

    options.no_cache = 1;
    options.internal = 1;
    fake_add(graph, &options);
    options.internal = 0; /* shown once is shown */
    fake_add(graph, &options);
    cb_graph_dump(graph, &text);
    assert_string_equal(text.text, "0 fake \"base\"\n"
                                   "1 fake \"[1/1] RUN \\\"x\\\"\" <- 0 (no-cache)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_steps_become_one_vertex),
        cmocka_unit_test(order_of_inputs_matters),
        cmocka_unit_test(
            payload_of_a_duplicate_is_freed_at_once_and_others_with_the_graph),
        cmocka_unit_test(dump_shows_names_inputs_and_flags),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
