/* Passwords in URLs, in texts and in the excerpts under errors. */
#include "base/redact.h"

#include "base/strbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_texts(void **state)
{
    static const char *const rows[][2] = {
        {"a https://u:p@h/x b https://t@h", "a https://xxxxx@h/x b https://xxxxx@h"},
        {"ssh://git@h ssh://git:p@h", "ssh://git@h ssh://xxxxx@h"},
        {"https://h/a@b", "https://h/a@b"},
        {"https://u:p@q@h/", "https://xxxxx@h/"},
        {"://@", "://xxxxx@"},
        {"://", "://"},
        {"", ""},
        {"RUN curl https://h/x?a=1&access_token=s%20t&n=2#f y",
         "RUN curl https://h/x?a=1&access_token=xxxxx&n=2#f y"},
        {"https://u:p@h/?sig=1 'http://h?key=2'",
         "https://xxxxx@h/?sig=xxxxx 'http://h?key=xxxxx'"},
        {"http://p/?to=http://u:p@h&token=1", "http://p/?to=http://xxxxx@h&token=xxxxx"},
        {"http://u&key=1@h/?key=2", "http://xxxxx@h/?key=xxxxx"},
        {"http://h/?key=ssh://git@h", "http://h/?key=ssh://git@h"},
        {"http://h&key=1/&@", "http://h&key=xxxxx/&@"},
        {"/x?token=1", "/x?token=1"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_autofree char *got = cb_redact_urls(rows[i][0]);

        assert_string_equal(got, rows[i][1]);
    }
}

static void test_places(void **state)
{
    static const char *const rows[][2] = {
        {"usr:pw@host:x", "xxxxx@host:x"},
        {"usr:p@w@host:x", "xxxxx@host:x"},
        {"git@host:x", "git@host:x"},
        {"https://u:p@h/x?token=1", "https://xxxxx@h/x?token=xxxxx"},
        {"/a:b@c:d", "/a:b@c:d"},
        {".", "."},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_autofree char *got = cb_redact_place(rows[i][0]);

        assert_string_equal(got, rows[i][1]);
    }
}

static void expect_excerpt(const char *text, size_t start, size_t end,
                           const char *expected)
{
    cb_auto(cb_source) source = cb_source_new("Dockerfile", text, strlen(text));
    cb_auto_value(cb_strbuf) out = {0};

    cb_source_excerpt(source, (struct cb_span){start, end}, &out);
    assert_string_equal(cb_strbuf_text(&out), expected);
}

static void test_excerpts_keep_their_width(void **state)
{
    expect_excerpt("ADD https://u:p@h/x /\n", 4, 19,
                   ">    1 | ADD https://xxx@h/x /\n"
                   "       |     ^~~~~~~~~~~~~~~\n");
    expect_excerpt("ADD https://u:\xc3\xa4@h/x /\n", 4, 20,
                   ">    1 | ADD https://xxx@h/x /\n"
                   "       |     ^~~~~~~~~~~~~~~\n");
}

/* The window of a long line may begin in the middle of the URL. */
static void test_a_password_before_the_window_is_masked(void **state)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_value(cb_strbuf) out = {0};
    cb_auto(cb_source) source = NULL;

    cb_strbuf_adds(&text, "ADD https://u:");
    for (int i = 0; i < 1000; i++)
        cb_strbuf_adds(&text, "p");
    cb_strbuf_adds(&text, "@h/x /\n");
    source = cb_source_new("Dockerfile", text.text, text.len);
    cb_source_excerpt(source, (struct cb_span){500, 500}, &out);
    assert_null(strchr(cb_strbuf_text(&out), 'p'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_excerpts_keep_their_width),
        cmocka_unit_test(test_a_password_before_the_window_is_masked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
