#include "unit.h"

#include "base/fs.h"

static void paths_are_cleaned_as_by_go(void **state)
{
    static const struct {
        const char *path, *expected;
    } rows[] = {
        {"", "."},
        {"abc", "abc"},
        {"abc/def", "abc/def"},
        {".", "."},
        {"..", ".."},
        {"../..", "../.."},
        {"../../abc", "../../abc"},
        {"/abc", "/abc"},
        {"/", "/"},
        {"abc/", "abc"},
        {"abc/def/", "abc/def"},
        {"./", "."},
        {"../", ".."},
        {"/abc/", "/abc"},
        {"abc//def//ghi", "abc/def/ghi"},
        {"//abc", "/abc"},
        {"//abc//", "/abc"},
        {"abc/./def", "abc/def"},
        {"/./abc/def", "/abc/def"},
        {"abc/def/ghi/../jkl", "abc/def/jkl"},
        {"abc/def/../ghi/../jkl", "abc/jkl"},
        {"abc/def/..", "abc"},
        {"abc/def/../..", "."},
        {"/abc/def/../..", "/"},
        {"abc/def/../../..", ".."},
        {"/abc/def/../../..", "/"},
        {"abc/def/../../../ghi/jkl/../../../mno", "../../mno"},
        {"abc/./../def", "def"},
        {"abc//./../def", "def"},
        {"abc/../../././../def", "../../def"},
        {"a//b/../c/.", "a/c"},
        {"...", "..."},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_autofree char *cleaned = cb_path_clean(rows[i].path);

        assert_string_equal(cleaned, rows[i].expected);
    }
}

static void paths_are_joined_as_by_go(void **state)
{
    static const struct {
        const char *a, *b, *expected;
    } rows[] = {
        {"a", "b", "a/b"},    {"a", "", "a"},     {"", "b", "b"},     {"", "", ""},
        {"/", "a", "/a"},     {"/", "", "/"},     {"a/", "b", "a/b"}, {"a/", "", "a"},
        {"/a", "../b", "/b"}, {"a", "/b", "a/b"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_autofree char *joined = cb_path_join(rows[i].a, rows[i].b);

        assert_string_equal(joined, rows[i].expected);
    }
    assert_string_equal(cb_path_base("/a/b"), "b");
    assert_string_equal(cb_path_base("b"), "b");
    assert_string_equal(cb_path_base("/"), "/");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_cleaned_as_by_go),
        cmocka_unit_test(paths_are_joined_as_by_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
