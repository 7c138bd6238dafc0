/* Networks with names: what is accepted, kept and found again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fs.h"
#include "network/named.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

static char state_dir[] = "/tmp/cbuild-named-XXXXXX";

static void wish_clear(struct cb_network_wish *wish)
{
    cb_strings_free(&wish->subnets);
    cb_strings_free(&wish->gateways);
    cb_strings_free(&wish->ranges);
    cb_strings_free(&wish->labels);
    cb_strings_free(&wish->options);
}

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
    wish_clear(&wish);
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
    refused("bridge", NULL, NULL, NULL, NULL,
            "operation is not permitted on predefined bridge network");
    refused("a/../b", NULL, NULL, NULL, NULL,
            "invalid network name \"a/../b\": only [a-zA-Z0-9][a-zA-Z0-9_.-] are "
            "allowed");
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
    wish_clear(&wish);
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
    return cb_fs_remove_tree(AT_FDCWD, state_dir, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_wishes_are_refused_in_dockers_words),
        cmocka_unit_test(a_name_and_a_subnet_are_given_once),
        cmocka_unit_test(what_was_wished_for_is_found_again),
        cmocka_unit_test(a_subnet_nobody_asked_for_is_free),
        cmocka_unit_test(removal_takes_a_name_or_an_id_once),
        cmocka_unit_test(a_damaged_file_is_an_error_not_a_crash),
    };

    return cmocka_run_group_tests(tests, make_state_dir, remove_state_dir);
}
