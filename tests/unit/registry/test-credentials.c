#include "registry/credentials.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "registry/registry-priv.h"
#include "registry/upload.h"

static int find(const char *text, const char *host, struct cb_credentials *out,
                struct cb_error **err)
{
    return cb_credentials_from(
        &(struct cb_credentials_text){"config.json", text, strlen(text)}, host, NULL,
        NULL, out, err);
}

static void a_login_is_found_by_host(void **state)
{
    static const char text[] = "{\"auths\":{\"registry.example:5000\":{\"auth\":"
                               "\"dGVzdGVyOm9wZW46c2VzYW1l\"}}}";
    cb_auto_value(cb_credentials) found = {0};
    cb_autofree char *header = NULL;

    assert_int_equal(find(text, "registry.example:5000", &found, NULL), 1);
    assert_string_equal(found.username, "tester");
    assert_string_equal(found.password, "open:sesame");
    header = cb_credentials_basic(&found);
    assert_string_equal(header, "Basic dGVzdGVyOm9wZW46c2VzYW1l");
}

static void other_ports_and_hosts_do_not_match(void **state)
{
    static const char text[] =
        "{\"auths\":{\"https://registry.example:5000/v1/\":{\"auth\":\"YTpi\"}}}";
    static const char *const hosts[] = {"registry.example", "registry.example:5001",
                                        "evil.registry.example:5000", "docker.io"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(hosts); i++) {
        cb_auto_value(cb_credentials) found = {0};

        assert_int_equal(find(text, hosts[i], &found, NULL), 0);
    }
}

static void the_docker_hub_has_a_name_of_its_own(void **state)
{
    static const char text[] =
        "{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"YTpi\"}}}";
    cb_auto_value(cb_credentials) found = {0};

    assert_int_equal(find(text, "docker.io", &found, NULL), 1);
    assert_string_equal(found.username, "a");
}

static void a_part_of_a_registry_may_have_a_login_of_its_own(void **state)
{
    static const char text[] = "{\"auths\":{\"h:5/team\":{\"auth\":\"YTpi\"},"
                               "\"h:5/team/app/\":{\"auth\":\"Yzpk\"},"
                               "\"https://i/part\":{\"auth\":\"ZTpm\"},"
                               "\"j/v2/\":{\"auth\":\"ZTpm\"}}}";
    static const struct {
        const char *host, *path, *user; /* user NULL: none is found */
    } rows[] = {
        {"h:5", "team/other", "a"}, {"h:5", "team", "a"},       {"h:5", "team/app", "c"},
        {"h:5", "team/app/x", "c"}, {"h:5", "team/apple", "a"}, {"h:5", "teams", NULL},
        {"h:5", "x/team", NULL},    {"h:5", NULL, NULL},        {"h", "team/app", NULL},
        {"i", "part", NULL},        {"i", NULL, "e"},           {"j", "v2", NULL},
        {"j", NULL, "e"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_auto_value(cb_credentials) found = {0};

        assert_int_equal(
            cb_credentials_from(
                &(struct cb_credentials_text){"config.json", text, strlen(text)},
                rows[i].host, rows[i].path, NULL, &found, NULL),
            rows[i].user != NULL);
        if (rows[i].user)
            assert_string_equal(found.username, rows[i].user);
    }
}

static void an_identity_token_replaces_the_password(void **state)
{
    static const char text[] = "{\"auths\":{\"h\":{\"identitytoken\":\"t0k\"}}}";
    cb_auto_value(cb_credentials) found = {0};

    assert_int_equal(find(text, "h", &found, NULL), 1);
    assert_string_equal(found.identity_token, "t0k");
}

static void an_empty_entry_is_no_login(void **state)
{
    cb_auto_value(cb_credentials) found = {0};

    assert_int_equal(find("{\"auths\":{\"h\":{}}}", "h", &found, NULL), 0);
    assert_int_equal(find("{}", "h", &found, NULL), 0);
}

static void malformed_files_are_errors_without_the_secret(void **state)
{
    static const char *const texts[] = {
        "[]",
        "{",
        "{\"auths\":{\"h\":{\"auth\":5}}}",
        "{\"auths\":{\"h\":{\"auth\":\"c2VjcmV0\"}}}", /* no colon */
        "{\"auths\":{\"h\":{\"auth\":\"YTpi!\"}}}",    /* not base 64 */
        "{\"auths\":{\"h\":{\"auth\":\"YTpiDQp4\"}}}", /* line break */
        "{\"credsStore\":\"../evil\"}",
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(texts); i++) {
        cb_auto_value(cb_credentials) found = {0};
        cb_auto(cb_error) error = NULL;

        assert_int_equal(find(texts[i], "h", &found, &error), -1);
        assert_null(strstr(cb_error_message(error), "secret"));
    }
}

static void hosts_are_listed_by_name_port_or_range(void **state)
{
    cb_auto_value(cb_strings) list = {0};

    cb_strings_add(&list, "registry.example:5000");
    cb_strings_add(&list, "other.example");
    cb_strings_add(&list, "10.1.0.0/16");
    assert_true(cb_host_listed(&list, "registry.example:5000", 0, NULL));
    assert_false(cb_host_listed(&list, "registry.example:5001", 0, NULL));
    assert_true(cb_host_listed(&list, "other.example:443", 0, NULL));
    assert_true(cb_host_listed(&list, "10.1.2.3:5000", 0, NULL));
    assert_false(cb_host_listed(&list, "10.2.2.3:5000", 0, NULL));
    assert_false(cb_host_listed(&list, "name.example", 0, NULL));
    cb_strings_add(&list, "0.0.0.0/0");
    assert_true(cb_host_listed(&list, "10.2.2.3:5000", 0, NULL));
    assert_false(cb_host_listed(&list, "name.example", 0, NULL));
}

static void an_upload_address_keeps_its_query(void **state)
{
    struct cb_digest digest = cb_digest_of("", 0);
    cb_autofree char *plain = cb_upload_target("https://h/u/1", &digest);
    cb_autofree char *query = cb_upload_target("https://h/u/1?_state=a%2Fb#x", &digest);

    assert_string_equal(plain,
                        "https://h/u/1?digest=sha256%3Ae3b0c44298fc1c149afbf4c8996fb92"
                        "427ae41e4649b934ca495991b7852b855");
    assert_string_equal(query,
                        "https://h/u/1?_state=a%2Fb&digest=sha256%3Ae3b0c44298fc1c149af"
                        "bf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_login_is_found_by_host),
        cmocka_unit_test(other_ports_and_hosts_do_not_match),
        cmocka_unit_test(the_docker_hub_has_a_name_of_its_own),
        cmocka_unit_test(a_part_of_a_registry_may_have_a_login_of_its_own),
        cmocka_unit_test(an_identity_token_replaces_the_password),
        cmocka_unit_test(an_empty_entry_is_no_login),
        cmocka_unit_test(malformed_files_are_errors_without_the_secret),
        cmocka_unit_test(hosts_are_listed_by_name_port_or_range),
        cmocka_unit_test(an_upload_address_keeps_its_query),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
