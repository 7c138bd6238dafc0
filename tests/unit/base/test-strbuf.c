#include "unit.h"

#include "base/strbuf.h"
#include "base/vec.h"

static void formats_longer_than_the_first_guess(void **state)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_adds(&text, "x");
    cb_strbuf_addf(&text, "%0500d|%s", 7, "end");
    assert_int_equal(text.len, 505);
    assert_string_equal(text.text + 497, "0007|end");
}

static void empty_text_is_never_null(void **state)
{
    struct cb_strbuf text = {0};
    cb_autofree char *stolen = NULL;

    assert_string_equal(cb_strbuf_text(&text), "");
    stolen = cb_strbuf_steal(&text);
    assert_string_equal(stolen, "");
}

static void terminal_controls_are_escaped(void **state)
{
    static const struct {
        const char *text;
        int keep_lines;
        const char *expected;
    } rows[] = {
        {"plain", 0, "plain"},
        {"a\nb\tc", 0, "a\\x0ab\\x09c"},
        {"a\nb\tc\r", 1, "a\nb\tc\\x0d"},
        {"\x1b]0;title\a", 1, "\\x1b]0;title\\x07"},
        {"\x7f", 1, "\\x7f"},
        {"\xc2\x9b"
         "31m",
         1, "\\xc2\\x9b31m"},
        {"gr\xc3\xbc\xc3\x9f \xe2\x98\xba", 1, "gr\xc3\xbc\xc3\x9f \xe2\x98\xba"},
        {"\xff\xc3", 1, "\\xff\\xc3"},
        {"\xed\xa0\x80", 1, "\\xed\\xa0\\x80"},
        {"\xc0\x9b", 1, "\\xc0\\x9b"},
        {"\xe2\x80\xae", 1, "\\xe2\\x80\\xae"},
        {"\xe2\x81\xa6", 1, "\\xe2\\x81\\xa6"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_auto_value(cb_strbuf) out = {0};

        cb_strbuf_add_escaped(&out, rows[i].text, strlen(rows[i].text),
                              rows[i].keep_lines);
        assert_string_equal(out.text, rows[i].expected);
    }
}

static void json_strings_are_those_of_go(void **state)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"", "\"\""},
        {"a\"b\\c/", "\"a\\\"b\\\\c/\""},
        {"\b\f\n\r\t\x01\x0b", "\"\\b\\f\\n\\r\\t\\u0001\\u000b\""},
        {"<&>", "\"<&>\""},
        {"\xe2\x80\xa8", "\"\\u2028\""},
        {"a\xff", "\"a\\ufffd\""},
        {"\x7f", "\"\x7f\""},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_auto_value(cb_strbuf) out = {0};

        cb_strbuf_add_json(&out, rows[i].text);
        assert_string_equal(out.text, rows[i].expected);
    }
}

static void setting_a_variable_keeps_its_place(void **state)
{
    cb_auto_value(cb_strings) env = {0}, changes = {0};

    cb_env_set(&env, "PATH", "/bin");
    cb_env_set(&env, "A", "1");
    cb_env_set(&env, "PATH", "/usr/bin");
    assert_int_equal(env.count, 2);
    assert_string_equal(env.items[0], "PATH=/usr/bin");
    assert_string_equal(cb_env_get(&env, "A"), "1");
    assert_null(cb_env_get(&env, "PAT"));
    cb_strings_add(&changes, "PATH");
    cb_strings_add(&changes, "NOBODY");
    cb_strings_add(&changes, "A=2");
    cb_strings_add(&changes, "B=");
    cb_env_merge(&env, &changes);
    assert_null(cb_env_get(&env, "PATH"));
    assert_string_equal(cb_env_get(&env, "A"), "2");
    assert_string_equal(cb_env_get(&env, "B"), "");
    assert_int_equal(env.count, 2);
}

static void of_a_variable_that_is_there_twice_the_first_is_changed(void **state)
{
    cb_auto_value(cb_strings) env = {0}, changes = {0}, more = {0};

    cb_strings_add(&env, "A=1");
    cb_strings_add(&env, "B=1");
    cb_strings_add(&env, "A=2");
    cb_strings_add(&changes, "A=3");
    cb_env_merge(&env, &changes);
    assert_string_equal(env.items[0], "A=3");
    assert_string_equal(env.items[2], "A=2");
    cb_strings_add(&more, "A");
    cb_strings_add(&more, "A=4");
    cb_env_merge(&env, &more);
    assert_int_equal(env.count, 2);
    assert_string_equal(env.items[0], "B=1");
    assert_string_equal(env.items[1], "A=4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_longer_than_the_first_guess),
        cmocka_unit_test(empty_text_is_never_null),
        cmocka_unit_test(terminal_controls_are_escaped),
        cmocka_unit_test(json_strings_are_those_of_go),
        cmocka_unit_test(setting_a_variable_keeps_its_place),
        cmocka_unit_test(of_a_variable_that_is_there_twice_the_first_is_changed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
