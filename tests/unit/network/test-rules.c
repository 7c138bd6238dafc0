/* Rules for the packet filter, as texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "network/firewall-priv.h"

#include <sys/socket.h>

static struct cb_cidr subnet_of(const char *text)
{
    struct cb_cidr subnet;

    assert_int_equal(cb_cidr_parse(&subnet, text), 0);
    return subnet;
}

static int has(const struct cb_strings *rules, const char *rule)
{
    return cb_strings_contain(rules, rule);
}

static void only_what_is_published_gets_into_a_bridge(void **state)
{
    cb_auto_value(cb_rules) rules = {.family = AF_INET};
    struct cb_cidr subnet = subnet_of("10.9.0.0/24");

    cb_rules_add_bridge(&rules, "br-1", &subnet, 0);
    assert_true(has(&rules.filter, "CBUILD-INTO -i br-1 -o br-1 -j ACCEPT"));
    assert_true(has(&rules.filter, "CBUILD-INTO -o br-1 -j CBUILD-GUARD"));
    assert_true(has(&rules.filter, "CBUILD-OUT -i br-1 -j CBUILD-LEAVE"));
    assert_true(has(&rules.nat, "CBUILD-MASQ -s 10.9.0.0/24 ! -o br-1 -j MASQUERADE"));
}

static void nothing_leaves_an_internal_bridge(void **state)
{
    cb_auto_value(cb_rules) rules = {.family = AF_INET};
    struct cb_cidr subnet = subnet_of("10.9.0.0/24");

    cb_rules_add_bridge(&rules, "br-1", &subnet, CB_BRIDGE_INTERNAL);
    assert_int_equal(rules.filter.count, 3);
    assert_string_equal(rules.filter.items[0], "CBUILD-INNER -i br-1 -o br-1 -j ACCEPT");
    assert_string_equal(rules.filter.items[1], "CBUILD-INNER -i br-1 -j DROP");
    assert_string_equal(rules.filter.items[2], "CBUILD-INNER -o br-1 -j DROP");
    assert_int_equal(rules.nat.count, 0);
}

static void those_apart_have_a_way_out_only_and_may_keep_their_addresses(void **state)
{
    cb_auto_value(cb_rules) rules = {.family = AF_INET};
    struct cb_cidr subnet = subnet_of("10.9.0.0/24");

    cb_rules_add_bridge(&rules, "br-1", &subnet, CB_BRIDGE_APART | CB_BRIDGE_UNMASKED);
    assert_true(has(&rules.filter, "CBUILD-INTO -i br-1 -o br-1 -j DROP"));
    assert_true(has(&rules.filter, "CBUILD-OUT -i br-1 -j CBUILD-LEAVE"));
    assert_false(has(&rules.nat, "CBUILD-MASQ -s 10.9.0.0/24 ! -o br-1 -j MASQUERADE"));
    assert_true(has(&rules.nat, "CBUILD-MASQ -s 127.0.0.0/8 -o br-1 -j MASQUERADE"));
}

/* The host's loopback has a way to published ports, of IPv4 only. */
static void nobody_gets_to_the_loopback(void **state)
{
    cb_auto_value(cb_rules) rules = {.family = AF_INET};
    cb_auto_value(cb_rules) wide = {.family = AF_INET6};
    struct cb_cidr subnet = subnet_of("10.9.0.0/24");
    struct cb_cidr subnet6 = subnet_of("fd00:9::/64");

    cb_rules_add_bridge(&rules, "br-1", &subnet, 0);
    cb_rules_add_bridge(&wide, "br-1", &subnet6, 0);
    assert_true(has(&rules.filter, "CBUILD-HOST -d 127.0.0.0/8 -i br-1 -m conntrack ! "
                                   "--ctstate RELATED,ESTABLISHED -j DROP"));
    assert_true(has(&rules.nat, "CBUILD-MASQ -s 127.0.0.0/8 -o br-1 -j MASQUERADE"));
    assert_true(has(&rules.filter, "CBUILD-HOST -s 127.0.0.0/8 -i br-1 -j DROP"));
    assert_int_equal(wide.filter.count, rules.filter.count - 2);
    assert_int_equal(wide.nat.count, rules.nat.count - 1);
}

/* Each family has the ports of its own addresses of the host; no rule leads on what is
 * sent to ::1. */
static void ports_lead_to_the_container(void **state)
{
    cb_auto_value(cb_rules) rules = {.family = AF_INET};
    cb_auto_value(cb_rules) wide = {.family = AF_INET6};
    cb_auto_value(cb_ports) ports = {0};
    struct cb_ip ip, ip6;

    assert_int_equal(cb_ports_parse(&ports, "8080:80", NULL), 0);
    assert_int_equal(cb_ports_parse(&ports, "127.0.0.1:53:5353/udp", NULL), 0);
    assert_int_equal(cb_ports_parse(&ports, "[::1]:8081:80", NULL), 0);
    assert_int_equal(cb_ports_parse(&ports, "[::]:8082:80", NULL), 0);
    cb_ip_parse(&ip, "10.9.0.2");
    cb_ip_parse(&ip6, "fd00:9::2");
    cb_rules_add_ports(&rules, &ports, &ip);
    cb_rules_add_ports(&rules, &ports, &ip6);
    cb_rules_add_ports(&wide, &ports, &ip6);
    assert_int_equal(rules.nat.count, 2);
    assert_string_equal(rules.nat.items[0], "CBUILD-DNAT -p tcp --dport 8080 -j DNAT "
                                            "--to-destination 10.9.0.2:80");
    assert_string_equal(rules.nat.items[1],
                        "CBUILD-DNAT -d 127.0.0.1 -p udp --dport 53 -j DNAT "
                        "--to-destination 10.9.0.2:5353");
    assert_int_equal(wide.nat.count, 1);
    assert_string_equal(wide.nat.items[0],
                        "CBUILD-DNAT ! -d ::1 -p tcp --dport 8082 -j DNAT "
                        "--to-destination [fd00:9::2]:80");
}

static void what_is_recorded_is_read_again(void **state)
{
    cb_auto_value(cb_rules) rules = {.family = AF_INET};
    cb_auto_value(cb_rules) again = {.family = AF_INET};
    struct cb_cidr subnet = subnet_of("10.9.0.0/24");
    cb_auto_json *record = NULL;

    cb_rules_add_bridge(&rules, "br-1", &subnet, 0);
    record = cb_rules_json(&rules);
    cb_rules_read(&again, record);
    assert_int_equal(again.filter.count, rules.filter.count);
    assert_int_equal(again.nat.count, rules.nat.count);
    for (size_t i = 0; i < rules.filter.count; i++)
        assert_string_equal(again.filter.items[i], rules.filter.items[i]);
    for (size_t i = 0; i < rules.nat.count; i++)
        assert_string_equal(again.nat.items[i], rules.nat.items[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_published_gets_into_a_bridge),
        cmocka_unit_test(nothing_leaves_an_internal_bridge),
        cmocka_unit_test(those_apart_have_a_way_out_only_and_may_keep_their_addresses),
        cmocka_unit_test(nobody_gets_to_the_loopback),
        cmocka_unit_test(ports_lead_to_the_container),
        cmocka_unit_test(what_is_recorded_is_read_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
