#include "http/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/digest.h"
#include "lib/test-server.h"

struct fixture {
    struct test_server server;
    struct cb_http *http;
};

static int start(void **state)
{
    struct fixture *fixture = xcalloc(1, sizeof(*fixture));
    struct cb_http_options options = {.backoff_ms = 1};

    if (test_server_start(&fixture->server, __FILE__, "none", NULL) < 0)
        return -1;
    fixture->http = cb_http_new(&options);
    *state = fixture;
    return 0;
}

static int stop(void **state)
{
    struct fixture *fixture = *state;

    cb_http_free(fixture->http);
    test_server_stop(&fixture->server);
    free(fixture);
    return 0;
}

static char *url_of(struct fixture *fixture, const char *what)
{
    return xasprintf("http://127.0.0.1:%d/plain/%s", fixture->server.port, what);
}

static int get(struct fixture *fixture, const char *what, struct cb_http_request request,
               struct cb_http_response *response, struct cb_error **err)
{
    cb_autofree char *url = url_of(fixture, what);

    request.url = url;
    if (!request.method)
        request.method = "GET";
    if (request.allow_http == CB_HTTP_PLAIN_NEVER)
        request.allow_http = CB_HTTP_PLAIN_LOOPBACK;
    return cb_http_perform(fixture->http, &request, response, err);
}

/* A body that is written, with resets, as a blob writer does. */
struct sink {
    struct cb_strbuf text;
    int64_t offset; /* there before */
    int resets;
    size_t max;
};

static int write_sink(void *arg, const void *bytes, size_t len, struct cb_error **err)
{
    struct sink *sink = arg;

    if (sink->max && sink->text.len + len > sink->max)
        return cb_error_set(err, CB_ERR_INTEGRITY, "too much");
    cb_strbuf_add(&sink->text, bytes, len);
    return 0;
}

static int begin_sink(void *arg, int status, int range_ok, struct cb_error **err)
{
    struct sink *sink = arg;

    if (!range_ok) {
        cb_strbuf_truncate(&sink->text, 0);
        sink->resets++;
    }
    return 0;
}

/* What tests/lib/registry.py calls noise. */
static int is_noise(const struct cb_strbuf *text, size_t count)
{
    struct cb_digest block = cb_digest_of("seed", 4);

    if (text->len != count)
        return 0;
    for (size_t at = 0; at < count; at += 32) {
        size_t len = count - at < 32 ? count - at : 32;

        if (memcmp(text->text + at, block.bytes, len) != 0)
            return 0;
        block = cb_digest_of(block.bytes, 32);
    }
    return 1;
}

static void download(struct fixture *fixture, const char *what, size_t count)
{
    struct sink sink = {0};
    struct cb_http_request request = {
        .write_body = write_sink, .on_response = begin_sink, .write_arg = &sink};
    cb_auto_value(cb_http_response) response = {0};

    assert_int_equal(get(fixture, what, request, &response, NULL), 0);
    assert_int_equal(response.status / 100, 2);
    assert_true(is_noise(&sink.text, count));
    cb_strbuf_free(&sink.text);
}

static void status_headers_and_body_arrive(void **state)
{
    cb_auto_value(cb_http_response) response = {0};

    assert_int_equal(
        get(*state, "status/404", (struct cb_http_request){0}, &response, NULL), 0);
    assert_int_equal(response.status, 404);
    assert_string_equal(cb_strbuf_text(&response.body), "status body\n");
    assert_string_equal(cb_http_header(&response, "content-TYPE"), "text/plain");
    assert_null(cb_http_header(&response, "Content"));
}

static void server_trouble_is_tried_again(void **state)
{
    cb_auto_value(cb_http_response) response = {0};

    assert_int_equal(
        get(*state, "flaky/4/503/a", (struct cb_http_request){0}, &response, NULL), 0);
    assert_int_equal(response.status, 200);
    assert_string_equal(cb_strbuf_text(&response.body), "at last");
}

static void the_fifth_failure_is_the_answer(void **state)
{
    cb_auto_value(cb_http_response) response = {0};

    assert_int_equal(
        get(*state, "flaky/5/429/b", (struct cb_http_request){0}, &response, NULL), 0);
    assert_int_equal(response.status, 429);
}

static void a_connection_that_breaks_is_a_network_error(void **state)
{
    cb_auto_value(cb_http_response) response = {0};
    cb_auto(cb_error) error = NULL;

    assert_int_equal(get(*state, "reset", (struct cb_http_request){0}, &response, &error),
                     -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_NETWORK);
}

static void a_length_that_cannot_be_counted_is_refused(void **state)
{
    cb_auto_value(cb_http_response) response = {0};
    cb_auto(cb_error) error = NULL;

    assert_int_equal(
        get(*state, "longlength", (struct cb_http_request){0}, &response, &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_INTEGRITY);
    assert_non_null(strstr(cb_error_message(error), "Content-Length over"));
}

static void a_cut_download_goes_on_where_it_stopped(void **state)
{
    download(*state, "bytes/good/300000/a", 300000);
    download(*state, "bytes/cut/1000000/b", 1000000);
    download(*state, "bytes/cutonce/300000/c", 300000);
}

static void a_server_without_ranges_is_read_from_the_start(void **state)
{
    download(*state, "bytes/norange/300000/d", 300000);
}

static void a_range_at_the_wrong_byte_is_not_used(void **state)
{
    struct sink sink = {0};
    struct cb_http_request request = {
        .write_body = write_sink, .on_response = begin_sink, .write_arg = &sink};
    cb_auto_value(cb_http_response) response = {0};

    assert_int_equal(get(*state, "bytes/badrange/300000/e", request, &response, NULL), 0);
    assert_true(is_noise(&sink.text, 300000));
    assert_int_equal(sink.resets, 2);
    cb_strbuf_free(&sink.text);
}

static void an_offset_that_is_the_end_starts_again(void **state)
{
    struct sink sink = {0};
    struct cb_http_request request = {.write_body = write_sink,
                                      .on_response = begin_sink,
                                      .write_arg = &sink,
                                      .offset = 1000};
    cb_auto_value(cb_http_response) response = {0};

    assert_int_equal(get(*state, "bytes/good/1000/f", request, &response, NULL), 0);
    assert_int_equal(response.range_ok, 0);
    assert_true(is_noise(&sink.text, 1000));
    cb_strbuf_free(&sink.text);
}

static void an_endless_body_stops_at_the_limit(void **state)
{
    struct sink sink = {.max = 100000};
    struct cb_http_request request = {.write_body = write_sink, .write_arg = &sink};
    cb_auto_value(cb_http_response) response = {0};
    cb_auto(cb_error) error = NULL;

    assert_int_equal(get(*state, "bytes/endless/1/g", request, &response, &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_INTEGRITY);
    cb_strbuf_free(&sink.text);
}

static void a_collected_body_has_a_limit(void **state)
{
    struct cb_http_request request = {.max_body = 1000};
    cb_auto_value(cb_http_response) response = {0};
    cb_auto(cb_error) error = NULL;

    assert_int_equal(get(*state, "bytes/good/1001/h", request, &response, &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_INTEGRITY);
}

static void two_megabytes_of_headers_are_refused(void **state)
{
    cb_auto_value(cb_http_response) response = {0};
    cb_auto(cb_error) error = NULL;

    assert_int_equal(
        get(*state, "hugehdr", (struct cb_http_request){0}, &response, &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_INTEGRITY);
}

static void redirects_carry_credentials_only_to_the_same_origin(void **state)
{
    struct fixture *fixture = *state;
    struct cb_http_request request = {.authorization = "Basic c2VjcmV0"};
    cb_autofree char *other = xasprintf(
        "to/http%%3A%%2F%%2F127.0.0.9:%d%%2Fplain%%2Fecho", fixture->server.other_port);
    cb_auto_value(cb_http_response) same = {0};
    cb_auto_value(cb_http_response) foreign = {0};

    assert_int_equal(get(fixture, "to/%2Fplain%2Fecho", request, &same, NULL), 0);
    assert_non_null(strstr(cb_strbuf_text(&same.body), "Basic c2VjcmV0"));
    assert_int_equal(get(fixture, other, request, &foreign, NULL), 0);
    assert_int_equal(foreign.status, 200);
    assert_null(strstr(cb_strbuf_text(&foreign.body), "c2VjcmV0"));
}

static void bad_redirects_are_refused(void **state)
{
    static const char *const bad[] = {"to/file%3A%2F%2F%2Fetc%2Fpasswd",
                                      "to/gopher%3A%2F%2Fh%2F",
                                      "to/http%3A%2F%2F192.0.2.1%2F", "loop"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(bad); i++) {
        cb_auto_value(cb_http_response) response = {0};
        cb_auto(cb_error) error = NULL;

        assert_int_equal(
            get(*state, bad[i], (struct cb_http_request){0}, &response, &error), -1);
        assert_non_null(strstr(cb_error_message(error), "redirect"));
    }
}

static ssize_t read_text(void *arg, void *buffer, size_t len)
{
    const char **at = arg;
    size_t have = strlen(*at) < len ? strlen(*at) : len;

    memcpy(buffer, *at, have);
    *at += have;
    return (ssize_t)have;
}

static int seek_text(void *arg, int64_t offset)
{
    *(const char **)arg = &"streamed"[offset];
    return 0;
}

static void bodies_are_sent_and_sent_again_after_a_redirect(void **state)
{
    const char *at = "streamed";
    struct cb_http_request stream = {.method = "PUT",
                                     .read_body = read_text,
                                     .seek_body = seek_text,
                                     .body_arg = &at,
                                     .body_size = 8};
    struct cb_http_request bytes = {.method = "PATCH", .body = "whole", .body_size = 5};
    cb_auto_value(cb_http_response) one = {0};
    cb_auto_value(cb_http_response) two = {0};

    assert_int_equal(get(*state, "keep/%2Fplain%2Fecho", stream, &one, NULL), 0);
    assert_non_null(strstr(cb_strbuf_text(&one.body), "\"method\": \"PUT\""));
    assert_non_null(strstr(cb_strbuf_text(&one.body), "streamed"));
    assert_int_equal(get(*state, "echo", bytes, &two, NULL), 0);
    assert_non_null(strstr(cb_strbuf_text(&two.body), "\"method\": \"PATCH\""));
    assert_non_null(strstr(cb_strbuf_text(&two.body), "whole"));
}

static void plain_http_needs_permission(void **state)
{
    cb_autofree char *url = url_of(*state, "echo");
    struct fixture *fixture = *state;
    struct cb_http_request request = {.method = "GET", .url = url};
    cb_auto_value(cb_http_response) response = {0};
    cb_auto(cb_error) error = NULL;

    assert_int_equal(cb_http_perform(fixture->http, &request, &response, &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_DENIED);
}

static void a_canceled_request_ends(void **state)
{
    struct fixture *fixture = *state;
    cb_auto(cb_cancel) cancel = cb_cancel_new();
    struct cb_http_options options = {.cancel = cancel};
    cb_auto(cb_http) http = cb_http_new(&options);
    cb_autofree char *url = url_of(fixture, "bytes/drip/100000/i");
    struct sink sink = {0};
    struct cb_http_request request = {.method = "GET",
                                      .url = url,
                                      .allow_http = CB_HTTP_PLAIN_LOOPBACK,
                                      .write_body = write_sink,
                                      .write_arg = &sink};
    cb_auto_value(cb_http_response) response = {0};
    cb_auto(cb_error) error = NULL;

    cb_cancel_request(cancel);
    assert_int_equal(cb_http_perform(http, &request, &response, &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_CANCELED);
    cb_strbuf_free(&sink.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_headers_and_body_arrive),
        cmocka_unit_test(server_trouble_is_tried_again),
        cmocka_unit_test(the_fifth_failure_is_the_answer),
        cmocka_unit_test(a_connection_that_breaks_is_a_network_error),
        cmocka_unit_test(a_cut_download_goes_on_where_it_stopped),
        cmocka_unit_test(a_server_without_ranges_is_read_from_the_start),
        cmocka_unit_test(a_range_at_the_wrong_byte_is_not_used),
        cmocka_unit_test(an_offset_that_is_the_end_starts_again),
        cmocka_unit_test(an_endless_body_stops_at_the_limit),
        cmocka_unit_test(a_length_that_cannot_be_counted_is_refused),
        cmocka_unit_test(a_collected_body_has_a_limit),
        cmocka_unit_test(two_megabytes_of_headers_are_refused),
        cmocka_unit_test(redirects_carry_credentials_only_to_the_same_origin),
        cmocka_unit_test(bad_redirects_are_refused),
        cmocka_unit_test(bodies_are_sent_and_sent_again_after_a_redirect),
        cmocka_unit_test(plain_http_needs_permission),
        cmocka_unit_test(a_canceled_request_ends),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
