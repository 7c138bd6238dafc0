/* Which value a variable has in which RUN: ARG before FROM, ARG and ENV in a stage, what
 * a child stage inherits. */
#include "fake-build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct row {
    const char *what, *dockerfile;
    const char *build_args[4];
    const char *name, *value; /* in the last RUN's environment; NULL: unset */
};

static const struct row rows[] = {
    {"a global ARG is not seen in a stage", "ARG V=1\nFROM x\nRUN a\n", {0}, "V", NULL},
    {"a global ARG is imported by name",
     "ARG V=1\nFROM x\nARG V\nRUN a\n",
     {0},
     "V",
     "1"},
    {"a stage's default wins over the global one",
     "ARG V=1\nFROM x\nARG V=2\nRUN a\n",
     {0},
     "V",
     "2"},
    {"a build argument wins over both",
     "ARG V=1\nFROM x\nARG V=2\nRUN a\n",
     {"V=3"},
     "V",
     "3"},
    {"an undeclared build argument has no effect", "FROM x\nRUN a\n", {"V=3"}, "V", NULL},
    {"an ARG without any value is unset", "FROM x\nARG V\nRUN a\n", {0}, "V", NULL},
    {"an ARG without value leaves an ENV alone",
     "FROM x\nENV V=e\nARG V\nRUN a\n",
     {0},
     "V",
     "e"},
    {"an ENV after an ARG wins", "FROM x\nARG V=a\nENV V=e\nRUN a\n", {"V=b"}, "V", "e"},
    {"an ARG after an ENV shadows it",
     "FROM x\nENV V=e\nARG V=a\nRUN a\n",
     {0},
     "V",
     "a"},
    {"ENV takes an ARG's value", "FROM x\nARG A=1\nENV V=$A\nRUN a\n", {"A=2"}, "V", "2"},
    {"one ENV uses the values before it",
     "FROM x\nENV V=1\nENV V=2 W=$V\nRUN a\n",
     {0},
     "W",
     "1"},
    {"one ARG line is sequential", "FROM x\nARG A=1 V=$A\nRUN a\n", {0}, "V", "1"},
    {"a child stage inherits ARGs",
     "FROM x AS p\nARG V=1\nFROM p\nRUN a\n",
     {0},
     "V",
     "1"},
    {"an unrelated stage does not",
     "FROM x AS p\nARG V=1\nFROM x\nRUN a\n",
     {0},
     "V",
     NULL},
    {"a base's ENV is there", "FROM x\nRUN a\n", {0}, "BASE", "yes"},
    {"a base's PATH stays", "FROM x\nRUN a\n", {0}, "PATH", "/bin"},
    {"scratch gets the default PATH",
     "FROM scratch\nCOPY sh /\nRUN a\n",
     {0},
     "PATH",
     "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
    {"platform arguments need an ARG", "FROM x\nRUN a\n", {0}, "TARGETARCH", NULL},
    {"platform arguments", "FROM x\nARG TARGETARCH\nRUN a\n", {0}, "TARGETARCH", "amd64"},
    {"a platform argument without a value is empty, not unset",
     "FROM x\nARG TARGETOSVERSION\nRUN a\n",
     {0},
     "TARGETOSVERSION",
     ""},
    {"platform arguments can be overridden",
     "FROM x\nARG TARGETARCH\nRUN a\n",
     {"TARGETARCH=riscv64"},
     "TARGETARCH",
     "riscv64"},
    {"an unnamed target is the default one",
     "FROM x\nARG TARGETSTAGE\nRUN a\n",
     {0},
     "TARGETSTAGE",
     "default"},
    {"a named target is told",
     "FROM x AS final\nARG TARGETSTAGE\nRUN a\n",
     {0},
     "TARGETSTAGE",
     "final"},
    {"a proxy is no part of the step",
     "FROM x\nRUN a\n",
     {"http_proxy=p"},
     "http_proxy",
     NULL},
    {"a declared proxy is",
     "FROM x\nARG http_proxy\nRUN a\n",
     {"http_proxy=p"},
     "http_proxy",
     "p"},
    {"a default is not expanded when it is not used",
     "FROM x\nARG V=${W:?needed}\nRUN a\n",
     {"V=1"},
     "V",
     "1"},
    {"the escape directive reaches expansion",
     "# escape=`\nFROM x\nENV V=`$A\nRUN a\n",
     {0},
     "V",
     "$A"},
};

static int check_row(const struct row *row)
{
    cb_auto(cb_plan) plan = NULL;
    cb_auto(cb_error) error = NULL;
    struct fake_request request;
    const char *actual;
    int bad = 1;

    fake_request_init(&request);
    for (size_t i = 0; row->build_args[i]; i++)
        cb_strings_add(&request.build_args, row->build_args[i]);
    if (fake_plan(&request, row->dockerfile, strlen(row->dockerfile), &plan, &error) <
        0) {
        print_error("%s: %s\n", row->what, cb_error_message(error));
    } else {
        actual = cb_env_get(&fake_exec_env, row->name);
        bad = (actual == NULL) != (row->value == NULL) ||
              (actual && strcmp(actual, row->value) != 0);
        if (bad)
            print_error("%s: %s is %s, not %s\n", row->what, row->name,
                        actual ? actual : "unset", row->value ? row->value : "unset");
    }
    cb_plan_free(cb_steal(&plan));
    fake_request_clear(&request);
    return bad;
}

static void test_rows(void **state)
{
    int bad = 0;

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++)
        bad += check_row(&rows[i]);
    assert_int_equal(bad, 0);
}

static void test_epoch_from_build_arg(void **state)
{
    static const char text[] = "ARG SOURCE_DATE_EPOCH=7\nFROM x\nRUN a\n";
    cb_auto(cb_plan) plan = NULL;
    struct fake_request request;

    fake_request_init(&request);
    assert_int_equal(fake_plan(&request, text, strlen(text), &plan, NULL), 0);
    assert_int_equal(request.env.source_date_epoch, 7);
    cb_plan_free(cb_steal(&plan));
    fake_request_clear(&request);
}

static void test_many_variables_are_refused(void **state)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto(cb_plan) plan = NULL;
    cb_auto(cb_error) error = NULL;
    struct fake_request request;

    cb_strbuf_adds(&text, "FROM x\n");
    for (int i = 0; i < 10050; i++)
        cb_strbuf_addf(&text, "ARG V%d=1\n", i);
    fake_request_init(&request);
    assert_int_equal(fake_plan(&request, text.text, text.len, &plan, &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_UNSUPPORTED);
    fake_request_clear(&request);
}

/* Adds LINE with FILLER for @ and NUMBER for #. */
static void add_line(struct cb_strbuf *out, const char *line, const char *filler,
                     int number)
{
    for (; *line; line++) {
        if (*line == '@')
            cb_strbuf_adds(out, filler);
        else if (*line == '#')
            cb_strbuf_addf(out, "%d", number);
        else
            cb_strbuf_addc(out, *line);
    }
}

/* What variables, labels, triggers and expansion cost is bounded for the file as a whole.
 */
static void test_sums_are_limited(void **state)
{
    static const struct {
        const char *head, *line, *message;
        int lines;
    } rows[] = {
        {"ENV A=@\n", "ENV B#=$A$A$A$A\n", "hold more than 8 MiB", 100},
        {"ENV A=@\n", "ENV C=$A$A$A$A\n", NULL, 100},
        {"ENV A=@\n", "LABEL l#=$A$A$A$A\n", "hold more than 8 MiB", 100},
        {"ENV A=@\n", "EXPOSE ${A:+${A%%x*}80}\n", NULL, 100},
        {"ENV A=@\n", "USER $A$A$A$A\n", "takes too much work", 2000},
    };
    cb_autofree char *filler = xcalloc(1, 60001);

    memset(filler, 'x', 60000);
    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_auto_value(cb_strbuf) text = {0};
        cb_auto(cb_plan) plan = NULL;
        cb_auto(cb_error) error = NULL;
        struct fake_request request;

        cb_strbuf_adds(&text, "FROM scratch\n");
        add_line(&text, rows[i].head, filler, 0);
        for (int n = 0; n < rows[i].lines; n++)
            add_line(&text, rows[i].line, filler, n);
        fake_request_init(&request);
        assert_int_equal(fake_plan(&request, text.text, text.len, &plan, &error),
                         rows[i].message ? -1 : 0);
        if (rows[i].message)
            assert_non_null(strstr(cb_error_message(error), rows[i].message));
        cb_plan_free(cb_steal(&plan));
        fake_request_clear(&request);
    }
}

static void test_triggers_are_limited(void **state)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto(cb_plan) plan = NULL;
    cb_auto(cb_error) error = NULL;
    struct fake_request request;

    cb_strbuf_adds(&text, "FROM scratch AS a\n");
    for (int i = 0; i < 10000; i++)
        cb_strbuf_adds(&text, "ONBUILD ENV A=1\n");
    for (int i = 0; i < 6; i++)
        cb_strbuf_addf(&text, "FROM a AS s%d\n", i);
    cb_strbuf_adds(&text, "FROM scratch\n");
    for (int i = 0; i < 6; i++)
        cb_strbuf_addf(&text, "COPY --from=s%d / /\n", i);
    fake_request_init(&request);
    assert_int_equal(fake_plan(&request, text.text, text.len, &plan, &error), -1);
    assert_non_null(strstr(cb_error_message(error), "more than 50000 ONBUILD triggers"));
    fake_request_clear(&request);
}

static void test_many_layers_are_refused(void **state)
{
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto(cb_plan) plan = NULL;
    cb_auto(cb_error) error = NULL;
    struct fake_request request;

    cb_strbuf_adds(&text, "FROM x\n");
    for (int i = 0; i < 600; i++)
        cb_strbuf_addf(&text, "RUN echo %d\n", i);
    fake_request_init(&request);
    assert_int_equal(fake_plan(&request, text.text, text.len, &plan, &error), -1);
    assert_string_equal(cb_error_message(error),
                        "the image would have more than 500 layers");
    fake_request_clear(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_epoch_from_build_arg),
        cmocka_unit_test(test_many_variables_are_refused),
        cmocka_unit_test(test_many_layers_are_refused),
        cmocka_unit_test(test_sums_are_limited),
        cmocka_unit_test(test_triggers_are_limited),
    };

    return cmocka_run_group_tests_name("frontend scope", tests, NULL, NULL);
}
