/* Networks with names: what is accepted, kept and found again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fs.h"
#include "network/attach-priv.h"
#include "network/named-priv.h"
#include "network/named.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char state_dir[] = "/tmp/cbuild-named-XXXXXX";

/* Creates NAME with what is not NULL; the message, or NULL when it was made. */
static char *attempt(const char *name, const char *subnet, const char *more,
                     const char *gateway, const char *range)
{
    struct cb_network_wish wish = {.name = name};
    cb_auto(cb_error) error = NULL;
    cb_autofree char *id = NULL;
    int status;

    if (subnet)
        cb_strings_add(&wish.subnets, subnet);
    if (more)
        cb_strings_add(&wish.subnets, more);
    if (gateway)
        cb_strings_add(&wish.gateways, gateway);
    if (range)
        cb_strings_add(&wish.ranges, range);
    status = cb_networks_create(state_dir, &wish, &id, &error);
    cb_network_wish_free(&wish);
    if (status == 0)
        assert_int_equal(strlen(id), 64);
    return status < 0 ? xstrdup(cb_error_message(error)) : NULL;
}

static void refused(const char *name, const char *subnet, const char *more,
                    const char *gateway, const char *range, const char *message)
{
    cb_autofree char *text = attempt(name, subnet, more, gateway, range);

    assert_non_null(text);
    assert_string_equal(text, message);
}

static void wrong_wishes_are_refused_in_dockers_words(void **state)
{
    static const char pairless[] =
        "every ip-range or gateway must have a corresponding subnet";

    refused("x", "abc", NULL, NULL, NULL,
            "Invalid subnet abc : invalid CIDR address: abc");
    refused("x", "10.77.0.0/33", NULL, NULL, NULL,
            "Invalid subnet 10.77.0.0/33 : invalid CIDR address: 10.77.0.0/33");
    refused("x", NULL, NULL, "10.77.0.1", NULL, pairless);
    refused("x", NULL, NULL, NULL, "10.77.0.0/25", pairless);
    refused("x", "10.77.0.0/24", NULL, "10.78.0.1", NULL,
            "no matching subnet for gateway 10.78.0.1");
    refused("x", "10.77.0.0/24", NULL, "zz", NULL, "no matching subnet for gateway zz");
    refused("x", "10.77.0.0/24", NULL, NULL, "10.78.0.0/25",
            "no matching subnet for range 10.78.0.0/25");
    refused("x", "10.77.0.0/24", NULL, NULL, "10.77.0.0/16",
            "no matching subnet for range 10.77.0.0/16");
    refused("x", "10.77.0.0/24", "10.77.0.0/25", NULL, NULL,
            "multiple overlapping subnet configuration is not supported");
    refused("x", "10.77.0.0/24", "10.78.0.0/24", NULL, NULL,
            "bridge driver doesn't support multiple subnets");
    refused("x", "10.77.0.0/24", NULL, "10.77.0.0", NULL,
            "failed to allocate gateway (10.77.0.0): Address already in use");
    refused("x", "10.77.0.0/24", NULL, "10.77.0.255", NULL,
            "failed to allocate gateway (10.77.0.255): Address already in use");
    refused("bridge", NULL, NULL, NULL, NULL,
            "operation is not permitted on predefined bridge network");
    refused("a/../b", NULL, NULL, NULL, NULL,
            "invalid network name \"a/../b\": only [a-zA-Z0-9][a-zA-Z0-9_.-] are "
            "allowed");
}

static void subnets_that_no_container_can_have_are_refused(void **state)
{
    static const char no_room[] =
        "failed to allocate gateway (): No available addresses on this pool";

    refused("x", "127.0.0.0/8", NULL, NULL, NULL,
            "Invalid subnet 127.0.0.0/8 : these are addresses of the loopback");
    refused("x", "0.0.0.0/0", NULL, NULL, NULL,
            "Invalid subnet 0.0.0.0/0 : these are all addresses");
    refused("x", "::/0", NULL, NULL, NULL,
            "Invalid subnet ::/0 : these are all addresses");
    refused("x", "192.0.0.0/2", NULL, NULL, NULL,
            "Invalid subnet 192.0.0.0/2 : these are addresses of groups (multicast)");
    refused("x", "ff02::/64", NULL, NULL, NULL,
            "Invalid subnet ff02::/64 : these are addresses of groups (multicast)");
    refused("x", "::/64", NULL, NULL, NULL,
            "Invalid subnet ::/64 : this is the address of the loopback");
    refused("x", "10.77.0.0/31", NULL, NULL, NULL, no_room);
    refused("x", "10.77.0.0/32", NULL, NULL, NULL, no_room);
    refused("x", "fd77::/127", NULL, NULL, NULL, no_room);
}

static void wish_with(struct cb_network_wish *wish, const char *reserved,
                      const char *option)
{
    cb_strings_add(&wish->subnets, "10.79.0.0/24");
    cb_strings_add(&wish->gateways, "10.79.0.9");
    if (reserved)
        cb_strings_add(&wish->reserved, reserved);
    if (option)
        cb_strings_add(&wish->options, option);
}

static void wrong_options_are_refused_in_dockers_words(void **state)
{
    static const struct {
        const char *reserved, *option, *message;
    } table[] = {
        {"a=10.80.0.1", NULL, "no matching subnet for aux-address 10.80.0.1"},
        {"a=x", NULL, "no matching subnet for aux-address x"},
        {"a=10.79.0.9", NULL,
         "failed to allocate secondary ip address (10.79.0.9): Address already in use"},
        {NULL, "com.docker.network.driver.mtu=xyz",
         "failed to parse com.docker.network.driver.mtu value: xyz (strconv.Atoi: "
         "parsing \"xyz\": invalid syntax)"},
        {NULL, "com.docker.network.bridge.enable_icc=maybe",
         "failed to parse com.docker.network.bridge.enable_icc value: maybe "
         "(strconv.ParseBool: parsing \"maybe\": invalid syntax)"},
        {NULL, "com.docker.network.bridge.host_binding_ipv4=::1",
         "failed to parse com.docker.network.bridge.host_binding_ipv4 value: ::1 (nil "
         "ip)"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(table); i++) {
        struct cb_network_wish wish = {.name = "options"};
        cb_auto(cb_error) error = NULL;
        cb_autofree char *id = NULL;

        wish_with(&wish, table[i].reserved, table[i].option);
        assert_int_equal(cb_networks_create(state_dir, &wish, &id, &error), -1);
        assert_string_equal(cb_error_message(error), table[i].message);
        cb_network_wish_free(&wish);
    }
}

static void a_gateway_is_not_what_the_network_keeps(void **state)
{
    struct cb_network_wish wish = {.name = "full"};
    cb_auto(cb_error) error = NULL;
    cb_autofree char *id = NULL;

    cb_strings_add(&wish.subnets, "10.81.0.0/30");
    cb_strings_add(&wish.reserved, "a=10.81.0.1");
    cb_strings_add(&wish.reserved, "b=10.81.0.2");
    assert_int_equal(cb_networks_create(state_dir, &wish, &id, &error), -1);
    assert_string_equal(cb_error_message(error),
                        "failed to allocate gateway (): No available addresses on this "
                        "pool");
    cb_network_wish_free(&wish);
}

static void a_name_and_a_subnet_are_given_once(void **state)
{
    cb_autofree char *text = attempt("first", "10.77.0.0/24", NULL, NULL, NULL);

    assert_null(text);
    refused("first", NULL, NULL, NULL, NULL, "network with name first already exists");
    refused("second", "10.77.0.128/25", NULL, NULL, NULL,
            "Pool overlaps with other one on this address space");
    refused("second", "10.213.5.0/24", NULL, NULL, NULL,
            "Pool overlaps with other one on this address space");
}

static void what_was_wished_for_is_found_again(void **state)
{
    struct cb_network_wish wish = {.name = "kept", .internal = 1, .attachable = 1};
    cb_auto(cb_network_def) def = NULL;
    cb_auto_json *document = NULL;
    cb_autofree char *id = NULL;
    char text[CB_CIDR_MAX_TEXT];

    cb_strings_add(&wish.subnets, "10.88.0.9/16");
    cb_strings_add(&wish.subnets, "fd77::/64");
    cb_strings_add(&wish.ranges, "10.88.5.0/24");
    cb_strings_add(&wish.gateways, "10.88.5.254");
    cb_strings_add(&wish.labels, "a=b=c");
    cb_strings_add(&wish.labels, "bare");
    cb_strings_add(&wish.options, "com.docker.network.driver.mtu=1300");
    assert_int_equal(cb_networks_create(state_dir, &wish, &id, NULL), 0);
    cb_network_wish_free(&wish);
    id[7] = '\0';
    assert_int_equal(cb_networks_find(state_dir, id, &def, NULL), 0);
    assert_string_equal(def->name, "kept");
    assert_true(def->internal && def->attachable && def->ipv6);
    assert_int_equal(def->subnet_count, 2);
    assert_string_equal(cb_cidr_text(&def->subnets[0].subnet, text), "10.88.0.0/16");
    assert_string_equal(cb_cidr_text(&def->subnets[0].range, text), "10.88.5.0/24");
    assert_string_equal(cb_ip_text(&def->subnets[0].gateway, text), "10.88.5.254");
    assert_string_equal(cb_ip_text(&def->subnets[1].gateway, text), "fd77::1");
    assert_string_equal(cb_env_get(&def->labels, "a"), "b=c");
    assert_string_equal(cb_env_get(&def->labels, "bare"), "");
    document = cb_network_def_json(def);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(document, "Options"),
                                          "com.docker.network.driver.mtu")),
        "1300");
}

/* What is wrong with WISH; it is empty afterwards. */
static void denied(struct cb_network_wish *wish, const char *message)
{
    cb_auto(cb_error) error = NULL;
    cb_autofree char *id = NULL;

    assert_int_equal(cb_networks_create(state_dir, wish, &id, &error), -1);
    assert_string_equal(cb_error_message(error), message);
    cb_network_wish_free(wish);
    *wish = (struct cb_network_wish){.name = "other"};
}

static void a_configuration_is_what_a_network_is_made_from(void **state)
{
    struct cb_network_wish wish = {.name = "conf", .config_only = 1, .ipv6 = 1};
    cb_auto(cb_network_def) conf = NULL;
    cb_auto(cb_network_def) made = NULL;
    cb_autofree char *id = NULL;
    cb_autofree char *other = NULL;

    cb_strings_add(&wish.subnets, "10.89.0.0/16");
    cb_strings_add(&wish.labels, "a=b");
    assert_int_equal(cb_networks_create(state_dir, &wish, &id, NULL), 0);
    cb_network_wish_free(&wish);
    assert_int_equal(cb_networks_find(state_dir, "conf", &conf, NULL), 0);
    assert_string_equal(conf->driver, "null");
    assert_true(conf->config_only);
    assert_int_equal(conf->subnet_count, 1);
    assert_int_equal(conf->subnets[0].gateway.family, 0);
    wish = (struct cb_network_wish){.name = "made", .config_from = "conf"};
    assert_int_equal(cb_networks_create(state_dir, &wish, &other, NULL), 0);
    assert_int_equal(cb_networks_find(state_dir, "made", &made, NULL), 0);
    assert_string_equal(made->driver, "bridge");
    assert_string_equal(made->config_from, "conf");
    assert_true(made->ipv6 && !made->config_only);
    assert_string_equal(cb_env_get(&made->labels, "a"), "b");
    assert_true(cb_ip_equal(&made->subnets[0].subnet.ip, &conf->subnets[0].subnet.ip));
    assert_int_equal(made->subnets[0].gateway.family, AF_INET);
}

static void what_a_configuration_says_is_not_said_again(void **state)
{
    static const char own[] = "user specified configurations are not supported if the "
                              "network depends on a configuration network";
    struct cb_network_wish wish = {.name = "other", .config_from = "nope"};
    cb_auto(cb_error) error = NULL;

    denied(&wish, "configuration network \"nope\" does not exist");
    wish.config_from = "made";
    denied(&wish, "configuration network \"made\" does not exist");
    wish.config_from = "conf";
    cb_strings_add(&wish.labels, "x=y");
    denied(&wish, own);
    wish.config_from = "conf";
    wish.ipv6 = 1;
    denied(&wish, own);
    wish.config_from = "conf";
    cb_strings_add(&wish.options, "x=y");
    denied(&wish, "network driver options are not supported if the network depends on a "
                  "configuration network");
    wish.config_from = "conf";
    wish.config_only = 1;
    denied(&wish, "a configuration network cannot depend on another configuration "
                  "network");
    wish.config_only = wish.internal = 1;
    denied(&wish, "configuration network can only contain network specific fields. "
                  "Network operator fields like [ ingress | internal | attachable | "
                  "scope ] are not supported.");
    assert_int_equal(cb_networks_remove(state_dir, "conf", &error), -1);
    assert_string_equal(cb_error_message(error),
                        "error while removing network: configuration network \"conf\" "
                        "is in use");
}

static void a_subnet_nobody_asked_for_is_free(void **state)
{
    cb_auto(cb_network_def) one = NULL;
    cb_auto(cb_network_def) two = NULL;
    cb_autofree char *first = attempt("auto1", NULL, NULL, NULL, NULL);
    cb_autofree char *second = attempt("auto2", NULL, NULL, NULL, NULL);

    assert_null(first);
    assert_null(second);
    assert_int_equal(cb_networks_find(state_dir, "auto1", &one, NULL), 0);
    assert_int_equal(cb_networks_find(state_dir, "auto2", &two, NULL), 0);
    assert_false(cb_cidr_overlap(&one->subnets[0].subnet, &two->subnets[0].subnet));
}

static void removal_takes_a_name_or_an_id_once(void **state)
{
    cb_auto(cb_error) gone = NULL;
    cb_auto(cb_error) fixed = NULL;

    assert_int_equal(cb_networks_remove(state_dir, "auto1", NULL), 0);
    assert_int_equal(cb_networks_remove(state_dir, "auto1", &gone), -1);
    assert_string_equal(cb_error_message(gone), "network auto1 not found");
    assert_int_equal(cb_networks_remove(state_dir, "none", &fixed), -1);
    assert_string_equal(cb_error_message(fixed),
                        "none is a pre-defined network and cannot be removed");
}

/* ── Joining ── */

/* BUSY with one address that all want, on a machine whose network is ours to change. */
static struct cb_network_def *busy(struct cb_network *network)
{
    struct cb_network_def *def = NULL;

    if (geteuid() != 0)
        skip();
    if (cb_networks_find(state_dir, "busy", &def, NULL) < 0) {
        cb_autofree char *text = attempt("busy", "10.81.0.0/24", NULL, NULL, NULL);

        assert_null(text);
        assert_int_equal(cb_networks_find(state_dir, "busy", &def, NULL), 0);
    }
    *network = (struct cb_network){
        .state_dir = state_dir, .def = def, .ip = (char *)"10.81.0.5"};
    return def;
}

static struct cb_net_lease *join(struct cb_network *network)
{
    cb_auto(cb_error) error = NULL;
    struct cb_net_lease *lease = NULL;
    struct cb_ip ips[2] = {{0}};

    if (cb_network_take_addresses(network, ips, &lease, &error) < 0)
        print_error("%s\n", cb_error_message(error));
    return lease;
}

struct meanwhile {
    void (*act)(const struct cb_network_def *def);
    const struct cb_network_def *def;
    atomic_int over;
    pthread_t thread;
};

static void *act(void *arg)
{
    struct meanwhile *meanwhile = arg;

    while (!atomic_load(&meanwhile->over))
        meanwhile->act(meanwhile->def);
    return NULL;
}

static void look(const struct cb_network_def *def)
{
    cb_auto_value(cb_network_endpoints) endpoints = {0};

    cb_network_endpoints(def, &endpoints);
}

static void sweep(const struct cb_network_def *def)
{
    cb_attach_sweep();
}

/* How often of TIMES the address of one that was killed could not be had, while another
 * does ACT. */
static int missed(void (*meanwhile_act)(const struct cb_network_def *def), int times)
{
    struct cb_network network;
    cb_auto(cb_network_def) def = busy(&network);
    struct meanwhile meanwhile = {.act = meanwhile_act, .def = def};
    int count = 0;

    assert_int_equal(pthread_create(&meanwhile.thread, NULL, act, &meanwhile), 0);
    for (int i = 0; i < times; i++) {
        struct cb_net_lease *lease = join(&network);

        count += !lease;
        if (lease)
            assert_int_equal(cb_net_lease_record(lease, "{}", NULL), 0);
        cb_net_lease_abandon(lease);
    }
    atomic_store(&meanwhile.over, 1);
    assert_int_equal(pthread_join(meanwhile.thread, NULL), 0);
    cb_attach_sweep();
    return count;
}

static void looking_at_a_network_keeps_nobody_from_joining(void **state)
{
    assert_int_equal(missed(look, 1000), 0);
}

static void what_is_being_swept_is_waited_for(void **state)
{
    assert_int_equal(missed(sweep, 1000), 0);
}

static void a_network_that_somebody_is_joining_is_not_removed(void **state)
{
    struct cb_network network;
    cb_auto(cb_network_def) def = busy(&network);
    cb_auto(cb_net_lease) lease = join(&network);
    cb_auto(cb_error) error = NULL;

    assert_non_null(lease);
    assert_int_equal(cb_networks_remove(state_dir, "busy", &error), -1);
    assert_non_null(strstr(cb_error_message(error), "has active endpoints"));
    cb_net_lease_end(cb_steal(&lease));
    assert_int_equal(cb_networks_remove(state_dir, "busy", NULL), 0);
}

static void a_damaged_file_is_an_error_not_a_crash(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"Id\": \"../x\", \"Name\": \"n\", \"Driver\": \"bridge\"}",
        "{\"Id\": 5}",
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(bad); i++) {
        cb_auto(cb_network_def) def = NULL;
        cb_auto(cb_error) error = NULL;

        assert_int_equal(cb_network_def_parse(&def, "x", bad[i], strlen(bad[i]), &error),
                         -1);
        assert_int_equal(cb_error_kind(error), CB_ERR_INTEGRITY);
    }
}

/* In a network without routes: no subnet is taken by what the machine has. */
static int make_state_dir(void **state)
{
    if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        return -1;
    return mkdtemp(state_dir) ? 0 : -1;
}

static int remove_state_dir(void **state)
{
    cb_autofree char *leases = NULL;
    cb_autofd int dir = -1;

    if (geteuid() == 0 && cb_net_lease_dir(&dir, &leases, NULL) == 0)
        cb_fs_remove_tree(AT_FDCWD, leases, NULL);
    return cb_fs_remove_tree(AT_FDCWD, state_dir, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_wishes_are_refused_in_dockers_words),
        cmocka_unit_test(subnets_that_no_container_can_have_are_refused),
        cmocka_unit_test(wrong_options_are_refused_in_dockers_words),
        cmocka_unit_test(a_gateway_is_not_what_the_network_keeps),
        cmocka_unit_test(a_name_and_a_subnet_are_given_once),
        cmocka_unit_test(what_was_wished_for_is_found_again),
        cmocka_unit_test(a_configuration_is_what_a_network_is_made_from),
        cmocka_unit_test(what_a_configuration_says_is_not_said_again),
        cmocka_unit_test(a_subnet_nobody_asked_for_is_free),
        cmocka_unit_test(removal_takes_a_name_or_an_id_once),
        cmocka_unit_test(looking_at_a_network_keeps_nobody_from_joining),
        cmocka_unit_test(what_is_being_swept_is_waited_for),
        cmocka_unit_test(a_network_that_somebody_is_joining_is_not_removed),
        cmocka_unit_test(a_damaged_file_is_an_error_not_a_crash),
    };

    return cmocka_run_group_tests(tests, make_state_dir, remove_state_dir);
}
