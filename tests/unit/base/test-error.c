#include "unit.h"

#include "base/source.h"

#include <errno.h>

static const char dockerfile[] = "FROM a AS builder\n"
                                 "RUN make\n"
                                 "FROM scratch\n"
                                 "COPY --from=bulder /out /bin/\n"
                                 "CMD x\n";

static char *shown(struct cb_error *error, const char *prefix)
{
    cb_auto_value(cb_strbuf) out = {0};

    cb_error_format(error, prefix, &out);
    return cb_strbuf_steal(&out);
}

static struct cb_span span_of(const char *text, const char *part)
{
    size_t start = (size_t)(strstr(text, part) - text);

    return (struct cb_span){start, start + strlen(part)};
}

static void test_hint_instead_replaces(void **state)
{
    cb_auto(cb_error) error = NULL;
    struct cb_error **err = &error;

    cb_error_set(err, CB_ERR_NOT_FOUND, "no such image");
    assert_int_equal(cb_error_hint_instead(err, "first"), -1);
    cb_error_hint_instead(err, "the store has `%s`", "x:1");
    assert_string_equal(cb_error_hint_text(error), "the store has `x:1`");
    assert_int_equal(cb_error_hint_instead(NULL, "nowhere"), -1);
}

static void shows_the_place_and_the_hint(void **state)
{
    cb_auto(cb_source) source =
        cb_source_new("Dockerfile", dockerfile, strlen(dockerfile));
    cb_auto(cb_error) err = NULL;
    cb_autofree char *text = NULL;

    cb_error_set(&err, CB_ERR_SYNTAX, "no stage named `%s`", "bulder");
    cb_error_hint(&err, "did you mean `builder`?");
    cb_error_hint(&err, "never shown");
    cb_error_at(&err, source, span_of(dockerfile, "bulder"));
    cb_error_at(&err, source, (struct cb_span){0, 1});
    cb_error_wrap(&err, "COPY");
    text = shown(err, "cbuild");
    assert_string_equal(text, "Dockerfile:4:13: COPY: no stage named `bulder`\n"
                              "     2 | RUN make\n"
                              "     3 | FROM scratch\n"
                              ">    4 | COPY --from=bulder /out /bin/\n"
                              "       |             ^~~~~~\n"
                              "     5 | CMD x\n"
                              "hint: did you mean `builder`?\n");
}

static void further_errors_follow(void **state)
{
    cb_auto(cb_error) err = NULL;
    struct cb_error *second = NULL;
    cb_autofree char *text = NULL;

    cb_error_set(&err, CB_ERR_USAGE, "one");
    cb_error_errno(&second, ENOENT, "open `%s`", "\x1b[2J");
    cb_error_append(&err, second);
    text = shown(err, "cbuild");
    assert_string_equal(text, "cbuild: one\n"
                              "cbuild: open `\\x1b[2J`: no such file or directory\n");
    assert_int_equal(cb_error_kind(cb_error_next(err)), CB_ERR_NOT_FOUND);
}

static void errors_are_put_in_the_order_of_their_places(void **state)
{
    static const struct {
        const char *text;
        size_t start;
    } errors[] = {{"d", 9}, {"b", 4}, {"e", 0}, {"c", 4}, {"a", 1}, {"f", 0}};
    cb_auto(cb_source) source = cb_source_new("Dockerfile", "FROM a\nRUN b\n", 13);
    cb_auto_value(cb_strbuf) found = {0};
    cb_auto(cb_error) all = NULL;

    for (size_t i = 0; i < CB_ARRAY_SIZE(errors); i++) {
        struct cb_error *one = NULL;

        cb_error_set(&one, CB_ERR_SYNTAX, "%s", errors[i].text);
        if (errors[i].start)
            cb_error_at(&one, source, (struct cb_span){errors[i].start, 10});
        cb_error_append(&all, one);
    }
    cb_error_sort(&all);
    for (const struct cb_error *error = all; error; error = cb_error_next(error))
        cb_strbuf_adds(&found, cb_error_message(error));
    assert_string_equal(cb_strbuf_text(&found), "abcdef");
}

static void kinds_follow_errno(void **state)
{
    static const struct {
        int errnum;
        enum cb_error_kind kind;
        const char *message;
    } rows[] = {
        {ENOENT, CB_ERR_NOT_FOUND, "x: no such file or directory"},
        {EEXIST, CB_ERR_EXISTS, "x: file exists"},
        {EACCES, CB_ERR_DENIED, "x: permission denied"},
        {EPERM, CB_ERR_DENIED, "x: operation not permitted"},
        {EIO, CB_ERR_SYSTEM, "x: input/output error"},
        {EBADE, CB_ERR_SYSTEM, "x: invalid exchange"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_auto(cb_error) err = NULL;

        assert_int_equal(cb_error_errno(&err, rows[i].errnum, "x"), -1);
        assert_int_equal(cb_error_kind(err), rows[i].kind);
        assert_int_equal(cb_error_errnum(err), rows[i].errnum);
        assert_string_equal(cb_error_message(err), rows[i].message);
    }
}

static void callers_may_ignore_errors(void **state)
{
    struct cb_error *err = NULL;

    assert_int_equal(cb_error_set(NULL, CB_ERR_USAGE, "x"), -1);
    assert_int_equal(cb_error_exit(&err, 130, "x"), -1);
    assert_int_equal(cb_error_exit_code(err), 130);
    assert_int_equal(cb_error_wrap(NULL, "x"), -1);
    assert_int_equal(cb_error_move(NULL, &err), -1);
    assert_null(err);
}

static char *excerpt(const char *text, struct cb_span span)
{
    cb_auto(cb_source) source = cb_source_new("f", text, strlen(text));
    cb_auto_value(cb_strbuf) out = {0};

    cb_source_excerpt(source, span, &out);
    return cb_strbuf_steal(&out);
}

static void excerpts(void **state)
{
    static const struct {
        const char *text, *part, *expected;
    } rows[] = {
        {"one\r\n\r\nRUN a \\\r\n  b\r\nend", "a \\\r\n  b",
         "     1 | one\n     2 |\n>    3 | RUN a \\\n       |     ^~~\n>    4 |   b\n    "
         " 5 | "
         "end\n"},
        {"\tRUN\t\xc3\xa9 x", "x", ">    1 | \tRUN\t\xc3\xa9 x\n       | \t   \t  ^\n"},
        {"a \x1b[m b", "b", ">    1 | a \\x1b[m b\n       |          ^\n"},
        {"only\n", "\n", ">    1 | only\n       |     ^\n"},
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_autofree char *text =
            excerpt(rows[i].text, span_of(rows[i].text, rows[i].part));

        assert_string_equal(text, rows[i].expected);
    }
}

static void excerpts_stay_short(void **state)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_autofree char *wide = NULL;
    cb_autofree char *tall = NULL;

    for (int i = 0; i < 20000; i++)
        cb_strbuf_adds(&text, "\xe2\x98\xba");
    wide = excerpt(text.text, (struct cb_span){30000, 30003});
    assert_true(strlen(wide) < 500);
    assert_non_null(strstr(wide, "^\n"));
    cb_strbuf_truncate(&text, 0);
    for (int i = 0; i < 1000; i++)
        cb_strbuf_adds(&text, "x\n");
    tall = excerpt(text.text, (struct cb_span){10, 1900});
    assert_true(strlen(tall) < 400);
    assert_non_null(strstr(tall, ">    6 | x\n       | ^\n>    7 | x\n"));
    assert_non_null(strstr(tall, "       | ...\n   951 | x\n"));
}

static void places_beyond_the_end_are_the_end(void **state)
{
    cb_auto(cb_source) source = cb_source_new("f", "ab\ncd", 5);
    cb_autofree char *text = excerpt("ab\ncd", (struct cb_span){90, 99});
    cb_autofree char *nothing = excerpt("", (struct cb_span){0, 0});
    unsigned line, column;

    cb_source_position(source, 99, &line, &column);
    assert_int_equal(line, 2);
    assert_int_equal(column, 3);
    assert_string_equal(text, "     1 | ab\n>    2 | cd\n       |   ^\n");
    assert_string_equal(nothing, "");
}

static void every_place_of_a_long_text_is_found(void **state)
{
    cb_auto_value(cb_strbuf) text = {0}, shown = {0};
    cb_auto(cb_source) source = NULL;
    unsigned line = 1, column = 1, found_line, found_column;

    for (unsigned i = 0; i < 3000; i++)
        cb_strbuf_addf(&text, "%.*s\n", (int)(i % 97 * (i % 7)),
                       i % 5 ? "xxxxxxxxxxxxxxxx" : "");
    source = cb_source_new("f", text.text, text.len);
    for (size_t at = 0; at < text.len; at++, column++) {
        cb_source_position(source, at, &found_line, &found_column);
        assert_int_equal(found_line, line);
        assert_int_equal(found_column, column);
        if (text.text[at] == '\n') {
            line++;
            column = 0;
        }
    }
    cb_source_excerpt(source, (struct cb_span){text.len, text.len}, &shown);
    assert_non_null(strstr(cb_strbuf_text(&shown), " 2998 |"));
    assert_non_null(strstr(cb_strbuf_text(&shown), "> 3000 |"));
}

static char *place_of(const struct cb_source *source, size_t offset)
{
    struct cb_span span = {offset, offset + 1};
    cb_auto_value(cb_strbuf) includers = {0};
    const struct cb_source *file;
    unsigned line, column;

    cb_source_add_includers(source, span, &includers);
    cb_source_position(source, offset, &line, &column);
    file = cb_source_file(source, &span);
    assert_true(span.end == span.start + 1);
    return xasprintf("%s:%u:%u %s", cb_source_name(file), line, column,
                     cb_strbuf_text(&includers));
}

static void a_place_of_a_whole_is_one_of_its_file(void **state)
{
    static const char *const places[] = {"a:1:1 ",
                                         "a:1:2 ",
                                         "b:1:1 included from a:1",
                                         "b:1:2 included from a:1",
                                         "c:1:1 included from b:1, a:1",
                                         "c:1:2 included from b:1, a:1",
                                         "b:2:1 included from a:1",
                                         "b:2:2 included from a:1",
                                         "c:1:1 included from a:1",
                                         "c:1:2 included from a:1",
                                         "a:2:1 ",
                                         "a:2:2 "};
    cb_auto(cb_source) a = cb_source_new("a", "1\n2\n", 4);
    cb_auto(cb_source) b = cb_source_new("b", "3\n4", 3);
    cb_auto(cb_source) c = cb_source_new("c", "5", 1);
    cb_auto(cb_source) empty = cb_source_new("empty", "", 0);
    cb_auto(cb_source) whole = cb_source_new_whole(a);
    const struct cb_span first = {0, 1}, third = {2, 3};
    size_t len;

    assert_int_equal(cb_source_include(whole, 0, 2, b, first), 1);
    assert_int_equal(cb_source_include(whole, 1, 4, c, third), 2);
    assert_int_equal(cb_source_include(whole, 0, 8, empty, first), 3);
    assert_int_equal(cb_source_include(whole, 0, 8, c, first), 4);
    assert_string_equal(cb_source_text(whole, &len), "1\n3\n5\n4\n5\n2\n");
    assert_int_equal(len, CB_ARRAY_SIZE(places));
    for (size_t i = 0; i < CB_ARRAY_SIZE(places); i++) {
        cb_autofree char *place = place_of(whole, i);

        assert_string_equal(place, places[i]);
    }
    assert_int_equal(cb_source_file_count(whole), 4);
    assert_ptr_equal(cb_source_nth_file(whole, 0), a);
    assert_int_equal(cb_source_file_index(whole, c), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hint_instead_replaces),
        cmocka_unit_test(shows_the_place_and_the_hint),
        cmocka_unit_test(further_errors_follow),
        cmocka_unit_test(errors_are_put_in_the_order_of_their_places),
        cmocka_unit_test(kinds_follow_errno),
        cmocka_unit_test(callers_may_ignore_errors),
        cmocka_unit_test(excerpts),
        cmocka_unit_test(excerpts_stay_short),
        cmocka_unit_test(places_beyond_the_end_are_the_end),
        cmocka_unit_test(every_place_of_a_long_text_is_found),
        cmocka_unit_test(a_place_of_a_whole_is_one_of_its_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
