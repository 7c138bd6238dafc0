/* The texts of /etc/hosts and /etc/resolv.conf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "network/network.h"

#define FIXED                                                                  \
    "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"        \
    "fe00::0\tip6-localnet\nff00::0\tip6-mcastprefix\nff02::1\tip6-allnodes\n" \
    "ff02::2\tip6-allrouters\n"

static void hosts_has_localhost_extras_and_own_name(void **state)
{
    cb_auto_value(cb_strings) extra = {0};
    cb_autofree char *text = NULL;

    cb_strings_add(&extra, "db:192.0.2.7");
    cb_strings_add(&extra, "six=[2001:db8::1]");
    assert_int_equal(cb_dns_hosts(&text, "box", &extra, NULL), 0);
    assert_string_equal(text, FIXED "192.0.2.7\tdb\n2001:db8::1\tsix\n127.0.0.1\tbox\n");
}

static void malformed_hosts_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "db",
        "db:",
        ":192.0.2.1",
        "db:192.0.2",
        "a b:::1",
        "db:192.0.2.1\n192.0.2.2 evil",
        "a\nb:192.0.2.1",
        "db:192.0.2.1 x",
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(bad); i++) {
        cb_auto_value(cb_strings) extra = {0};
        cb_auto(cb_error) error = NULL;
        cb_autofree char *text = NULL;

        cb_strings_add(&extra, bad[i]);
        assert_int_equal(cb_dns_hosts(&text, NULL, &extra, &error), -1);
        assert_int_equal(cb_error_kind(error), CB_ERR_USAGE);
    }
}

static void host_name_with_a_newline_is_refused(void **state)
{
    cb_autofree char *text = NULL;

    assert_int_equal(cb_dns_hosts(&text, "x\n192.0.2.1 y", NULL, NULL), -1);
}

static void resolvers_of_the_hosts_loopback_are_left_out(void **state)
{
    cb_autofree char *text = cb_dns_resolv_conf(0);

    assert_non_null(text);
    assert_null(strstr(text, "nameserver 127."));
    assert_null(strstr(text, "nameserver ::1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_has_localhost_extras_and_own_name),
        cmocka_unit_test(malformed_hosts_are_refused),
        cmocka_unit_test(host_name_with_a_newline_is_refused),
        cmocka_unit_test(resolvers_of_the_hosts_loopback_are_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
