/* What is known of URLs: names, dates, and what a server said. */
#include "context/remote-priv.h"

#include "base/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>

static void test_names_of_files(void **state)
{
    static const char *const rows[][2] = {
        {"https://h/a/b.tar?x=/y#z", "b.tar"},
        {"https://h/a/b/", "b"},
        {"https://h/%62%20c", "b c"},
        {"https://h/a/../b", "b"},
        {"https://h/x/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "passwd"},
        {"https://u:p@h/x", "x"},
        {"https://h/a;b=c", "a;b=c"},
        {"https://h", NULL},
        {"https://h/", NULL},
        {"https://h?x=/y", NULL},
        {"https://h/.", NULL},
        {"https://h/..", NULL},
        {"https://h/a/..", NULL},
        {"https://h/%2f", NULL},
        {"https://h/a%00b", NULL},
        {"https://h/a%0ab", NULL},
        {"https://h/a%7f", NULL},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_autofree char *got = cb_url_file_name(rows[i][0]);

        if (!got != !rows[i][1] || (got && strcmp(got, rows[i][1]) != 0))
            fail_msg("%s: %s", rows[i][0], got ? got : "(none)");
    }
}

static void test_a_name_of_256_bytes_is_none(void **state)
{
    char url[300] = "https://h/";
    cb_autofree char *longest = NULL;
    cb_autofree char *longer = NULL;

    memset(url + 10, 'a', 255);
    longest = cb_url_file_name(url);
    assert_int_equal(strlen(longest), 255);
    url[10 + 255] = 'a';
    longer = cb_url_file_name(url);
    assert_null(longer);
}

static void test_dates(void **state)
{
    assert_int_equal(cb_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    assert_int_equal(cb_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
    assert_int_equal(cb_http_date("Sun Nov  6 08:49:37 1994"), 784111777);
    assert_int_equal(cb_http_date("yesterday"), -1);
    assert_int_equal(cb_http_date("Sun, 06 Nov 1994 08:49:37 GMT and more"), -1);
    assert_int_equal(cb_http_date(""), -1);
    assert_int_equal(cb_http_date(NULL), -1);
}

static void test_urls_and_repositories_are_told_apart(void **state)
{
    assert_int_equal(cb_is_url("http://h/x"), 1);
    assert_int_equal(cb_is_url("https://h/x.git"), 0);
    assert_int_equal(cb_is_url("https://h/x.git?none"), 0);
    assert_int_equal(cb_is_url("ftp://h/x"), 0);
    assert_int_equal(cb_context_is_remote("https://h/x"), 1);
    assert_int_equal(cb_context_is_remote("git@h:x"), 1);
    assert_int_equal(cb_context_is_remote("github.com/a/b"), 1);
    assert_int_equal(cb_context_is_remote("https://h/x.git?none"), 1);
    assert_int_equal(cb_context_is_remote("github.com"), 0);
    assert_int_equal(cb_context_is_remote("./dir"), 0);
}

/* ── What is remembered ── */

struct place {
    char root[64];
    struct cb_store *store;
};

static int setup(void **state)
{
    struct place *place = xcalloc(1, sizeof(*place));
    struct cb_store_options options = {.root = place->root, .create = 1, .no_sync = 1};

    strcpy(place->root, "/tmp/cbuild-url-XXXXXX");
    assert_non_null(mkdtemp(place->root));
    assert_int_equal(cb_store_open(&place->store, &options, NULL), 0);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;

    cb_store_close(place->store);
    assert_int_equal(cb_fs_remove_tree(AT_FDCWD, place->root, NULL), 0);
    free(place);
    return 0;
}

static void test_what_is_remembered_is_recalled(void **state)
{
    struct place *place = *state;
    struct cb_url_memory given = {
        .digest = cb_digest_of("x", 1), .mtime_s = 12, .etag = (char *)"\"tag\""};
    cb_auto_value(cb_url_memory) got = {0};
    cb_auto_value(cb_url_memory) other = {0};

    cb_url_remember(place->store, "http://h/x", &given);
    cb_url_recall(place->store, "http://h/x", &got);
    assert_true(cb_digest_equal(&got.digest, &given.digest));
    assert_int_equal(got.mtime_s, 12);
    assert_string_equal(got.etag, "\"tag\"");
    assert_null(got.modified);
    cb_url_recall(place->store, "http://h/y", &other);
    assert_false(cb_digest_is_set(&other.digest));
    assert_int_equal(other.mtime_s, -1);
}

/* An ETag is the server's text and goes into a header again. */
static void test_odd_validators_are_not_kept(void **state)
{
    struct place *place = *state;
    char longest[2000];
    const char *const odd[] = {"\"a\r\nX: y\"", "", "\x1b[0m", "\xc3\xa4", longest};

    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    for (size_t i = 0; i < CB_ARRAY_SIZE(odd); i++) {
        struct cb_url_memory given = {
            .digest = cb_digest_of("x", 1), .mtime_s = -1, .etag = (char *)odd[i]};
        cb_auto_value(cb_url_memory) got = {0};

        cb_url_remember(place->store, "http://h/x", &given);
        cb_url_recall(place->store, "http://h/x", &got);
        assert_true(cb_digest_is_set(&got.digest));
        assert_null(got.etag);
    }
}

static void damage(const char *path, const char *text)
{
    cb_autofd int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(cb_fs_write_all(fd, text, strlen(text)), 0);
}

static void test_a_damaged_memory_is_none(void **state)
{
    static const char *const texts[] = {"",
                                        "{",
                                        "[]",
                                        "{}",
                                        "null",
                                        "{\"digest\":3}",
                                        "{\"digest\":\"sha256:x\"}",
                                        "{\"etag\":\"x\"}"};
    struct place *place = *state;
    struct cb_digest name = cb_digest_of("http://h/x", 10);
    char hex[CB_DIGEST_MAX_TEXT];
    cb_autofree char *path =
        xasprintf("%s/urls/%s.json", place->root, cb_digest_hex(&name, hex));
    struct cb_url_memory given = {.digest = cb_digest_of("x", 1),
                                  .etag = (char *)"\"tag\""};

    cb_url_remember(place->store, "http://h/x", &given);
    for (size_t i = 0; i < CB_ARRAY_SIZE(texts); i++) {
        cb_auto_value(cb_url_memory) got = {0};

        damage(path, texts[i]);
        cb_url_recall(place->store, "http://h/x", &got);
        assert_false(cb_digest_is_set(&got.digest));
        assert_null(got.etag);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_files),
        cmocka_unit_test(test_a_name_of_256_bytes_is_none),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_urls_and_repositories_are_told_apart),
        cmocka_unit_test_setup_teardown(test_what_is_remembered_is_recalled, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_odd_validators_are_not_kept, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_damaged_memory_is_none, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
