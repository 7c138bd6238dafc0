#include "unit/base/unit.h"

#include "base/strbuf.h"
#include "oci/oci.h"

#define HEX    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define DIGEST "sha256:" HEX

static void names_are_normalised(void **state)
{
    static const struct {
        const char *text, *canonical, *familiar, *name;
    } rows[] = {
        {"ubuntu", "docker.io/library/ubuntu", "ubuntu", "ubuntu"},
        {"ubuntu:22.04", "docker.io/library/ubuntu:22.04", "ubuntu:22.04", "ubuntu"},
        {"library/ubuntu", "docker.io/library/ubuntu", "ubuntu", "ubuntu"},
        {"docker.io/ubuntu", "docker.io/library/ubuntu", "ubuntu", "ubuntu"},
        {"docker.io/library/ubuntu", "docker.io/library/ubuntu", "ubuntu", "ubuntu"},
        {"index.docker.io/ubuntu", "docker.io/library/ubuntu", "ubuntu", "ubuntu"},
        {"index.docker.io/a/b", "docker.io/a/b", "a/b", "a/b"},
        {"docker.io/library/a/b", "docker.io/library/a/b", "library/a/b", "library/a/b"},
        {"user/app:v1", "docker.io/user/app:v1", "user/app:v1", "user/app"},
        {"a/b/c", "docker.io/a/b/c", "a/b/c", "a/b/c"},
        {"localhost/app", "localhost/app", "localhost/app", "localhost/app"},
        {"localhost", "docker.io/library/localhost", "localhost", "localhost"},
        {"localhost:5000/app", "localhost:5000/app", "localhost:5000/app",
         "localhost:5000/app"},
        {"127.0.0.1:5000/app:1", "127.0.0.1:5000/app:1", "127.0.0.1:5000/app:1",
         "127.0.0.1:5000/app"},
        {"[::1]:5000/app", "[::1]:5000/app", "[::1]:5000/app", "[::1]:5000/app"},
        {"[2001:db8::1]/app", "[2001:db8::1]/app", "[2001:db8::1]/app",
         "[2001:db8::1]/app"},
        {"example.com/a/b:t", "example.com/a/b:t", "example.com/a/b:t",
         "example.com/a/b"},
        {"EXAMPLE.com/app", "EXAMPLE.com/app", "EXAMPLE.com/app", "EXAMPLE.com/app"},
        {"Host/app", "Host/app", "Host/app", "Host/app"},
        {"host:80/app", "host:80/app", "host:80/app", "host:80/app"},
        {"localhost:5000", "docker.io/library/localhost:5000", "localhost:5000",
         "localhost"},
        {"app@" DIGEST, "docker.io/library/app@" DIGEST, "app@" DIGEST, "app"},
        {"app:1@" DIGEST, "docker.io/library/app:1@" DIGEST, "app:1@" DIGEST, "app"},
        {"h.io:5000/app:1@" DIGEST, "h.io:5000/app:1@" DIGEST, "h.io:5000/app:1@" DIGEST,
         "h.io:5000/app"},
        {"a_b/c__d/e-f/g---h/i.j", "docker.io/a_b/c__d/e-f/g---h/i.j",
         "a_b/c__d/e-f/g---h/i.j", "a_b/c__d/e-f/g---h/i.j"},
        {"app:_T.a-G", "docker.io/library/app:_T.a-G", "app:_T.a-G", "app"},
        {"xn--7o8h.com/app", "xn--7o8h.com/app", "xn--7o8h.com/app", "xn--7o8h.com/app"},
        {"1234567890", "docker.io/library/1234567890", "1234567890", "1234567890"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_auto(cb_reference) reference = NULL;
        struct cb_error *err = NULL;
        cb_autofree char *canonical = NULL;
        cb_autofree char *familiar = NULL;
        cb_autofree char *name = NULL;

        assert_ok(cb_reference_parse(&reference, rows[i].text, &err), err);
        canonical = cb_reference_canonical(reference);
        familiar = cb_reference_familiar(reference);
        name = cb_reference_familiar_name(reference);
        assert_string_equal(canonical, rows[i].canonical);
        assert_string_equal(familiar, rows[i].familiar);
        assert_string_equal(name, rows[i].name);
    }
}

static void malformed_names_are_refused(void **state)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "repository name must have at least one component"},
        {"Ubuntu",
         "`Ubuntu`: invalid reference format: repository name must be lowercase"},
        {"ubuntu/App:x", "invalid reference format: repository name must be lowercase"},
        {"example.com/App",
         "invalid reference format: repository name must be lowercase"},
        {HEX, "are an image ID, not a name"},
        {":tag", "invalid reference format"},
        {"app:", "invalid reference format"},
        {"app:-x", "invalid reference format"},
        {"app:.x", "invalid reference format"},
        {"app:a:b", "invalid reference format"},
        {"app:a/b", "invalid reference format"},
        {"app@", "invalid reference format: invalid digest"},
        {"app@sha256:abc", "invalid reference format: invalid digest"},
        {"app@md5:" HEX, "invalid reference format: invalid digest"},
        {"app@" DIGEST ":tag", "invalid reference format: invalid digest"},
        {"app@" DIGEST "@" DIGEST, "invalid reference format: invalid digest"},
        {"@" DIGEST, "invalid reference format"},
        {"/app", "invalid reference format"},
        {"app/", "invalid reference format"},
        {"a//b", "invalid reference format"},
        {"a..b", "invalid reference format"},
        {"a___b", "invalid reference format"},
        {"a._b", "invalid reference format"},
        {"-a", "invalid reference format"},
        {"a-", "invalid reference format"},
        {"a b", "invalid reference format"},
        {"a\nb", "invalid reference format"},
        {"../a", "invalid reference format"},
        {"a/../b", "invalid reference format"},
        {"-h.io/a", "invalid reference format"},
        {"h..io/a", "invalid reference format"},
        {"h.io:/a", "invalid reference format"},
        {"h.io:x/a", "invalid reference format"},
        {"[::1/a", "invalid reference format"},
        {"[g::1]:80/a", "invalid reference format"},
        {"h.io/", "invalid reference format"},
        {"https://h.io/a", "invalid reference format"},
        {"\xc3\xa9/a", "invalid reference format"},
    };
    struct cb_reference *reference = NULL;
    struct cb_error *err = NULL;

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++)
        assert_error(cb_reference_parse(&reference, rows[i].text, &err), &err,
                     CB_ERR_SYNTAX, rows[i].message);
}

static char *repeated(const char *start, char c, size_t count)
{
    cb_auto_value(cb_strbuf) text = {0};

    cb_strbuf_adds(&text, start);
    while (count-- > 0)
        cb_strbuf_addc(&text, c);
    return cb_strbuf_steal(&text);
}

static void lengths_are_limited(void **state)
{
    cb_autofree char *tag = repeated("a:", 't', 128);
    cb_autofree char *long_tag = repeated("a:", 't', 129);
    cb_autofree char *path = repeated("h.io/", 'p', 255);
    cb_autofree char *long_path = repeated("h.io/", 'p', 256);
    cb_autofree char *official = repeated("", 'p', 250);
    cb_autofree char *huge = repeated("h.io/", 'p', 100000);
    struct cb_reference *reference = NULL;
    struct cb_error *err = NULL;

    assert_ok(cb_reference_parse(&reference, tag, &err), err);
    cb_reference_free(reference);
    assert_ok(cb_reference_parse(&reference, path, &err), err);
    cb_reference_free(reference);
    assert_error(cb_reference_parse(&reference, long_tag, &err), &err, CB_ERR_SYNTAX,
                 "invalid reference format");
    assert_error(cb_reference_parse(&reference, long_path, &err), &err, CB_ERR_SYNTAX,
                 "must not be more than 255 characters");
    assert_error(cb_reference_parse(&reference, official, &err), &err, CB_ERR_SYNTAX,
                 "must not be more than 255 characters");
    assert_error(cb_reference_parse(&reference, huge, &err), &err, CB_ERR_SYNTAX,
                 "too long");
}

static void latest_is_only_for_names_without_version(void **state)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"a", "docker.io/library/a:latest"},
        {"a:1", "docker.io/library/a:1"},
        {"a@" DIGEST, "docker.io/library/a@" DIGEST},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_auto(cb_reference) reference = NULL;
        cb_autofree char *text = NULL;

        assert_int_equal(cb_reference_parse(&reference, rows[i].text, NULL), 0);
        cb_reference_default_tag(reference);
        text = cb_reference_canonical(reference);
        assert_string_equal(text, rows[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_normalised),
        cmocka_unit_test(malformed_names_are_refused),
        cmocka_unit_test(lengths_are_limited),
        cmocka_unit_test(latest_is_only_for_names_without_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
