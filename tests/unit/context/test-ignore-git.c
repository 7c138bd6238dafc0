/* --ignore-syntax=git: rules as gitignore(5) has them. */
#include "context/context.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct cb_ignore *rules_of(const char *text)
{
    cb_auto(cb_source) source = cb_source_new(".gitignore", text, strlen(text));
    struct cb_ignore *ignore = NULL;

    assert_int_equal(cb_ignore_new(&ignore, source, CB_IGNORE_GIT, NULL), 0);
    return ignore;
}

static void paths_match_as_git_has_it(void **state)
{
    static const struct {
        const char *text, *path; /* a directory with a slash at its end */
        int expected;
    } rows[] = {
        /* without a slash: at any depth */
        {"foo", "foo", 1},
        {"foo", "a/b/foo", 1},
        {"foo", "foo/a", 1},
        {"foo", "foobar", 0},
        {"*.o", "a/b.o", 1},
        {"*.o", "a.o/b", 1},
        /* with one: from the root */
        {"/foo", "foo", 1},
        {"/foo", "a/foo", 0},
        {"a/foo", "a/foo", 1},
        {"a/foo", "b/a/foo", 0},
        {"a/*", "a/b", 1},
        {"a/*.c", "a/b/x.c", 0},
        /* a slash at the end: directories only */
        {"foo/", "foo", 0},
        {"foo/", "foo/", 1},
        {"foo/", "foo/x", 1},
        {"foo/", "a/foo/", 1},
        {"a/foo/", "b/a/foo/", 0},
        /* nothing below an excluded directory can be taken back */
        {"a/\n!a/b", "a/b", 1},
        {"a/*\n!a/b", "a/b", 0},
        {"/*\n!/a\n/a/*\n!/a/b", "a/b/c", 0},
        {"/*\n!/a\n/a/*\n!/a/b", "a/x", 1},
        /* the last line wins */
        {"*.log\n!keep.log", "keep.log", 0},
        {"!keep.log\n*.log", "keep.log", 1},
        {"*\n!*/\n!*.c", "a/b.c", 0},
        {"*\n!*/\n!*.c", "a/b.h", 1},
        /* two stars */
        {"**/foo", "foo", 1},
        {"**/foo", "a/b/foo", 1},
        {"**/foo/bar", "a/foo/bar", 1},
        {"foo/**", "foo/", 0},
        {"foo/**", "foo/a/b", 1},
        {"a/**/b", "a/b", 1},
        {"a/**/b", "a/x/y/b", 1},
        {"a/**/b", "ab", 0},
        {"a/**/b/**/c", "a/1/b/2/b/3/c", 1},
        {"a/**/b/c", "a/b/b/c", 1},
        {"a**/b", "ax/b", 1},
        {"a**/b", "ax/y/b", 0},
        {"**", "a/b", 1},
        {"**/", "a", 0},
        {"**/", "a/", 1},
        /* escapes, blanks, comments */
        {"\\#a", "#a", 1},
        {"#a", "#a", 0},
        {"\\!a", "!a", 1},
        {"a  ", "a", 1},
        {"a\\ ", "a ", 1},
        {"a\\ ", "a", 0},
        {" a", "a", 0},
        {" a", " a", 1},
        {"a\t", "a\t", 1},
        {"a\r\nb\r\n", "b", 1},
        {"\xef\xbb\xbf"
         "a",
         "a", 1},
        {"a\\*", "a*", 1},
        {"a\\*", "ab", 0},
        {"a\\", "a\\", 0},
        {"/", "a", 0},
        {"!", "a", 0},
        /* brackets */
        {"[a-c]x", "bx", 1},
        {"[!a-c]x", "bx", 0},
        {"[!a-c]x", "dx", 1},
        {"[^a-c]x", "dx", 1},
        {"[]]x", "]x", 1},
        {"[a-]x", "-x", 1},
        {"[[:digit:]]x", "7x", 1},
        {"[[:digit:]]x", "ax", 0},
        {"[\\]a]x", "]x", 1},
        {"[ax", "[ax", 0},
        {"a?c", "abc", 1},
        {"/a?c", "a/c", 0},
        {"/a[/]c", "a/c", 0},
        {"/a[b/]c", "abc", 1},
        {"a\\/b", "a/b", 1},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_auto(cb_ignore) ignore = rules_of(rows[i].text);
        cb_autofree char *path = xstrdup(rows[i].path);
        size_t len = strlen(path);
        int is_dir = path[len - 1] == '/';

        if (is_dir)
            path[len - 1] = '\0';
        if ((ignore && cb_ignore_match_path(ignore, path, is_dir)) != rows[i].expected)
            fail_msg("`%s` against `%s`", rows[i].text, rows[i].path);
    }
}

static void the_deciding_line_is_told(void **state)
{
    cb_auto(cb_ignore) ignore = rules_of("# objects\r\n*.o  \r\n\r\nbuild/\n!x.o");
    struct cb_ignore_rule rule;

    assert_int_equal(cb_ignore_why(ignore, "a/b.o", 0, &rule), 1);
    assert_string_equal(rule.file, ".gitignore");
    assert_int_equal(rule.line, 2);
    assert_memory_equal(rule.text, "*.o", rule.len);
    assert_int_equal(rule.len, 3);
    assert_int_equal(cb_ignore_why(ignore, "build/x.o", 0, &rule), 1);
    assert_int_equal(rule.line, 4);
    assert_int_equal(cb_ignore_why(ignore, "x.o", 0, &rule), 0);
    assert_int_equal(cb_ignore_may_reinclude(ignore, "build"), 0);
}

static void stars_do_not_multiply(void **state)
{
    cb_auto_value(cb_strbuf) pattern = {0};
    cb_auto_value(cb_strbuf) path = {0};
    cb_auto(cb_ignore) ignore = NULL;

    for (int i = 0; i < 120; i++)
        cb_strbuf_adds(&pattern, i % 2 ? "**/a*a*a*b/" : "a*");
    cb_strbuf_adds(&pattern, "c");
    for (int i = 0; i < 15; i++)
        cb_strbuf_addf(&path, "%s%0255d", i ? "/" : "", 0);
    ignore = rules_of(cb_strbuf_text(&pattern));
    for (int i = 0; i < 100; i++)
        assert_int_equal(cb_ignore_match(ignore, cb_strbuf_text(&path), 0, 0), 0);
}

static void bad_lines_are_reported_at_their_place(void **state)
{
    static const char text[] = "ok\nx\0y\n";
    cb_auto(cb_source) source = cb_source_new(".gitignore", text, sizeof(text) - 1);
    cb_auto(cb_error) error = NULL;
    struct cb_ignore *ignore = NULL;
    struct cb_span span;

    assert_int_equal(cb_ignore_new(&ignore, source, CB_IGNORE_GIT, &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_SYNTAX);
    assert_non_null(cb_error_source(error, &span));
    assert_int_equal(span.start, 3);
}

static void file_without_rules_is_none(void **state)
{
    assert_null(rules_of("# nothing\n\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_match_as_git_has_it),
        cmocka_unit_test(the_deciding_line_is_told),
        cmocka_unit_test(stars_do_not_multiply),
        cmocka_unit_test(bad_lines_are_reported_at_their_place),
        cmocka_unit_test(file_without_rules_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
