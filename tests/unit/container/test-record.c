/* What is kept of a container, and what somebody made of it by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "container/record.h"

#include <string.h>

static struct cb_container *new_container(void)
{
    struct cb_container *container = xcalloc(1, sizeof(*container));

    container->dir_fd = container->maker_fd = -1;
    return container;
}

static void what_was_typed_is_kept(void **state)
{
    cb_auto(cb_container) one = new_container();
    cb_auto(cb_container) other = new_container();
    cb_auto_json *document = NULL;
    cb_autofree char *text = NULL;
    struct cb_container_mount mount = {.type = xstrdup("bind"),
                                       .source = xstrdup("/host"),
                                       .target = xstrdup("/there"),
                                       .read_only = 1};

    one->image_id = xstrdup("sha256:0");
    one->snapshot = xstrdup("snapshot");
    cb_vec_push(&one->mounts, mount);
    one->options.restart = "on-failure:3";
    one->options.remove = 1;
    one->options.request.has_entrypoint = 1;
    one->options.request.entrypoint = "";
    one->options.request.limits.memory = "64m";
    cb_strings_add(&one->options.request.command, "");
    cb_strings_add(&one->options.request.command, "two words\n\"quoted\"");
    cb_strings_add(&one->options.labels, "key=value=more");
    document = cb_container_config_json(one);
    text = cb_json_dump(document);
    assert_int_equal(cb_container_config_parse(other, text, strlen(text), NULL), 0);

    assert_string_equal(other->image_id, "sha256:0");
    assert_string_equal(other->snapshot, "snapshot");
    assert_int_equal(other->mounts.count, 1);
    assert_string_equal(other->mounts.items[0].target, "/there");
    assert_null(other->mounts.items[0].name);
    assert_true(other->mounts.items[0].read_only);
    assert_string_equal(other->options.restart, "on-failure:3");
    assert_true(other->options.remove);
    assert_true(other->options.request.has_entrypoint);
    assert_string_equal(other->options.request.entrypoint, "");
    assert_string_equal(other->options.request.limits.memory, "64m");
    assert_null(other->options.request.user);
    assert_int_equal(other->options.request.command.count, 2);
    assert_string_equal(other->options.request.command.items[0], "");
    assert_string_equal(other->options.request.command.items[1], "two words\n\"quoted\"");
    assert_string_equal(other->options.labels.items[0], "key=value=more");
}

static void every_state_is_read_as_it_was_written(void **state)
{
    for (int status = CB_CONTAINER_CREATED; status <= CB_CONTAINER_EXITED; status++) {
        struct cb_container_state one = {.status = (enum cb_container_status)status,
                                         .pid = 7,
                                         .exit_code = 137,
                                         .oom_killed = 1,
                                         .restarts = 4,
                                         .stopped_by_hand = 1,
                                         .error = (char *)"why",
                                         .started = "2026-01-02T03:04:05Z"};
        struct cb_container_state other = {0};
        cb_auto_json *document = cb_container_state_json(&one);
        cb_autofree char *text = cb_json_dump(document);

        assert_int_equal(cb_container_state_parse(&other, text, strlen(text), NULL), 0);
        assert_int_equal(other.status, one.status);
        assert_int_equal(other.pid, 7);
        assert_int_equal(other.exit_code, 137);
        assert_true(other.oom_killed);
        assert_int_equal(other.restarts, 4);
        assert_true(other.stopped_by_hand);
        assert_string_equal(other.error, "why");
        assert_string_equal(other.started, one.started);
        assert_string_equal(other.finished, "");
        cb_container_state_clear(&other);
    }
}

static void a_config_of_nonsense_is_an_error(void **state)
{
    static const char *const wrong[] = {
        "",
        "[]",
        "null",
        "{\"Options\":7}",
        "{\"Snapshot\":\"x\",\"Image\":\"y\"}",
        "{\"Options\":{},\"Image\":\"y\"}",
        "{\"Options\":{\"Env\":{}},\"Image\":\"y\",\"Snapshot\":\"x\"}",
        "{\"Options\":{\"Env\":[1]},\"Image\":\"y\",\"Snapshot\":\"x\"}",
        "{\"Options\":{\"Tty\":\"yes\"},\"Image\":\"y\",\"Snapshot\":\"x\"}",
        "{\"Options\":{\"Memory\":64},\"Image\":\"y\",\"Snapshot\":\"x\"}",
        "{\"Options\":{},\"Mounts\":[7],\"Image\":\"y\",\"Snapshot\":\"x\"}",
        ("{\"Options\":{},\"Mounts\":[{\"Type\":\"bind\"}],\"Image\":\"y\",\"Snapshot\":"
         "\"x\"}"),
        "{\"Options\":{},\"Mounts\":{},\"Image\":\"y\",\"Snapshot\":\"x\"}",
        "{\"Options\":{\"Image\":\"a\\u0000b\"},\"Image\":\"y\",\"Snapshot\":\"x\"}",
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        cb_auto(cb_container) container = new_container();
        cb_auto(cb_error) error = NULL;

        if (cb_container_config_parse(container, wrong[i], strlen(wrong[i]), &error) == 0)
            fail_msg("taken: %s", wrong[i]);
        assert_int_equal(cb_error_kind(error), CB_ERR_INTEGRITY);
    }
}

static void a_state_of_nonsense_is_an_error(void **state)
{
    static const char *const wrong[] = {
        "",
        "{}",
        "{\"Status\":7}",
        "{\"Status\":\"flying\"}",
        "{\"Status\":\"running\",\"Pid\":\"7\"}",
        "{\"Status\":\"running\",\"Pid\":-1}",
        "{\"Status\":\"running\",\"Pid\":4294967297}",
        "{\"Status\":\"exited\",\"ExitCode\":99999999999}",
        "{\"Status\":\"exited\",\"RestartCount\":-5}",
        "{\"Status\":\"exited\",\"StartedAt\":7}",
        "{\"Status\":\"exited\",\"StartedAt\":\"yesterday\"}",
        "{\"Status\":\"running\",\"Network\":7}",
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct cb_container_state parsed = {0};
        cb_auto(cb_error) error = NULL;

        if (cb_container_state_parse(&parsed, wrong[i], strlen(wrong[i]), &error) == 0)
            fail_msg("taken: %s", wrong[i]);
        assert_int_equal(cb_error_kind(error), CB_ERR_INTEGRITY);
        cb_container_state_clear(&parsed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_typed_is_kept),
        cmocka_unit_test(every_state_is_read_as_it_was_written),
        cmocka_unit_test(a_config_of_nonsense_is_an_error),
        cmocka_unit_test(a_state_of_nonsense_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
