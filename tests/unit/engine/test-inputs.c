/* Where the Dockerfile and the context come from: PATH, -f, standard input. */
#include "test-engine.h"

struct opened {
    struct cb_build_request request;
    struct cb_inputs inputs;
    struct cb_error *error;
    char path[128], file[128];
    int rc;
};

static void opened_clear(struct opened *opened)
{
    cb_inputs_clear(&opened->inputs);
    cb_error_free(opened->error);
}

/* CONTEXT and FILE below the test's directory unless "-"; INPUT is what standard input
 * has. */
static void open_inputs(struct test_dir *dir, const char *context, const char *file,
                        const void *input, size_t len, struct opened *out)
{
    struct cb_engine_env env = {.store = dir->store, .stdin_fd = -1};
    cb_autofd int read_end = -1, write_end = -1;
    int ends[2];

    snprintf(out->path, sizeof(out->path), strcmp(context, "-") ? "%s/%s" : "-",
             dir->path, context);
    out->request.context = out->path;
    if (file) {
        snprintf(out->file, sizeof(out->file), strcmp(file, "-") ? "%s/%s" : "-",
                 dir->path, file);
        out->request.dockerfile = out->file;
    }
    assert_int_equal(pipe(ends), 0);
    read_end = ends[0];
    write_end = ends[1];
    assert_int_equal(cb_fs_write_all(write_end, input, len), 0);
    cb_close(&write_end);
    env.stdin_fd = read_end;
    out->rc = cb_inputs_open(&out->inputs, &env, &out->request, NULL, &out->error);
}

static void expect_dockerfile(const struct opened *opened, const char *name,
                              const char *text)
{
    size_t len = 0;

    if (opened->rc < 0)
        fail_msg("%s", cb_error_message(opened->error));
    assert_string_equal(cb_source_text(opened->inputs.dockerfile, &len), text);
    assert_non_null(strstr(cb_source_name(opened->inputs.dockerfile), name));
}

static void test_dockerfile_of_the_context(void **state)
{
    struct opened opened = {0};

    test_dir_write(*state, "ctx/Dockerfile", "FROM a\n");
    open_inputs(*state, "ctx", NULL, "", 0, &opened);
    expect_dockerfile(&opened, "Dockerfile", "FROM a\n");
    opened_clear(&opened);
}

static void test_lower_case_name_is_second(void **state)
{
    struct opened opened = {0};

    test_dir_write(*state, "ctx/dockerfile", "FROM b\n");
    open_inputs(*state, "ctx", NULL, "", 0, &opened);
    expect_dockerfile(&opened, "dockerfile", "FROM b\n");
    opened_clear(&opened);
}

static void test_containerfile_is_last(void **state)
{
    struct opened first = {0}, second = {0};

    test_dir_write(*state, "ctx/Containerfile", "FROM p\n");
    open_inputs(*state, "ctx", NULL, "", 0, &first);
    expect_dockerfile(&first, "Containerfile", "FROM p\n");
    test_dir_write(*state, "ctx/dockerfile", "FROM b\n");
    open_inputs(*state, "ctx", NULL, "", 0, &second);
    expect_dockerfile(&second, "dockerfile", "FROM b\n");
    opened_clear(&first);
    opened_clear(&second);
}

static void test_lower_case_stands_in_for_a_named_one(void **state)
{
    struct opened opened = {0};

    test_dir_write(*state, "ctx/sub/dockerfile", "FROM b\n");
    open_inputs(*state, "ctx", "ctx/sub/Dockerfile", "", 0, &opened);
    expect_dockerfile(&opened, "sub/dockerfile", "FROM b\n");
    opened_clear(&opened);
}

static void test_missing_dockerfile(void **state)
{
    struct opened opened = {0};

    test_dir_write(*state, "ctx/other", "");
    open_inputs(*state, "ctx", NULL, "", 0, &opened);
    assert_int_equal(opened.rc, -1);
    assert_string_equal(
        cb_error_message(opened.error),
        "failed to read dockerfile: open Dockerfile: no such file or directory");
    opened_clear(&opened);
}

static void test_named_file_outside_the_context(void **state)
{
    struct opened opened = {0};

    test_dir_write(*state, "ctx/x", "");
    test_dir_write(*state, "elsewhere/My.Dockerfile", "FROM c\n");
    open_inputs(*state, "ctx", "elsewhere/My.Dockerfile", "", 0, &opened);
    expect_dockerfile(&opened, "My.Dockerfile", "FROM c\n");
    opened_clear(&opened);
}

static void test_context_must_be_a_directory(void **state)
{
    struct opened opened = {0};

    test_dir_write(*state, "file", "");
    open_inputs(*state, "file", NULL, "", 0, &opened);
    assert_int_equal(opened.rc, -1);
    assert_non_null(strstr(cb_error_message(opened.error), "is not a directory"));
    opened_clear(&opened);
}

static void test_missing_context(void **state)
{
    struct opened opened = {0};

    open_inputs(*state, "nowhere", NULL, "", 0, &opened);
    assert_int_equal(opened.rc, -1);
    assert_int_equal(cb_error_kind(opened.error), CB_ERR_NOT_FOUND);
    assert_non_null(strstr(cb_error_message(opened.error), "nowhere\" not found"));
    opened_clear(&opened);
}

static void test_dockerfile_from_standard_input(void **state)
{
    struct opened opened = {0};

    test_dir_write(*state, "ctx/Dockerfile", "FROM a\n");
    open_inputs(*state, "ctx", "-", "FROM stdin\n", 11, &opened);
    expect_dockerfile(&opened, "Dockerfile", "FROM stdin\n");
    opened_clear(&opened);
}

static void test_standard_input_alone_has_no_context(void **state)
{
    struct opened opened = {0};

    open_inputs(*state, "-", NULL, "FROM stdin\n", 11, &opened);
    expect_dockerfile(&opened, "Dockerfile", "FROM stdin\n");
    assert_int_equal(cb_context_root_fd(opened.inputs.context), -1);
    opened_clear(&opened);
}

static void test_standard_input_for_both(void **state)
{
    struct opened opened = {0};

    open_inputs(*state, "-", "-", "", 0, &opened);
    assert_int_equal(opened.rc, -1);
    assert_string_equal(cb_error_message(opened.error),
                        "can't use stdin for both build context and dockerfile");
    opened_clear(&opened);
}

/* A tar of one regular file named Dockerfile. */
static void make_tar(char tar[2048], const char *text)
{
    unsigned sum = 0;

    memset(tar, 0, 2048);
    strcpy(tar, "Dockerfile");
    memcpy(tar + 100, "0000644", 8);
    memcpy(tar + 108, "0000000", 8);
    memcpy(tar + 116, "0000000", 8);
    snprintf(tar + 124, 12, "%011o", (unsigned)strlen(text));
    memcpy(tar + 136, "00000000000", 12);
    memset(tar + 148, ' ', 8);
    tar[156] = '0';
    memcpy(tar + 257, "ustar\00000", 8);
    for (int i = 0; i < 512; i++)
        sum += (unsigned char)tar[i];
    snprintf(tar + 148, 8, "%06o", sum);
    memcpy(tar + 512, text, strlen(text));
}

static void test_archive_from_standard_input(void **state)
{
    struct opened opened = {0};
    char tar[2048];

    make_tar(tar, "FROM tar\n");
    open_inputs(*state, "-", NULL, tar, sizeof(tar), &opened);
    expect_dockerfile(&opened, "Dockerfile", "FROM tar\n");
    opened_clear(&opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_dockerfile_of_the_context, test_dir_setup,
                                        test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_lower_case_name_is_second, test_dir_setup,
                                        test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_lower_case_stands_in_for_a_named_one,
                                        test_dir_setup, test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_containerfile_is_last, test_dir_setup,
                                        test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_missing_dockerfile, test_dir_setup,
                                        test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_named_file_outside_the_context,
                                        test_dir_setup, test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_context_must_be_a_directory, test_dir_setup,
                                        test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_missing_context, test_dir_setup,
                                        test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_dockerfile_from_standard_input,
                                        test_dir_setup, test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_standard_input_alone_has_no_context,
                                        test_dir_setup, test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_standard_input_for_both, test_dir_setup,
                                        test_dir_teardown),
        cmocka_unit_test_setup_teardown(test_archive_from_standard_input, test_dir_setup,
                                        test_dir_teardown),
    };

    return cmocka_run_group_tests_name("engine inputs", tests, NULL, NULL);
}
