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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_encoded_is_decoded),
        cmocka_unit_test(test_what_is_no_character_is_not_decoded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
