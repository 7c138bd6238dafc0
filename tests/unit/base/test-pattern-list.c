#include "unit.h"

#include "base/glob.h"
#include "base/strbuf.h"

/* Patterns separated by commas. */
static struct cb_pattern_list *list_of(const char *text)
{
    cb_auto_value(cb_strings) patterns = {0};
    struct cb_pattern_list *list = NULL;
    struct cb_error *err = NULL;

    while (*text) {
        size_t len = strcspn(text, ",");

        cb_strings_take(&patterns, xstrndup(text, len));
        text += len + (text[len] == ',');
    }
    assert_ok(cb_pattern_list_new(&list, &patterns, &err), err);
    return list;
}

static void patterns_match_as_patternmatcher(void **state)
{
    static const struct {
        const char *patterns, *path;
        int expected;
    } rows[] = {
        {"**", "file", 1},
        {"**/", "file", 1},
        {"**", "dir/file", 1},
        {"**/", "dir/file", 1},
        {"**/**", "dir/file", 1},
        {"dir/**", "dir/file", 1},
        {"dir/**", "dir/dir2/file", 1},
        {"dir/**", "dir", 0},
        {"dir/**", "dirx/file", 0},
        {"**/dir", "dir", 1},
        {"**/dir", "dir/file", 1},
        {"**/dir", "x/dir/file", 1},
        {"**/dir", "xdir", 0},
        {"**/dir2/*", "dir/dir2/file", 1},
        {"**/dir2/**", "dir/dir2/dir3/file", 1},
        {"**file", "file", 1},
        {"**file", "dir/file", 1},
        {"**file", "dir/xfile/y", 1},
        {"**/file", "dir/dir/file", 1},
        {"**/file*", "dir/dir/file.txt", 1},
        {"**/file*txt", "dir/dir/file.txt", 1},
        {"**/file*.txt*", "dir/dir/file.txt", 1},
        {"**/**/*.txt", "dir/dir/file.txt", 1},
        {"**/**/*.txt2", "dir/dir/file.txt", 0},
        {"**/*.txt", "file.txt", 1},
        {"**/**/*.txt", "file.txt", 1},
        {"a**/*.txt", "a/file.txt", 1},
        {"a**/*.txt", "a/dir/file.txt", 1},
        {"a**/*.txt", "a/dir/dir/file.txt", 1},
        {"a/*.txt", "a/dir/file.txt", 0},
        {"a/*.txt", "a/file.txt", 1},
        {"a/*.txt**", "a/file.txt", 1},
        {"*a**b", "aab", 1},
        {"a[b-d]e", "ae", 0},
        {"a[b-d]e", "ace", 1},
        {"a[b-d]e", "aae", 0},
        {"a[^b-d]e", "aze", 1},
        {".*", ".foo", 1},
        {".*", "foo", 0},
        {"abc.def", "abcdef", 0},
        {"abc.def", "abcZdef", 0},
        {"abc?def", "abcZdef", 1},
        {"abc?def", "abcdef", 0},
        {"abc?def", "abc/def", 0},
        {"a\\\\", "a\\", 1},
        {"a\\*b", "a*b", 1},
        {"a\\*b", "axb", 0},
        {"**/foo/bar", "foo/bar", 1},
        {"**/foo/bar", "dir/dir2/foo/bar", 1},
        {"**/.foo", ".foo", 1},
        {"**/.foo", "bar.foo", 0},
        {"a(b)c/def", "a(b)c/def", 1},
        {"a(b)c/def", "a(b)c/xyz", 0},
        {"a.|)$(}+{bc", "a.|)$(}+{bc", 1},
        {"dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl",
         "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl", 1},
        {"dist/*.whl", "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl", 1},
        {"?/b", "\xe2\x98\xba/b", 1},
        {"\xe2\x98\xba*",
         "\xe2\x98\xba"
         "a/b",
         1},
        /* anchored at the root, unlike gitignore */
        {"foo", "a/foo", 0},
        {"foo", "foo/a/b", 1},
        {"foo", "foobar", 0},
        {"*", "a/b/c", 1},
        {"*/temp*", "a/temporary.txt", 1},
        {"*/temp*", "a/b/temp", 0},
        /* cleaned */
        {"foo/", "foo/x", 1},
        {"./foo//bar/..", "foo", 1},
        {"  foo  ", "foo", 1},
        {" , ", "foo", 0},
        {".", "foo", 0},
        {"/foo", "foo", 0},
        /* the last line wins */
        {"*,!a", "a", 0},
        {"*,!a", "b", 1},
        {"a,!a/b", "a/b", 0},
        {"a,!a/b", "a/b/c", 0},
        {"a,!a/b", "a/c", 1},
        {"!a,a", "a", 1},
        {"a/b,!a", "a/b", 0},
        {"*.md,!README*.md,README-secret.md", "README-secret.md", 1},
        {"*.md,!README*.md,README-secret.md", "README-x.md", 0},
        {"**,!util/docker/web", "util/docker/web/foo", 0},
        {"**,!util/docker/web,util/docker/web/foo", "util/docker/web/foo", 1},
        {"!x", "y", 0},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_auto(cb_pattern_list) list = list_of(rows[i].patterns);

        if (cb_pattern_list_match_path(list, rows[i].path) != rows[i].expected)
            fail_msg("`%s` against `%s`", rows[i].patterns, rows[i].path);
    }
}

static void malformed_patterns_are_named(void **state)
{
    static const char *const bad[] = {"a[", "[]a]", "!", "x\\", "[z-a]*"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(bad); i++) {
        cb_auto_value(cb_strings) patterns = {0};
        struct cb_pattern_list *list = NULL;
        struct cb_error *err = NULL;

        cb_strings_add(&patterns, "good");
        cb_strings_add(&patterns, bad[i]);
        assert_error(cb_pattern_list_new(&list, &patterns, &err), &err, CB_ERR_SYNTAX,
                     bad[i]);
    }
}

static void the_deciding_line_is_told(void **state)
{
    cb_auto(cb_pattern_list) list = list_of("*.log,,build,!build/keep");
    int line;

    assert_int_equal(cb_pattern_list_match(list, "x.log", 0, &line), 1);
    assert_int_equal(line, 0);
    assert_int_equal(cb_pattern_list_match(list, "build/a", 1, &line), 1);
    assert_int_equal(line, 2);
    assert_int_equal(cb_pattern_list_match(list, "build/keep/z", 1, &line), 0);
    assert_int_equal(line, 3);
    assert_int_equal(cb_pattern_list_match(list, "src", 0, &line), 0);
    assert_int_equal(line, -1);
}

static void excluded_directories_are_walked_only_for_exceptions(void **state)
{
    static const struct {
        const char *patterns, *dir;
        int expected;
    } rows[] = {
        {"a", "a", 0},
        {"a,!b", "a", 0},
        {"a,!a/b/c", "a", 1},
        {"a,!a/b/c", "a/b", 1},
        {"a,!a/b/c", "a/x", 0},
        {"*,!*/*.go", "a", 1},
        {"*,!*/*.go", "a/b", 0},
        {"*,!**/*.go", "a/b/c", 1},
        {"*,!src/**", "src", 1},
        {"*,!src/**", "other", 0},
        {"*,!src/**/x", "src/deep/er", 1},
        {"*,!**x", "any", 1},
        {"!a/b,a", "a", 0},
        {"*,!ab", "a", 0},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_auto(cb_pattern_list) list = list_of(rows[i].patterns);

        if (cb_pattern_list_may_reinclude(list, rows[i].dir) != rows[i].expected)
            fail_msg("`%s` below `%s`", rows[i].patterns, rows[i].dir);
    }
}

static unsigned next_random(unsigned *seed)
{
    return (*seed = *seed * 1103515245 + 12345) >> 16 & 0x7fff;
}

static char *random_text(unsigned *seed, const char *alphabet, size_t most)
{
    cb_auto_value(cb_strbuf) text = {0};
    size_t len = 1 + next_random(seed) % most;

    for (size_t i = 0; i < len; i++)
        cb_strbuf_addc(&text, alphabet[next_random(seed) % strlen(alphabet)]);
    return cb_strbuf_steal(&text);
}

static int ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);

    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static int slow_match(const char *pattern, const char *path);

static int slow_double_star(const char *rest, const char *path)
{
    rest += *rest == '/';
    if (!*rest || slow_match(rest, path))
        return 1;
    for (; *path; path++) {
        if (*path == '/' && slow_match(rest, path + 1))
            return 1;
    }
    return 0;
}

/* The definition, by trying everything: * is any run without a slash, ** any run that is
 * empty or ends in a slash, or anything at the end. */
static int slow_match(const char *pattern, const char *path)
{
    if (pattern[0] == '*' && pattern[1] == '*')
        return slow_double_star(pattern + 2, path);
    if (*pattern == '*')
        return slow_match(pattern + 1, path) ||
               (*path && *path != '/' && slow_match(pattern, path + 1));
    if (*pattern == '?')
        return *path && *path != '/' && slow_match(pattern + 1, path + 1);
    return *path == *pattern && (!*path || slow_match(pattern + 1, path + 1));
}

/* "**x" without further wildcards goes by the end of the text alone. */
static int slow_match_one(const char *pattern, const char *path)
{
    if (strncmp(pattern, "**", 2) != 0 || strpbrk(pattern + 2, "*?"))
        return slow_match(pattern, path);
    return ends_with(path, pattern + 2) ||
           (pattern[2] == '/' && strcmp(path, pattern + 3) == 0);
}

static int slow_match_with_parents(const char *pattern, const char *path)
{
    cb_autofree char *copy = xstrdup(path);

    for (char *at = copy; (at = strchr(at, '/')); at++) {
        int match;

        *at = '\0';
        match = slow_match_one(pattern, copy);
        *at = '/';
        if (match)
            return 1;
    }
    return slow_match_one(pattern, path);
}

static int is_clean(const char *path)
{
    return path[0] != '/' && path[strlen(path) - 1] != '/' && !strstr(path, "//");
}

static void random_patterns_agree_with_the_definition(void **state)
{
    unsigned seed = 1;

    for (int round = 0; round < 20000; round++) {
        cb_autofree char *pattern = random_text(&seed, "ab/**?", 8);
        cb_auto(cb_pattern_list) list = NULL;

        if (!is_clean(pattern) || strstr(pattern, "***"))
            continue;
        list = list_of(pattern);
        for (int i = 0; i < 8; i++) {
            cb_autofree char *path = random_text(&seed, "aab/", 8);

            if (is_clean(path) && cb_pattern_list_match_path(list, path) !=
                                      slow_match_with_parents(pattern, path))
                fail_msg("`%s` against `%s`", pattern, path);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_as_patternmatcher),
        cmocka_unit_test(malformed_patterns_are_named),
        cmocka_unit_test(the_deciding_line_is_told),
        cmocka_unit_test(excluded_directories_are_walked_only_for_exceptions),
        cmocka_unit_test(random_patterns_agree_with_the_definition),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
