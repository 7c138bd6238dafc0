/* --restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "container/restart.h"

#include <string.h>

static void policies_are_read_as_docker_does(void **state)
{
    static const struct {
        const char *text;
        enum cb_restart_kind kind;
        unsigned most;
    } table[] = {
        {NULL, CB_RESTART_NO, 0},
        {"", CB_RESTART_NO, 0},
        {"no", CB_RESTART_NO, 0},
        {"always", CB_RESTART_ALWAYS, 0},
        {"unless-stopped", CB_RESTART_UNLESS_STOPPED, 0},
        {"on-failure", CB_RESTART_ON_FAILURE, 0},
        {"on-failure:3", CB_RESTART_ON_FAILURE, 3},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        struct cb_restart_policy policy;

        assert_int_equal(cb_restart_policy_parse(&policy, table[i].text, NULL), 0);
        assert_int_equal(policy.kind, table[i].kind);
        assert_int_equal(policy.most, table[i].most);
    }
}

static void wrong_policies_are_refused_in_docker_s_words(void **state)
{
    static const struct {
        const char *text, *message;
    } table[] = {
        {"sometimes", "unknown policy 'sometimes'"},
        {"on-failure:", "maximum retry count must be an integer"},
        {"on-failure:x", "maximum retry count must be an integer"},
        {"on-failure:-1", "maximum retry count cannot be negative"},
        {"on-failure:99999999999999999999", "maximum retry count must be an integer"},
        {"always:3", "maximum retry count can only be used with 'on-failure'"},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        struct cb_restart_policy policy;
        cb_auto(cb_error) error = NULL;

        assert_int_equal(cb_restart_policy_parse(&policy, table[i].text, &error), -1);
        assert_int_equal(cb_error_kind(error), strstr(table[i].message, "an integer")
                                                   ? CB_ERR_FLAG
                                                   : CB_ERR_USAGE);
        if (!strstr(cb_error_message(error), table[i].message))
            fail_msg("%s: %s", table[i].text, cb_error_message(error));
    }
}

static int wanted(const char *text, int exit_code, unsigned restarts)
{
    struct cb_restart_policy policy;

    assert_int_equal(cb_restart_policy_parse(&policy, text, NULL), 0);
    return cb_restart_wanted(&policy, exit_code, restarts);
}

static void only_failures_count_with_on_failure(void **state)
{
    assert_false(wanted("no", 1, 0));
    assert_true(wanted("always", 0, 1000));
    assert_true(wanted("unless-stopped", 0, 1000));
    assert_false(wanted("on-failure", 0, 0));
    assert_true(wanted("on-failure", 1, 1000));
    assert_true(wanted("on-failure:2", 1, 1));
    assert_false(wanted("on-failure:2", 1, 2));
}

static void pauses_grow_to_a_minute_and_begin_anew(void **state)
{
    int pause = 0;

    pause = cb_restart_pause_ms(pause, 0);
    assert_int_equal(pause, 100);
    pause = cb_restart_pause_ms(pause, 0);
    assert_int_equal(pause, 200);
    for (int i = 0; i < 100; i++)
        pause = cb_restart_pause_ms(pause, 0);
    assert_int_equal(pause, 60000);
    assert_int_equal(cb_restart_pause_ms(pause, 10000), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_are_read_as_docker_does),
        cmocka_unit_test(wrong_policies_are_refused_in_docker_s_words),
        cmocka_unit_test(only_failures_count_with_on_failure),
        cmocka_unit_test(pauses_grow_to_a_minute_and_begin_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
