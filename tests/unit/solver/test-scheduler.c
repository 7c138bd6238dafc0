/* What happens at the same time, in which order, and how it ends. Steps wait for each
 * other by gates, never by time. */
#include "fake.h"

#include <dirent.h>
#include <poll.h>
#include <sched.h>

/* Opens when COUNT steps are inside it. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t more;
    int inside, count, most;
};

static void gate_open(struct gate *gate, int count)
{
    memset(gate, 0, sizeof(*gate));
    gate->count = count;
    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->more, NULL);
}

static int meet(struct fake *fake, struct cb_exec_context *context, struct cb_error **err)
{
    struct gate *gate = fake->arg;

    pthread_mutex_lock(&gate->lock);
    gate->inside++;
    pthread_cond_broadcast(&gate->more);
    while (gate->inside < gate->count)
        pthread_cond_wait(&gate->more, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
    return 0;
}

static int count_inside(struct fake *fake, struct cb_exec_context *context,
                        struct cb_error **err)
{
    struct gate *gate = fake->arg;

    pthread_mutex_lock(&gate->lock);
    if (++gate->inside > gate->most)
        gate->most = gate->inside;
    pthread_mutex_unlock(&gate->lock);
    sched_yield();
    pthread_mutex_lock(&gate->lock);
    gate->inside--;
    pthread_mutex_unlock(&gate->lock);
    return 0;
}

static int await_cancel(struct fake *fake, struct cb_exec_context *context,
                        struct cb_error **err)
{
    struct pollfd fd = {.fd = cb_cancel_fd(context->cancel), .events = POLLIN};

    if (fake->arg)
        meet(fake, context, err);
    poll(&fd, 1, -1);
    return cb_cancel_check(context->cancel, err);
}

static int meet_and_fail(struct fake *fake, struct cb_exec_context *context,
                         struct cb_error **err)
{
    meet(fake, context, err);
    return cb_error_exit(err, 3, "process `/bin/sh -c false` ended with status 3");
}

/* Fails on its own account, but after the other. */
static int meet_and_fail_late(struct fake *fake, struct cb_exec_context *context,
                              struct cb_error **err)
{
    struct pollfd fd = {.fd = cb_cancel_fd(context->cancel), .events = POLLIN};

    meet(fake, context, err);
    poll(&fd, 1, -1);
    return cb_error_exit(err, 4, "process `/bin/sh -c exit 4` ended with status 4");
}

static const char *const names[] = {"s0", "s1", "s2", "s3", "s4",
                                    "s5", "s6", "s7", "s8", "s9"};

/* COUNT stages of HOOK side by side, and `join` that takes all. */
struct fan {
    struct fake stages[10], join;
    struct cb_graph *graph;
    struct cb_edge edges[10], wanted;
};

static void build_fan(struct fan *fan, size_t count,
                      int (*hook)(struct fake *, struct cb_exec_context *,
                                  struct cb_error **),
                      void *arg)
{
    struct cb_vertex_options options;

    memset(fan, 0, sizeof(*fan));
    fan->graph = cb_graph_new();
    for (size_t i = 0; i < count; i++) {
        fan->stages[i] =
            (struct fake){.name = names[i], .value = names[i], .hook = hook, .arg = arg};
        fan->edges[i] = fake_vertex(fan->graph, &fan->stages[i]);
    }
    fan->join.name = "join";
    options = fake_options(&fan->join, fan->edges, count);
    fan->wanted = fake_add(fan->graph, &options);
}

static void ten_stages_run_at_the_same_time(void **state)
{
    cb_auto(cb_pool) pool = cb_pool_new(10, 1);
    struct cb_solve_options options = {.pool = pool};
    cb_auto(cb_result) result = NULL;
    struct gate gate;
    struct fan fan;

    gate_open(&gate, 10);
    build_fan(&fan, 10, meet, &gate);
    assert_int_equal(cb_solve(fan.graph, &fan.wanted, 1, &options, &result, NULL, NULL),
                     0);
    assert_string_equal(fake_text(result),
                        "join(s0(),s1(),s2(),s3(),s4(),s5(),s6(),s7(),s8(),s9())");
    cb_graph_free(fan.graph);
}

static void max_parallel_bounds_executions(void **state)
{
    cb_auto(cb_pool) pool = cb_pool_new(8, 1);
    struct cb_solve_options options = {.pool = pool, .max_parallel = 2};
    cb_auto(cb_result) result = NULL;
    struct gate gate;
    struct fan fan;

    gate_open(&gate, 0);
    build_fan(&fan, 10, count_inside, &gate);
    assert_int_equal(cb_solve(fan.graph, &fan.wanted, 1, &options, &result, NULL, NULL),
                     0);
    assert_in_range(gate.most, 1, 2);
    cb_graph_free(fan.graph);
}

static void io_steps_are_not_held_up_by_cpu_steps(void **state)
{
    static const struct cb_op_class io_op = {
        .name = "io", .pool = CB_POOL_IO, .cache_map = fake_map, .exec = fake_exec};
    cb_auto(cb_pool) pool = cb_pool_new(1, 2);
    cb_auto(cb_graph) graph = cb_graph_new();
    struct cb_solve_options options = {.pool = pool, .max_parallel = 1};
    struct fake cpu = {.name = "cpu", .hook = meet}, io = {.name = "io", .hook = meet};
    struct cb_result *results[2] = {0};
    struct cb_vertex_options io_options = fake_options(&io, NULL, 0);
    struct cb_edge wanted[2];
    struct gate gate;

    gate_open(&gate, 2);
    cpu.arg = io.arg = &gate;
    io_options.op = &io_op;
    wanted[0] = fake_vertex(graph, &cpu);
    wanted[1] = fake_add(graph, &io_options);
    assert_int_equal(cb_solve(graph, wanted, 2, &options, results, NULL, NULL), 0);
    cb_result_unref(results[0]);
    cb_result_unref(results[1]);
}

static void longest_way_starts_first(void **state)
{
    cb_auto(cb_graph) graph = cb_graph_new();
    struct fake_sink sink;
    struct fake light = {.name = "light"}, first = {.name = "first"},
                heavy = {.name = "heavy"}, join = {.name = "join"};
    struct cb_solve_options options = {.sink = &sink.base};
    cb_auto(cb_result) result = NULL;
    struct cb_vertex_options heavy_options;
    struct cb_edge a, b, wanted;

    fake_sink_open(&sink);
    a = fake_vertex(graph, &light);
    b = fake_vertex(graph, &first);
    heavy_options = fake_options(&heavy, &b, 1);
    heavy_options.weight = 50;
    b = fake_add(graph, &heavy_options);
    wanted = fake_vertex(graph, &join, a, b);
    assert_int_equal(cb_solve(graph, &wanted, 1, &options, &result, NULL, NULL), 0);
    assert_string_equal(sink.text.text,
                        "START first\nDONE first\nSTART heavy\nDONE heavy\n"
                        "START light\nDONE light\nSTART join\nDONE join\n");
    fake_sink_close(&sink);
}

/* Downloads have places of their own: two at once, and the third thread of the class is
 * there for what is not a download. */
static void downloads_are_bounded_by_themselves(void **state)
{
    static const struct cb_op_class io_op = {
        .name = "io", .pool = CB_POOL_IO, .cache_map = fake_map, .exec = fake_exec};
    cb_auto(cb_pool) pool = cb_pool_new(1, 3);
    cb_auto(cb_graph) graph = cb_graph_new();
    struct cb_solve_options options = {.pool = pool, .max_downloads = 2};
    struct fake downloads[6];
    struct cb_result *results[6] = {0};
    struct cb_edge wanted[6];
    struct gate gate;

    gate_open(&gate, 0);
    for (size_t i = 0; i < 6; i++) {
        struct cb_vertex_options io;

        downloads[i] =
            (struct fake){.name = names[i], .hook = count_inside, .arg = &gate};
        io = fake_options(&downloads[i], NULL, 0);
        io.op = &io_op;
        wanted[i] = fake_add(graph, &io);
    }
    assert_int_equal(cb_solve(graph, wanted, 6, &options, results, NULL, NULL), 0);
    assert_in_range(gate.most, 1, 2);
    for (size_t i = 0; i < 6; i++)
        cb_result_unref(results[i]);
}

/* Equal weights; an earlier build found that `slow` takes long. */
static int64_t measured(struct cb_cache_store *store, const char *name)
{
    return strcmp(name, "slow") == 0 ? 90000 : strcmp(name, "quick") == 0 ? 10 : -1;
}

static void what_took_long_in_earlier_builds_starts_first(void **state)
{
    cb_auto(cb_graph) graph = cb_graph_new();
    struct fake_sink sink;
    struct fake_cache cache;
    struct cb_cache_store_class class;
    struct fake quick = {.name = "quick", .value = "q"},
                slow = {.name = "slow", .value = "s"}, join = {.name = "join"};
    struct cb_solve_options options = {.sink = &sink.base, .cache = &cache.base};
    cb_auto(cb_result) result = NULL;
    struct cb_edge a, b, wanted;

    fake_sink_open(&sink);
    fake_cache_open(&cache);
    class = *cache.base.class;
    class.estimate_ms = measured;
    cache.base.class = &class;
    a = fake_vertex(graph, &quick);
    b = fake_vertex(graph, &slow);
    wanted = fake_vertex(graph, &join, a, b);
    assert_int_equal(cb_solve(graph, &wanted, 1, &options, &result, NULL, NULL), 0);
    assert_string_equal(sink.text.text, "START slow\nDONE slow\nSTART quick\nDONE quick\n"
                                        "START join\nDONE join\n");
    fake_cache_close(&cache);
    fake_sink_close(&sink);
}

static void
failure_cancels_siblings_and_dependents_and_is_reported_at_its_place(void **state)
{
    cb_auto(cb_pool) pool = cb_pool_new(4, 1);
    cb_auto(cb_source) source = cb_source_new("Dockerfile", "RUN false\n", 10);
    cb_auto(cb_graph) graph = cb_graph_new();
    cb_auto(cb_error) error = NULL;
    struct fake_sink sink;
    struct fake bad = {.name = "bad", .hook = meet_and_fail},
                sibling = {.name = "sibling", .hook = await_cancel},
                join = {.name = "join"};
    struct cb_solve_options options = {.pool = pool, .sink = &sink.base};
    struct cb_result *result = NULL;
    struct cb_vertex_options bad_options = fake_options(&bad, NULL, 0);
    struct cb_edge a, b, wanted;
    struct gate gate;

    fake_sink_open(&sink);
    gate_open(&gate, 2);
    bad.arg = sibling.arg = &gate;
    bad_options.source = source;
    bad_options.span = (struct cb_span){0, 9};
    a = fake_add(graph, &bad_options);
    b = fake_vertex(graph, &sibling);
    wanted = fake_vertex(graph, &join, a, b);
    assert_int_equal(cb_solve(graph, &wanted, 1, &options, &result, NULL, &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_EXIT);
    assert_int_equal(cb_error_exit_code(error), 3);
    assert_ptr_equal(cb_error_source(error, &(struct cb_span){0, 0}), source);
    assert_non_null(strstr(sink.text.text, "ERROR bad\n"));
    assert_non_null(strstr(sink.text.text, "CANCELED sibling\n"));
    assert_null(strstr(sink.text.text, "join"));
    assert_int_equal(join.runs, 0);
    fake_sink_close(&sink);
}

static void of_two_failures_the_one_that_stands_first_is_reported(void **state)
{
    cb_auto(cb_pool) pool = cb_pool_new(4, 1);
    cb_auto(cb_graph) graph = cb_graph_new();
    cb_auto(cb_error) error = NULL;
    struct fake_sink sink;
    struct fake first = {.name = "first", .hook = meet_and_fail_late},
                second = {.name = "second", .hook = meet_and_fail},
                join = {.name = "join"};
    struct cb_solve_options options = {.pool = pool, .sink = &sink.base};
    struct cb_result *result = NULL;
    struct cb_edge a, b, wanted;
    struct gate gate;

    fake_sink_open(&sink);
    gate_open(&gate, 2);
    first.arg = second.arg = &gate;
    a = fake_vertex(graph, &first);
    b = fake_vertex(graph, &second);
    wanted = fake_vertex(graph, &join, a, b);
    assert_int_equal(cb_solve(graph, &wanted, 1, &options, &result, NULL, &error), -1);
    assert_int_equal(cb_error_exit_code(error), 4);
    assert_non_null(strstr(sink.text.text, "ERROR first\n"));
    assert_non_null(strstr(sink.text.text, "ERROR second\n"));
    fake_sink_close(&sink);
}

static void *cancel_when_started(void *arg)
{
    void **args = arg;

    fake_sink_await(args[0], "START s0");
    fake_sink_await(args[0], args[2]);
    cb_cancel_request(args[1]);
    return NULL;
}

/* The steps start, then the caller cancels. */
static void check_cancel(size_t stages)
{
    cb_auto(cb_pool) pool = cb_pool_new(2, 1);
    cb_auto(cb_cancel) cancel = cb_cancel_new();
    cb_auto(cb_error) error = NULL;
    struct fake_sink sink;
    struct cb_solve_options options = {
        .pool = pool, .sink = &sink.base, .cancel = cancel};
    struct cb_result *result = NULL;
    void *args[3] = {&sink, cancel, (void *)(stages == 1 ? "START s0" : "START s1")};
    pthread_t thread;
    struct fan fan;

    fake_sink_open(&sink);
    build_fan(&fan, stages, await_cancel, NULL);
    assert_int_equal(pthread_create(&thread, NULL, cancel_when_started, args), 0);
    assert_int_equal(cb_solve(fan.graph, &fan.wanted, 1, &options, &result, NULL, &error),
                     -1);
    pthread_join(thread, NULL);
    assert_int_equal(cb_error_kind(error), CB_ERR_CANCELED);
    assert_non_null(strstr(sink.text.text, "CANCELED s0\n"));
    assert_null(strstr(sink.text.text, "ERROR"));
    cb_graph_free(fan.graph);
    fake_sink_close(&sink);
}

static void caller_cancels_one_step_on_its_own_thread(void **state)
{
    check_cancel(1);
}

static void caller_cancels_steps_on_workers(void **state)
{
    check_cancel(2);
}

static void canceled_before_the_start_touches_nothing(void **state)
{
    cb_auto(cb_cancel) cancel = cb_cancel_new();
    cb_auto(cb_error) error = NULL;
    struct cb_solve_options options = {.cancel = cancel};
    struct cb_result *result = NULL;
    struct fan fan;

    cb_cancel_request(cancel);
    build_fan(&fan, 2, NULL, NULL);
    assert_int_equal(cb_solve(fan.graph, &fan.wanted, 1, &options, &result, NULL, &error),
                     -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_CANCELED);
    assert_int_equal(fan.stages[0].runs + fan.stages[1].runs, 0);
    cb_graph_free(fan.graph);
}

/* Two definitions whose inputs turn out to be equal have one key. */
static void steps_with_the_same_key_execute_once(void **state)
{
    cb_auto(cb_pool) pool = cb_pool_new(4, 1);
    cb_auto(cb_cache_store) cache = cb_cache_memory_new();
    cb_auto(cb_graph) graph = cb_graph_new();
    struct cb_solve_options options = {.pool = pool, .cache = cache};
    struct cb_solve_stats stats;
    struct fake a = {.name = "a", .value = "a", .makes = "same"},
                b = {.name = "b", .value = "b", .makes = "same"}, run_a = {.name = "run"},
                run_b = {.name = "run"}, join = {.name = "join"};
    cb_auto(cb_result) result = NULL;
    struct cb_edge one, two, wanted;

    one = fake_vertex(graph, &a);
    two = fake_vertex(graph, &b);
    one = fake_vertex(graph, &run_a, one);
    two = fake_vertex(graph, &run_b, two);
    wanted = fake_vertex(graph, &join, one, two);
    assert_int_equal(cb_solve(graph, &wanted, 1, &options, &result, &stats, NULL), 0);
    assert_int_equal(run_a.runs + run_b.runs, 1);
    assert_int_equal(stats.cached, 1);
    assert_string_equal(fake_text(result), "join(run(same),run(same))");
}

struct build { /* one of two at the same time */
    struct cb_cache_store *cache;
    struct fake_sink sink;
    struct fake base, run;
    struct cb_solve_stats stats;
    char *text;
};

static void *run_build(void *arg)
{
    struct build *build = arg;
    cb_auto(cb_pool) pool = cb_pool_new(2, 1);
    cb_auto(cb_graph) graph = cb_graph_new();
    struct cb_solve_options options = {
        .pool = pool, .cache = build->cache, .sink = &build->sink.base};
    cb_auto(cb_result) result = NULL;
    struct cb_edge wanted;

    wanted = fake_vertex(graph, &build->base);
    wanted = fake_vertex(graph, &build->run, wanted);
    if (cb_solve(graph, &wanted, 1, &options, &result, &build->stats, NULL) == 0)
        build->text = xstrdup(fake_text(result));
    return NULL;
}

/* Ends when the other build says that it waits. */
static int until_the_other_waits(struct fake *fake, struct cb_exec_context *context,
                                 struct cb_error **err)
{
    fake_sink_await(fake->arg, "NOTICE run: waiting for");
    return 0;
}

static void two_builds_execute_each_step_once(void **state)
{
    cb_auto(cb_cache_store) cache = cb_cache_memory_new();
    struct build a = {.cache = cache, .base = {.name = "base"}, .run = {.name = "run"}},
                 b = a;
    pthread_t threads[2];

    fake_sink_open(&a.sink);
    fake_sink_open(&b.sink);
    a.run.hook = b.run.hook = until_the_other_waits;
    a.run.arg = &b.sink;
    b.run.arg = &a.sink;
    assert_int_equal(pthread_create(&threads[0], NULL, run_build, &a), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, run_build, &b), 0);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    assert_string_equal(a.text, "run(base())");
    assert_string_equal(b.text, "run(base())");
    assert_int_equal(a.base.runs + b.base.runs, 1);
    assert_int_equal(a.run.runs + b.run.runs, 1);
    assert_int_equal(a.stats.cached + b.stats.cached, 2);
    fake_sink_close(&a.sink);
    fake_sink_close(&b.sink);
    free(a.text);
    free(b.text);
}

static int thread_count(void)
{
    DIR *dir = opendir("/proc/self/task");
    int count = 0;

    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

/* Two stages of two steps with cheap maps, all cached: the pool stays asleep. */
static void cached_build_starts_no_thread(void **state)
{
    cb_auto(cb_cache_store) cache = cb_cache_memory_new();

    for (int round = 0; round < 2; round++) {
        cb_auto(cb_pool) pool = cb_pool_new(4, 4);
        cb_auto(cb_graph) graph = cb_graph_new();
        struct cb_solve_options options = {.pool = pool, .cache = cache};
        struct fake fakes[5] = {{.name = "a", .value = "a"},
                                {.name = "b", .value = "b"},
                                {.name = "c", .value = "c"},
                                {.name = "d", .value = "d"},
                                {.name = "join"}};
        cb_auto(cb_result) result = NULL;
        struct cb_edge edges[5], inputs[2];
        int before = thread_count();

        for (int i = 0; i < 5; i++) {
            struct cb_vertex_options step;

            inputs[0] = i == 4 ? edges[2] : edges[i >= 2 ? i - 2 : 0];
            inputs[1] = edges[i == 4 ? 3 : 0];
            step = fake_options(&fakes[i], inputs, i == 4 ? 2 : i >= 2);
            step.op = &fake_cheap_op;
            edges[i] = fake_add(graph, &step);
        }
        assert_int_equal(cb_solve(graph, &edges[4], 1, &options, &result, NULL, NULL), 0);
        if (round == 1)
            assert_int_equal(thread_count(), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cached_build_starts_no_thread),
        cmocka_unit_test(ten_stages_run_at_the_same_time),
        cmocka_unit_test(max_parallel_bounds_executions),
        cmocka_unit_test(io_steps_are_not_held_up_by_cpu_steps),
        cmocka_unit_test(longest_way_starts_first),
        cmocka_unit_test(downloads_are_bounded_by_themselves),
        cmocka_unit_test(what_took_long_in_earlier_builds_starts_first),
        cmocka_unit_test(
            failure_cancels_siblings_and_dependents_and_is_reported_at_its_place),
        cmocka_unit_test(of_two_failures_the_one_that_stands_first_is_reported),
        cmocka_unit_test(caller_cancels_one_step_on_its_own_thread),
        cmocka_unit_test(caller_cancels_steps_on_workers),
        cmocka_unit_test(canceled_before_the_start_touches_nothing),
        cmocka_unit_test(steps_with_the_same_key_execute_once),
        cmocka_unit_test(two_builds_execute_each_step_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
