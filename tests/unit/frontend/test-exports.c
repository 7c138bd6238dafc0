/* RUN --export: how far a plan gets without the values, and what it becomes with them. */
#include "fake-build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct planned {
    struct fake_request request;
    struct cb_graph *graph;
    struct cb_plan *plan;
    struct cb_error *error;
    int status;
};

static void plan(struct planned *planned, const char *dockerfile)
{
    memset(planned, 0, sizeof(*planned));
    fake_request_init(&planned->request);
    planned->graph = cb_graph_new();
    planned->request.options.graph = planned->graph;
    planned->status = fake_plan(&planned->request, dockerfile, strlen(dockerfile),
                                &planned->plan, &planned->error);
}

static void planned_clear(struct planned *planned)
{
    cb_plan_free(planned->plan);
    cb_graph_free(planned->graph);
    cb_error_free(planned->error);
    fake_request_clear(&planned->request);
}

/* "/v" holds "v of" and what ARG says. */
static int read_name(void *arg, const char *path, char **value, struct cb_error **err)
{
    if (strstr(path, "missing"))
        return cb_error_set(err, CB_ERR_NOT_FOUND, "`%s` is not there", path);
    *value = xasprintf("%s of %s", path + 1, (const char *)arg);
    return 0;
}

static void learn(struct planned *planned, size_t index, const char *value)
{
    planned->status = cb_plan_learn(planned->plan, planned->plan->awaited.items[index],
                                    read_name, (char *)value, &planned->error);
}

static int has_step(const struct planned *planned, const char *name)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_graph_dump(planned->graph, &text);
    return strstr(cb_strbuf_text(&text), name) != NULL;
}

static const char *awaited_name(const struct planned *planned, size_t index)
{
    return cb_vertex_name(planned->plan->awaited.items[index].vertex);
}

static void a_plan_stops_and_goes_on(void **state)
{
    struct planned planned;

    plan(&planned, "# cbuild=1\nFROM x\nWORKDIR /w\nRUN --export=V=/v --export=W=sub a\n"
                   "RUN --export=V=/again b\nENV E=$V/$W\nRUN c\n");
    assert_int_equal(planned.status, 0);
    assert_int_equal(planned.plan->awaited.count, 1);
    assert_string_equal(awaited_name(&planned, 0),
                        "[3/5] RUN --export=V=/v --export=W=sub a");
    assert_null(planned.plan->config);
    assert_false(has_step(&planned, "RUN --export=V=/again"));
    learn(&planned, 0, "one");
    assert_int_equal(planned.status, 0);
    assert_string_equal(awaited_name(&planned, 0), "[4/5] RUN --export=V=/again b");
    assert_string_equal(cb_env_get(&fake_exec_env, "W"), "w/sub of one");
    learn(&planned, 0, "two");
    assert_int_equal(planned.plan->awaited.count, 0);
    assert_true(has_step(&planned, "[5/5] RUN c"));
    assert_string_equal(cb_env_get(&fake_exec_env, "V"), "again of two");
    assert_string_equal(cb_env_get(&planned.plan->config->env, "E"),
                        "again of two/w/sub of one");
    assert_null(cb_env_get(&planned.plan->config->env, "V"));
    assert_string_equal(cb_vertex_name(planned.plan->result.vertex), "[5/5] RUN c");
    planned_clear(&planned);
}

static void stages_that_need_no_value_are_planned(void **state)
{
    struct planned planned;

    plan(&planned,
         "# cbuild=1\nFROM x AS a\nRUN --export=V=/v a\nFROM x AS b\nRUN b\n"
         "FROM a AS c\nRUN c\nFROM x AS d\nRUN --export=V=/v d\nFROM x AS unused\n"
         "RUN --export=V=/v unused\nFROM b\nCOPY --from=c / /\nCOPY --from=d / /\n");
    assert_int_equal(planned.plan->awaited.count, 2);
    assert_string_equal(awaited_name(&planned, 1), "[d 2/2] RUN --export=V=/v d");
    assert_true(has_step(&planned, "[b 2/2] RUN b"));
    assert_false(has_step(&planned, "RUN c"));
    assert_false(has_step(&planned, "unused"));
    assert_int_equal(planned.plan->begun.count, 2); /* b's and the target's so far */
    cb_vec_foreach (begun, &planned.plan->begun)
        assert_string_equal(cb_vertex_name(begun->vertex), "[b 2/2] RUN b");
    learn(&planned, 1, "d");
    assert_int_equal(planned.plan->awaited.count, 1);
    assert_false(has_step(&planned, "COPY"));
    learn(&planned, 0, "a");
    assert_int_equal(planned.plan->awaited.count, 0);
    assert_int_equal(planned.plan->begun.count, 0);
    assert_true(has_step(&planned, "COPY --from=d / /"));
    planned_clear(&planned);
}

/* Only the value of the one decides whether the other is needed at all. */
static void a_stage_that_may_be_left_out_is_not_awaited(void **state)
{
    static const char text[] =
        "# cbuild=1\nFROM x AS other\nRUN --export=O=/o other\nFROM x\n"
        "RUN --export=V=/v a\nCOPY --if='$V = \"v of yes\"' --from=other / /\nRUN last\n";

    for (int needed = 0; needed < 2; needed++) {
        struct planned planned;

        plan(&planned, text);
        assert_int_equal(planned.plan->awaited.count, 1);
        assert_string_equal(awaited_name(&planned, 0),
                            "[stage-1 2/4] RUN --export=V=/v a");
        learn(&planned, 0, needed ? "yes" : "no");
        assert_int_equal(planned.plan->awaited.count, needed);
        if (needed)
            learn(&planned, 0, "other");
        assert_int_equal(planned.plan->awaited.count, 0);
        assert_int_equal(has_step(&planned, "[stage-1 3/4] COPY"), needed);
        assert_true(has_step(&planned, "[stage-1 4/4] RUN last"));
        planned_clear(&planned);
    }
}

static void what_cannot_be_read_stands_at_its_path(void **state)
{
    struct planned planned;
    unsigned line = 0, column = 0;
    struct cb_source *source;
    struct cb_span span;

    plan(&planned, "# cbuild=1\nFROM x\nRUN --export=V=/missing a\n");
    learn(&planned, 0, "");
    assert_int_equal(planned.status, -1);
    assert_string_equal(cb_error_message(planned.error),
                        "--export=V: `/missing` is not there");
    source = cb_error_source(planned.error, &span);
    cb_source_position(source, span.start, &line, &column);
    assert_int_equal(line, 3);
    assert_int_equal(column, 16);
    planned_clear(&planned);
}

/* Looking ahead for mistakes is done in a graph of its own. */
static void mistakes_below_are_found_before(void **state)
{
    struct planned planned;

    plan(&planned, "# cbuild=1\nFROM x\nRUN --export=V=/v a\nEXPOSE $V\nRUN b\n");
    assert_int_equal(planned.status, 0);
    assert_int_equal(cb_graph_count(planned.graph), 2);
    learn(&planned, 0, "no port");
    assert_int_equal(planned.status, -1);
    planned_clear(&planned);
    plan(&planned, "# cbuild=1\nFROM x\nRUN --export=V=/v a\nRUN --network=$V b\n");
    assert_int_equal(planned.status, -1);
    planned_clear(&planned);
}

static void without_running_the_name_stands_for_itself(void **state)
{
    static const char text[] = "# cbuild=1\nFROM scratch AS a\nRUN --export=V=/v a\n"
                               "ENV E=x$V\nEXPOSE $V\nFROM a\nRUN --if='$E = other' b\n";
    struct planned planned;

    memset(&planned, 0, sizeof(planned));
    fake_request_init(&planned.request);
    planned.request.options.nothing_runs = 1;
    assert_int_equal(
        fake_plan(&planned.request, text, strlen(text), &planned.plan, &planned.error),
        0);
    assert_int_equal(planned.plan->awaited.count, 0);
    assert_string_equal(cb_env_get(&fake_exec_env, "V"), "$V");
    assert_string_equal(cb_env_get(&fake_exec_env, "E"), "x$V");
    assert_string_equal(cb_vertex_name(planned.plan->result.vertex),
                        "[stage-1 1/1] RUN --if='$E = other' b");
    planned_clear(&planned);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_stops_and_goes_on),
        cmocka_unit_test(stages_that_need_no_value_are_planned),
        cmocka_unit_test(a_stage_that_may_be_left_out_is_not_awaited),
        cmocka_unit_test(what_cannot_be_read_stands_at_its_path),
        cmocka_unit_test(mistakes_below_are_found_before),
        cmocka_unit_test(without_running_the_name_stands_for_itself),
    };

    return cmocka_run_group_tests_name("frontend exports", tests, NULL, NULL);
}
