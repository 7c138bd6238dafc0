/* The log of a build: written when something ran or failed, whole, and only for the
 * newest builds. */
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

static void list_builds(struct test_dir *dir, struct cb_strings *out)
{
    cb_autofd int fd = openat(cb_store_root_fd(dir->store), "builds",
                              O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0)
        assert_int_equal(cb_fs_list(fd, out, NULL), 0);
}

static void test_nothing_is_written_when_all_is_cached(void **state)
{
    struct test_dir *dir = *state;
    cb_auto(cb_history_log) log = cb_history_log_new(dir->store, NULL);
    cb_auto_value(cb_strings) builds = {0};

    step(log, CB_EVENT_STEP_START, "[1/1] RUN a", NULL);
    step(log, CB_EVENT_STEP_CACHED, NULL, NULL);
    cb_history_log_end(log, 0, NULL);
    list_builds(dir, &builds);
    assert_int_equal(builds.count, 0);
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
    cb_auto(cb_history_log) log = cb_history_log_new(dir->store, NULL);
    cb_auto_value(cb_strbuf) text = {0};
    const char *line;

    step(log, CB_EVENT_STEP_START, "[1/1] RUN a", NULL);
    step(log, CB_EVENT_STEP_LOG, NULL, "tab\t \"q\" \xff\n");
    step(log, CB_EVENT_STEP_DONE, NULL, NULL);
    cb_history_log_end(log, 1, NULL);
    read_log(dir, &text);
    assert_non_null(
        strstr(text.text, "\"event\":\"start\",\"step\":1,\"name\":\"[1/1] RUN a\"}"));
    line = strstr(text.text, "\"event\":\"log\"");
    assert_non_null(line);
    assert_non_null(
        strstr(line, "\"stream\":1,\"text\":\"tab\\u0009 \\\"q\\\" \\ufffd\\n\"}"));
    assert_non_null(strstr(line, "\"event\":\"done\",\"name\":\"build\"}"));
}

static void test_a_failure_is_kept(void **state)
{
    struct test_dir *dir = *state;
    cb_auto(cb_history_log) log = cb_history_log_new(dir->store, NULL);
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto(cb_error) error = NULL;

    cb_error_set(&error, CB_ERR_SYNTAX, "no such thing");
    cb_history_log_end(log, 0, error);
    read_log(dir, &text);
    assert_non_null(strstr(text.text, "\"error\":\"no such thing\""));
}

static void test_the_newest_are_kept(void **state)
{
    struct test_dir *dir = *state;
    cb_auto_value(cb_strings) builds = {0};

    for (int i = 0; i < CB_HISTORY_KEPT + 5; i++) {
        cb_auto(cb_history_log) log = cb_history_log_new(dir->store, NULL);

        cb_history_log_end(log, 1, NULL);
    }
    list_builds(dir, &builds);
    assert_int_equal(builds.count, CB_HISTORY_KEPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_is_written_when_all_is_cached,
                                        test_dir_setup, test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_output_is_kept_with_the_step_it_belongs_to,
                                        test_dir_setup, test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_a_failure_is_kept, test_dir_setup,
                                        test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_the_newest_are_kept, test_dir_setup,
                                        test_dir_teardown),
    };

    return cmocka_run_group_tests_name("engine history", tests, NULL, NULL);
}
