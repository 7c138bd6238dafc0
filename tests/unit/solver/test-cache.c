/* What is executed, looked up, loaded and hashed, and what is not. No pool: everything in
 * order on one thread. */
#include "fake.h"

struct world {
    struct fake_sink sink;
    struct fake_cache cache;
    struct cb_solve_stats stats;
    int explain, has_ttl;
    int64_t ttl_ns;
};

static int setup(void **state)
{
    struct world *world = xcalloc(1, sizeof(*world));

    fake_sink_open(&world->sink);
    fake_cache_open(&world->cache);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    fake_sink_close(&world->sink);
    fake_cache_close(&world->cache);
    free(world);
    return 0;
}

static void solve(struct world *world, struct cb_graph *graph, struct cb_edge wanted,
                  const char *expected)
{
    struct cb_solve_options options = {.sink = &world->sink.base,
                                       .cache = &world->cache.base,
                                       .explain = world->explain,
                                       .has_cache_ttl = world->has_ttl,
                                       .cache_ttl_ns = world->ttl_ns};
    cb_auto(cb_result) result = NULL;

    fake_sink_clear(&world->sink);
    assert_int_equal(cb_solve(graph, &wanted, 1, &options, &result, &world->stats, NULL),
                     0);
    assert_string_equal(fake_text(result), expected);
}

/* base ← run ← last */
struct chain {
    struct fake base, run, last;
    struct cb_graph *graph;
    struct cb_edge base_edge, run_edge, last_edge;
};

static void build_chain(struct chain *chain)
{
    chain->base.name = "base";
    chain->run.name = chain->run.name ? chain->run.name : "run";
    chain->last.name = "last";
    chain->graph = cb_graph_new();
    chain->base_edge = fake_vertex(chain->graph, &chain->base);
    chain->run_edge = fake_vertex(chain->graph, &chain->run, chain->base_edge);
    chain->last_edge = fake_vertex(chain->graph, &chain->last, chain->run_edge);
}

static void solve_chain(struct world *world, struct chain *chain, const char *expected)
{
    build_chain(chain);
    solve(world, chain->graph, chain->last_edge, expected);
    cb_graph_free(chain->graph);
}

static void second_build_is_cached_and_loads_only_what_is_wanted(void **state)
{
    struct world *world = *state;
    struct chain first = {0}, second = {0};

    solve_chain(world, &first, "last(run(base()))");
    assert_string_equal(world->sink.text.text,
                        "START base\nDONE base\nSTART run\nDONE run\n"
                        "START last\nDONE last\n");
    assert_int_equal(world->stats.executed, 3);
    solve_chain(world, &second, "last(run(base()))");
    assert_string_equal(world->sink.text.text,
                        "START base\nCACHED base\nSTART run\nCACHED run\n"
                        "START last\nCACHED last\n");
    assert_int_equal(second.base.runs + second.run.runs + second.last.runs, 0);
    assert_int_equal(world->cache.loads, 1);
    assert_int_equal(world->stats.total, 3);
    assert_int_equal(world->stats.cached, 3);
    assert_int_equal(world->stats.executed, 0);
}

static void unneeded_vertices_are_not_even_mapped(void **state)
{
    struct world *world = *state;
    struct chain chain = {0};

    build_chain(&chain);
    solve(world, chain.graph, chain.run_edge, "run(base())");
    assert_int_equal(chain.last.maps, 0);
    assert_int_equal(world->stats.total, 2);
    cb_graph_free(chain.graph);
}

static int leave_all(void *arg, const struct cb_cache_entry *entry)
{
    ++*(int *)arg;
    return 1;
}

static int leave_none(void *arg, const struct cb_cache_entry *entry)
{
    ++*(int *)arg;
    return 0;
}

static void solve_leaving(struct world *world, const struct cb_edge *wanted, size_t count,
                          int (*leave)(void *, const struct cb_cache_entry *),
                          struct cb_result **results, struct cb_cache_entry *left,
                          int *asked, struct cb_graph *graph)
{
    const struct cb_solve_options options = {.sink = &world->sink.base,
                                             .cache = &world->cache.base,
                                             .leave = leave,
                                             .leave_arg = asked,
                                             .left = left};

    *asked = 0;
    assert_int_equal(
        cb_solve(graph, wanted, count, &options, results, &world->stats, NULL), 0);
}

static void a_wanted_hit_may_stay_where_it_is(void **state)
{
    struct world *world = *state;
    struct chain first = {0}, second = {0};
    struct cb_cache_entry left = {0};
    cb_auto(cb_result) result = NULL;
    int asked;

    solve_chain(world, &first, "last(run(base()))");
    build_chain(&second);
    solve_leaving(world, &second.last_edge, 1, leave_all, &result, &left, &asked,
                  second.graph);
    assert_null(result);
    assert_non_null(left.handle);
    assert_int_equal(asked, 1);
    assert_int_equal(world->cache.loads, 0);
    assert_int_equal(world->stats.cached, 3);
    cb_cache_entry_free(&left);
    solve_leaving(world, &second.last_edge, 1, leave_none, &result, &left, &asked,
                  second.graph);
    assert_string_equal(fake_text(result), "last(run(base()))");
    assert_null(left.handle);
    assert_int_equal(world->cache.loads, 1);
    cb_graph_free(second.graph);
}

static void what_had_to_be_made_or_is_needed_by_others_is_loaded(void **state)
{
    struct world *world = *state;
    struct chain first = {0}, second = {.last.value = "2"};
    struct cb_edge wanted[2];
    struct cb_cache_entry left[2];
    struct cb_result *results[2];
    int asked;

    memset(left, 0, sizeof(left));
    solve_chain(world, &first, "last(run(base()))");
    build_chain(&second);
    wanted[0] = second.run_edge;
    wanted[1] = second.last_edge;
    solve_leaving(world, wanted, 2, leave_all, results, left, &asked, second.graph);
    assert_string_equal(fake_text(results[0]), "run(base())");
    assert_string_equal(fake_text(results[1]), "last(run(base()))");
    assert_null(left[0].handle);
    assert_null(left[1].handle);
    assert_int_equal(second.last.runs, 1);
    cb_result_unref(results[0]);
    cb_result_unref(results[1]);
    cb_graph_free(second.graph);
}

static void changed_definition_executes_from_there_on(void **state)
{
    struct world *world = *state;
    struct chain first = {.run.value = "1"},
                 second = {.run.value = "2", .run.makes = "other"};

    solve_chain(world, &first, "last(run(base()))");
    solve_chain(world, &second, "last(other)");
    assert_string_equal(world->sink.text.text,
                        "START base\nCACHED base\nSTART run\nDONE run\n"
                        "START last\nDONE last\n");
    assert_int_equal(world->cache.loads, 1); /* base, for run */
}

static void equal_result_of_a_changed_step_makes_the_rest_a_hit(void **state)
{
    struct world *world = *state;
    struct chain first = {.run.value = "1", .run.makes = "same"},
                 second = {.run.value = "2", .run.makes = "same"};

    solve_chain(world, &first, "last(same)");
    solve_chain(world, &second, "last(same)");
    assert_int_equal(second.run.runs, 1);
    assert_int_equal(second.last.runs, 0);
}

/* last copies selection "a" of run's result. */
static void solve_copy(struct world *world, struct chain *chain, const char *run_value,
                       const char *run_makes, const char *expected)
{
    *chain = (struct chain){.run.value = run_value,
                            .run.makes = run_makes,
                            .last.wants_content = 1,
                            .last.selector = "a"};
    solve_chain(world, chain, expected);
}

static void content_key_hits_when_the_identity_missed_and_is_learnt(void **state)
{
    struct world *world = *state;
    struct chain chain;

    solve_copy(world, &chain, "1", "a=1;b=1", "last(a=1;b=1)");
    solve_copy(world, &chain, "2", "a=1;b=2", "last(a=1;b=1)");
    assert_int_equal(chain.run.runs, 1);
    assert_int_equal(chain.last.runs, 0);
    assert_int_equal(world->cache.aliases, 1);
    world->cache.loads = 0;
    solve_copy(world, &chain, "2", "a=1;b=2", "last(a=1;b=1)");
    assert_int_equal(chain.run.runs, 0);
    assert_int_equal(world->cache.aliases, 1);
    assert_int_equal(world->cache.loads, 1); /* run's files were not needed */
    solve_copy(world, &chain, "3", "a=2;b=2", "last(a=2;b=2)");
    assert_int_equal(chain.last.runs, 1);
}

static void other_selection_of_the_same_input_is_no_fast_hit(void **state)
{
    struct world *world = *state;
    struct chain first, second = {.run.value = "1",
                                  .run.makes = "a=1;b=2",
                                  .last.wants_content = 1,
                                  .last.selector = "b"};

    solve_copy(world, &first, "1", "a=1;b=2", "last(a=1;b=2)");
    solve_chain(world, &second, "last(a=1;b=2)");
    assert_int_equal(second.last.runs, 1);
}

/* base ← copy → context (uncacheable, read by content) */
static void solve_context(struct world *world, const char *files, struct fake *context,
                          struct fake *copy, const char *expected)
{
    cb_auto(cb_graph) graph = cb_graph_new();
    struct fake base = {.name = "base"};
    struct cb_vertex_options options;
    struct cb_edge root, local;

    *context = (struct fake){.name = "context", .makes = files, .uncacheable = 1};
    *copy = (struct fake){
        .name = "COPY a /", .wants_content = 2, .selector = "a", .label = "a"};
    root = fake_vertex(graph, &base);
    options = fake_options(context, NULL, 0);
    options.internal = 1;
    local = fake_add(graph, &options);
    solve(world, graph, fake_vertex(graph, copy, root, local), expected);
}

static void
context_is_opened_every_time_and_only_its_selected_content_counts(void **state)
{
    struct world *world = *state;
    struct fake context, copy;

    solve_context(world, "a=1;b=1", &context, &copy, "COPY a /(base(),a=1;b=1)");
    assert_string_equal(world->sink.text.text,
                        "START base\nDONE base\nSTART context\nDONE context\n"
                        "START COPY a /\nDONE COPY a /\n");
    assert_int_equal(world->stats.total, 2); /* the context is internal */
    solve_context(world, "a=1;b=2", &context, &copy, "COPY a /(base(),a=1;b=1)");
    assert_int_equal(context.runs, 1);
    assert_int_equal(copy.runs, 0);
    assert_int_equal(world->cache.saves, 2);
    world->explain = 1;
    solve_context(world, "a=2;b=2", &context, &copy, "COPY a /(base(),a=2;b=2)");
    assert_int_equal(copy.runs, 1);
    assert_non_null(strstr(world->sink.text.text,
                           "START COPY a /\nMISS COPY a /: COPY a: a value 1→2\n"));
}

/* base ← link (internal) ← last, twice: the second time all are found. */
static void the_end_of_a_step_tells_its_inputs_past_what_is_not_shown(void **state)
{
    struct world *world = *state;

    for (int i = 0; i < 2; i++) {
        cb_auto(cb_graph) graph = cb_graph_new();
        struct fake base = {.name = "base"}, other = {.name = "other", .value = "2"};
        struct fake link = {.name = "link"}, last = {.name = "last"};
        struct cb_edge root = fake_vertex(graph, &base), linked;
        struct cb_vertex_options options = fake_options(&link, &root, 1);

        options.internal = 1;
        linked = fake_add(graph, &options);
        root = fake_vertex(graph, &other, root);
        solve(world, graph, fake_vertex(graph, &last, linked, root, linked),
              "last(link(base()),other(base()),link(base()))");
        assert_string_equal(world->sink.inputs.text,
                            i ? "other<-base last<-other,base "
                              : "link<-base other<-base last<-link,other ");
    }
}

static void results_older_than_the_ttl_are_made_again(void **state)
{
    struct world *world = *state;
    struct chain first = {0}, second = {0}, third = {0};

    solve_chain(world, &first, "last(run(base()))");
    world->has_ttl = 1;
    world->ttl_ns = INT64_C(3600) * 1000000000;
    solve_chain(world, &second, "last(run(base()))");
    assert_int_equal(world->stats.executed, 0);
    world->ttl_ns = 0;
    world->explain = 1;
    solve_chain(world, &third, "last(run(base()))");
    assert_int_equal(world->stats.executed, 3);
    assert_non_null(strstr(world->sink.text.text,
                           "MISS run: the recorded result is older than --cache-ttl\n"));
}

static void missing_content_is_reported_at_the_step_that_asked(void **state)
{
    struct world *world = *state;
    cb_auto(cb_graph) graph = cb_graph_new();
    cb_auto(cb_source) source = cb_source_new("Dockerfile", "FROM x\nCOPY a /\n", 16);
    cb_auto(cb_error) error = NULL;
    struct cb_solve_options options = {.cache = &world->cache.base,
                                       .sink = &world->sink.base};
    struct fake context = {.name = "context", .makes = "b=1", .uncacheable = 1};
    struct fake copy = {.name = "COPY a /", .wants_content = 1, .selector = "a"};
    struct cb_edge local = fake_vertex(graph, &context), wanted;
    struct cb_vertex_options copy_options = fake_options(&copy, &local, 1);
    struct cb_result *result = NULL;
    struct cb_span span;

    copy_options.source = source;
    copy_options.span = (struct cb_span){7, 15};
    wanted = fake_add(graph, &copy_options);
    assert_int_equal(cb_solve(graph, &wanted, 1, &options, &result, NULL, &error), -1);
    assert_null(result);
    assert_string_equal(cb_error_message(error), "`a`: no such file");
    assert_ptr_equal(cb_error_source(error, &span), source);
    assert_int_equal(span.start, 7);
    assert_string_equal(world->sink.text.text, "START context\nDONE context\n"
                                               "START COPY a /\nERROR COPY a /\n");
}

static void no_cache_executes_and_records(void **state)
{
    struct world *world = *state;
    struct chain first = {0}, third = {0};
    struct fake base = {.name = "base"}, run = {.name = "run", .makes = "renewed"};
    cb_auto(cb_graph) graph = cb_graph_new();
    struct cb_edge root;
    struct cb_vertex_options options;

    solve_chain(world, &first, "last(run(base()))");
    root = fake_vertex(graph, &base);
    options = fake_options(&run, &root, 1);
    options.no_cache = 1;
    solve(world, graph, fake_add(graph, &options), "renewed");
    assert_int_equal(run.runs, 1);
    assert_int_equal(base.runs, 0);
    solve_chain(world, &third, "last(renewed)");
    assert_int_equal(third.run.runs, 0);
}

static void without_a_cache_everything_is_executed_and_nothing_hashed(void **state)
{
    struct chain chain = {
        .run.makes = "a=1", .last.wants_content = 1, .last.selector = "z"};
    struct cb_solve_options options = {0};
    cb_auto(cb_result) result = NULL;

    build_chain(&chain);
    assert_int_equal(
        cb_solve(chain.graph, &chain.last_edge, 1, &options, &result, NULL, NULL), 0);
    assert_string_equal(fake_text(result), "last(a=1)");
    cb_graph_free(chain.graph);
}

static void entry_that_went_away_is_executed_again(void **state)
{
    struct world *world = *state;
    struct chain first = {0}, second = {0};

    solve_chain(world, &first, "last(run(base()))");
    world->cache.lose = 1; /* last */
    solve_chain(world, &second, "last(run(base()))");
    assert_int_equal(second.base.runs, 0);
    assert_int_equal(second.run.runs, 0);
    assert_int_equal(second.last.runs, 1);
    assert_int_equal(world->stats.executed, 1);
    assert_int_equal(world->stats.cached, 2);
}

static void entries_that_are_found_but_never_load_are_executed(void **state)
{
    struct world *world = *state;
    struct chain first = {0}, second = {0};

    solve_chain(world, &first, "last(run(base()))");
    world->cache.lose = 1000;
    world->cache.lose_stubbornly = 1;
    solve_chain(world, &second, "last(run(base()))");
    assert_int_equal(second.base.runs, 1);
    assert_int_equal(second.run.runs, 1);
    assert_int_equal(second.last.runs, 1);
    assert_int_equal(world->stats.cached, 0);
}

/* run's entry goes, and executing it again makes something else: last may not be recorded
 * under the old key. */
static void dependents_are_keyed_anew_when_a_lost_input_turns_out_different(void **state)
{
    struct world *world = *state;
    struct chain first = {.run.makes = "old"},
                 second = {.run.makes = "new", .last.value = "2"},
                 third = {.run.makes = "new", .last.value = "2"};

    solve_chain(world, &first, "last(old)");
    world->cache.lose = 1; /* run, when it is loaded for last */
    solve_chain(world, &second, "last(new)");
    assert_int_equal(second.run.runs, 1);
    assert_int_equal(second.last.runs, 1);
    solve_chain(world, &third, "last(new)");
    assert_int_equal(third.run.runs, 0);
    assert_int_equal(third.last.runs, 0);
}

static void explanations_name_the_first_difference(void **state)
{
    struct world *world = *state;
    struct chain first = {.run.value = "1"},
                 second = {.run.value = "2", .run.makes = "x"};

    world->explain = 1;
    solve_chain(world, &first, "last(run(base()))");
    assert_non_null(
        strstr(world->sink.text.text,
               "START run\nMISS run: nothing is recorded for a step like this one\n"));
    solve_chain(world, &second, "last(x)");
    assert_string_equal(
        world->sink.text.text,
        "START base\nCACHED base\nSTART run\nMISS run: value 1→2\nDONE run\n"
        "START last\nMISS last: the result of `run` changed\nDONE last\n");
}

static void several_wanted_results_may_be_the_same(void **state)
{
    struct world *world = *state;
    struct chain chain = {0};
    struct cb_solve_options options = {.cache = &world->cache.base};
    struct cb_result *results[3] = {0};
    struct cb_edge wanted[3];

    build_chain(&chain);
    wanted[0] = chain.last_edge;
    wanted[1] = wanted[2] = chain.base_edge;
    assert_int_equal(cb_solve(chain.graph, wanted, 3, &options, results, NULL, NULL), 0);
    assert_string_equal(fake_text(results[0]), "last(run(base()))");
    assert_ptr_equal(results[1], results[2]);
    for (int i = 0; i < 3; i++)
        cb_result_unref(results[i]);
    cb_graph_free(chain.graph);
}

static void failed_step_is_not_recorded_and_what_was_finished_is(void **state)
{
    struct world *world = *state;
    cb_auto(cb_error) error = NULL;
    struct chain first = {.last.map_error = "no such image"}, second = {0};
    struct cb_solve_options options = {.cache = &world->cache.base,
                                       .sink = &world->sink.base};
    struct cb_result *result = NULL;

    build_chain(&first);
    assert_int_equal(
        cb_solve(first.graph, &first.last_edge, 1, &options, &result, NULL, &error), -1);
    assert_string_equal(cb_error_message(error), "no such image");
    cb_graph_free(first.graph);
    assert_non_null(strstr(world->sink.text.text, "START last\nERROR last\n"));
    solve_chain(world, &second, "last(run(base()))");
    assert_int_equal(second.last.runs, 1);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(second_build_is_cached_and_loads_only_what_is_wanted),
        WORLD_TEST(unneeded_vertices_are_not_even_mapped),
        WORLD_TEST(a_wanted_hit_may_stay_where_it_is),
        WORLD_TEST(what_had_to_be_made_or_is_needed_by_others_is_loaded),
        WORLD_TEST(changed_definition_executes_from_there_on),
        WORLD_TEST(equal_result_of_a_changed_step_makes_the_rest_a_hit),
        WORLD_TEST(content_key_hits_when_the_identity_missed_and_is_learnt),
        WORLD_TEST(other_selection_of_the_same_input_is_no_fast_hit),
        WORLD_TEST(context_is_opened_every_time_and_only_its_selected_content_counts),
        WORLD_TEST(the_end_of_a_step_tells_its_inputs_past_what_is_not_shown),
        WORLD_TEST(results_older_than_the_ttl_are_made_again),
        WORLD_TEST(missing_content_is_reported_at_the_step_that_asked),
        WORLD_TEST(no_cache_executes_and_records),
        WORLD_TEST(without_a_cache_everything_is_executed_and_nothing_hashed),
        WORLD_TEST(entry_that_went_away_is_executed_again),
        WORLD_TEST(entries_that_are_found_but_never_load_are_executed),
        WORLD_TEST(dependents_are_keyed_anew_when_a_lost_input_turns_out_different),
        WORLD_TEST(explanations_name_the_first_difference),
        WORLD_TEST(several_wanted_results_may_be_the_same),
        WORLD_TEST(failed_step_is_not_recorded_and_what_was_finished_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
