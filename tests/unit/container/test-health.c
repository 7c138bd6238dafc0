/* Health checks: whose word holds, and what becomes of results. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "base/timestamp.h"
#include "container/health.h"

#include <string.h>

/* "ARGV…|INTERVAL TIMEOUT START START_INTERVAL RETRIES", times in milliseconds. */
static char *shown(const struct cb_health *health)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_vec_foreach (word, &health->argv)
        cb_strbuf_addf(&text, "%s%s", text.len ? " " : "", *word);
    cb_strbuf_addf(&text, "|%lld %lld %lld %lld %u", (long long)health->interval_ms,
                   (long long)health->timeout_ms, (long long)health->start_period_ms,
                   (long long)health->start_interval_ms, health->retries);
    return cb_strbuf_steal(&text);
}

static void expect_health(const char *document, const struct cb_health_options *given,
                          const char *wanted)
{
    struct cb_image_config *config = NULL;
    struct cb_container_options options = {.health = *given};
    cb_auto_value(cb_health) health = {0};
    cb_autofree char *text = NULL;

    assert_int_equal(cb_image_config_parse(&config, document, strlen(document), NULL), 0);
    assert_int_equal(cb_health_make(&health, &options, config, NULL), 0);
    text = shown(&health);
    assert_string_equal(text, wanted);
    cb_image_config_free(config);
}

#define IMAGE(config)                                                                  \
    "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{" config "},\"rootfs\":" \
    "{\"type\":\"layers\",\"diff_ids\":[]}}"
#define CHECK                                                                       \
    "\"Healthcheck\":{\"Test\":[\"CMD\",\"probe\",\"-x\"],\"Interval\":5000000000," \
    "\"Retries\":7}"

static void options_hold_and_then_the_image(void **state)
{
    const struct cb_health_options none = {0}, off = {.none = 1},
                                   some = {.command = "curl x",
                                           .interval = "1m30s",
                                           .timeout = "10ms",
                                           .retries = "1",
                                           .start_period = "2s",
                                           .start_interval = "0"};

    expect_health(IMAGE(""), &none, "|30000 30000 0 5000 3");
    expect_health(IMAGE("\"Healthcheck\":{\"Test\":[\"CMD\",\"x\"],\"Interval\":1,"
                        "\"Timeout\":9223372036854775807,"
                        "\"StartPeriod\":9223372036854775807}"),
                  &none, "x|1 9223372036855 9223372036855 5000 3");
    expect_health(IMAGE(CHECK), &none, "probe -x|5000 30000 0 5000 7");
    expect_health(IMAGE(CHECK), &off, "|5000 30000 0 5000 7");
    expect_health(IMAGE(CHECK), &some, "/bin/sh -c curl x|90000 10 2000 5000 1");
    expect_health(IMAGE("\"Shell\":[\"/bin/bash\",\"-ec\"],\"Healthcheck\":{\"Test\":"
                        "[\"CMD-SHELL\",\"a b\"]}"),
                  &none, "/bin/bash -ec a b|30000 30000 0 5000 3");
    expect_health(IMAGE("\"Healthcheck\":{\"Test\":[\"NONE\"]}"), &none,
                  "|30000 30000 0 5000 3");
}

static void wrong_options_are_refused(void **state)
{
    static const struct {
        struct cb_health_options options;
        enum cb_error_kind kind;
    } table[] = {
        {{.interval = "soon"}, CB_ERR_FLAG},
        {{.interval = "-1s"}, CB_ERR_USAGE},
        {{.timeout = "1us"}, CB_ERR_USAGE},
        {{.retries = "-1"}, CB_ERR_USAGE},
        {{.retries = "x"}, CB_ERR_FLAG},
        {{.start_period = "1"}, CB_ERR_FLAG},
        {{.none = 1, .command = "true"}, CB_ERR_USAGE},
    };
    struct cb_image_config *config = cb_image_config_new();

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        const struct cb_container_options options = {.health = table[i].options};
        cb_auto_value(cb_health) health = {0};
        cb_auto(cb_error) error = NULL;

        if (cb_health_make(&health, &options, config, &error) == 0)
            fail_msg("taken: row %zu", i);
        assert_int_equal(cb_error_kind(error), table[i].kind);
    }
    cb_image_config_free(config);
}

static void add(json_t *health, const struct cb_health *wish, int is_early, int exit_code,
                const char *output)
{
    const struct cb_health_result result = {.start = cb_timestamp_now(),
                                            .end = cb_timestamp_now(),
                                            .exit_code = exit_code,
                                            .is_early = is_early,
                                            .output = output};

    cb_health_json_add(health, wish, &result);
}

static void failures_in_a_row_make_it_unhealthy(void **state)
{
    const struct cb_health wish = {.retries = 2};
    json_t *health = cb_health_json_new();

    assert_string_equal(cb_health_status(NULL), "none");
    assert_string_equal(cb_health_status(health), "starting");
    for (int i = 0; i < 5; i++)
        add(health, &wish, 1, 1, "");
    assert_string_equal(cb_health_status(health), "starting"); /* it has time */
    add(health, &wish, 0, 1, "");
    assert_string_equal(cb_health_status(health), "starting");
    add(health, &wish, 0, -1, "");
    assert_string_equal(cb_health_status(health), "unhealthy");
    add(health, &wish, 0, 0, "");
    assert_string_equal(cb_health_status(health), "healthy");
    add(health, &wish, 1, 3, "");
    assert_string_equal(cb_health_status(health), "healthy");
    add(health, &wish, 1, 3, "");
    assert_string_equal(cb_health_status(health), "unhealthy");
    json_decref(health);
}

static void the_last_five_results_are_kept_whatever_they_print(void **state)
{
    const struct cb_health wish = {.retries = 1};
    json_t *health = cb_health_json_new();
    const json_t *log = json_object_get(health, "Log"), *last;

    for (int i = 0; i < 20; i++)
        add(health, &wish, 0, i, "\xff\x1b[m");
    assert_int_equal(json_array_size(log), CB_HEALTH_LOG_MAX);
    last = json_array_get(log, CB_HEALTH_LOG_MAX - 1);
    assert_int_equal(json_integer_value(json_object_get(last, "ExitCode")), 19);
    assert_string_equal(json_string_value(json_object_get(last, "Output")),
                        "\\xff\\x1b[m");
    json_decref(health);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_hold_and_then_the_image),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(failures_in_a_row_make_it_unhealthy),
        cmocka_unit_test(the_last_five_results_are_kept_whatever_they_print),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
