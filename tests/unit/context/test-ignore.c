/* .dockerignore: which file holds, and what its lines mean. */
#include "context/context.h"

#include "base/fs.h"
#include "context/ignore-priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static char *parse(const char *text, size_t len, struct cb_error **err)
{
    cb_auto(cb_source) source = cb_source_new(".dockerignore", text, len);
    cb_auto_value(cb_strings) patterns = {0};
    struct cb_ignore_places places = {0};
    struct cb_strbuf out = {0};
    int status = cb_ignore_parse_docker(&patterns, &places, source, err);

    assert_int_equal(places.list.count, patterns.count);
    cb_vec_free(&places.list);
    if (status < 0)
        return NULL;
    cb_vec_foreach (pattern, &patterns)
        cb_strbuf_addf(&out, "%s|", *pattern);
    return cb_strbuf_steal(&out);
}

static void lines_become_clean_patterns(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"# comment\n #no comment\n", "#no comment|"},
        {"  a/b  \r\n\t\n\nc", "a/b|c|"},
        {"/a/./b//c/../d/", "a/b/d|"},
        {"!a\n!  /b \n! ", NULL},
        {"!a\n!  /b \n", "!a|!b|"},
        {".\n/\n!.\nx", "x|"},
        {"\xef\xbb\xbf# comment\n**/*.o", "**/*.o|"},
        {"a\n!a/b\na/b/c", "a|!a/b|a/b/c|"},
        {"\xef\xbb\xbf# c\r\na\r\n\xe3\x80\x80"
         "b\xe3\x80\x80\r\n",
         "a|b|"},
        {"# c\n\n  \t\na # b\n  # x\n", "a # b|# x|"},
        {"*\n!a\n! b\n!/c\n!./d/\n", "*|!a|!b|!c|!d|"},
        {"d//e\nf/./g\nh/../i\n../j\n/../k\n./.\n!.\n//l", "d/e|f/g|i|../j|k|l|"},
        {"*.[ch]\na\\*b\n[!x]\n[^a-z]?\nx/**\n**", "*.[ch]|a\\*b|[!x]|[^a-z]?|x/**|**|"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(cases); i++) {
        cb_autofree char *text = parse(cases[i][0], strlen(cases[i][0]), NULL);

        if (cases[i][1])
            assert_string_equal(text, cases[i][1]);
        else
            assert_null(text);
    }
}

static void bad_lines_are_reported_at_their_place(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        size_t start;
    } cases[] = {{"ok\n[a\n", 6, 3},     {"ok\n\n!\n", 6, 4}, {"a\0b\n", 4, 0},
                 {"a\n b[ \nc\n", 9, 3}, {"[a-]\n", 5, 0},    {"a\\\n", 3, 0}};

    for (size_t i = 0; i < CB_ARRAY_SIZE(cases); i++) {
        cb_auto(cb_error) error = NULL;
        struct cb_span span = {99, 99};

        assert_null(parse(cases[i].text, cases[i].len, &error));
        assert_int_equal(cb_error_kind(error), CB_ERR_SYNTAX);
        assert_non_null(cb_error_source(error, &span));
        assert_int_equal(span.start, cases[i].start);
    }
}

static void assert_too_much(const char *unit, size_t count, const char *message)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto(cb_error) error = NULL;

    for (size_t i = 0; i < count; i++)
        cb_strbuf_adds(&text, unit);
    assert_null(parse(text.text, text.len, &error));
    assert_string_equal(cb_error_message(error), message);
}

static void patterns_are_limited(void **state)
{
    assert_too_much("a\n", 100001, "more than 100000 patterns");
    assert_too_much("a", 4097, "pattern of more than 4096 bytes");
}

/* ── Directories ── */

struct place {
    char path[64];
    struct cb_context *context;
};

static int setup(void **state)
{
    struct place *place = xcalloc(1, sizeof(*place));
    cb_autofree char *context = NULL;

    strcpy(place->path, "/tmp/cbuild-context-XXXXXX");
    assert_non_null(mkdtemp(place->path));
    context = xasprintf("%s/context", place->path);
    assert_int_equal(mkdir(context, 0755), 0);
    assert_int_equal(cb_context_open_local(&place->context, context, NULL), 0);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;

    cb_context_unref(place->context);
    assert_int_equal(cb_fs_remove_tree(AT_FDCWD, place->path, NULL), 0);
    free(place);
    return 0;
}

static char *path_of(const struct place *place, const char *name)
{
    return xasprintf("%s/%s", place->path, name);
}

static void write_file(const struct place *place, const char *name, const char *text)
{
    cb_autofree char *path = path_of(place, name);
    cb_autofd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(cb_fs_write_all(fd, text, strlen(text)), 0);
}

static int load(const struct place *place, const char *dockerfile, struct cb_error **err)
{
    cb_autofree char *path = dockerfile ? path_of(place, dockerfile) : NULL;

    return cb_context_load_ignore(place->context,
                                  &(struct cb_ignore_options){.dockerfile = path}, err);
}

static void root_file_holds_when_the_dockerfile_has_none(void **state)
{
    struct place *place = *state;

    write_file(place, "context/.dockerignore", "node_modules\n!node_modules/keep\n");
    assert_int_equal(load(place, "context/Dockerfile", NULL), 0);
    assert_int_equal(cb_context_ignored(place->context, "node_modules/x"), 1);
    assert_int_equal(cb_context_ignored(place->context, "node_modules/keep"), 0);
    assert_int_equal(cb_context_ignored(place->context, "a/node_modules"), 0);
}

static void file_of_the_dockerfile_replaces_the_root_one(void **state)
{
    struct place *place = *state;

    write_file(place, "context/.dockerignore", "a");
    write_file(place, "context/Dockerfile.dockerignore", "b");
    assert_int_equal(load(place, "context/Dockerfile", NULL), 0);
    assert_int_equal(cb_context_ignored(place->context, "a"), 0);
    assert_int_equal(cb_context_ignored(place->context, "b"), 1);
}

static void empty_file_of_the_dockerfile_ignores_nothing(void **state)
{
    struct place *place = *state;

    write_file(place, "context/.dockerignore", "a");
    write_file(place, "context/Dockerfile.dockerignore", "# nothing\n");
    assert_int_equal(load(place, "context/Dockerfile", NULL), 0);
    assert_null(cb_context_ignore(place->context));
}

static void dockerfile_outside_the_context_has_its_file_beside_it(void **state)
{
    struct place *place = *state;

    write_file(place, "Dockerfile.dockerignore", "b");
    assert_int_equal(load(place, "Dockerfile", NULL), 0);
    assert_int_equal(cb_context_ignored(place->context, "b"), 1);
}

static void without_any_file_nothing_is_ignored(void **state)
{
    struct place *place = *state;

    assert_int_equal(load(place, NULL, NULL), 0);
    assert_null(cb_context_ignore(place->context));
    assert_int_equal(cb_context_ignored(place->context, "a"), 0);
}

static int load_with(const struct place *place, struct cb_ignore_options options,
                     const char *dockerfile, const char *file, struct cb_error **err)
{
    cb_autofree char *path = dockerfile ? path_of(place, dockerfile) : NULL;
    cb_autofree char *given = file ? path_of(place, file) : NULL;

    options.dockerfile = path;
    options.file = given;
    return cb_context_load_ignore(place->context, &options, err);
}

static void given_file_replaces_all_others(void **state)
{
    struct place *place = *state;

    write_file(place, "context/.dockerignore", "a");
    write_file(place, "context/Dockerfile.dockerignore", "b");
    write_file(place, "mine", "c/\n");
    assert_int_equal(load_with(place, (struct cb_ignore_options){0}, "context/Dockerfile",
                               "mine", NULL),
                     0);
    assert_int_equal(cb_context_ignored(place->context, "a"), 0);
    assert_int_equal(cb_context_ignored(place->context, "b"), 0);
    assert_int_equal(cb_context_ignored(place->context, "c"), 1);
}

static void given_file_must_be_there(void **state)
{
    struct place *place = *state;
    cb_auto(cb_error) error = NULL;

    assert_int_equal(
        load_with(place, (struct cb_ignore_options){0}, NULL, "absent", &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_NOT_FOUND);
    assert_non_null(strstr(cb_error_message(error), "--ignorefile: open "));
}

static void git_syntax_asks_what_a_path_is(void **state)
{
    struct place *place = *state;
    cb_autofree char *dir = path_of(place, "context/out");
    struct cb_ignore_options options = {.syntax = CB_IGNORE_GIT};

    write_file(place, "context/.dockerignore", "out/\n*.o\n");
    write_file(place, "context/file", "");
    assert_int_equal(mkdir(dir, 0755), 0);
    assert_int_equal(load_with(place, options, NULL, NULL, NULL), 0);
    assert_int_equal(cb_context_ignored(place->context, "out"), 1);
    assert_int_equal(cb_context_ignored(place->context, "file"), 0);
    assert_int_equal(cb_context_ignored(place->context, "deep/x.o"), 1);
}

static void containerignore_belongs_to_a_containerfile(void **state)
{
    static const struct {
        const char *dockerfile, *ignored;
    } rows[] = {{"context/Dockerfile", NULL},
                {"context/Containerfile", "root"},
                {"context/Containerfile.dev", "own"}};
    struct place *place = *state;
    cb_autofree char *path = path_of(place, "context");

    write_file(place, "context/.containerignore", "root");
    write_file(place, "context/Containerfile.dev.containerignore", "own");
    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_auto(cb_context) context = NULL;
        cb_autofree char *dockerfile = path_of(place, rows[i].dockerfile);
        struct cb_ignore_options options = {.dockerfile = dockerfile};

        assert_int_equal(cb_context_open_local(&context, path, NULL), 0);
        assert_int_equal(cb_context_load_ignore(context, &options, NULL), 0);
        if (!rows[i].ignored)
            assert_null(cb_context_ignore(context));
        else
            assert_int_equal(cb_context_ignored(context, rows[i].ignored), 1);
    }
}

static void deciding_line_is_counted_in_the_file(void **state)
{
    struct place *place = *state;
    struct cb_ignore_rule rule;

    write_file(place, "context/.dockerignore",
               "\xef\xbb\xbf# c\r\n\r\n.\r\n  *.log  \r\n!keep.log\r\n");
    assert_int_equal(load(place, NULL, NULL), 0);
    assert_int_equal(cb_ignore_why(cb_context_ignore(place->context), "x.log", 0, &rule),
                     1);
    assert_int_equal(rule.line, 4);
    assert_int_equal(rule.len, 5);
    assert_memory_equal(rule.text, "*.log", 5);
    assert_int_equal(
        cb_ignore_why(cb_context_ignore(place->context), "keep.log", 0, &rule), 0);
}

static void error_names_the_file_and_line(void **state)
{
    struct place *place = *state;
    cb_auto(cb_error) error = NULL;
    cb_auto_value(cb_strbuf) text = {0};

    write_file(place, "context/.dockerignore", "ok\n[\n");
    assert_int_equal(load(place, NULL, &error), -1);
    cb_error_format(error, NULL, &text);
    assert_int_equal(strncmp(text.text, ".dockerignore:2:1: ", 19), 0);
}

static void links_are_resolved_in_the_context(void **state)
{
    struct place *place = *state;
    cb_auto_value(cb_strbuf) text = {0};
    cb_autofree char *link = path_of(place, "context/.dockerignore");
    cb_autofree char *dockerfile = path_of(place, "context/Dockerfile");
    cb_autofree char *secret = path_of(place, "secret");

    write_file(place, "secret", "[secret");
    assert_int_equal(symlink(secret, link), 0);
    assert_int_equal(symlink("../secret", dockerfile), 0);
    assert_int_equal(load(place, NULL, NULL), 0);
    assert_null(cb_context_ignore(place->context));
    assert_int_equal(cb_context_read(place->context, "Dockerfile", &text, NULL), 0);
    assert_int_equal(cb_context_read(place->context, "../secret", &text, NULL), 0);
}

static void dockerignore_beside_a_dockerfile_in_the_context_cannot_lead_out(void **state)
{
    struct place *place = *state;
    cb_autofree char *link = path_of(place, "context/Dockerfile.dockerignore");
    cb_autofree char *secret = path_of(place, "secret");

    write_file(place, "secret", "[secret");
    assert_int_equal(symlink(secret, link), 0);
    assert_int_equal(load(place, "context/Dockerfile", NULL), 0);
}

static void fifo_directory_and_oversized_files_are_refused(void **state)
{
    struct place *place = *state;
    cb_auto_value(cb_strbuf) text = {0};
    cb_autofree char *fifo = path_of(place, "context/fifo");
    cb_autofree char *large = path_of(place, "context/large");

    write_file(place, "context/large", "");
    assert_int_equal(mkfifo(fifo, 0644), 0);
    assert_int_equal(truncate(large, (16 << 20) + 1), 0);
    assert_int_equal(cb_context_read(place->context, "fifo", &text, NULL), -1);
    assert_int_equal(cb_context_read(place->context, ".", &text, NULL), -1);
    assert_int_equal(cb_context_read(place->context, "large", &text, NULL), -1);
}

static void context_keeps_its_directory_when_that_is_renamed(void **state)
{
    struct place *place = *state;
    cb_auto_value(cb_strbuf) text = {0};
    cb_autofree char *from = path_of(place, "context");
    cb_autofree char *to = path_of(place, "other");

    write_file(place, "context/Dockerfile", "FROM x");
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(cb_context_read(place->context, "Dockerfile", &text, NULL), 1);
    assert_string_equal(text.text, "FROM x");
}

static void file_or_nothing_is_no_context(void **state)
{
    struct place *place = *state;
    cb_autofree char *file = path_of(place, "file");
    cb_autofree char *missing = path_of(place, "missing");
    cb_auto(cb_error) first = NULL;
    cb_auto(cb_error) second = NULL;
    struct cb_context *context;

    write_file(place, "file", "");
    assert_int_equal(cb_context_open_local(&context, file, &first), -1);
    assert_non_null(cb_error_hint_text(first));
    assert_int_equal(cb_context_open_local(&context, missing, &second), -1);
    assert_int_equal(cb_error_kind(second), CB_ERR_NOT_FOUND);
}

static void empty_context_has_no_files_and_no_rules(void **state)
{
    cb_auto(cb_context) context = cb_context_empty();
    cb_auto_value(cb_strbuf) text = {0};

    assert_int_equal(cb_context_root_fd(context), -1);
    assert_int_equal(cb_context_read(context, "Dockerfile", &text, NULL), 0);
    assert_int_equal(
        cb_context_load_ignore(context, &(struct cb_ignore_options){0}, NULL), 0);
    assert_null(cb_context_ignore(context));
}

#define PLACE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_become_clean_patterns),
        cmocka_unit_test(bad_lines_are_reported_at_their_place),
        cmocka_unit_test(patterns_are_limited),
        PLACE_TEST(root_file_holds_when_the_dockerfile_has_none),
        PLACE_TEST(file_of_the_dockerfile_replaces_the_root_one),
        PLACE_TEST(empty_file_of_the_dockerfile_ignores_nothing),
        PLACE_TEST(dockerfile_outside_the_context_has_its_file_beside_it),
        PLACE_TEST(without_any_file_nothing_is_ignored),
        PLACE_TEST(given_file_replaces_all_others),
        PLACE_TEST(given_file_must_be_there),
        PLACE_TEST(git_syntax_asks_what_a_path_is),
        PLACE_TEST(containerignore_belongs_to_a_containerfile),
        PLACE_TEST(deciding_line_is_counted_in_the_file),
        PLACE_TEST(error_names_the_file_and_line),
        PLACE_TEST(links_are_resolved_in_the_context),
        PLACE_TEST(dockerignore_beside_a_dockerfile_in_the_context_cannot_lead_out),
        PLACE_TEST(fifo_directory_and_oversized_files_are_refused),
        PLACE_TEST(context_keeps_its_directory_when_that_is_renamed),
        PLACE_TEST(file_or_nothing_is_no_context),
        cmocka_unit_test(empty_context_has_no_files_and_no_rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
