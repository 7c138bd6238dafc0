/* User namespaces: whose ids are asked for, and what one without any can and cannot do.
 * What a namespace with a range of ids gives is tested end to end (rootless.bats). */
#include "base/user-namespace.h"
#include "executor/userns-priv.h"
#include "executor/userns.h"

#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define STRANGER 54321 /* nobody gave this one subordinate ids */

static void subordinate_ids_are_those_of_the_name_and_of_the_number(void **state)
{
    cb_auto_value(cb_subid_ranges) ranges = {0};

    cb_subids_parse("other:1:2\nme:100000:65536\n1000:200000:10\nme2:5:5\n", "me", 1000,
                    &ranges);
    assert_int_equal(ranges.count, 2);
    assert_int_equal(ranges.items[0].start, 100000);
    assert_int_equal(ranges.items[0].count, 65536);
    assert_int_equal(ranges.items[1].start, 200000);
    assert_int_equal(ranges.items[1].count, 10);
}

static void lines_that_give_nothing_are_passed_over(void **state)
{
    static const char *const lines[] = {
        "",
        "me",
        "me:",
        "me:1",
        "me:1:",
        "me:1:0",
        "me:x:y",
        "me:1:2:3",
        "me:-1:5",
        "me:1:2x",
        "me:4294967295:1",
        "me:4294967294:2",
        "me:0:4294967296",
        ":1:2",
        "m:1:2",
        "me :1:2",
        "\n\n::\n",
        "me:99999999999999999999:1",
    };

    for (size_t i = 0; i < CB_ARRAY_SIZE(lines); i++) {
        cb_auto_value(cb_subid_ranges) ranges = {0};

        cb_subids_parse(lines[i], "me", 1000, &ranges);
        if (ranges.count)
            fail_msg("`%s` gives %u ids from %u", lines[i], ranges.items[0].count,
                     ranges.items[0].start);
    }
}

static void a_user_without_a_name_is_found_by_number(void **state)
{
    cb_auto_value(cb_subid_ranges) ranges = {0};

    cb_subids_parse("me:1:2\n77:300:4", NULL, 77, &ranges);
    assert_int_equal(ranges.count, 1);
    assert_int_equal(ranges.items[0].start, 300);
}

static void root_enters_nothing(void **state)
{
    cb_auto(cb_error) error = NULL;
    struct cb_userns userns;

    assert_int_equal(cb_userns_enter(&userns, &error), 0);
    assert_int_equal(userns.kind, CB_USERNS_NONE);
    assert_false(cb_in_user_namespace());
}

/* In a child: the number of the first thing that was not so. */
static int as_stranger(void)
{
    cb_auto(cb_error) error = NULL;
    struct cb_userns userns;
    struct stat st;
    int fd;

    if (setgroups(0, NULL) < 0 || setresgid(STRANGER, STRANGER, STRANGER) < 0 ||
        setresuid(STRANGER, STRANGER, STRANGER) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0)
        return 1;
    if (cb_userns_enter(&userns, &error) < 0)
        return 2;
    if (userns.kind != CB_USERNS_SINGLE || !strstr(userns.why, "/etc/subuid"))
        return 3;
    if (!cb_in_user_namespace() || cb_mapped_ids() != 1 || getuid() || getgid())
        return 4;
    fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 || fchown(fd, 5, 6) < 0 || fstat(fd, &st) < 0 || st.st_uid || st.st_gid)
        return 5;
    if (setgroups(0, NULL) < 0 || setgid(7) < 0 || setuid(7) < 0 || getuid())
        return 6;
    if (cb_mapped_ids_hint(&error, 1, 0) != -1)
        return 7;
    return 0;
}

static void without_ids_owners_are_changed_in_word_only(void **state)
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(as_stranger());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void an_id_that_is_none_is_explained(void **state)
{
    cb_auto(cb_error) error = NULL;

    cb_error_set(&error, CB_ERR_SYSTEM, "x");
    assert_int_equal(cb_mapped_ids_hint(&error, 4000000000u, 0), -1);
    assert_null(cb_error_hint_text(error)); /* in the first namespace all are some */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subordinate_ids_are_those_of_the_name_and_of_the_number),
        cmocka_unit_test(lines_that_give_nothing_are_passed_over),
        cmocka_unit_test(a_user_without_a_name_is_found_by_number),
        cmocka_unit_test(root_enters_nothing),
        cmocka_unit_test(without_ids_owners_are_changed_in_word_only),
        cmocka_unit_test(an_id_that_is_none_is_explained),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
