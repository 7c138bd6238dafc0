/* Key parts survive a record. */
#include "cache/parts-json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void parts_come_back_in_order(void **state)
{
    cb_auto_value(cb_key_parts) parts = {0};
    cb_auto_value(cb_key_parts) back = {0};
    cb_autofree char *json = NULL;

    cb_key_parts_add(&parts, "command", "echo \"a\n\tb\\\" \x01");
    cb_key_parts_add(&parts, "ENV", "ä→");
    cb_key_parts_add(&parts, "ENV", "");
    json = cb_key_parts_to_json(&parts);
    assert_int_equal(cb_key_parts_from_json(&back, json, NULL), 0);
    assert_int_equal(back.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(back.items[i].name, parts.items[i].name);
        assert_string_equal(back.items[i].value, parts.items[i].value);
    }
}

static void no_parts_are_an_empty_list(void **state)
{
    cb_auto_value(cb_key_parts) parts = {0};
    cb_autofree char *json = cb_key_parts_to_json(&parts);

    assert_string_equal(json, "[]");
    assert_int_equal(cb_key_parts_from_json(&parts, json, NULL), 0);
    assert_int_equal(parts.count, 0);
}

static void bytes_that_are_no_text_are_replaced(void **state)
{
    cb_auto_value(cb_key_parts) parts = {0};
    cb_autofree char *json = NULL;

    cb_key_parts_add(&parts, "a", "x\xffy");
    json = cb_key_parts_to_json(&parts);
    assert_string_equal(json, "[[\"a\",\"x\\ufffdy\"]]");
}

static void damaged_records_are_refused(void **state)
{
    static const char *const cases[] = {"",
                                        "{}",
                                        "[1]",
                                        "[[\"a\"]]",
                                        "[[1,2]]",
                                        "[[\"a\",\"b\",\"c\"]]",
                                        "[[\"a\",\"b\"]"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(cases); i++) {
        cb_auto_value(cb_key_parts) parts = {0};
        cb_auto(cb_error) error = NULL;

        assert_int_equal(cb_key_parts_from_json(&parts, cases[i], &error), -1);
        assert_int_equal(cb_error_kind(error), CB_ERR_INTEGRITY);
        assert_int_equal(parts.count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_come_back_in_order),
        cmocka_unit_test(no_parts_are_an_empty_list),
        cmocka_unit_test(bytes_that_are_no_text_are_replaced),
        cmocka_unit_test(damaged_records_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
