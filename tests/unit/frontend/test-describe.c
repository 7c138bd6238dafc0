/* tests/fixtures/describe/<case>: a Dockerfile with options (args) is described by this
 * JSON (expect.json). CB_UPDATE=1 writes what comes out, to be reviewed as a difference.
 */
#include "base/fs.h"
#include "base/json.h"
#include "frontend/frontend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

struct described {
    struct cb_strings build_args;
    struct cb_strbuf args, out;
};

static char *path_of(const char *name, const char *file)
{
    const char *given = getenv("CB_FIXTURES");

    return xasprintf("%s/describe/%s/%s", given ? given : "tests/fixtures", name, file);
}

static void read_file(const char *name, const char *file, struct cb_strbuf *out)
{
    cb_autofree char *path = path_of(name, file);

    cb_fs_read_file(AT_FDCWD, path, 1 << 20, out, NULL);
}

static void apply_args(struct cb_describe_options *options, struct described *described)
{
    char *save = NULL;

    for (char *line = described->args.text ? strtok_r(described->args.text, "\n", &save)
                                           : NULL;
         line; line = strtok_r(NULL, "\n", &save)) {
        char *value = strchr(line, ' ');

        if (value)
            *value++ = '\0';
        if (!strcmp(line, "--expand"))
            options->expand = 1;
        else if (!strcmp(line, "--build-arg"))
            cb_strings_add(&described->build_args, value);
        else if (!strcmp(line, "--target"))
            options->target = value;
        else if (!strcmp(line, "--platform"))
            assert_int_equal(cb_platform_parse(&options->platform, value, NULL), 0);
        else
            fail_msg("unknown option %s", line);
    }
}

static void add_text(void *arg, const char *text, size_t len)
{
    cb_strbuf_add(arg, text, len);
}

static int describe(struct described *described, const char *text, size_t len,
                    struct cb_error **err)
{
    cb_auto(cb_source) source = cb_source_new("Dockerfile", text, len);
    struct cb_describe_options options = {
        .source = source,
        .build_args = &described->build_args,
        .write = add_text,
        .arg = &described->out,
    };

    assert_int_equal(cb_platform_parse(&options.platform, "linux/amd64", NULL), 0);
    options.build_platform = options.platform;
    apply_args(&options, described);
    return cb_frontend_describe(&options, err);
}

static void described_free(struct described *described)
{
    cb_strings_free(&described->build_args);
    cb_strbuf_free(&described->args);
    cb_strbuf_free(&described->out);
}

static void check_fixture(const char *name)
{
    struct described described = {0};
    cb_auto_value(cb_strbuf) dockerfile = {0}, expected = {0};
    cb_autofree char *path = path_of(name, "expect.json");
    const char *update = getenv("CB_UPDATE");

    read_file(name, "Dockerfile", &dockerfile);
    read_file(name, "args", &described.args);
    assert_int_equal(describe(&described, dockerfile.text, dockerfile.len, NULL), 0);
    if (update && *update) {
        FILE *file = fopen(path, "w");

        assert_non_null(file);
        fputs(cb_strbuf_text(&described.out), file);
        fclose(file);
    }
    read_file(name, "expect.json", &expected);
    assert_string_equal(cb_strbuf_text(&described.out), cb_strbuf_text(&expected));
    described_free(&described);
}

static void every_form_is_shown_as_written(void **state)
{
    check_fixture("forms");
}

static void words_are_resolved_stage_by_stage(void **state)
{
    check_fixture("expand");
}

static void only_what_a_build_expands_has_a_value(void **state)
{
    check_fixture("what-expands");
}

static void a_word_that_cannot_be_resolved_says_why(void **state)
{
    check_fixture("errors-in-words");
}

static void what_is_left_out_is_as_written(void **state)
{
    check_fixture("if");
}

/* What a build would not begin with is an error here too, and nothing is written. */
static void errors_leave_nothing_written(void **state)
{
    static const struct {
        const char *args, *text, *message;
    } rows[] = {
        {"", "FROM a\nFRM b\n", "unknown instruction: FRM (did you mean FROM?)"},
        {"--expand", "FROM $X\n", "base name ($X) should not be blank"},
        {"--expand\n--target y", "FROM a AS x\n", "target stage `y` could not be found"},
        {"--expand", "ARG A=${B:?none}\nFROM a\n", "B: none"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        struct described described = {0};
        cb_auto(cb_error) error = NULL;

        cb_strbuf_adds(&described.args, rows[i].args);
        assert_int_equal(describe(&described, rows[i].text, strlen(rows[i].text), &error),
                         -1);
        assert_non_null(strstr(cb_error_message(error), rows[i].message));
        assert_int_equal(described.out.len, 0);
        described_free(&described);
    }
}

/* Long texts are written in pieces, which part no character. */
static void long_texts_are_whole(void **state)
{
    struct described described = {0};
    cb_auto_value(cb_strbuf) text = {0}, command = {0};
    json_t *found, *instruction, *word;

    cb_strbuf_adds(&text, "FROM scratch\nRUN ");
    for (int line = 0; line < 8; line++) {
        for (int i = 0; i < 10000 + line; i++) {
            cb_strbuf_adds(&text, "\xe2\x98\xba\"");
            cb_strbuf_adds(&command, "\xe2\x98\xba\"");
        }
        cb_strbuf_adds(&text, line < 7 ? "\\\n" : "\n");
    }
    assert_int_equal(describe(&described, text.text, text.len, NULL), 0);
    found = json_loads(cb_strbuf_text(&described.out), 0, NULL);
    assert_non_null(found);
    instruction = json_array_get(
        json_object_get(json_array_get(json_object_get(found, "stages"), 0),
                        "instructions"),
        1);
    word = json_array_get(json_object_get(instruction, "arguments"), 0);
    assert_string_equal(json_string_value(json_object_get(word, "text")),
                        cb_strbuf_text(&command));
    json_decref(found);
    described_free(&described);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_shown_as_written),
        cmocka_unit_test(words_are_resolved_stage_by_stage),
        cmocka_unit_test(only_what_a_build_expands_has_a_value),
        cmocka_unit_test(a_word_that_cannot_be_resolved_says_why),
        cmocka_unit_test(what_is_left_out_is_as_written),
        cmocka_unit_test(errors_leave_nothing_written),
        cmocka_unit_test(long_texts_are_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
