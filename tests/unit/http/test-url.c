#include "http/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/strbuf.h"

static void url_is_taken_apart(void **state)
{
    cb_auto_value(cb_url) url = {0};

    assert_int_equal(cb_url_parse(&url, "https://u:p@Example.ORG:8443/v2/?a=b#c", NULL),
                     0);
    assert_string_equal(url.scheme, "https");
    assert_string_equal(url.host, "example.org");
    assert_int_equal(url.port, 8443);
    assert_string_equal(url.rest, "/v2/?a=b");
}

static void ipv6_and_default_ports_are_understood(void **state)
{
    cb_auto_value(cb_url) url = {0};

    assert_int_equal(cb_url_parse(&url, "http://[::1]?x", NULL), 0);
    assert_string_equal(url.host, "::1");
    assert_int_equal(url.port, 80);
    assert_string_equal(url.rest, "/?x");
}

static void bad_urls_are_refused(void **state)
{
    static const char *const bad[] = {"file:///etc/passwd",
                                      "gopher://h/x",
                                      "http://",
                                      "http://h:0/",
                                      "http://h:99999",
                                      "http://h h/",
                                      "http://h/\r\nX: y",
                                      "http://[::1/",
                                      "http://a@b@c/",
                                      "",
                                      "//h/x",
                                      "http://h:1x/"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(bad); i++) {
        cb_auto_value(cb_url) url = {0};
        cb_auto(cb_error) error = NULL;

        assert_int_equal(cb_url_parse(&url, bad[i], &error), -1);
        assert_int_equal(cb_error_kind(error), CB_ERR_USAGE);
    }
}

static void locations_resolve_as_rfc3986_says(void **state)
{
    static const struct {
        const char *location, *expected;
    } rows[] = {
        {"https://b.example/x", "https://b.example/x"},
        {"//b.example/x?y", "http://b.example/x?y"},
        {"/x/../y", "http://a.example/y"},
        {"g", "http://a.example/b/c/g"},
        {"./g/.", "http://a.example/b/c/g/"},
        {"../g", "http://a.example/b/g"},
        {"../../../g", "http://a.example/g"},
        {"?z=1", "http://a.example/b/c/d?z=1"},
        {"", "http://a.example/b/c/d?q"},
        {"g?y=/../z", "http://a.example/b/c/g?y=/../z"},
        {"file:///etc/passwd", NULL},
        {"gopher://x/", NULL},
        {"javascript:x", NULL},
        {"/a b", NULL},
        {"/a\r\nX: y", NULL},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_autofree char *url =
            cb_url_resolve("http://a.example/b/c/d?q", rows[i].location);

        if (rows[i].expected)
            assert_string_equal(url, rows[i].expected);
        else
            assert_null(url);
    }
}

static void origins_differ_by_scheme_host_or_port(void **state)
{
    assert_true(cb_url_same_origin("https://a.example/x", "https://A.example:443/y"));
    assert_false(cb_url_same_origin("https://a.example/", "http://a.example/"));
    assert_false(cb_url_same_origin("https://a.example/", "https://a.example:444/"));
    assert_false(cb_url_same_origin("https://a.example/", "https://a.example.evil/"));
    assert_false(cb_url_same_origin("https://a.example/", "https://a.example@evil/"));
}

static void secrets_do_not_show(void **state)
{
    static const char *const rows[][2] = {
        {"https://u:p@h/x", "https://xxxxx@h/x"},
        {"https://u:p@q@h/x", "https://xxxxx@h/x"},
        {"https://h/x?n=1&X-Amz-Signature=abc&access_token=t",
         "https://h/x?n=1&X-Amz-Signature=xxxxx&access_token=xxxxx"},
        {"https://h/x", "https://h/x"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_autofree char *shown = cb_url_redact(rows[i][0]);

        assert_string_equal(shown, rows[i][1]);
    }
}

static void loopback_and_addresses_are_told_from_names(void **state)
{
    assert_true(cb_host_is_loopback("localhost"));
    assert_true(cb_host_is_loopback("127.9.9.9"));
    assert_true(cb_host_is_loopback("::1"));
    assert_false(cb_host_is_loopback("127.0.0.1.example"));
    assert_false(cb_host_is_loopback("128.0.0.1"));
    assert_true(cb_host_is_address("10.0.0.1"));
    assert_true(cb_host_is_address("2130706433"));
    assert_true(cb_host_is_address("0x7f000001"));
    assert_false(cb_host_is_address("1password.example"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(url_is_taken_apart),
        cmocka_unit_test(ipv6_and_default_ports_are_understood),
        cmocka_unit_test(bad_urls_are_refused),
        cmocka_unit_test(locations_resolve_as_rfc3986_says),
        cmocka_unit_test(origins_differ_by_scheme_host_or_port),
        cmocka_unit_test(secrets_do_not_show),
        cmocka_unit_test(loopback_and_addresses_are_told_from_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
