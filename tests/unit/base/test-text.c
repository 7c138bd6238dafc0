/* How texts end, yes and no, and lines of CSV. */
#include "base/text.h"

#include "unit.h"

static void an_end_may_be_all_there_is(void **state)
{
    assert_true(cb_ends_with("a.tar.gz", ".gz"));
    assert_true(cb_ends_with(".gz", ".gz"));
    assert_true(cb_ends_with("x", ""));
    assert_false(cb_ends_with("gz", ".gz"));
    assert_false(cb_ends_with("a.gz2", ".gz"));
}

static void yes_and_no_are_the_words_go_takes(void **state)
{
    static const char *const yes[] = {"1", "t", "T", "true", "True", "TRUE"};
    static const char *const no[] = {"0", "f", "F", "false", "False", "FALSE"};
    static const char *const neither[] = {"", "yes", "tRUE", "01", "true "};
    int value;

    for (size_t i = 0; i < CB_ARRAY_SIZE(yes); i++)
        assert_true(cb_parse_bool(yes[i], &value) && value);
    for (size_t i = 0; i < CB_ARRAY_SIZE(no); i++)
        assert_true(cb_parse_bool(no[i], &value) && !value);
    for (size_t i = 0; i < CB_ARRAY_SIZE(neither); i++)
        assert_false(cb_parse_bool(neither[i], &value));
}

static void quotes_hold_commas_and_quotes(void **state)
{
    cb_auto_value(cb_strings) fields = {0};
    cb_auto(cb_error) error = NULL;

    assert_int_equal(cb_csv_split(&fields, "a=1,\"b=x,\"\"y\"\"\",,c", &error), 0);
    assert_int_equal(fields.count, 4);
    assert_string_equal(fields.items[1], "b=x,\"y\"");
    assert_string_equal(fields.items[2], "");
    assert_int_equal(cb_csv_split(&fields, "a=\"1\"", &error), -1);
    assert_non_null(strstr(cb_error_message(error), "column 3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_end_may_be_all_there_is),
        cmocka_unit_test(yes_and_no_are_the_words_go_takes),
        cmocka_unit_test(quotes_hold_commas_and_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
