/* The log of a build: whole, for the newest builds, and read again. */
#include "test-engine.h"

static void step(struct cb_history_log *log, enum cb_event_kind kind, const char *name,
                 const char *text)
{
    cb_event_emit(cb_history_log_sink(log),
                  (struct cb_event){.kind = kind,
                                    .id = 1,
                                    .name = name,
                                    .text = text,
                                    .len = text ? strlen(text) : 0,
                                    .stream = kind == CB_EVENT_STEP_LOG});
}

static void end(struct cb_history_log *log, unsigned executed,
                const struct cb_error *error)
{
    struct cb_build_outcome outcome = {.stats = {2, 2 - executed, executed}};

    cb_history_log_end(log, &outcome, error);
}

static void list_builds(struct test_dir *dir, struct cb_strings *out)
{
    cb_autofd int fd = openat(cb_store_root_fd(dir->store), "builds",
                              O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0)
        assert_int_equal(cb_fs_list(fd, out, NULL), 0);
}

static void test_a_build_that_is_all_cached_leaves_a_few_lines(void **state)
{
    struct test_dir *dir = *state;
    cb_auto(cb_history_log) log = cb_history_log_new(dir->store, NULL, 0);
    cb_auto_value(cb_strings) builds = {0};
    cb_auto_value(cb_built) built = {0};
    cb_autofree char *id = NULL;

    step(log, CB_EVENT_STEP_START, "[1/1] RUN a", NULL);
    step(log, CB_EVENT_STEP_CACHED, NULL, NULL);
    list_builds(dir, &builds);
    assert_int_equal(builds.count, 0);
    end(log, 0, NULL);
    assert_int_equal(cb_builds_find(dir->store, NULL, &id, NULL), 0);
    assert_int_equal(cb_builds_read(dir->store, id, 1, &built, NULL), 0);
    assert_string_equal(built.result, "succeeded");
    assert_int_equal(built.steps_cached, 2);
    assert_string_equal(built.steps.items[0].state, "cached");
}

static void read_log(struct test_dir *dir, struct cb_strbuf *out)
{
    cb_auto_value(cb_strings) builds = {0};
    cb_autofree char *path = NULL;

    list_builds(dir, &builds);
    assert_int_equal(builds.count, 1);
    path = xasprintf("builds/%s/events.jsonl", builds.items[0]);
    assert_int_equal(
        cb_fs_read_file(cb_store_root_fd(dir->store), path, 1 << 20, out, NULL), 0);
}

static void test_output_is_kept_with_the_step_it_belongs_to(void **state)
{
    struct test_dir *dir = *state;
    cb_auto(cb_history_log) log = cb_history_log_new(dir->store, NULL, 0);
    cb_auto_value(cb_strbuf) text = {0};
    const char *line;

    step(log, CB_EVENT_STEP_START, "[1/1] RUN a", NULL);
    step(log, CB_EVENT_STEP_LOG, NULL, "tab\t \"q\" \xff\n");
    step(log, CB_EVENT_STEP_DONE, NULL, NULL);
    end(log, 1, NULL);
    read_log(dir, &text);
    assert_non_null(
        strstr(text.text, "\"event\":\"start\",\"step\":1,\"name\":\"[1/1] RUN a\"}"));
    line = strstr(text.text, "\"event\":\"log\"");
    assert_non_null(line);
    assert_non_null(
        strstr(line, "\"stream\":1,\"text\":\"tab\\u0009 \\\"q\\\" \\ufffd\\n\"}"));
    assert_non_null(strstr(line, "\"event\":\"end\",\"result\":\"succeeded\""));
}

/* A file is worth making once there is output, however much was told before. */
static void test_output_is_kept_after_very_much_else(void **state)
{
    struct test_dir *dir = *state;
    cb_auto(cb_history_log) log = cb_history_log_new(dir->store, NULL, 0);
    cb_auto_value(cb_built) built = {0};
    cb_autofree char *id = NULL;
    cb_autofree char *long_text = xmalloc(300001);

    memset(long_text, 'x', 300000);
    long_text[300000] = '\0';
    step(log, CB_EVENT_STEP_START, "[1/1] RUN a", NULL);
    for (int i = 0; i < 5; i++)
        step(log, CB_EVENT_NOTICE, NULL, long_text);
    step(log, CB_EVENT_STEP_LOG, NULL, "heard\n");
    end(log, 1, NULL);
    assert_int_equal(cb_builds_find(dir->store, NULL, &id, NULL), 0);
    assert_int_equal(cb_builds_read(dir->store, id, 1, &built, NULL), 0);
    assert_int_equal(built.steps.count, 1);
    assert_int_equal(built.steps.items[0].log_bytes, strlen("heard\n"));
}

static void test_a_failure_is_kept(void **state)
{
    struct test_dir *dir = *state;
    cb_auto(cb_history_log) log = cb_history_log_new(dir->store, NULL, 0);
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto(cb_error) error = NULL;

    cb_error_set(&error, CB_ERR_SYNTAX, "no such thing");
    end(log, 0, error);
    read_log(dir, &text);
    assert_non_null(strstr(text.text, "\"error\":\"cbuild: no such thing\""));
}

static void make_build(struct test_dir *dir, unsigned executed)
{
    cb_auto(cb_history_log) log = cb_history_log_new(dir->store, NULL, 0);

    end(log, executed, NULL);
}

static void test_the_newest_are_kept_and_cached_builds_push_out_no_others(void **state)
{
    struct test_dir *dir = *state;
    cb_auto_value(cb_strings) builds = {0};

    for (int i = 0; i < CB_HISTORY_KEPT + 5; i++)
        make_build(dir, 1);
    for (int i = 0; i < CB_HISTORY_KEPT + 5; i++)
        make_build(dir, 0);
    list_builds(dir, &builds);
    assert_int_equal(builds.count, 2 * CB_HISTORY_KEPT);
}

static void test_the_log_of_a_build_that_goes_on_is_not_pushed_out(void **state)
{
    struct test_dir *dir = *state;
    cb_auto(cb_history_log) log = cb_history_log_new(dir->store, NULL, 0);
    cb_auto_value(cb_built) built = {0};
    cb_autofree char *id = NULL;

    step(log, CB_EVENT_STEP_START, "[1/1] RUN a", NULL);
    step(log, CB_EVENT_STEP_LOG, NULL, "before\n");
    assert_int_equal(cb_builds_find(dir->store, NULL, &id, NULL), 0);
    for (int i = 0; i < CB_HISTORY_KEPT + 5; i++)
        make_build(dir, 1);
    step(log, CB_EVENT_STEP_LOG, NULL, "after\n");
    assert_int_equal(cb_builds_read(dir->store, id, 1, &built, NULL), 0);
    assert_string_equal(built.result, "running");
    assert_string_equal(built.steps.items[0].state, "running");
    assert_int_equal(built.steps.items[0].log_bytes, strlen("before\nafter\n"));
}

static void test_the_end_is_found_however_long_its_line(void **state)
{
    struct test_dir *dir = *state;
    size_t sizes[] = {70 << 10, 300 << 10, 1 << 20};

    for (size_t i = 0; i < CB_ARRAY_SIZE(sizes); i++) {
        cb_auto(cb_history_log) log = cb_history_log_new(dir->store, NULL, 0);
        cb_auto_value(cb_built) built = {0};
        cb_auto(cb_error) error = NULL;
        cb_autofree char *text = xcalloc(sizes[i] + 1, 1);
        cb_autofree char *id = NULL;

        memset(text, 'e', sizes[i]);
        cb_error_set(&error, CB_ERR_SYSTEM, "%s", text);
        step(log, CB_EVENT_STEP_LOG, NULL, "one\n");
        end(log, 1, error);
        assert_int_equal(cb_builds_find(dir->store, NULL, &id, NULL), 0);
        assert_int_equal(cb_builds_read(dir->store, id, 0, &built, NULL), 0);
        assert_string_equal(built.result, "failed");
        assert_true(strlen(built.error) >= sizes[i]);
        cb_history_log_free(cb_steal(&log));
        assert_int_equal(cb_builds_remove(dir->store, id, NULL), 0);
    }
}

static int collect(void *arg, uint64_t number, int stream, const char *text,
                   struct cb_error **err)
{
    cb_strbuf_addf(arg, "%d:%s", (int)number, text);
    return 0;
}

static void test_a_build_is_read_again_step_by_step(void **state)
{
    struct test_dir *dir = *state;
    cb_auto(cb_history_log) log = cb_history_log_new(dir->store, NULL, 0);
    cb_auto_value(cb_built) built = {0};
    cb_auto_value(cb_built) after = {0};
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_value(cb_strings) names = {0};
    struct cb_build_request request = {.context = "dir", .target = "stage"};
    cb_autofree char *id = NULL;

    cb_strings_add(&names, "app:1");
    cb_history_log_begin(log, &request, NULL, &names);
    step(log, CB_EVENT_STEP_START, "[1/1] RUN a", NULL);
    step(log, CB_EVENT_MISS, NULL, "RUN: ARG V 1→2");
    step(log, CB_EVENT_STEP_LOG, NULL, "one\n");
    step(log, CB_EVENT_STEP_LOG, NULL, "two\n");
    assert_int_equal(cb_builds_find(dir->store, "^0", &id, NULL), 0);
    assert_int_equal(cb_builds_read(dir->store, id, 0, &built, NULL), 0);
    assert_string_equal(built.result, "running");
    assert_int_equal(cb_builds_remove(dir->store, id, NULL), -1);
    step(log, CB_EVENT_STEP_DONE, NULL, NULL);
    end(log, 1, NULL);
    cb_history_log_free(cb_steal(&log));
    assert_int_equal(cb_builds_read(dir->store, id, 1, &after, NULL), 0);
    assert_string_equal(after.result, "succeeded");
    assert_string_equal(after.context, "dir");
    assert_string_equal(after.names.items[0], "app:1");
    assert_int_equal(after.steps.count, 1);
    assert_string_equal(after.steps.items[0].state, "done");
    assert_string_equal(after.steps.items[0].miss, "RUN: ARG V 1→2");
    assert_int_equal(after.steps.items[0].log_bytes, 8);
    assert_int_equal(cb_builds_log(dir->store, id + 8, 1, collect, &text, NULL), -1);
    assert_int_equal(cb_builds_log(dir->store, id, 1, collect, &text, NULL), 0);
    assert_string_equal(text.text, "1:one\n1:two\n");
    assert_int_equal(cb_builds_remove(dir->store, id, NULL), 0);
    assert_int_equal(cb_builds_read(dir->store, id, 0, &built, NULL), -1);
}

static void test_a_log_that_was_cut_off_or_damaged_is_read_as_far_as_it_goes(void **state)
{
    struct test_dir *dir = *state;
    cb_auto_value(cb_built) built = {0};

    test_dir_write(dir, "store/builds/19000000000abc/events.jsonl",
                   "{\"time\":1.5,\"event\":\"begin\",\"context\":7,\"names\":[1]}\n"
                   "not json\n[]\n{\"event\":\"log\",\"step\":-1}\n"
                   "{\"time\":2,\"event\":\"start\",\"step\":3,\"name\":\"RUN\"}\n"
                   "{\"time\":3,\"event\":\"do");
    assert_int_equal(cb_builds_read(dir->store, "19000000000abc", 1, &built, NULL), 0);
    assert_string_equal(built.result, "interrupted");
    assert_null(built.context);
    assert_string_equal(built.steps.items[built.steps.count - 1].name, "RUN");
    assert_string_equal(built.steps.items[built.steps.count - 1].state, "unfinished");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_a_build_that_is_all_cached_leaves_a_few_lines, test_dir_setup,
            test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_output_is_kept_with_the_step_it_belongs_to,
                                        test_dir_setup, test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_output_is_kept_after_very_much_else,
                                        test_dir_setup, test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_a_failure_is_kept, test_dir_setup,
                                        test_dir_teardown),
        cmocka_unit_test_setup_teardown(
            test_the_newest_are_kept_and_cached_builds_push_out_no_others, test_dir_setup,
            test_dir_teardown),
        cmocka_unit_test_setup_teardown(
            test_the_log_of_a_build_that_goes_on_is_not_pushed_out, test_dir_setup,
            test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_the_end_is_found_however_long_its_line,
                                        test_dir_setup, test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_a_build_is_read_again_step_by_step,
                                        test_dir_setup, test_dir_teardown),
        cmocka_unit_test_setup_teardown(
            test_a_log_that_was_cut_off_or_damaged_is_read_as_far_as_it_goes,
            test_dir_setup, test_dir_teardown),
    };

    return cmocka_run_group_tests_name("engine history", tests, NULL, NULL);
}
