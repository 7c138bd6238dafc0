/* Dockerfile.lock: what may stand in one, and what is written. */
#include "engine/lock-file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DIGEST "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define COMMIT "2222222222222222222222222222222222222222"

static const char whole[] = "{\n"
                            "  \"version\": 1,\n"
                            "  \"images\": {\n"
                            "    \"docker.io/library/a:1\": \"" DIGEST "\",\n"
                            "    \"docker.io/library/b:1\": \"" DIGEST "\"\n"
                            "  },\n"
                            "  \"http\": {\n"
                            "    \"http://h/a\\\"b\": \"" DIGEST "\"\n"
                            "  },\n"
                            "  \"git\": {\n"
                            "    \"http://h/x.git#main\": \"" COMMIT "\"\n"
                            "  }\n"
                            "}\n";

static int parse(const char *text, struct cb_lock_file *out, struct cb_error **err)
{
    return cb_lock_file_parse(out, "x.lock", text, strlen(text), err);
}

static void test_what_is_written_is_read_again(void **state)
{
    cb_auto_value(cb_lock_file) file = {0};
    cb_auto_value(cb_strbuf) out = {0};

    (void)state;
    assert_int_equal(parse(whole, &file, NULL), 0);
    assert_int_equal(file.count, 4);
    cb_lock_file_format(&file, &out);
    assert_string_equal(cb_strbuf_text(&out), whole);
}

static void test_bytes_do_not_hang_on_the_order_of_adding(void **state)
{
    cb_auto_value(cb_lock_file) file = {0};
    cb_auto_value(cb_strbuf) out = {0};

    (void)state;
    cb_lock_file_add(&file, CB_PIN_GIT, "http://h/x.git#main", COMMIT);
    cb_lock_file_add(&file, CB_PIN_IMAGE, "docker.io/library/b:1", DIGEST);
    cb_lock_file_add(&file, CB_PIN_HTTP, "http://h/a\"b", DIGEST);
    cb_lock_file_add(&file, CB_PIN_IMAGE, "docker.io/library/a:1", DIGEST);
    cb_lock_file_format(&file, &out);
    assert_string_equal(cb_strbuf_text(&out), whole);
}

static void test_names_are_found_by_their_kind(void **state)
{
    cb_auto_value(cb_lock_file) file = {0};

    (void)state;
    cb_lock_file_add(&file, CB_PIN_HTTP, "x", DIGEST);
    assert_string_equal(cb_lock_file_find(&file, CB_PIN_HTTP, "x"), DIGEST);
    assert_null(cb_lock_file_find(&file, CB_PIN_GIT, "x"));
    assert_null(cb_lock_file_find(&file, CB_PIN_HTTP, "y"));
}

static void test_absent_sections_are_empty(void **state)
{
    cb_auto_value(cb_lock_file) file = {0};

    (void)state;
    assert_int_equal(parse("{\"version\": 1}", &file, NULL), 0);
    assert_int_equal(file.count, 0);
}

static void test_mistakes_are_told_with_their_place(void **state)
{
    static const char *const rows[][2] = {
        {"", "x.lock"},
        {"[]", "x.lock"},
        {"{\"version\": 1", "x.lock"},
        {"{}", "x.lock.version"},
        {"{\"version\": \"1\"}", "x.lock.version"},
        {"{\"version\": 2}", "x.lock.version: expected 1"},
        {"{\"version\": 1, \"layers\": {}}", "x.lock.layers: unknown here"},
        {"{\"version\": 1, \"version\": 1}", "duplicate"},
        {"{\"version\": 1, \"images\": []}", "x.lock.images"},
        {"{\"version\": 1, \"images\": {\"a\": 1}}", "x.lock.images.a"},
        {"{\"version\": 1, \"images\": {\"a\": null}}", "x.lock.images.a"},
        {"{\"version\": 1, \"images\": {\"a\": \"sha256:12\"}}", "x.lock.images.a"},
        {"{\"version\": 1, \"http\": {\"a\": \"" COMMIT "\"}}", "x.lock.http.a"},
        {"{\"version\": 1, \"git\": {\"a\": \"main\"}}",
         "x.lock.git.a: expected a full commit"},
        {"{\"version\": 1, \"git\": {\"a\": \"--upload-pack=x\"}}", "x.lock.git.a"},
    };

    (void)state;
    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_auto_value(cb_lock_file) file = {0};
        cb_auto(cb_error) error = NULL;

        assert_int_equal(parse(rows[i][0], &file, &error), -1);
        if (!strstr(cb_error_message(error), rows[i][1]))
            fail_msg("%s: %s", rows[i][0], cb_error_message(error));
    }
}

static void test_too_many_entries_are_refused(void **state)
{
    cb_auto_value(cb_lock_file) file = {0};
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto(cb_error) error = NULL;

    (void)state;
    cb_strbuf_adds(&text, "{\"version\": 1, \"images\": {");
    for (unsigned i = 0; i <= CB_LOCK_FILE_MAX_ENTRIES; i++)
        cb_strbuf_addf(&text, "%s\"%u\": \"" DIGEST "\"", i ? ", " : "", i);
    cb_strbuf_adds(&text, "}}");
    assert_int_equal(parse(cb_strbuf_text(&text), &file, &error), -1);
    assert_non_null(strstr(cb_error_message(error), "x.lock.images: more than 10000"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read_again),
        cmocka_unit_test(test_bytes_do_not_hang_on_the_order_of_adding),
        cmocka_unit_test(test_names_are_found_by_their_kind),
        cmocka_unit_test(test_absent_sections_are_empty),
        cmocka_unit_test(test_mistakes_are_told_with_their_place),
        cmocka_unit_test(test_too_many_entries_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
