/* Names of containers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "container/record.h"

#include "container/names.h"

#include <string.h>

static void names_are_docker_s(void **state)
{
    static const char *const right[] = {"ab", "a-b_c.d", "0x", "Web.1"};
    static const char *const wrong[] = {"",    "a",   "-ab",       ".a",    "_ab",
                                        "a b", "a/b", "../../etc", "a\n",   "a\x1b[m",
                                        "ä1",  "a$b", "a:b",       "--help"};

    for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++)
        assert_int_equal(cb_container_check_name(right[i], NULL), 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        cb_auto(cb_error) error = NULL;

        assert_int_equal(cb_container_check_name(wrong[i], &error), -1);
        assert_int_equal(cb_error_kind(error), CB_ERR_USAGE);
        assert_non_null(strstr(cb_error_message(error),
                               "only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"));
    }
}

static void what_is_longer_than_a_name_is_refused(void **state)
{
    char name[300];

    memset(name, 'a', sizeof(name));
    name[255] = '\0';
    assert_int_equal(cb_container_check_name(name, NULL), 0);
    name[255] = 'a';
    name[256] = '\0';
    assert_int_equal(cb_container_check_name(name, NULL), -1);
}

static void made_names_are_right_and_differ(void **state)
{
    for (unsigned attempt = 0; attempt < 100; attempt++) {
        cb_autofree char *one = cb_container_random_name(attempt);

        assert_int_equal(cb_container_check_name(one, NULL), 0);
        assert_non_null(strchr(one, '_'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_docker_s),
        cmocka_unit_test(what_is_longer_than_a_name_is_refused),
        cmocka_unit_test(made_names_are_right_and_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
