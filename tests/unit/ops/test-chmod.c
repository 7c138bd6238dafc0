/* --chmod: numbers and chmod(1)'s symbolic form. */
#include "ops/ops-priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define F 0100000
#define D 0040000

static const struct {
    const char *text;
    mode_t mode, result;
} rows[] = {
    {"755", F | 0600, 0755},
    {"0755", F | 0600, 0755},
    {"0", F | 0777, 0},
    {"7777", F | 0644, 07777},
    {"4755", D | 0700, 04755},
    {"u=rwX,go=rX", F | 0600, 0644},
    {"u=rwX,go=rX", F | 0700, 0755},
    {"u=rwX,go=rX", D | 0700, 0755},
    {"u=rwX,go=rX", D | 0600, 0755},
    {"a+x", F | 0644, 0755},
    {"+x", F | 0644, 0755},
    {"u+x", F | 0644, 0744},
    {"g+w", F | 0644, 0664},
    {"o-r", F | 0644, 0640},
    {"go-rwx", F | 0777, 0700},
    {"ugo=r", F | 0777, 0444},
    {"a=", F | 0777, 0},
    {"=", F | 0777, 0},
    {"u=", F | 0777, 0077},
    {"u=rw,g=r,o=", F | 0777, 0640},
    {"a=rwx", F | 0, 0777},
    {"a-x", F | 0755, 0644},
    {"a-x,a+X", F | 0755, 0644},
    {"a-x,a+X", D | 0644, 0755},
    {"a+X", F | 0644, 0644},
    {"a+X", F | 0100, 0111},
    {"g=u", F | 0640, 0660},
    {"o=g", F | 0640, 0644},
    {"go=u", F | 0700, 0777},
    {"u-g", F | 0640, 0240},
    {"u+s", F | 0755, 04755},
    {"g+s", F | 0755, 02755},
    {"ug+s", F | 0755, 06755},
    {"o+s", F | 0755, 0755},
    {"+t", D | 0777, 01777},
    {"a-t", D | 01777, 0777},
    {"u-s", F | 04755, 0755},
    {"u+r-w", F | 0200, 0400},
    {"u=rwx,g-w,o-rwx", F | 0666, 0740},
    {"a=rX,u+w", D | 0700, 0755},
    {"g=rwxs", D | 0700, 02770},
    {"u=rwxX", F | 0, 0700},
};

static void chmod_gives_the_mode_of_the_table(void **state)
{
    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        cb_auto(cb_chmod) chmod = NULL;
        cb_auto(cb_error) error = NULL;
        mode_t mode;

        if (cb_chmod_parse(&chmod, rows[i].text, &error) < 0)
            fail_msg("%s: %s", rows[i].text, cb_error_message(error));
        mode = cb_chmod_apply(chmod, rows[i].mode);
        if (mode != rows[i].result)
            fail_msg("%s of %o: %o, not %o", rows[i].text, rows[i].mode, mode,
                     rows[i].result);
    }
}

static void chmod_refuses_what_is_no_mode(void **state)
{
    static const char *const bad[] = {
        "",     "8",    "64a", "17777",    "-1",    "u",     "u=q",
        "u+x,", ",u+x", "z+x", "u=rw g=r", "0x1ff", "u==w!", "99999999999999999999"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(bad); i++) {
        struct cb_chmod *chmod = NULL;
        cb_auto(cb_error) error = NULL;

        if (cb_chmod_parse(&chmod, bad[i], &error) == 0)
            fail_msg("`%s` was accepted", bad[i]);
        assert_int_equal(cb_error_kind(error), CB_ERR_SYNTAX);
    }
}

static void chmod_names_the_parameter(void **state)
{
    struct cb_chmod *chmod = NULL;
    cb_auto(cb_error) error = NULL;

    assert_int_equal(cb_chmod_parse(&chmod, "64a", &error), -1);
    assert_string_equal(cb_error_message(error),
                        "invalid chmod parameter: '64a'. it should be octal string and "
                        "between 0 and 07777");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chmod_gives_the_mode_of_the_table),
        cmocka_unit_test(chmod_refuses_what_is_no_mode),
        cmocka_unit_test(chmod_names_the_parameter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
