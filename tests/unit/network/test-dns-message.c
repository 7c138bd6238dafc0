/* Questions of names, read and answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "network/dns-message-priv.h"

#include <string.h>

#define HEADER "\x12\x34\x01\0\0\1\0\0\0\0\0\0"
#define QUERY  HEADER "\3wEb\2cb\0\0\1\0\1"
#define BYTES  (sizeof(QUERY) - 1)

static struct cb_ip ip_of(const char *text)
{
    struct cb_ip ip;

    assert_int_equal(cb_ip_parse(&ip, text), 0);
    return ip;
}

static void a_question_is_read_in_small_letters(void **state)
{
    struct cb_dns_question question;

    assert_int_equal(cb_dns_question_read(&question, QUERY, BYTES), 0);
    assert_string_equal(question.name, "web.cb");
    assert_int_equal(question.type, CB_DNS_A);
    assert_int_equal(question.end, BYTES);
}

static void half_a_question_is_none(void **state)
{
    struct cb_dns_question question;

    for (size_t len = 0; len < BYTES; len++) {
        char *exact = malloc(len + !len);

        memcpy(exact, QUERY, len);
        assert_int_equal(cb_dns_question_read(&question, exact, len), -1);
        free(exact);
    }
}

static void odd_questions_are_none(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } table[] = {
#define ROW(text) {text, sizeof(text) - 1}
        ROW("\x12\x34\x81\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"), /* an answer */
        ROW("\x12\x34\x28\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"), /* an update */
        ROW("\x12\x34\x01\0\0\2\0\0\0\0\0\0\1a\0\0\1\0\1"), /* two */
        ROW(HEADER "\xc0\x0c\0\1\0\1"),                     /* a name of itself */
        ROW(HEADER "\1a\0\0\1\0\3"),                        /* of another class */
        ROW(HEADER "\3a.b\0\0\1\0\1"),
        ROW(HEADER "\2a\0\0\0\1\0\1"),
    };
    struct cb_dns_question question;

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        assert_int_equal(cb_dns_question_read(&question, table[i].bytes, table[i].len),
                         -1);
}

static void a_name_that_is_too_long_is_none(void **state)
{
    struct cb_dns_question question;
    cb_auto_value(cb_strbuf) message = {0};

    cb_strbuf_add(&message, HEADER, sizeof(HEADER) - 1);
    for (int i = 0; i < 128; i++)
        cb_strbuf_add(&message, "\1a", 2);
    cb_strbuf_add(&message, "\0\0\1\0\1", 5);
    assert_int_equal(cb_dns_question_read(&question, message.text, message.len), -1);
}

static void an_answer_has_all_that_fits(void **state)
{
    struct cb_dns_question question;
    cb_auto_value(cb_strbuf) out = {0};
    struct cb_ip ip = ip_of("10.1.2.3");

    assert_int_equal(cb_dns_question_read(&question, QUERY, BYTES), 0);
    cb_dns_answer_begin(&out, QUERY, &question, 0);
    for (int i = 0; i < 300; i++)
        cb_dns_answer_add_ip(&out, &ip);
    assert_memory_equal(out.text, "\x12\x34\x81\x80\0\1\1\x2c", 8);
    assert_int_equal(out.len, BYTES + 300 * 16);
    cb_dns_answer_fit(&out, &question, CB_DNS_DATAGRAM_MAX);
    assert_memory_equal(out.text, "\x12\x34\x83\x80\0\1\0\x1e", 8);
    assert_int_equal(out.len, BYTES + 30 * 16);
    assert_memory_equal(out.text + out.len - 4, "\12\1\2\3", 4);
}

static void an_address_has_a_name(void **state)
{
    struct cb_dns_question question;
    cb_auto_value(cb_strbuf) out = {0};
    struct cb_ip narrow = ip_of("10.1.2.30"), wide = ip_of("fd00::1f");
    char name[CB_DNS_REVERSE_MAX];

    assert_string_equal(cb_dns_reverse(&narrow, name), "30.2.1.10.in-addr.arpa");
    assert_string_equal(cb_dns_reverse(&wide, name),
                        "f.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
                        "0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa");
    assert_int_equal(cb_dns_question_read(&question, QUERY, BYTES), 0);
    cb_dns_answer_begin(&out, QUERY, &question, 0);
    cb_dns_answer_add_name(&out, "web.net");
    assert_memory_equal(out.text + BYTES, "\xc0\x0c\0\x0c\0\1\0\0\0\0\0\x09\3web\3net\0",
                        21);
    assert_int_equal(out.text[7], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_read_in_small_letters),
        cmocka_unit_test(half_a_question_is_none),
        cmocka_unit_test(odd_questions_are_none),
        cmocka_unit_test(a_name_that_is_too_long_is_none),
        cmocka_unit_test(an_answer_has_all_that_fits),
        cmocka_unit_test(an_address_has_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
