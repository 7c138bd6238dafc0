#include "http/retry.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/range.h"

static void pauses_double_and_stop_growing(void **state)
{
    for (unsigned failures = 1; failures <= 6; failures++) {
        unsigned base = 1000u << (failures - 1 < 3 ? failures - 1 : 3);

        for (unsigned random = 0; random < 100000; random += 997) {
            unsigned delay = cb_retry_delay_ms(failures, NULL, 1000, random);

            assert_in_range(delay, base - base / 8, base + base / 8);
        }
    }
}

static void retry_after_is_honoured_up_to_a_minute(void **state)
{
    assert_int_equal(cb_retry_delay_ms(1, "0", 1000, 0), 0);
    assert_int_equal(cb_retry_delay_ms(1, "60", 1000, 0), 60000);
    assert_in_range(cb_retry_delay_ms(1, "61", 1000, 0), 875, 1125);
    assert_in_range(cb_retry_delay_ms(1, "999999999", 1000, 0), 875, 1125);
    assert_in_range(cb_retry_delay_ms(1, "-5", 1000, 0), 875, 1125);
    assert_in_range(cb_retry_delay_ms(1, "soon", 1000, 0), 875, 1125);
    assert_in_range(cb_retry_delay_ms(1, "", 1000, 0), 875, 1125);
}

static void what_breaks_on_this_machine_is_told_soon(void **state)
{
    const unsigned here = cb_retry_base_ms("https://127.0.0.1:5000/v2/", 1000);
    unsigned pauses = 0;

    for (unsigned failures = 1; failures < 5; failures++)
        pauses += cb_retry_delay_ms(failures, NULL, here, UINT_MAX);
    assert_in_range(pauses, 1000, 1800);
    assert_int_equal(cb_retry_base_ms("http://localhost/v2/", 1000), here);
    assert_int_equal(cb_retry_base_ms("https://r.example:5000/v2/", 1000), 1000);
}

static void refusals_are_final_and_accidents_are_not(void **state)
{
    assert_true(cb_retry_status(429));
    assert_true(cb_retry_status(503));
    assert_false(cb_retry_status(401));
    assert_false(cb_retry_status(404));
    assert_false(cb_retry_status(501));
    assert_true(cb_retry_transport(CURLE_RECV_ERROR, 0, "Connection reset by peer"));
    assert_true(cb_retry_transport(CURLE_PARTIAL_FILE, 0, ""));
    assert_false(cb_retry_transport(CURLE_COULDNT_CONNECT, ECONNREFUSED, ""));
    assert_false(cb_retry_transport(CURLE_PEER_FAILED_VERIFICATION, 0, ""));
    assert_false(
        cb_retry_transport(CURLE_RECV_ERROR, 0,
                           "OpenSSL SSL_read: OpenSSL/3.0.22: error:0A00045C:SSL "
                           "routines::tlsv13 alert certificate required, errno 0"));
    assert_true(cb_retry_transport(CURLE_RECV_ERROR, 0,
                                   "OpenSSL SSL_read: OpenSSL/3.0.22: error:0A000438:SSL "
                                   "routines::tlsv1 alert internal error, errno 0"));
    assert_false(
        cb_retry_transport(CURLE_RECV_ERROR, 0, "CONNECT tunnel failed, response 407"));
    assert_false(cb_retry_transport(CURLE_RECV_ERROR, 0,
                                    "Received HTTP code 403 from proxy after CONNECT"));
    assert_true(
        cb_retry_transport(CURLE_RECV_ERROR, 0, "CONNECT tunnel failed, response 503"));
    assert_true(
        cb_retry_transport(CURLE_RECV_ERROR, 0, "CONNECT tunnel failed, response 429"));
}

static void a_range_counts_only_at_the_exact_byte(void **state)
{
    assert_true(cb_range_starts_at("bytes 100-199/200", 100));
    assert_true(cb_range_starts_at("bytes 100-199/*", 100));
    assert_true(cb_range_starts_at("Bytes 0-0/1", 0));
    assert_false(cb_range_starts_at("bytes 7-199/200", 100));
    assert_false(cb_range_starts_at("bytes 100-99/200", 100));
    assert_false(cb_range_starts_at("bytes 100-200/200", 100));
    assert_false(cb_range_starts_at("bytes 100-", 100));
    assert_false(cb_range_starts_at("bytes -100-199/200", 100));
    assert_false(cb_range_starts_at("bytes 99999999999999999999-1/2", 100));
    assert_false(cb_range_starts_at("pages 100-199/200", 100));
    assert_false(cb_range_starts_at("", 0));
    assert_false(cb_range_starts_at(NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_double_and_stop_growing),
        cmocka_unit_test(retry_after_is_honoured_up_to_a_minute),
        cmocka_unit_test(what_breaks_on_this_machine_is_told_soon),
        cmocka_unit_test(refusals_are_final_and_accidents_are_not),
        cmocka_unit_test(a_range_counts_only_at_the_exact_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
