#include "unit/base/unit.h"

#include "oci/oci.h"

static void platforms_are_normalised(void **state)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"linux/amd64", "linux/amd64"},
        {"linux/x86_64", "linux/amd64"},
        {"Linux/X86-64", "linux/amd64"},
        {"linux/amd64/v1", "linux/amd64"},
        {"linux/amd64/v3", "linux/amd64/v3"},
        {"linux/arm64/v8", "linux/arm64"},
        {"linux/arm64/8", "linux/arm64"},
        {"linux/aarch64", "linux/arm64"},
        {"linux/arm64/v9", "linux/arm64/v9"},
        {"linux/arm", "linux/arm/v7"},
        {"linux/arm/7", "linux/arm/v7"},
        {"linux/arm/v6", "linux/arm/v6"},
        {"linux/armhf", "linux/arm/v7"},
        {"linux/armel", "linux/arm/v6"},
        {"linux/i386", "linux/386"},
        {"macos/arm64", "darwin/arm64"},
        {"windows(10.0.17763)/amd64", "windows/amd64"},
        {"s390x", "linux/s390x"},
        {"aarch64", "linux/arm64"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        struct cb_platform platform;
        struct cb_error *err = NULL;
        cb_autofree char *text = NULL;

        assert_ok(cb_platform_parse(&platform, rows[i].text, &err), err);
        text = cb_platform_text(&platform);
        assert_string_equal(text, rows[i].expected);
    }
}

static void a_system_alone_means_the_hosts_architecture(void **state)
{
    struct cb_platform host = cb_platform_host(), platform;

    assert_int_equal(cb_platform_parse(&platform, "linux", NULL), 0);
    assert_true(cb_platform_equal(&platform, &host));
    assert_true(host.arch[0] != '\0');
}

static void malformed_platforms_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "/",
        "linux/",
        "/amd64",
        "linux//v7",
        "linux/amd64/v1/x",
        "*/amd64",
        "linux/a b",
        "plan10",
        "linux(/amd64",
        "linux()/amd64",
        "linux(1)x/amd64",
        ("linux/"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    };
    struct cb_platform platform;
    struct cb_error *err = NULL;

    for (size_t i = 0; i < CB_ARRAY_SIZE(bad); i++)
        assert_error(cb_platform_parse(&platform, bad[i], &err), &err, CB_ERR_USAGE,
                     "invalid platform");
}

static int score(const char *have, const char *want)
{
    struct cb_platform a, b;

    assert_int_equal(cb_platform_parse(&a, have, NULL), 0);
    assert_int_equal(cb_platform_parse(&b, want, NULL), 0);
    return cb_platform_score(&a, &b);
}

static void better_variants_score_higher(void **state)
{
    /* In each row, the first serves best; "-" begins those that do not serve. */
    static const char *const rows[][8] = {
        {"linux/amd64", "linux/amd64", "linux/386", "-", "linux/amd64/v2", "linux/arm64",
         "windows/amd64"},
        {"linux/amd64/v3", "linux/amd64/v3", "linux/amd64/v2", "linux/amd64", "linux/386",
         "-", "linux/amd64/v4"},
        {"linux/arm/v7", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5", "-",
         "linux/arm/v8", "linux/arm64"},
        {"linux/arm64", "linux/arm64", "linux/arm/v8", "linux/arm/v7", "linux/arm/v6",
         "-", "linux/arm64/v9"},
        {"linux/arm64/v9", "linux/arm64/v9", "linux/arm64/v8.5", "linux/arm64",
         "linux/arm/v7"},
        {"linux/riscv64", "linux/riscv64", "-", "linux/riscv64/x", "linux/amd64"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        int last = 1 << 30, serves = 1;

        for (size_t j = 1; j < 8 && rows[i][j]; j++) {
            int got;

            if (strcmp(rows[i][j], "-") == 0) {
                serves = 0;
                continue;
            }
            got = score(rows[i][j], rows[i][0]);
            if (serves ? got <= 0 || got >= last : got != 0)
                fail_msg("%s for %s scores %d", rows[i][j], rows[i][0], got);
            last = got;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(platforms_are_normalised),
        cmocka_unit_test(a_system_alone_means_the_hosts_architecture),
        cmocka_unit_test(malformed_platforms_are_refused),
        cmocka_unit_test(better_variants_score_higher),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
