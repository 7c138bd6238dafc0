#include "base/strbuf.h"
#include "base/suggest.h"
#include "base/vec.h"
#include "parser/parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static char *repeat(const char *text, size_t count)
{
    cb_auto_value(cb_strbuf) out = {0};

    while (count--)
        cb_strbuf_adds(&out, text);
    return cb_strbuf_steal(&out);
}

struct scope {
    const char *value; /* of A; every other name is unset */
    struct cb_strings undefined;
};

static const char *get(void *arg, const char *name)
{
    const struct scope *scope = arg;

    return strcmp(name, "A") == 0 ? scope->value : NULL;
}

static void note(void *arg, const char *name)
{
    struct scope *scope = arg;

    cb_strings_add(&scope->undefined, name);
}

static void assert_reported(const char *word, const char *names)
{
    struct scope scope = {.value = "a"};
    struct cb_scope_lookup lookup = {get, note, &scope, NULL, NULL};
    cb_auto_value(cb_strbuf) found = {0};
    cb_autofree char *out = NULL;

    assert_int_equal(cb_word_expand(&out, word, '\\', &lookup, NULL), 0);
    for (size_t i = 0; i < scope.undefined.count; i++)
        cb_strbuf_addf(&found, "%s ", scope.undefined.items[i]);
    cb_strings_free(&scope.undefined);
    assert_string_equal(cb_strbuf_text(&found), names);
}

static void unset_names_are_reported_unless_they_have_a_default(void **state)
{
    assert_reported("$A $B ${C}", "B C ");
    assert_reported("${B:-x} ${B-x} ${B:+x} ${B+x}", "");
    assert_reported("${B#x} ${C//x/y}", "B C ");
    assert_reported("${B:-$C}", "C ");
    assert_reported("'$B' \\$B", "");
}

static void assert_refused(const char *word, const char *value, const char *message)
{
    struct scope scope = {.value = value};
    struct cb_scope_lookup lookup = {.get = get, .arg = &scope};
    cb_auto(cb_error) error = NULL;
    cb_autofree char *out = NULL;

    assert_int_equal(cb_word_expand(&out, word, '\\', &lookup, &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_SYNTAX);
    assert_non_null(strstr(cb_error_message(error), message));
    assert_true(strlen(cb_error_message(error)) < 1000);
}

static void the_result_is_at_most_a_mebibyte(void **state)
{
    cb_autofree char *half = repeat("x", CB_WORD_MAX_BYTES / 2);
    struct scope scope = {.value = half};
    struct cb_scope_lookup lookup = {.get = get, .arg = &scope};
    cb_autofree char *out = NULL;

    assert_int_equal(cb_word_expand(&out, "$A$A", '\\', &lookup, NULL), 0);
    assert_int_equal(strlen(out), CB_WORD_MAX_BYTES);
    assert_refused("$A${A}x", half, "larger than 1 MiB");
    assert_refused("\"$A$A$A\"", half, "larger than 1 MiB");
    assert_refused("${A//x/xxxx}", half, "larger than 1 MiB");
}

static void work_that_is_thrown_away_is_limited_too(void **state)
{
    cb_autofree char *value = repeat("x", CB_WORD_MAX_BYTES / 2);
    cb_autofree char *word = repeat("${B:+$A}", 10000);
    cb_autofree char *pattern = repeat("*x", 5000);
    cb_autofree char *trim = xasprintf("${A##%sy}", pattern);

    assert_refused(word, value, "too much work");
    assert_refused(trim, value, "too much work");
    assert_refused("${A//*y/z}", value, "too much work");
}

static void words_share_what_they_may_cost_together(void **state)
{
    cb_autofree char *value = repeat("x", 1000);
    struct scope scope = {.value = value};
    size_t work = 5000;
    struct cb_scope_lookup lookup = {.get = get, .arg = &scope, .work = &work};
    cb_auto(cb_error) error = NULL;

    for (int i = 0; i < 2; i++) {
        cb_autofree char *out = NULL;

        assert_int_equal(cb_word_expand(&out, "$A$A", '\\', &lookup, NULL), 0);
        assert_int_equal(strlen(out), 2000);
    }
    assert_int_equal(work, 1000);
    assert_int_equal(cb_word_expand(&(char *){NULL}, "$A$A", '\\', &lookup, &error), -1);
    assert_non_null(strstr(cb_error_message(error), "too much work"));
    assert_int_equal(work, 0);
}

static void nesting_is_limited(void **state)
{
    cb_autofree char *open = repeat("${B:-", 64), *close = repeat("}", 64);
    cb_autofree char *deep = xasprintf("%s$A%s", open, close);
    cb_autofree char *deeper = xasprintf("${B:-%s}", deep);
    cb_autofree char *bottomless = repeat("${B:-\"", 300000);
    struct scope scope = {.value = "a"};
    struct cb_scope_lookup lookup = {.get = get, .arg = &scope};
    cb_autofree char *out = NULL;

    assert_int_equal(cb_word_expand(&out, deep, '\\', &lookup, NULL), 0);
    assert_string_equal(out, "a");
    assert_refused(deeper, "a", "substitutions nested deeper than 64");
    assert_refused(bottomless, "a", "substitutions nested deeper than 64");
}

static void without_a_lookup_every_name_is_unset(void **state)
{
    cb_autofree char *out = NULL;

    assert_int_equal(cb_word_expand(&out, "a$A${B:-b}", '\\', NULL, NULL), 0);
    assert_string_equal(out, "ab");
}

static void suggestions_are_near_and_never_the_word_itself(void **state)
{
    static const char *const names[] = {"from", "chown", "chmod"};

    assert_string_equal(cb_suggest("form", names, 3), "from");
    assert_string_equal(cb_suggest("FROM", names, 3), "from");
    assert_string_equal(cb_suggest("chmd", names, 3), "chmod");
    assert_string_equal(cb_suggest("chamd", names, 3), "chmod");
    assert_string_equal(cb_suggest("cho", names, 3), "chown");
    assert_null(cb_suggest("fox", names, 3));
    assert_null(cb_suggest("from", names, 3));
    assert_null(cb_suggest("parents", names, 3));
    assert_null(cb_suggest("", names, 3));
    assert_null(cb_suggest("x", NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unset_names_are_reported_unless_they_have_a_default),
        cmocka_unit_test(the_result_is_at_most_a_mebibyte),
        cmocka_unit_test(work_that_is_thrown_away_is_limited_too),
        cmocka_unit_test(words_share_what_they_may_cost_together),
        cmocka_unit_test(nesting_is_limited),
        cmocka_unit_test(without_a_lookup_every_name_is_unset),
        cmocka_unit_test(suggestions_are_near_and_never_the_word_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
