#include "unit.h"

#include "base/glob.h"

static void single_patterns_match_as_filepath_match(void **state)
{
    static const struct {
        const char *pattern, *path;
        int expected;
    } rows[] = {
        {"abc", "abc", 1},
        {"*", "abc", 1},
        {"*c", "abc", 1},
        {"a*", "a", 1},
        {"a*", "ab/c", 0},
        {"a*/b", "abc/b", 1},
        {"a*/b", "a/c/b", 0},
        {"a*b*c*d*e*/f", "axbxcxdxe/f", 1},
        {"a*b*c*d*e*/f", "axbxcxdxexxx/f", 1},
        {"a*b*c*d*e*/f", "axbxcxdxe/xxx/f", 0},
        {"a*b*c*d*e*/f", "axbxcxdxexxx/fff", 0},
        {"a*b?c*x", "abxbbxdbxebxczzx", 1},
        {"a*b?c*x", "abxbbxdbxebxczzy", 0},
        {"ab[c]", "abc", 1},
        {"ab[b-d]", "abc", 1},
        {"ab[e-g]", "abc", 0},
        {"ab[^c]", "abc", 0},
        {"ab[^e-g]", "abc", 1},
        {"a\\*b", "a*b", 1},
        {"a\\*b", "ab", 0},
        {"a?b",
         "a\xe2\x98\xba"
         "b",
         1},
        {"a[^a]b",
         "a\xe2\x98\xba"
         "b",
         1},
        {"a???b",
         "a\xe2\x98\xba"
         "b",
         0},
        {"[a-\xce\xb6]*", "\xce\xb1", 1},
        {"*[a-\xce\xb6]", "A", 0},
        {"a?b", "a/b", 0},
        {"a*b", "a/b", 0},
        {"[\\]a]", "]", 1},
        {"[x\\-]", "-", 1},
        {"[x\\-]", "z", 0},
        {"*x", "xxx", 1},
        {"arr[[]0].txt", "arr[0].txt", 1},
        {"a**b", "axxb", 1},
        {"[!a]b", "!b", 1},
        {"", "", 1},
        {"", "x", 0},
        {"?", "", 0},
        {"[]a]", "]", -1},
        {"[-]", "-", -1},
        {"[x-]", "x", -1},
        {"[-x]", "x", -1},
        {"\\", "a", -1},
        {"[a-b-c]", "a", -1},
        {"[", "a", -1},
        {"[^", "a", -1},
        {"[^bc", "a", -1},
        {"a[", "a", -1},
        {"a[", "x", -1},
        {"a/b[", "x", -1},
        {"[\xff]", "a", -1},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_auto(cb_error) err = NULL;
        int result = cb_glob_match(rows[i].pattern, rows[i].path, &err);

        if (result != rows[i].expected)
            fail_msg("`%s` against `%s`: %d", rows[i].pattern, rows[i].path, result);
        if (result < 0)
            assert_int_equal(cb_error_kind(err), CB_ERR_SYNTAX);
    }
}

/* Ends long before a test runner would give up only if nothing is tried twice. */
static void many_stars_cost_no_more_than_their_number(void **state)
{
    cb_auto_value(cb_strings) patterns = {0};
    cb_auto(cb_pattern_list) list = NULL;
    struct cb_error *err = NULL;
    char pattern[4096], name[4096];

    memset(name, 'a', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    for (size_t i = 0; i < sizeof(pattern); i++)
        pattern[i] = i % 2 ? '*' : 'a';
    pattern[sizeof(pattern) - 2] = 'b';
    pattern[sizeof(pattern) - 1] = '\0';
    assert_int_equal(cb_glob_match(pattern, name, &err), 0);
    cb_strings_add(&patterns, pattern);
    cb_strings_add(&patterns, "**/a**/a**/a**/a**/a**/a**/a**/a**/a**/a**/a**/a*b");
    assert_ok(cb_pattern_list_new(&list, &patterns, &err), err);
    assert_false(cb_pattern_list_match_path(list, name));
    name[4000] = 'b';
    assert_false(cb_pattern_list_match_path(list, name));
}

static void meta_characters_are_seen(void **state)
{
    assert_true(cb_glob_has_meta("a*"));
    assert_true(cb_glob_has_meta("a\\b"));
    assert_true(cb_glob_has_meta("[a]"));
    assert_false(cb_glob_has_meta("a/b.c"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_patterns_match_as_filepath_match),
        cmocka_unit_test(many_stars_cost_no_more_than_their_number),
        cmocka_unit_test(meta_characters_are_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
