/* The two paths of cp: docker's cases as a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "container/copy.h"

#include <stdlib.h>
#include <string.h>

static void a_container_s_path_has_a_name_before_its_colon(void **state)
{
    static const struct {
        const char *text, *name, *path;
    } table[] = {
        {"web:/a", "web", "/a"},   {"web:", "web", ""},     {"web:a:b", "web", "a:b"},
        {"./web:/a", NULL, NULL},  {"/web:/a", NULL, NULL}, {"plain", NULL, NULL},
        {"../web:/a", NULL, NULL}, {"-", NULL, NULL},       {":/a", NULL, NULL},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(table); i++) {
        const char *path;
        cb_autofree char *name = cb_copy_split(table[i].text, &path);

        if (!table[i].name) {
            assert_null(name);
            assert_string_equal(path, table[i].text);
            continue;
        }
        assert_string_equal(name, table[i].name);
        assert_string_equal(path, table[i].path);
    }
}

static void the_end_of_a_path_says_what_is_wanted(void **state)
{
    static const struct {
        const char *text, *path;
        int directory, content;
    } table[] = {
        {"/a/b", "/a/b", 0, 0},  {"/a/b/", "/a/b", 1, 0}, {"/a/b/.", "/a/b", 1, 1},
        {"/", "/", 1, 1},        {"/.", "/", 1, 1},       {"a", "/base/a", 0, 0},
        {".", "/base", 1, 1},    {"./", "/base", 1, 0},   {"..", "/", 1, 1},
        {"/a/../b", "/b", 0, 0}, {"/..", "/", 1, 1},      {"/a.", "/a.", 0, 0},
        {"", "/base", 0, 0},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(table); i++) {
        struct cb_copy_end end;
        cb_autofree char *path = cb_copy_path("/base", table[i].text, &end);

        assert_string_equal(path, table[i].path);
        assert_int_equal(end.wants_directory, table[i].directory);
        assert_int_equal(end.content_only, table[i].content);
    }
}

enum { FILE_ = CB_COPY_OTHER, DIR_ = CB_COPY_DIRECTORY, NONE = CB_COPY_MISSING };
#define PLAIN   0
#define SLASH   1
#define CONTENT 2

static struct cb_copy_end end_of(int kind, int form)
{
    return (struct cb_copy_end){.kind = (enum cb_copy_kind)kind,
                                .wants_directory = form != PLAIN,
                                .content_only = form == CONTENT};
}

static void every_case_is_docker_s(void **state)
{
    static const struct {
        int from, from_form, to, to_form;
        int way; /* -1: an error */
        const char *message;
    } table[] = {
        {FILE_, PLAIN, NONE, PLAIN, CB_COPY_AS, NULL},
        {FILE_, PLAIN, NONE, SLASH, -1, "no such directory"},
        {FILE_, PLAIN, FILE_, PLAIN, CB_COPY_AS, NULL},
        {FILE_, PLAIN, FILE_, SLASH, -1, "not a directory"},
        {FILE_, PLAIN, DIR_, PLAIN, CB_COPY_INTO, NULL},
        {FILE_, SLASH, DIR_, PLAIN, -1, "not a directory"},
        {DIR_, PLAIN, NONE, PLAIN, CB_COPY_AS, NULL},
        {DIR_, SLASH, NONE, SLASH, CB_COPY_AS, NULL},
        {DIR_, CONTENT, NONE, PLAIN, CB_COPY_AS, NULL},
        {DIR_, PLAIN, FILE_, PLAIN, -1, "cannot copy directory"},
        {DIR_, CONTENT, FILE_, PLAIN, -1, "cannot copy directory"},
        {DIR_, PLAIN, DIR_, PLAIN, CB_COPY_INTO, NULL},
        {DIR_, SLASH, DIR_, SLASH, CB_COPY_INTO, NULL},
        {DIR_, CONTENT, DIR_, PLAIN, CB_COPY_CONTENT, NULL},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(table); i++) {
        struct cb_copy_end from = end_of(table[i].from, table[i].from_form);
        struct cb_copy_end to = end_of(table[i].to, table[i].to_form);
        cb_auto(cb_error) error = NULL;
        enum cb_copy_way way;
        int status = cb_copy_choose(&from, &to, &way, &error);

        assert_int_equal(status, table[i].way < 0 ? -1 : 0);
        if (status == 0)
            assert_int_equal((int)way, table[i].way);
        else
            assert_string_equal(cb_error_message(error), table[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_container_s_path_has_a_name_before_its_colon),
        cmocka_unit_test(the_end_of_a_path_says_what_is_wanted),
        cmocka_unit_test(every_case_is_docker_s),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
