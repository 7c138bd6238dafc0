#include "registry/challenge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_bearer_challenge_is_read_with_quoted_commas(void **state)
{
    cb_auto_value(cb_challenge) found = {0};

    assert_int_equal(cb_challenge_parse(&found,
                                        " Bearer realm=\"https://auth.example/token\","
                                        "service=\"registry.example\","
                                        "scope=\"repository:a/b:pull,push\",error=\"x\""),
                     1);
    assert_int_equal(found.scheme, CB_CHALLENGE_BEARER);
    assert_string_equal(found.realm, "https://auth.example/token");
    assert_string_equal(found.service, "registry.example");
    assert_string_equal(found.scope, "repository:a/b:pull,push");
}

static void of_several_challenges_bearer_is_preferred(void **state)
{
    static const char *const headers[] = {
        "Basic realm=\"a\", Bearer realm=\"https://t\"",
        "bearer realm=\"https://t\" , Basic realm=a",
        "Negotiate, Digest realm=\"x\", nonce=\"y,z\", BEARER  realm = \"https://t\"",
        ", ,Bearer realm=\"https:\\//t\"",
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(headers); i++) {
        cb_auto_value(cb_challenge) found = {0};

        assert_int_equal(cb_challenge_parse(&found, headers[i]), 1);
        assert_int_equal(found.scheme, CB_CHALLENGE_BEARER);
        assert_string_equal(found.realm, "https://t");
    }
}

static void basic_needs_no_realm(void **state)
{
    cb_auto_value(cb_challenge) found = {0};

    assert_int_equal(cb_challenge_parse(&found, "Basic"), 1);
    assert_int_equal(found.scheme, CB_CHALLENGE_BASIC);
    assert_null(found.realm);
}

static void nonsense_is_no_challenge(void **state)
{
    static const char *const headers[] = {
        "",          ",,,",    "Bearer", "Bearer realm=\"open",
        "Negotiate", "=\"x\"", "\"",     "Bearer service=\"x\"",
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(headers); i++) {
        cb_auto_value(cb_challenge) found = {0};

        assert_int_equal(cb_challenge_parse(&found, headers[i]), 0);
    }
}

static void the_next_page_is_found_in_a_link_header(void **state)
{
    static const char *const rows[][2] = {
        {"</v2/x/tags/list?n=2&last=b>; rel=\"next\"", "/v2/x/tags/list?n=2&last=b"},
        {"<a>; rel=prev, <b>; rel=next", "b"},
        {"<a>; title=\"x, y\"; rel=\"next\"", "a"},
        {"<a>;rel=NEXT", "a"},
        {"<a>; rel=\"prev\"", NULL},
        {"<a; rel=\"next\"", NULL},
        {"a; rel=\"next\"", NULL},
        {"", NULL},
        {"<a>; rel=\"next", NULL},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_autofree char *next = cb_link_next(rows[i][0]);

        if (rows[i][1])
            assert_string_equal(next, rows[i][1]);
        else
            assert_null(next);
    }
}

static void credentials_are_shown_only_within_one_domain(void **state)
{
    static const struct {
        const char *registry, *realm;
        int trusted;
    } rows[] = {
        {"https://registry-1.docker.io", "https://auth.docker.io/token", 1},
        {"https://registry.gitlab.com", "https://gitlab.com/jwt/auth", 1},
        {"https://registry.example.com:5000", "https://registry.example.com/token", 1},
        {"http://127.0.0.1:5000", "http://127.0.0.1:5000/token", 1},
        {"https://registry.example.com", "http://registry.example.com/token", 0},
        {"https://registry.example.com", "https://example.com.evil.org/token", 0},
        {"https://registry.example.com", "https://evilexample.com/token", 0},
        {"https://shop.co.uk", "https://evil.co.uk/token", 0},
        {"https://a.shop.co.uk", "https://b.shop.co.uk/token", 1},
        {"https://com", "https://com/token", 1},
        {"https://a.com", "https://com/token", 0},
        {"http://127.0.0.1:5000", "http://127.0.0.1:6000/token", 0},
        {"http://127.0.0.1:5000", "http://127.0.0.9:5000/token", 0},
        {"https://10.0.0.1", "https://11.0.0.1/token", 0},
        {"https://registry.example.com", "https://169.254.169.254/latest", 0},
        {"https://registry.example.com", "file:///etc/passwd", 0},
        {"https://registry.example.com", "https://x@evil.example/token", 0},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++)
        assert_int_equal(cb_realm_trusted(rows[i].registry, rows[i].realm),
                         rows[i].trusted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bearer_challenge_is_read_with_quoted_commas),
        cmocka_unit_test(of_several_challenges_bearer_is_preferred),
        cmocka_unit_test(basic_needs_no_realm),
        cmocka_unit_test(nonsense_is_no_challenge),
        cmocka_unit_test(the_next_page_is_found_in_a_link_header),
        cmocka_unit_test(credentials_are_shown_only_within_one_domain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
