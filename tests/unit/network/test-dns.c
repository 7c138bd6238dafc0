/* /etc/hosts and the choice of a network, as a step sees them. */
#include "network/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void hosts_have_localhost_extras_and_the_own_name(void **state)
{
    cb_auto_value(cb_strings) extra = {0};
    cb_autofree char *text = NULL;

    cb_strings_add(&extra, "db:10.0.0.5");
    cb_strings_add(&extra, "six=[fd00::1]");
    assert_int_equal(cb_dns_hosts(&text, "box", &extra, NULL), 0);
    assert_non_null(strstr(text, "127.0.0.1\tlocalhost\n"));
    assert_non_null(strstr(text, "\n10.0.0.5\tdb\n"));
    assert_non_null(strstr(text, "\nfd00::1\tsix\n"));
    assert_non_null(strstr(text, "\n127.0.0.1\tbox\n"));
}

static void hosts_refuse_what_would_add_lines_or_is_no_address(void **state)
{
    static const char *const bad[] = {
        "a:1.2.3.4\n5.6.7.8 b", "a",          "a:", ":1.2.3.4", "a:1.2.3",
        "a b:1.2.3.4",          "a:nonsense",
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(bad); i++) {
        cb_auto_value(cb_strings) extra = {0};
        cb_auto(cb_error) error = NULL;
        char *text = NULL;

        cb_strings_add(&extra, bad[i]);
        assert_int_equal(cb_dns_hosts(&text, "box", &extra, &error), -1);
        assert_int_equal(cb_error_kind(error), CB_ERR_USAGE);
    }
}

static void hosts_refuse_a_host_name_with_a_newline(void **state)
{
    cb_auto(cb_error) error = NULL;
    char *text = NULL;

    assert_int_equal(cb_dns_hosts(&text, "a\nb", NULL, &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_USAGE);
}

static void an_unknown_network_is_named(void **state)
{
    cb_auto(cb_network) network = NULL;
    cb_auto(cb_error) error = NULL;

    assert_int_equal(cb_network_new(&network, "moon", "/nowhere", &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_USAGE);
    assert_string_equal(cb_error_message(error), "unknown network `moon`");
}

static void none_and_host_need_nothing(void **state)
{
    cb_auto(cb_network) none = NULL;
    cb_auto(cb_network) host = NULL;
    int fd = 7;

    assert_int_equal(cb_network_new(&none, "none", "/nowhere", NULL), 0);
    assert_false(cb_network_is_host(none));
    assert_int_equal(cb_network_netns(none, NULL, &fd, NULL), 0);
    assert_int_equal(fd, -1);
    assert_int_equal(cb_network_new(&host, "host", "/nowhere", NULL), 0);
    assert_true(cb_network_is_host(host));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_have_localhost_extras_and_the_own_name),
        cmocka_unit_test(hosts_refuse_what_would_add_lines_or_is_no_address),
        cmocka_unit_test(hosts_refuse_a_host_name_with_a_newline),
        cmocka_unit_test(an_unknown_network_is_named),
        cmocka_unit_test(none_and_host_need_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
