#include "http/proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static int exempts(const char *list, const char *text)
{
    cb_auto_value(cb_url) url = {0};

    assert_int_equal(cb_url_parse(&url, text, NULL), 0);
    return cb_proxy_exempts(list, &url);
}

static void names_have_those_below_them(void **state)
{
    assert_true(exempts("reg.example", "https://reg.example/"));
    assert_true(exempts("a.example, REG.example", "https://reg.EXAMPLE/"));
    assert_true(exempts("reg.example", "https://a.b.reg.example/"));
    assert_false(exempts("reg.example", "https://areg.example/"));
    assert_false(exempts("reg.example", "https://example/"));
    assert_false(exempts("", "https://reg.example/"));
    assert_false(exempts(NULL, "https://reg.example/"));
}

static void dots_and_stars_are_for_those_below_alone(void **state)
{
    assert_true(exempts(".reg.example", "https://a.reg.example/"));
    assert_false(exempts(".reg.example", "https://reg.example/"));
    assert_true(exempts("*.reg.example", "https://a.reg.example/"));
    assert_false(exempts("*.reg.example", "https://reg.example/"));
    assert_true(exempts("x ,*", "https://reg.example/"));
    assert_false(exempts(".,*.,:,[,]", "https://reg.example/"));
}

static void ports_are_the_urls(void **state)
{
    assert_true(exempts("reg.example:5000", "https://reg.example:5000/"));
    assert_false(exempts("reg.example:5000", "https://reg.example:5001/"));
    assert_true(exempts("reg.example:443", "https://reg.example/"));
    assert_false(exempts("reg.example:443", "http://reg.example/"));
    assert_true(exempts("192.0.2.1:80", "http://192.0.2.1/"));
    assert_false(exempts("192.0.2.1:80", "https://192.0.2.1/"));
}

static void addresses_and_ranges(void **state)
{
    assert_true(exempts("192.0.2.1", "https://192.0.2.1:5000/"));
    assert_false(exempts("192.0.2.1", "https://192.0.2.10/"));
    assert_true(exempts("192.0.2.0/24", "https://192.0.2.200/"));
    assert_false(exempts("192.0.2.0/24", "https://192.0.3.1/"));
    assert_false(exempts("192.0.2.0/", "https://192.0.2.1/"));
    assert_false(exempts("192.0.2.0/x", "https://192.0.2.1/"));
    assert_false(exempts("192.0.2.0/33", "https://192.0.2.1/"));
    assert_false(exempts("0.0.0.0/0", "https://reg.example/"));
    assert_true(exempts("2001:db8::1", "https://[2001:db8:0::1]:5/"));
    assert_true(exempts("[2001:db8::1]", "https://[2001:db8::1]:5/"));
    assert_true(exempts("[2001:db8::1]:5", "https://[2001:db8::1]:5/"));
    assert_false(exempts("[2001:db8::1]:6", "https://[2001:db8::1]:5/"));
    assert_true(exempts("2001:db8::/32", "https://[2001:db8::1]:5/"));
    assert_false(exempts("2001:db9::/32", "https://[2001:db8::1]:5/"));
}

static int clear(void **state)
{
    static const char *const names[] = {"HTTP_PROXY",  "http_proxy", "HTTPS_PROXY",
                                        "https_proxy", "ALL_PROXY",  "all_proxy",
                                        "NO_PROXY",    "no_proxy"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        unsetenv(names[i]);
    return 0;
}

static void the_environment_goes_before_the_settings(void **state)
{
    const struct cb_http_options settings = {
        .http_proxy = "h", .https_proxy = "s", .no_proxy = "away.example"};
    cb_auto_value(cb_url) url = {0};
    cb_auto_value(cb_url) away = {0};
    cb_auto_value(cb_url) here = {0};

    assert_int_equal(cb_url_parse(&url, "https://reg.example/", NULL), 0);
    assert_int_equal(cb_url_parse(&away, "https://away.example/", NULL), 0);
    assert_int_equal(cb_url_parse(&here, "http://localhost:5/", NULL), 0);
    setenv("ALL_PROXY", "all", 1);
    assert_string_equal(cb_proxy_for(&url, &settings), "s");
    assert_null(cb_proxy_for(&away, &settings));
    setenv("https_proxy", "lower", 1);
    setenv("HTTP_PROXY", "plain", 1);
    assert_string_equal(cb_proxy_for(&url, &settings), "lower");
    setenv("HTTPS_PROXY", "upper", 1);
    assert_string_equal(cb_proxy_for(&url, &settings), "upper");
    setenv("NO_PROXY", "reg.example", 1);
    assert_null(cb_proxy_for(&url, &settings));
    assert_string_equal(cb_proxy_for(&away, &settings), "upper");
    assert_null(cb_proxy_for(&here, &settings));
    setenv("HTTPS_PROXY", "", 1);
    setenv("https_proxy", "", 1);
    assert_null(cb_proxy_for(&away, &settings));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_those_below_them),
        cmocka_unit_test(dots_and_stars_are_for_those_below_alone),
        cmocka_unit_test(ports_are_the_urls),
        cmocka_unit_test(addresses_and_ranges),
        cmocka_unit_test_setup_teardown(the_environment_goes_before_the_settings, clear,
                                        clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
