/* The texts of /etc/hosts and /etc/resolv.conf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "network/network-priv.h"

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
    assert_int_equal(cb_network_hosts(NULL, "box", &extra, &text, NULL), 0);
    assert_string_equal(text, FIXED "192.0.2.7\tdb\n2001:db8::1\tsix\n127.0.0.1\tbox\n");
}

/* Nobody types these: a linked container's. */
static void names_of_one_address_share_a_line(void **state)
{
    cb_auto_value(cb_strings) extra = {0};
    cb_auto(cb_error) error = NULL;
    cb_autofree char *text = NULL;

    cb_strings_add(&extra, "db,0123456789ab,one:192.0.2.1");
    assert_int_equal(cb_network_hosts(NULL, NULL, &extra, &text, &error), 0);
    assert_non_null(strstr(text, "192.0.2.1\tdb 0123456789ab one\n"));
    assert_int_equal(cb_dns_check_host("db,one:192.0.2.1", &error), -1);
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
        "a,:192.0.2.1",
        ",a:192.0.2.1",
        "db:192.0.2.1\n192.0.2.2 evil",
        "a\nb:192.0.2.1",
        "db:192.0.2.1 x",
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(bad); i++) {
        cb_auto_value(cb_strings) extra = {0};
        cb_auto(cb_error) error = NULL;
        cb_autofree char *text = NULL;

        cb_strings_add(&extra, bad[i]);
        assert_int_equal(cb_network_hosts(NULL, NULL, &extra, &text, &error), -1);
        assert_int_equal(cb_error_kind(error), CB_ERR_FLAG);
    }
}

static void host_name_with_a_newline_is_refused(void **state)
{
    cb_autofree char *text = NULL;

    assert_int_equal(cb_network_hosts(NULL, "x\n192.0.2.1 y", NULL, &text, NULL), -1);
}

static void resolvers_of_the_hosts_loopback_are_left_out(void **state)
{
    cb_autofree char *text = cb_network_resolv_conf(NULL, NULL);

    assert_non_null(text);
    assert_null(strstr(text, "nameserver 127."));
    assert_null(strstr(text, "nameserver ::1"));
}

static void host_gateway_is_where_the_host_answers(void **state)
{
    struct cb_network network = {.class = &(struct cb_network_class){.mode = "test"}};
    cb_auto_value(cb_strings) extra = {0};
    cb_autofree char *text = NULL;
    cb_autofree char *alone = NULL;

    cb_strings_add(&extra, "host.docker.internal:host-gateway");
    cb_ip_parse(&network.facts.host, "192.0.2.1");
    assert_int_equal(cb_network_hosts(&network, NULL, &extra, &text, NULL), 0);
    assert_string_equal(text, FIXED "192.0.2.1\thost.docker.internal\n");
    assert_int_equal(cb_network_hosts(NULL, NULL, &extra, &alone, NULL), 0);
    assert_string_equal(alone, FIXED "127.0.0.1\thost.docker.internal\n");
}

static void container_is_known_by_its_own_address(void **state)
{
    struct cb_network network = {.class = &(struct cb_network_class){.mode = "test"},
                                 .id = (char *)"id"};
    cb_autofree char *text = NULL;

    cb_ip_parse(&network.facts.address, "192.0.2.9");
    assert_int_equal(cb_network_hosts(&network, "box", NULL, &text, NULL), 0);
    assert_string_equal(text, FIXED "192.0.2.9\tbox\n");
}

static void a_name_with_a_domain_has_a_short_form(void **state)
{
    cb_autofree char *text = NULL;

    assert_int_equal(cb_network_hosts(NULL, "box.example.org", NULL, &text, NULL), 0);
    assert_string_equal(text, FIXED "127.0.0.1\tbox.example.org box\n");
}

static char *resolv_conf(const struct cb_network_facts *facts, const char *server,
                         const char *search, const char *option)
{
    struct cb_network network = {.class = &(struct cb_network_class){.mode = "test"},
                                 .facts = *facts};
    cb_auto_value(cb_strings) servers = {0};
    cb_auto_value(cb_strings) domains = {0};
    cb_auto_value(cb_strings) flags = {0};
    struct cb_dns_options options = {&servers, &domains, &flags};

    if (server)
        cb_strings_add(&servers, server);
    cb_strings_add(&domains, search);
    cb_strings_add(&flags, option);
    assert_int_equal(cb_dns_check(&options, NULL), 0);
    return cb_network_resolv_conf(&network, &options);
}

static void options_take_the_place_of_what_the_host_has(void **state)
{
    struct cb_network_facts facts = {0};
    cb_autofree char *text = resolv_conf(&facts, "192.0.2.53", "corp.example", "ndots:2");
    cb_autofree char *none = resolv_conf(&facts, "192.0.2.53", ".", "ndots:2");

    assert_string_equal(text,
                        "nameserver 192.0.2.53\nsearch corp.example\noptions ndots:2\n");
    assert_string_equal(none, "nameserver 192.0.2.53\noptions ndots:2\n");
}

static void a_resolver_that_knows_containers_stays(void **state)
{
    struct cb_network_facts facts = {.has_names = 1};
    cb_autofree char *text = NULL;

    cb_ip_parse(&facts.resolver, "192.0.2.1");
    text = resolv_conf(&facts, "192.0.2.53", ".", "ndots:0");
    assert_string_equal(text, "nameserver 192.0.2.1\noptions ndots:0\n");
}

static void what_only_passes_questions_on_gives_way_to_a_given_server(void **state)
{
    struct cb_network_facts facts = {0};
    cb_autofree char *given = NULL;
    cb_autofree char *passed_on = NULL;

    cb_ip_parse(&facts.resolver, "192.0.2.3");
    given = resolv_conf(&facts, "192.0.2.53", ".", "ndots:0");
    passed_on = resolv_conf(&facts, NULL, ".", "ndots:0");
    assert_string_equal(given, "nameserver 192.0.2.53\noptions ndots:0\n");
    assert_string_equal(passed_on, "nameserver 192.0.2.3\noptions ndots:0\n");
}

static void wrong_options_are_refused_in_dockers_words(void **state)
{
    cb_auto_value(cb_strings) words = {0};
    cb_auto(cb_error) server = NULL;
    cb_auto(cb_error) search = NULL;
    cb_auto(cb_error) option = NULL;

    cb_strings_add(&words, "a b\nnameserver 192.0.2.66");
    assert_int_equal(cb_dns_check(&(struct cb_dns_options){.servers = &words}, &server),
                     -1);
    assert_int_equal(cb_dns_check(&(struct cb_dns_options){.search = &words}, &search),
                     -1);
    assert_int_equal(cb_dns_check(&(struct cb_dns_options){.options = &words}, &option),
                     -1);
    assert_non_null(strstr(cb_error_message(server), "is not an ip address"));
    assert_non_null(strstr(cb_error_message(search), "is not a valid domain"));
    assert_int_equal(cb_error_kind(option), CB_ERR_FLAG);
}

/* ── Proxies ── */

static void proxies_of_the_configuration_are_given_in_both_spellings(void **state)
{
    static const char text[] =
        "{\"auths\": {}, \"proxies\": {\"default\": {\"httpProxy\": \"http://p:1\", "
        "\"noProxy\": \"a,b\"}, \"tcp://other\": {\"httpsProxy\": \"http://q:1\"}}}";
    cb_auto_value(cb_strings) out = {0};

    assert_int_equal(cb_proxies_parse("x", text, strlen(text), &out, NULL), 0);
    assert_int_equal(out.count, 4);
    assert_string_equal(cb_env_get(&out, "HTTP_PROXY"), "http://p:1");
    assert_string_equal(cb_env_get(&out, "http_proxy"), "http://p:1");
    assert_string_equal(cb_env_get(&out, "no_proxy"), "a,b");
}

static void malformed_configuration_is_an_error(void **state)
{
    static const char *const bad[] = {"", "[]", "{\"proxies\": 1}",
                                      "{\"proxies\": {\"default\": []}}",
                                      "{\"proxies\": {\"default\": {\"httpProxy\": 7}}}"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(bad); i++) {
        cb_auto_value(cb_strings) out = {0};

        assert_int_equal(cb_proxies_parse("x", bad[i], strlen(bad[i]), &out, NULL), -1);
    }
}

static void a_proxy_on_the_hosts_loopback_is_for_its_own_network_only(void **state)
{
    static const char *const local[] = {"http://127.0.0.1:3128",
                                        "http://u:p@localhost:1/", "[::1]:3128",
                                        "127.8.0.1:8080"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(local); i++) {
        cb_auto_value(cb_strings) apart = {0};
        cb_auto_value(cb_strings) shared = {0};

        setenv("HTTPS_PROXY", local[i], 1);
        cb_proxies_ambient(&apart, 0);
        cb_proxies_ambient(&shared, 1);
        assert_null(cb_env_get(&apart, "https_proxy"));
        assert_string_equal(cb_env_get(&shared, "https_proxy"), local[i]);
    }
    setenv("HTTPS_PROXY", "http://192.0.2.8:3128", 1);
    {
        cb_auto_value(cb_strings) out = {0};

        cb_proxies_ambient(&out, 0);
        assert_string_equal(cb_env_get(&out, "HTTPS_PROXY"), "http://192.0.2.8:3128");
    }
    unsetenv("HTTPS_PROXY");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_has_localhost_extras_and_own_name),
        cmocka_unit_test(names_of_one_address_share_a_line),
        cmocka_unit_test(malformed_hosts_are_refused),
        cmocka_unit_test(host_name_with_a_newline_is_refused),
        cmocka_unit_test(resolvers_of_the_hosts_loopback_are_left_out),
        cmocka_unit_test(host_gateway_is_where_the_host_answers),
        cmocka_unit_test(container_is_known_by_its_own_address),
        cmocka_unit_test(a_name_with_a_domain_has_a_short_form),
        cmocka_unit_test(options_take_the_place_of_what_the_host_has),
        cmocka_unit_test(a_resolver_that_knows_containers_stays),
        cmocka_unit_test(what_only_passes_questions_on_gives_way_to_a_given_server),
        cmocka_unit_test(wrong_options_are_refused_in_dockers_words),
        cmocka_unit_test(proxies_of_the_configuration_are_given_in_both_spellings),
        cmocka_unit_test(malformed_configuration_is_an_error),
        cmocka_unit_test(a_proxy_on_the_hosts_loopback_is_for_its_own_network_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
