/* What a build's options mean, and what is said of wrong ones: each message names the
 * option. */
#include "engine/engine-priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

struct row {
    const char *option, *value, *message;
};

static const struct row wrong[] = {
    {"tag", "X",
     "invalid argument \"X\" for \"-t, --tag\" flag: invalid reference format: "
     "repository "
     "name must "
     "be lowercase"},
    {"tag", "a b",
     "invalid argument \"a b\" for \"-t, --tag\" flag: invalid reference format"},
    {"build-arg", "=v",
     "invalid argument \"=v\" for \"--build-arg\" flag: a name is missing"},
    {"label", "", "invalid argument \"\" for \"--label\" flag: a name is missing"},
    {"label", "a b=c",
     "invalid argument \"a b=c\" for \"--label\" flag: label 'a b' contains "
     "whitespaces"},
    {"platform", "linux/amd64,,linux/arm64",
     "invalid argument \"linux/amd64,,linux/arm64\" for \"--platform\" flag: invalid "
     "platform "
     "``: expected the form os/arch or os/arch/variant"},
    {"platform", "linux/amd64,",
     "invalid argument \"linux/amd64,\" for \"--platform\" flag: invalid platform ``: "
     "expected "
     "the form os/arch or os/arch/variant"},
    {"allow", "all",
     "invalid argument \"all\" for \"--allow\" flag: expected network.host, "
     "security.insecure or device[=NAME]"},
    {"ulimit", "nofile",
     "invalid argument \"nofile\" for \"--ulimit\" flag: expected name=soft[:hard]"},
    {"ulimit", "files=1",
     "invalid argument \"files=1\" for \"--ulimit\" flag: invalid ulimit type: files"},
    {"ulimit", "nofile=2:1",
     "invalid argument \"nofile=2:1\" for \"--ulimit\" flag: ulimit soft limit must be "
     "less "
     "than or "
     "equal to hard limit"},
    {"ulimit", "nofile=x",
     "invalid argument \"nofile=x\" for \"--ulimit\" flag: limits are numbers, or "
     "-1 for none"},
    {"add-host", "name",
     "invalid argument \"name\" for \"--add-host\" flag: bad format for add-host: "
     "\"name\""},
    {"add-host", "name:b",
     "invalid argument \"name:b\" for \"--add-host\" flag: invalid IP address in "
     "add-host: "
     "\"b\""},
    {"secret", "src=/x",
     "invalid argument \"src=/x\" for \"--secret\" flag: id=NAME is missing"},
    {"secret", "id=a,file=x",
     "invalid argument \"id=a,file=x\" for \"--secret\" flag: unexpected key 'file': "
     "expected id, src, env, type or cache"},
    {"secret", "id=a,cache=yes",
     "invalid argument \"id=a,cache=yes\" for \"--secret\" flag: unsupported value "
     "\"yes\" of cache: expected key"},
    {"secret", "id=a,type=x",
     "invalid argument \"id=a,type=x\" for \"--secret\" flag: unsupported secret type "
     "\"x\""},
};

static void set_option(struct cb_build_request *request, const struct row *row)
{
    const struct {
        const char *name;
        struct cb_strings *list;
        const char **text;
    } slots[] = {
        {"tag", &request->tags, NULL},        {"build-arg", &request->build_args, NULL},
        {"label", &request->labels, NULL},    {"platform", &request->platforms, NULL},
        {"network", NULL, &request->network}, {"allow", &request->allow, NULL},
        {"ulimit", &request->ulimits, NULL},  {"add-host", &request->add_hosts, NULL},
        {"secret", &request->secrets, NULL},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(slots); i++) {
        if (strcmp(slots[i].name, row->option))
            continue;
        if (slots[i].list)
            cb_strings_add(slots[i].list, row->value);
        else
            *slots[i].text = row->value;
        return;
    }
    fail_msg("no option %s", row->option);
}

static void test_mistakes_name_their_option(void **state)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(wrong); i++) {
        cb_auto_value(cb_build_request) request = {0};
        cb_auto_value(cb_checked_request) checked = {0};
        cb_auto(cb_error) error = NULL;

        set_option(&request, &wrong[i]);
        if (cb_request_check(&checked, &request, &error) == 0)
            assert_int_equal(cb_request_secrets(&checked, &request, NULL, &error), -1);
        assert_string_equal(cb_error_message(error), wrong[i].message);
    }
}

static void test_tags_get_their_full_name(void **state)
{
    cb_auto_value(cb_build_request) request = {0};
    cb_auto_value(cb_checked_request) checked = {0};

    cb_strings_add(&request.tags, "app");
    cb_strings_add(&request.tags, "localhost:5000/team/app:1.2");
    assert_int_equal(cb_request_check(&checked, &request, NULL), 0);
    assert_string_equal(checked.names.items[0], "docker.io/library/app:latest");
    assert_string_equal(checked.names.items[1], "localhost:5000/team/app:1.2");
    assert_string_equal(checked.familiar.items[0], "app:latest");
}

static void expect_platforms(const struct cb_checked_request *checked, const char *want)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_vec_foreach (platform, &checked->platforms) {
        cb_autofree char *one = cb_platform_text(platform);

        cb_strbuf_addf(&text, "%s%s", text.len ? "," : "", one);
    }
    assert_string_equal(cb_strbuf_text(&text), want);
}

static void test_platforms_are_normalised_and_each_counts_once(void **state)
{
    static const struct {
        const char *first, *second, *want;
    } rows[] = {
        {"linux/arm64,linux/amd64", NULL, "linux/arm64,linux/amd64"},
        {"linux/amd64", "linux/s390x,linux/amd64", "linux/amd64,linux/s390x"},
        {"linux/arm64/v8,linux/arm64,linux/aarch64", NULL, "linux/arm64"},
        {"linux/amd64/v1,linux/x86_64,linux/amd64/v2", NULL,
         "linux/amd64,linux/amd64/v2"},
        {"linux/arm,linux/arm/v6,linux/arm/v7", NULL, "linux/arm/v7,linux/arm/v6"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_auto_value(cb_build_request) request = {0};
        cb_auto_value(cb_checked_request) checked = {0};

        cb_strings_add(&request.platforms, rows[i].first);
        if (rows[i].second)
            cb_strings_add(&request.platforms, rows[i].second);
        assert_int_equal(cb_request_check(&checked, &request, NULL), 0);
        expect_platforms(&checked, rows[i].want);
    }
}

static void test_without_a_platform_it_is_this_machines(void **state)
{
    struct cb_platform host = cb_platform_host();
    cb_autofree char *want = cb_platform_text(&host);
    static const char *const values[] = {NULL, "", "local"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(values); i++) {
        cb_auto_value(cb_build_request) request = {0};
        cb_auto_value(cb_checked_request) checked = {0};

        if (values[i])
            cb_strings_add(&request.platforms, values[i]);
        assert_int_equal(cb_request_check(&checked, &request, NULL), 0);
        expect_platforms(&checked, want);
    }
}

static void test_build_arg_without_value_comes_from_the_environment(void **state)
{
    cb_auto_value(cb_build_request) request = {0};
    cb_auto_value(cb_checked_request) checked = {0};

    setenv("CBUILD_TEST_SET", "here", 1);
    unsetenv("CBUILD_TEST_UNSET");
    cb_strings_add(&request.build_args, "CBUILD_TEST_SET");
    cb_strings_add(&request.build_args, "CBUILD_TEST_UNSET");
    cb_strings_add(&request.build_args, "EMPTY=");
    assert_int_equal(cb_request_check(&checked, &request, NULL), 0);
    assert_string_equal(cb_env_get(&checked.build_args, "CBUILD_TEST_SET"), "here");
    assert_null(cb_env_get(&checked.build_args, "CBUILD_TEST_UNSET"));
    assert_string_equal(cb_env_get(&checked.build_args, "EMPTY"), "");
}

static void test_ulimits(void **state)
{
    struct cb_rlimit limit = {0};

    assert_int_equal(cb_rlimit_parse(&limit, "nofile=1024:2048", NULL), 0);
    assert_int_equal(limit.resource, RLIMIT_NOFILE);
    assert_int_equal(limit.soft, 1024);
    assert_int_equal(limit.hard, 2048);
    assert_int_equal(cb_rlimit_parse(&limit, "core=-1", NULL), 0);
    assert_true(limit.hard == UINT64_MAX);
}

static void test_any_other_network_takes_the_defaults_place(void **state)
{
    cb_auto_value(cb_build_request) request = {.network = "backend"};
    cb_auto_value(cb_checked_request) checked = {0};

    assert_int_equal(cb_request_check(&checked, &request, NULL), 0);
    assert_int_equal(checked.network, CB_OP_NETWORK_DEFAULT);
    assert_string_equal(checked.network_name, "backend");
    assert_false(checked.allow_host_network);
}

static void test_host_network_of_the_build_is_a_grant(void **state)
{
    cb_auto_value(cb_build_request) request = {.network = "host"};
    cb_auto_value(cb_checked_request) checked = {0};

    assert_int_equal(cb_request_check(&checked, &request, NULL), 0);
    assert_int_equal(checked.network, CB_OP_NETWORK_HOST);
    assert_true(checked.allow_host_network);
    assert_false(checked.allow_insecure);
}

/* ── Secrets ── */

static void expect_secret(struct cb_secrets *secrets, const char *id, const char *value)
{
    const void *bytes;
    size_t len;

    assert_int_equal(cb_secrets_get(secrets, id, &bytes, &len), 1);
    assert_int_equal(len, strlen(value));
    assert_memory_equal(bytes, value, len);
}

static void test_secrets_from_files_and_environment(void **state)
{
    cb_auto_value(cb_strings) options = {0};
    cb_auto(cb_secrets) secrets = NULL;
    char path[] = "/tmp/cbuild-secret-XXXXXX";
    const void *bytes;
    size_t len;
    int fd = mkstemp(path);

    assert_true(fd >= 0 && write(fd, "from file", 9) == 9);
    close(fd);
    setenv("CBUILD_TEST_SECRET", "from env", 1);
    cb_strings_addf(&options, "id=file,src=%s", path);
    cb_strings_add(&options, "id=env,env=CBUILD_TEST_SECRET");
    cb_strings_add(&options, "id=CBUILD_TEST_SECRET");
    cb_strings_add(&options, "type=env,id=typed,src=CBUILD_TEST_SECRET");
    cb_strings_addf(&options, "id=both,src=%s,env=CBUILD_TEST_SECRET", path);
    cb_strings_addf(&options, "id=neither,env=,src=%s", path);
    cb_strings_add(&options, "id=unset,env=CBUILD_TEST_UNSET");
    assert_int_equal(cb_secrets_new(&secrets, &options, NULL, NULL), 0);
    unlink(path);
    expect_secret(secrets, "file", "from file");
    expect_secret(secrets, "env", "from env");
    expect_secret(secrets, "CBUILD_TEST_SECRET", "from env");
    expect_secret(secrets, "typed", "from env");
    expect_secret(secrets, "both", "from env");
    expect_secret(secrets, "neither", "from file");
    expect_secret(secrets, "unset", "");
    assert_int_equal(cb_secrets_get(secrets, "other", &bytes, &len), 0);
}

static void test_missing_secret_file_is_an_error(void **state)
{
    cb_auto_value(cb_strings) options = {0};
    cb_auto(cb_secrets) secrets = NULL;
    cb_auto(cb_error) error = NULL;

    cb_strings_add(&options, "id=a,src=/nonexistent/file");
    assert_int_equal(cb_secrets_new(&secrets, &options, NULL, &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_NOT_FOUND);
    assert_non_null(strstr(cb_error_message(error), "secret `a`"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes_name_their_option),
        cmocka_unit_test(test_tags_get_their_full_name),
        cmocka_unit_test(test_platforms_are_normalised_and_each_counts_once),
        cmocka_unit_test(test_without_a_platform_it_is_this_machines),
        cmocka_unit_test(test_build_arg_without_value_comes_from_the_environment),
        cmocka_unit_test(test_ulimits),
        cmocka_unit_test(test_any_other_network_takes_the_defaults_place),
        cmocka_unit_test(test_host_network_of_the_build_is_a_grant),
        cmocka_unit_test(test_secrets_from_files_and_environment),
        cmocka_unit_test(test_missing_secret_file_is_an_error),
    };

    return cmocka_run_group_tests_name("engine request", tests, NULL, NULL);
}
