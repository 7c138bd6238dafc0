/* Solves in which what has come decides what else is wanted. */
#include "fake.h"

#include <poll.h>

struct growth {
    struct cb_graph *graph;
    struct fake *next; /* on top of the vertex that arrives; or NULL */
    size_t next_count, arrivals;
    struct cb_edge last;
    int fails, no_cache;
    struct cb_edge on; /* that is what it is put on instead */
};

static int grow(void *arg, struct cb_edge wanted, struct cb_result *result,
                struct cb_wanted *more, struct cb_error **err)
{
    struct growth *growth = arg;
    struct cb_vertex_options options;

    growth->arrivals++;
    assert_non_null(result);
    if (growth->fails)
        return cb_error_set(err, CB_ERR_NOT_FOUND, "no value in `%s`", fake_text(result));
    if (!growth->next_count)
        return 0;
    growth->next_count--;
    options = fake_options(growth->next++, growth->on.vertex ? &growth->on : &wanted, 1);
    options.no_cache = growth->no_cache;
    growth->last = fake_add(growth->graph, &options);
    cb_vec_push(more, growth->last);
    return 0;
}

/* a, then b on a, then c on b: c is known when b is there. */
static void each_result_leads_to_the_next(void **state)
{
    struct fake first = {.name = "a"}, rest[] = {{.name = "b"}, {.name = "c"}};
    cb_auto(cb_graph) graph = cb_graph_new();
    cb_auto(cb_cache_store) cache = cb_cache_memory_new();
    struct growth growth = {.graph = graph, .next = rest, .next_count = 2};
    struct fake_sink sink;
    struct cb_solve_options options = {
        .cache = cache, .sink = &sink.base, .arrived = grow, .arrived_arg = &growth};
    struct cb_solve_stats stats;
    cb_auto(cb_result) result = NULL;
    struct cb_edge wanted = fake_vertex(graph, &first);

    fake_sink_open(&sink);
    assert_int_equal(cb_solve(graph, &wanted, 1, &options, &result, &stats, NULL), 0);
    assert_int_equal(growth.arrivals, 3);
    assert_int_equal(first.runs, 1);
    assert_int_equal(rest[1].runs, 1);
    assert_int_equal(stats.total, 3);
    assert_int_equal(stats.executed, 3);
    assert_string_equal(fake_text(result), "a()");
    assert_string_equal(cb_strbuf_text(&sink.text),
                        "START a\nDONE a\nSTART b\nDONE b\nSTART c\nDONE c\n");
    fake_sink_close(&sink);
}

static void a_failure_to_go_on_ends_the_solve(void **state)
{
    struct fake first = {.name = "a"};
    cb_auto(cb_graph) graph = cb_graph_new();
    struct growth growth = {.graph = graph, .fails = 1};
    struct cb_solve_options options = {.arrived = grow, .arrived_arg = &growth};
    cb_auto(cb_error) error = NULL;
    cb_auto(cb_result) result = NULL;
    struct cb_edge wanted = fake_vertex(graph, &first);

    assert_int_equal(cb_solve(graph, &wanted, 1, &options, &result, NULL, &error), -1);
    assert_string_equal(cb_error_message(error), "no value in `a()`");
    assert_null(result);
}

static int await_cancel(struct fake *fake, struct cb_exec_context *context,
                        struct cb_error **err)
{
    struct pollfd fd = {.fd = cb_cancel_fd(context->cancel), .events = POLLIN};

    poll(&fd, 1, -1);
    return cb_cancel_check(context->cancel, err);
}

static int await_begun(struct fake *fake, struct cb_exec_context *context,
                       struct cb_error **err)
{
    fake_sink_await(fake->arg, "START beside");
    return 0;
}

/* What is begun runs beside what is wanted, and ends with a solve that cannot go on. */
static void what_is_begun_runs_beside(void **state)
{
    cb_auto(cb_pool) pool = cb_pool_new(2, 1);
    cb_auto(cb_graph) graph = cb_graph_new();
    struct fake_sink sink;
    struct fake first = {.name = "a", .hook = await_begun, .arg = &sink};
    struct fake beside = {.name = "beside", .hook = await_cancel};
    struct growth growth = {.graph = graph, .fails = 1};
    cb_auto(cb_error) error = NULL;
    cb_auto(cb_result) result = NULL;
    struct cb_edge wanted = fake_vertex(graph, &first);
    struct cb_edge begun = fake_vertex(graph, &beside);
    struct cb_solve_options options = {.pool = pool,
                                       .sink = &sink.base,
                                       .max_parallel = 2,
                                       .arrived = grow,
                                       .arrived_arg = &growth,
                                       .begun = &begun,
                                       .begun_count = 1};

    fake_sink_open(&sink);
    assert_int_equal(cb_solve(graph, &wanted, 1, &options, &result, NULL, &error), -1);
    assert_string_equal(cb_error_message(error), "no value in `a()`");
    assert_non_null(strstr(cb_strbuf_text(&sink.text), "CANCELED beside"));
    fake_sink_close(&sink);
}

/* What is wanted later takes it as it is: found, or executed once. */
static void what_is_begun_is_there_for_what_comes(void **state)
{
    cb_auto(cb_cache_store) cache = cb_cache_memory_new();
    struct fake first = {.name = "a", .value = "a"}, beside = {.name = "b", .value = "b"},
                next = {.name = "c", .value = "c"};

    for (int round = 0; round < 2; round++) {
        cb_auto(cb_graph) graph = cb_graph_new();
        struct cb_edge wanted = fake_vertex(graph, &first);
        struct cb_edge begun = fake_vertex(graph, &beside);
        struct growth growth = {
            .graph = graph, .next = &next, .next_count = 1, .on = begun};
        cb_auto(cb_result) result = NULL;
        struct cb_solve_options options = {.cache = cache,
                                           .arrived = grow,
                                           .arrived_arg = &growth,
                                           .begun = &begun,
                                           .begun_count = 1};

        assert_int_equal(cb_solve(graph, &wanted, 1, &options, &result, NULL, NULL), 0);
        assert_int_equal(growth.arrivals, 2);
    }
    assert_int_equal(first.runs, 1);
    assert_int_equal(beside.runs, 1);
    assert_int_equal(next.runs, 1);
}

/* A vertex that workers may be reading stays as it is. */
static void a_vertex_in_use_is_not_changed(void **state)
{
    struct fake first = {.name = "a"}, again = {.name = "a"};
    cb_auto(cb_graph) graph = cb_graph_new();
    cb_auto(cb_result) result = NULL;
    struct cb_solve_options options = {0};
    struct cb_vertex_options other = fake_options(&again, NULL, 0);
    struct cb_edge wanted = fake_vertex(graph, &first), equal, own;
    cb_auto_value(cb_strbuf) text = {0};

    assert_int_equal(cb_solve(graph, &wanted, 1, &options, &result, NULL, NULL), 0);
    equal = fake_add(graph, &other);
    assert_ptr_equal(equal.vertex, wanted.vertex);
    other.no_cache = 1;
    own = fake_add(graph, &other);
    assert_ptr_not_equal(own.vertex, wanted.vertex);
    cb_graph_dump(graph, &text);
    assert_string_equal(cb_strbuf_text(&text), "0 fake \"a\"\n1 fake \"a\" (no-cache)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_result_leads_to_the_next),
        cmocka_unit_test(a_failure_to_go_on_ends_the_solve),
        cmocka_unit_test(what_is_begun_runs_beside),
        cmocka_unit_test(what_is_begun_is_there_for_what_comes),
        cmocka_unit_test(a_vertex_in_use_is_not_changed),
    };

    return cmocka_run_group_tests_name("solver growing", tests, NULL, NULL);
}
