#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The first and the last of each length. */
static void test_what_is_encoded_is_decoded(void **state)
{
    static const struct {
        unsigned point;
        const char *text;
    } rows[] = {
        {0x1, "\x01"},
        {0x7f, "\x7f"},
        {0x80, "\xc2\x80"},
        {0x7ff, "\xdf\xbf"},
        {0x800, "\xe0\xa0\x80"},
        {0xfffd, "\xef\xbf\xbd"},
        {0xffff, "\xef\xbf\xbf"},
        {0x10000, "\xf0\x90\x80\x80"},
        {0x10ffff, "\xf4\x8f\xbf\xbf"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        unsigned point = 0;
        char text[5];
        size_t len = cb_utf8_encode(rows[i].point, text);

        assert_string_equal(text, rows[i].text);
        assert_int_equal(len, strlen(rows[i].text));
        assert_int_equal(cb_utf8_decode(text, len, &point), len);
        assert_int_equal(point, rows[i].point);
    }
}

static void test_what_is_no_character_is_not_decoded(void **state)
{
    static const char *const rows[] = {
        "\x80", "\xc0\x80", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff", ""};
    unsigned point;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_int_equal(cb_utf8_decode(rows[i], strlen(rows[i]), &point), 0);
}

static void test_characters_take_no_column_one_or_two(void **state)
{
    static const struct {
        unsigned point, columns;
    } rows[] = {{'a', 1},    {0xe9, 1},   {0x300, 0},   {0x36f, 0},   {0x5d0, 1},
                {0x5bc, 0},  {0xe01, 1},  {0xe34, 0},   {0x1100, 2},  {0x1161, 0},
                {0x200d, 0}, {0x2014, 1}, {0x2705, 2},  {0x274c, 2},  {0x2713, 1},
                {0x26a0, 1}, {0xfe0f, 1}, {0x3042, 2},  {0x6f22, 2},  {0xac00, 2},
                {0xff21, 2}, {0xff71, 1}, {0x1f600, 2}, {0x20000, 2}, {0xe000, 1},
                {0x2500, 1}, {0x2588, 1}, {0x10ffff, 1}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        assert_int_equal(cb_utf8_columns(rows[i].point), rows[i].columns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_encoded_is_decoded),
        cmocka_unit_test(test_what_is_no_character_is_not_decoded),
        cmocka_unit_test(test_characters_take_no_column_one_or_two),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
