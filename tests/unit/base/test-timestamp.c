#include "unit.h"

#include "base/timestamp.h"

static void times_are_read_and_written(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
        long nanoseconds;
        const char *written; /* NULL: as read */
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0, 0, NULL},
        {"2026-01-02T03:04:05.123456789Z", 1767323045, 123456789, NULL},
        {"2026-01-02T03:04:05.120Z", 1767323045, 120000000, "2026-01-02T03:04:05.12Z"},
        {"2000-02-29T23:59:59Z", 951868799, 0, NULL},
        {"0001-01-01T00:00:00Z", -62135596800, 0, NULL},
        {"2026-01-02T05:34:05+02:30", 1767323045, 0, "2026-01-02T03:04:05Z"},
        {"1969-12-31T23:59:59Z", -1, 0, NULL},
        {"2024-05-06T07:08:09.1234567891Z", 1714979289, 123456789,
         "2024-05-06T07:08:09.123456789Z"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        struct cb_error *err = NULL;
        struct timespec time;
        char buffer[CB_TIMESTAMP_MAX];

        assert_ok(cb_timestamp_parse(&time, rows[i].text, &err), err);
        assert_int_equal(time.tv_sec, rows[i].seconds);
        assert_int_equal(time.tv_nsec, rows[i].nanoseconds);
        assert_string_equal(cb_timestamp_format(time, buffer),
                            rows[i].written ? rows[i].written : rows[i].text);
    }
}

static void malformed_times_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "2026-01-02",
        "2026-01-02 03:04:05Z",
        "2026-01-02T03:04:05",
        "2026-13-02T03:04:05Z",
        "2026-02-29T03:04:05Z",
        "2026-01-02T24:04:05Z",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05Z ",
        "2026-01-02T03:04:05+2:00",
        "26-01-02T03:04:05Z",
    };
    struct cb_error *err = NULL;
    struct timespec time;

    for (size_t i = 0; i < CB_ARRAY_SIZE(bad); i++)
        assert_error(cb_timestamp_parse(&time, bad[i], &err), &err, CB_ERR_INTEGRITY,
                     "invalid time");
}

static void ages_read_like_dockers(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {
        {0, "Less than a second"},
        {1, "1 second"},
        {45, "45 seconds"},
        {60, "About a minute"},
        {119, "About a minute"},
        {3 * 60, "3 minutes"},
        {35 * 60 + 40, "35 minutes"},
        {3600, "About an hour"},
        {3600 + 45 * 60, "2 hours"},
        {24 * 3600, "24 hours"},
        {2 * 24 * 3600, "2 days"},
        {13 * 24 * 3600, "13 days"},
        {14 * 24 * 3600, "2 weeks"},
        {59 * 24 * 3600, "8 weeks"},
        {61 * 24 * 3600, "2 months"},
        {729 * 24 * 3600LL, "24 months"},
        {731 * 24 * 3600LL, "2 years"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_autofree char *text = cb_duration_human(rows[i].seconds);

        assert_string_equal(text, rows[i].text);
    }
}

static void sizes_read_like_dockers(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = {
        {0, "0B"},
        {999, "999B"},
        {1000, "1kB"},
        {1024, "1.02kB"},
        {99312345, "99.3MB"},
        {1000000, "1MB"},
        {123456789, "123MB"},
        {5550000000u, "5.55GB"},
        {UINT64_MAX, "18.4EB"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_autofree char *text = cb_size_human(rows[i].bytes);

        assert_string_equal(text, rows[i].text);
    }
}

static void sizes_are_parsed(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } rows[] = {
        {"0", 0},           {"32", 32},           {"32b", 32},        {"32B", 32},
        {"32k", 32 << 10},  {"32K", 32 << 10},    {"32kb", 32 << 10}, {"32KiB", 32 << 10},
        {"64m", 64 << 20},  {"1.5g", 3ull << 29}, {"32.5 kb", 33280}, {".5k", 512},
        {"1p", 1ull << 50}, {"0.5t", 1ull << 39},
    };
    static const char *const bad[] = {"",     "hello", "-32",         ".",
                                      " 32 ", "32m b", "32bm",        "1e3",
                                      "0x1",  "32mbi", "99999999999g"};
    struct cb_error *err = NULL;
    uint64_t bytes;

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        assert_ok(cb_size_parse(&bytes, rows[i].text, &err), err);
        assert_int_equal(bytes, rows[i].bytes);
    }
    for (size_t i = 0; i < CB_ARRAY_SIZE(bad); i++)
        assert_error(cb_size_parse(&bytes, bad[i], &err), &err, CB_ERR_USAGE,
                     "invalid size");
}

static void durations_are_those_of_go(void **state)
{
    static const struct {
        const char *text;
        int64_t ns;
        const char *written; /* NULL: as read */
    } rows[] = {
        {"0", 0, "0s"},
        {"5s", 5000000000, NULL},
        {"1h30m", 5400000000000, "1h30m0s"},
        {"-1.5h", -5400000000000, "-1h30m0s"},
        {"500ms", 500000000, NULL},
        {"1.5s", 1500000000, NULL},
        {"0.3s", 300000000, "300ms"},
        {"10us", 10000, "10\xc2\xb5s"},
        {"10\xc2\xb5s", 10000, NULL},
        {"10\xce\xbcs", 10000, "10\xc2\xb5s"},
        {"7ns", 7, NULL},
        {"1m0.000000001s", 60000000001, NULL},
        {"39h9m14.425s", 140954425000000, NULL},
        {"100h", 360000000000000, "100h0m0s"},
    };
    static const char *const bad[] = {
        "",    "3",  "-",   "s",   ".",        ".s",
        "+.s", "1x", " 1s", "1s ", "9999999h", "3000000000000000000000h"};
    struct cb_error *err = NULL;
    int64_t ns;

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_autofree char *text = NULL;

        assert_ok(cb_duration_parse(&ns, rows[i].text, &err), err);
        assert_int_equal(ns, rows[i].ns);
        text = cb_duration_text(ns);
        assert_string_equal(text, rows[i].written ? rows[i].written : rows[i].text);
    }
    for (size_t i = 0; i < CB_ARRAY_SIZE(bad); i++)
        assert_error(cb_duration_parse(&ns, bad[i], &err), &err, CB_ERR_USAGE,
                     "invalid duration");
}

static void moments_are_read_as_docker_does(void **state)
{
    static const struct {
        const char *text;
        time_t seconds;
        long nanoseconds;
    } good[] = {
        {"0", 0, 0},
        {"1136073600.000000001", 1136073600, 1},
        {"2006-01-02", 1136160000 - 3600, 0},
        {"2006-01-02Z", 1136160000, 0},
        {"2006-01-02+07:00", 1136160000 - 7 * 3600, 0},
        {"2006-01-02T15", 1136214000 - 3600, 0},
        {"2006-01-02T15Z", 1136214000, 0},
        {"2006-01-02T15:04", 1136214240 - 3600, 0},
        {"2006-01-02T15:04-07:30", 1136214240 + 27000, 0},
        {"2006-01-02T15:04:05", 1136214245 - 3600, 0},
        {"2006-01-02T15:04:05.999999999", 1136214245 - 3600, 999999999},
        {"2006-01-02T15:04:05.5+07:00", 1136214245 - 7 * 3600, 500000000},
    };
    static const char *const bad[] = {
        "",      "2006-13-02",       "2006-01-02T15:04.5", "2006-01-02 15:04",
        "1d",    "2006-01-02+0700",  "2006-01-02+07:0",    "2006-01-02+7:000",
        "5.",    "2006-01-02+24:00", "2006-01-02ZZ",       "2006-01-02T15:04:05.",
        "1136x", "2006-01-02+ 7:00"};
    struct timespec at;

    setenv("TZ", "XYZ-1", 1);
    tzset();
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(cb_moment_parse(&at, good[i].text, NULL), 0);
        assert_int_equal(at.tv_sec, good[i].seconds);
        assert_int_equal(at.tv_nsec, good[i].nanoseconds);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct cb_error *err = NULL;

        assert_error(cb_moment_parse(&at, bad[i], &err), &err, CB_ERR_USAGE,
                     "is not a moment");
    }
    unsetenv("TZ");
    tzset();
}

static void epoch_comes_from_the_environment(void **state)
{
    struct cb_error *err = NULL;
    int64_t epoch = 7;

    unsetenv("SOURCE_DATE_EPOCH");
    assert_int_equal(cb_source_date_epoch(&epoch, &err), 0);
    setenv("SOURCE_DATE_EPOCH", "", 1);
    assert_int_equal(cb_source_date_epoch(&epoch, &err), 0);
    setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
    assert_int_equal(cb_source_date_epoch(&epoch, &err), 1);
    assert_int_equal(epoch, 1700000000);
    setenv("SOURCE_DATE_EPOCH", "17x", 1);
    assert_error(cb_source_date_epoch(&epoch, &err), &err, CB_ERR_USAGE,
                 "SOURCE_DATE_EPOCH: `17x`");
    setenv("SOURCE_DATE_EPOCH", "9223372036", 1);
    assert_int_equal(cb_source_date_epoch(&epoch, &err), 1);
    setenv("SOURCE_DATE_EPOCH", "9223372037", 1);
    assert_error(cb_source_date_epoch(&epoch, &err), &err, CB_ERR_USAGE,
                 "9223372037 is later than the year 2262");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read_and_written),
        cmocka_unit_test(malformed_times_are_refused),
        cmocka_unit_test(ages_read_like_dockers),
        cmocka_unit_test(sizes_read_like_dockers),
        cmocka_unit_test(sizes_are_parsed),
        cmocka_unit_test(durations_are_those_of_go),
        cmocka_unit_test(moments_are_read_as_docker_does),
        cmocka_unit_test(epoch_comes_from_the_environment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
