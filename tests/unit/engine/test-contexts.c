/* --build-context: what names and values mean. */
#include "test-engine.h"

struct opened {
    struct cb_named_contexts contexts;
    struct cb_error *error;
    int rc;
};

static void opened_clear(struct opened *opened)
{
    cb_named_contexts_clear(&opened->contexts);
    cb_error_free(opened->error);
}
CB_AUTO_VALUE_DEFINE(opened, opened_clear)

static void open_one(const char *option, struct opened *out)
{
    cb_auto_value(cb_strings) options = {0};

    cb_strings_add(&options, option);
    out->rc = cb_named_contexts_open(&out->contexts, &options, NULL, &out->error);
}

static void test_names_are_familiar_references(void **state)
{
    static const char *const rows[][2] = {
        {"alpine", "alpine"},
        {"alpine:latest", "alpine"},
        {"alpine:3", "alpine:3"},
        {"library/alpine", "alpine"},
        {"docker.io/library/alpine:latest", "alpine"},
        {"docker.io/me/app", "me/app"},
        {"localhost:5000/app:latest", "localhost:5000/app"},
        {"latest", "latest"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_auto_value(opened) opened = {0};
        cb_autofree char *option = xasprintf("%s=docker-image://x", rows[i][0]);

        open_one(option, &opened);
        assert_int_equal(opened.rc, 0);
        assert_string_equal(opened.contexts.items[0].name, rows[i][1]);
        assert_null(opened.contexts.items[0].platform);
    }
}

static void test_platform_is_normalised(void **state)
{
    cb_auto_value(opened) opened = {0};

    open_one("app::linux/x86_64=docker-image://x", &opened);
    assert_int_equal(opened.rc, 0);
    assert_string_equal(opened.contexts.items[0].platform, "linux/amd64");
}

static void test_layouts_have_tag_and_digest(void **state)
{
#define DIGEST "sha256:1111111111111111111111111111111111111111111111111111111111111111"
    static const struct {
        const char *suffix, *tag;
        int has_digest;
    } rows[] = {
        {"", NULL, 0},
        {":v1", "v1", 0},
        {"@" DIGEST, NULL, 1},
        {":v1@" DIGEST, "v1", 1},
        {":latest", "latest", 0},
    };
    struct test_dir *dir = *state;

    test_dir_write(dir, "lay/index.json", "{}");
    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_auto_value(opened) opened = {0};
        cb_autofree char *path = xasprintf("%s/lay", dir->path);
        cb_autofree char *option = xasprintf("x=oci-layout://%s%s", path, rows[i].suffix);
        const struct cb_named_context *got;

        open_one(option, &opened);
        assert_int_equal(opened.rc, 0);
        got = &opened.contexts.items[0];
        assert_int_equal(got->kind, CB_NAMED_LAYOUT);
        assert_string_equal(got->layout, path);
        assert_int_equal(cb_digest_is_set(&got->digest), rows[i].has_digest);
        if (rows[i].tag)
            assert_string_equal(got->tag, rows[i].tag);
        else
            assert_null(got->tag);
    }
}

static void test_the_last_of_a_name_counts(void **state)
{
    cb_auto_value(cb_strings) options = {0};
    cb_auto_value(opened) opened = {0};

    cb_strings_add(&options, "a=docker-image://one");
    cb_strings_add(&options, "a::linux/arm64=docker-image://two");
    cb_strings_add(&options, "docker.io/library/a:latest=docker-image://three");
    assert_int_equal(cb_named_contexts_open(&opened.contexts, &options, NULL, NULL), 0);
    assert_int_equal(opened.contexts.count, 2);
    assert_string_equal(opened.contexts.items[0].image, "three");
    assert_string_equal(opened.contexts.items[1].image, "two");
}

static void test_mistakes_name_the_option(void **state)
{
    static const char *const rows[] = {
        "x", "x=", "=x", "", "X=/", "scratch=/", "Context=/", "x::=/", "x::a/b/c/d/e=/"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_auto_value(opened) opened = {0};
        cb_autofree char *start =
            xasprintf("invalid argument \"%s\" for \"--build-context\" flag: ", rows[i]);

        open_one(rows[i], &opened);
        assert_int_equal(opened.rc, -1);
        assert_int_equal(cb_error_kind(opened.error), CB_ERR_USAGE);
        if (strncmp(cb_error_message(opened.error), start, strlen(start)) != 0)
            fail_msg("%s", cb_error_message(opened.error));
    }
}

static void test_a_directory_brings_its_own_rules(void **state)
{
    struct test_dir *dir = *state;
    cb_auto_value(opened) opened = {0};
    cb_autofree char *option = xasprintf("x=%s/lib", dir->path);

    test_dir_write(dir, "lib/.dockerignore", "secret\n");
    open_one(option, &opened);
    assert_int_equal(opened.rc, 0);
    assert_int_equal(opened.contexts.items[0].kind, CB_NAMED_FILES);
    assert_int_equal(cb_context_ignored(opened.contexts.items[0].context, "secret"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_familiar_references),
        cmocka_unit_test(test_platform_is_normalised),
        cmocka_unit_test_setup_teardown(test_layouts_have_tag_and_digest, test_dir_setup,
                                        test_dir_teardown),
        cmocka_unit_test(test_the_last_of_a_name_counts),
        cmocka_unit_test(test_mistakes_name_the_option),
        cmocka_unit_test_setup_teardown(test_a_directory_brings_its_own_rules,
                                        test_dir_setup, test_dir_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
