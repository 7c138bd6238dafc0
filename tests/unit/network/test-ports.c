/* -p and -P, addresses and subnets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "network/address.h"
#include "network/network.h"

#include <stdio.h>
#include <string.h>

/* "IP HOST[-LAST] CONTAINER PROTOCOL;" each */
static char *shown(const struct cb_ports *ports)
{
    char *all = xstrdup("");

    for (size_t i = 0; i < ports->count; i++) {
        const struct cb_port *port = &ports->items[i];
        char *next = xasprintf("%s%s %u-%u %u %s;", all, port->host_ip, port->host,
                               port->last, port->container, port->protocol);

        free(all);
        all = next;
    }
    return all;
}

static void published_ports_are_read_as_docker_does(void **state)
{
    static const struct {
        const char *text, *shown;
    } table[] = {
        {"80", " 0-0 80 tcp;"},
        {"8080:80", " 8080-0 80 tcp;"},
        {"8080:80/UDP", " 8080-0 80 udp;"},
        {":80", " 0-0 80 tcp;"},
        {"127.0.0.1:8080:80", "127.0.0.1 8080-0 80 tcp;"},
        {"127.0.0.1::80/sctp", "127.0.0.1 0-0 80 sctp;"},
        {"[::1]:8080:80", "::1 8080-0 80 tcp;"},
        {"::1:8080:80", "::1 8080-0 80 tcp;"},
        {"8000-8001:90-91", " 8000-0 90 tcp; 8001-0 91 tcp;"},
        {"8000-8002:90", " 8000-8002 90 tcp;"},
        {"90-91", " 0-0 90 tcp; 0-0 91 tcp;"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(table); i++) {
        cb_auto_value(cb_ports) ports = {0};
        cb_autofree char *text = NULL;

        assert_int_equal(cb_ports_parse(&ports, table[i].text, NULL), 0);
        text = shown(&ports);
        assert_string_equal(text, table[i].shown);
    }
}

static void malformed_ports_are_refused_in_dockers_words(void **state)
{
    static const struct {
        const char *text, *message;
    } table[] = {
        {"", "No port specified: <empty>"},
        {"80:", "No port specified: 80:<empty>"},
        {"abc", "Invalid containerPort: abc"},
        {"70000", "Invalid containerPort: 70000"},
        {"-1", "Invalid containerPort: -1"},
        {"0", "Invalid containerPort: 0"},
        {"91-90", "Invalid containerPort: 91-90"},
        {"8080:80abc", "Invalid containerPort: 80abc"},
        {"abc:80", "Invalid hostPort: abc"},
        {"8010-8000:80", "Invalid hostPort: 8010-8000"},
        {"1.2.3.400:80:80", "Invalid ip address: 1.2.3.400"},
        {"host:80:80", "Invalid ip address: host"},
        {"80/xyz", "Invalid proto: xyz"},
        {"8000-8010:80-81",
         "Invalid ranges specified for container and host Ports: 80-81 and 8000-8010"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(table); i++) {
        cb_auto_value(cb_ports) ports = {0};
        cb_auto(cb_error) error = NULL;

        assert_int_equal(cb_ports_parse(&ports, table[i].text, &error), -1);
        assert_int_equal(cb_error_kind(error), CB_ERR_FLAG);
        assert_string_equal(cb_error_message(error), table[i].message);
    }
}

static void exposed_ports_get_numbers_of_the_kernels_choice(void **state)
{
    cb_auto_value(cb_ports) ports = {0};
    cb_autofree char *text = NULL;

    assert_int_equal(cb_ports_expose(&ports, "80/tcp", NULL), 0);
    assert_int_equal(cb_ports_expose(&ports, "53/udp", NULL), 0);
    assert_int_equal(cb_ports_expose(&ports, "x/udp", NULL), -1);
    text = shown(&ports);
    assert_string_equal(text, " 0-0 80 tcp; 0-0 53 udp;");
}

static struct cb_cidr cidr(const char *text)
{
    struct cb_cidr out = {0};

    assert_int_equal(cb_cidr_parse(&out, text), 0);
    return out;
}

static void malformed_subnets_are_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "10.0.0.0",
                                      "10.0.0.0/",
                                      "10.0.0/8",
                                      "10.0.0.0/33",
                                      "10.0.0.0/-1",
                                      "10.0.0.0/8 ",
                                      "10.0.0.0/08",
                                      "fd00::/129",
                                      "fd00::/1x",
                                      "/8",
                                      "10.0.0.0/4294967300"};
    struct cb_cidr out;

    for (size_t i = 0; i < CB_ARRAY_SIZE(bad); i++)
        assert_int_equal(cb_cidr_parse(&out, bad[i]), -1);
}

static void subnets_overlap_when_one_holds_the_other(void **state)
{
    static const struct {
        const char *a, *b;
        int overlap;
    } table[] = {
        {"10.0.0.0/8", "10.255.0.0/24", 1},
        {"10.1.0.0/16", "10.2.0.0/16", 0},
        {"192.168.1.128/25", "192.168.1.0/25", 0},
        {"0.0.0.0/0", "1.2.3.4/32", 1},
        {"fd00::/8", "fd12:3456::/64", 1},
        {"fd00::/64", "fd00:0:0:1::/64", 0},
        {"::/0", "10.0.0.0/8", 0},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(table); i++) {
        struct cb_cidr a = cidr(table[i].a), b = cidr(table[i].b);

        assert_int_equal(cb_cidr_overlap(&a, &b), table[i].overlap);
        assert_int_equal(cb_cidr_overlap(&b, &a), table[i].overlap);
    }
}

static void a_subnet_has_a_first_and_a_last_address(void **state)
{
    struct cb_cidr subnet = cidr("10.1.2.77/26"), network = cb_cidr_network(&subnet);
    struct cb_ip last = cb_cidr_last(&network);
    char text[CB_CIDR_MAX_TEXT];

    assert_string_equal(cb_cidr_text(&network, text), "10.1.2.64/26");
    assert_string_equal(cb_ip_text(&last, text), "10.1.2.127");
    cb_ip_increment(&last);
    assert_string_equal(cb_ip_text(&last, text), "10.1.2.128");
    assert_false(cb_cidr_contains(&network, &last));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_ports_are_read_as_docker_does),
        cmocka_unit_test(malformed_ports_are_refused_in_dockers_words),
        cmocka_unit_test(exposed_ports_get_numbers_of_the_kernels_choice),
        cmocka_unit_test(malformed_subnets_are_refused),
        cmocka_unit_test(subnets_overlap_when_one_holds_the_other),
        cmocka_unit_test(a_subnet_has_a_first_and_a_last_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
