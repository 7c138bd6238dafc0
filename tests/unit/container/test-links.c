/* --link and --network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "container/joins.h"
#include "container/links.h"

#include <string.h>

static void links_are_a_container_and_what_it_is_called(void **state)
{
    static const struct {
        const char *text, *container, *alias;
    } table[] = {
        {"db", "db", "db"},
        {"db:alias", "db", "alias"},
        {"/db", "/db", "db"},
        {"0123abcd:my-db", "0123abcd", "my-db"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(table); i++) {
        cb_auto_value(cb_link) link = {0};

        assert_int_equal(cb_link_parse(&link, table[i].text, NULL), 0);
        assert_string_equal(link.container, table[i].container);
        assert_string_equal(link.alias, table[i].alias);
    }
}

static void wrong_links_are_refused(void **state)
{
    static const char *const table[] = {"", ":", ":a", "a:", "a:b:c", "a:b c", "a:b\nc"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(table); i++) {
        cb_auto_value(cb_link) link = {0};
        cb_auto(cb_error) error = NULL;

        assert_int_equal(cb_link_parse(&link, table[i], &error), -1);
        assert_int_equal(cb_error_kind(error), CB_ERR_FLAG);
    }
}

static void links_tell_ports_names_and_environment(void **state)
{
    static const char *const expected[] = {
        "MY_DB_PORT=tcp://172.17.0.5:53",
        "MY_DB_PORT_53_TCP=tcp://172.17.0.5:53",
        "MY_DB_PORT_53_TCP_ADDR=172.17.0.5",
        "MY_DB_PORT_53_TCP_PORT=53",
        "MY_DB_PORT_53_TCP_PROTO=tcp",
        "MY_DB_PORT_53_UDP=udp://172.17.0.5:53",
        "MY_DB_PORT_53_UDP_ADDR=172.17.0.5",
        "MY_DB_PORT_53_UDP_PORT=53",
        "MY_DB_PORT_53_UDP_PROTO=udp",
        "MY_DB_PORT_5432_TCP=tcp://172.17.0.5:5432",
        "MY_DB_PORT_5432_TCP_ADDR=172.17.0.5",
        "MY_DB_PORT_5432_TCP_PORT=5432",
        "MY_DB_PORT_5432_TCP_PROTO=tcp",
        "MY_DB_NAME=/web/my-db",
        "MY_DB_ENV_A=b=c",
    };
    cb_auto_value(cb_ports) ports = {0};
    cb_auto_value(cb_strings) env = {0};
    cb_auto_value(cb_strings) got = {0};
    const struct cb_link_facts facts = {.alias = "my-db",
                                        .parent = "web",
                                        .ip = "172.17.0.5",
                                        .ports = &ports,
                                        .env = &env};

    cb_ports_expose(&ports, "5432/tcp", NULL);
    cb_ports_expose(&ports, "53/udp", NULL);
    cb_ports_expose(&ports, "53/tcp", NULL);
    cb_ports_expose(&ports, "5432", NULL);
    cb_strings_add(&env, "PATH=/bin");
    cb_strings_add(&env, "HOME=/root");
    cb_strings_add(&env, "A=b=c");
    cb_link_env(&facts, &got);
    assert_int_equal(got.count, CB_ARRAY_SIZE(expected));
    for (size_t i = 0; i < got.count; i++)
        assert_string_equal(got.items[i], expected[i]);
}

static void three_ports_in_a_row_are_a_range(void **state)
{
    static const char *const expected[] = {
        "DB_PORT=tcp://172.17.0.5:80",  "DB_PORT_80_TCP_START=tcp://172.17.0.5:80",
        "DB_PORT_80_TCP_PORT_START=80", "DB_PORT_80_TCP_END=tcp://172.17.0.5:82",
        "DB_PORT_80_TCP_PORT_END=82",   "DB_PORT_80_TCP=tcp://172.17.0.5:80",
    };
    cb_auto_value(cb_ports) ports = {0};
    cb_auto_value(cb_strings) got = {0};
    const struct cb_strings env = {0};
    const struct cb_link_facts facts = {
        .alias = "db", .parent = "web", .ip = "172.17.0.5", .ports = &ports, .env = &env};

    cb_ports_expose(&ports, "90-91", NULL);
    cb_ports_expose(&ports, "80-82", NULL);
    cb_ports_expose(&ports, "81", NULL);
    cb_link_env(&facts, &got);
    for (size_t i = 0; i < CB_ARRAY_SIZE(expected); i++)
        assert_string_equal(got.items[i], expected[i]);
    assert_int_equal(got.count, 5 + 5 * 4 + 1);
}

/* ── --network ── */

static void networks_are_read_in_both_syntaxes(void **state)
{
    cb_auto_value(cb_join) plain = {0};
    cb_auto_value(cb_join) join = {0};
    cb_auto_value(cb_join) again = {0};
    cb_autofree char *text = NULL;

    assert_int_equal(cb_join_parse(&plain, "front", NULL), 0);
    assert_string_equal(plain.network, "front");
    assert_int_equal(cb_join_parse(&join,
                                   "name=front,alias=a,alias=b,ip=10.0.0.9,"
                                   "ip6=fd00::9,mac-address=02:00:00:00:00:01",
                                   NULL),
                     0);
    text = cb_join_text(&join);
    assert_int_equal(cb_join_parse(&again, text, NULL), 0);
    assert_string_equal(again.network, "front");
    assert_int_equal(again.aliases.count, 2);
    assert_string_equal(again.aliases.items[1], "b");
    assert_string_equal(again.ip, "10.0.0.9");
    assert_string_equal(again.ip6, "fd00::9");
    assert_string_equal(again.mac, "02:00:00:00:00:01");
}

static void odd_names_come_back_from_their_text(void **state)
{
    static const char *const names[] = {"a,b", "say \"x\"", "container:x=y", "="};

    for (size_t i = 0; i < CB_ARRAY_SIZE(names); i++) {
        const struct cb_join join = {.network = (char *)names[i]};
        cb_autofree char *text = cb_join_text(&join);
        cb_auto_value(cb_join) again = {0};

        assert_int_equal(cb_join_parse(&again, text, NULL), 0);
        assert_string_equal(again.network, names[i]);
    }
}

static void options_of_the_first_network_are_its_own(void **state)
{
    struct cb_run_request request = {.ip = "10.0.0.9"};
    cb_auto_value(cb_joins) joins = {0};

    cb_strings_add(&request.networks, "front");
    cb_strings_add(&request.networks, "name=back,alias=x");
    cb_strings_add(&request.network_aliases, "web");
    assert_int_equal(cb_joins_settle(&request, NULL), 0);
    assert_string_equal(request.network, "front");
    assert_int_equal(cb_joins_read(&joins, &request, NULL), 0);
    assert_int_equal(joins.count, 2);
    assert_string_equal(joins.items[0].aliases.items[0], "web");
    assert_string_equal(joins.items[0].ip, "10.0.0.9");
    assert_string_equal(joins.items[1].aliases.items[0], "x");
    assert_null(joins.items[1].ip);
    cb_joins_remove(&request, "front");
    assert_false(cb_joins_has(&request, "front"));
    cb_joins_remove(&request, "back");
    assert_true(cb_joins_has(&request, CB_JOIN_ALONE));
    cb_joins_add(&request, "name=third");
    assert_int_equal(request.networks.count, 1);
    cb_run_request_clear(&request);
}

static void the_default_network_is_the_bridge(void **state)
{
    struct cb_run_request request = {0};

    assert_int_equal(cb_joins_settle(&request, NULL), 0);
    assert_string_equal(request.network, "bridge");
    cb_run_request_clear(&request);
}

static void networks_that_do_not_go_together_are_refused(void **state)
{
    static const char *const pairs[][2] = {{"host", "front"},
                                           {"front", "none"},
                                           {"container:x", "front"},
                                           {"front", "front"}};

    for (size_t i = 0; i < CB_ARRAY_SIZE(pairs); i++) {
        struct cb_run_request request = {0};

        cb_strings_add(&request.networks, pairs[i][0]);
        cb_strings_add(&request.networks, pairs[i][1]);
        assert_int_equal(cb_joins_settle(&request, NULL), -1);
        cb_run_request_clear(&request);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_are_a_container_and_what_it_is_called),
        cmocka_unit_test(wrong_links_are_refused),
        cmocka_unit_test(links_tell_ports_names_and_environment),
        cmocka_unit_test(three_ports_in_a_row_are_a_range),
        cmocka_unit_test(networks_are_read_in_both_syntaxes),
        cmocka_unit_test(odd_names_come_back_from_their_text),
        cmocka_unit_test(options_of_the_first_network_are_its_own),
        cmocka_unit_test(the_default_network_is_the_bridge),
        cmocka_unit_test(networks_that_do_not_go_together_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
