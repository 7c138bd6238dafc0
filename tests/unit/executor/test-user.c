/* USER texts against a rootfs's own files, hostile ones included. */
#include "unit/executor/sandbox-fixture.h"

struct row {
    const char *text;
    const char *result; /* "uid:gid:groups:home", or the error's message */
};

static const struct row rows[] = {
    {"", "0:0:0:/root"},
    {"root", "0:0:0:/root"},
    {"0", "0:0:0:/root"},
    {"app", "1000:1001:1001,44:/home/app"},
    {"1000", "1000:1001:1001,44:/home/app"},
    {"01000", "1000:1001:1001,44:/home/app"},
    {"app:video", "1000:44:44:/home/app"},
    {"app:45", "1000:45:45:/home/app"},
    {"app:0", "1000:0:0:/home/app"},
    {"1:2", "1:2:2:/"},
    {"7", "7:0:0:/"},
    {"1234", "1234:0:0:/"},
    {"4294967294", "4294967294:0:0:/"},
    {"4294967295", "user id `4294967295` is out of range"},
    {"4294967296", "user id `4294967296` is out of range"},
    {"99999999999999999999", "user id `99999999999999999999` is out of range"},
    {"-1", "unable to find user -1: no matching entries in passwd file"},
    {" 1", "unable to find user  1: no matching entries in passwd file"},
    {"1x", "unable to find user 1x: no matching entries in passwd file"},
    {"nobody", "unable to find user nobody: no matching entries in passwd file"},
    {"1:", "user `1:` has no valid group"},
    {":1", "user `:1` has no name before the colon"},
    {"1:2:3", "user `1:2:3` has no valid group"},
    {"app:nogroup", "unable to find group nogroup: no matching entries in group file"},
    {"1:4294967295", "group id `4294967295` is out of range"},
};

/* Files only: needs no privilege. */
struct files {
    char dir[40];
    int fd;
};

static int files_setup(void **state)
{
    struct files *files = xcalloc(1, sizeof(*files));

    strcpy(files->dir, "/tmp/cbuild-user.XXXXXX");
    assert_non_null(mkdtemp(files->dir));
    files->fd = open(files->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    mkdirat(files->fd, "etc", 0755);
    put_file(files->fd, "etc/passwd",
             "# comment\n\nroot:x:0:0:root:/root:/bin/sh\nbroken\n"
             "app:x:1000:1001::/home/app:/bin/sh\n"
             "1234:x:0:0::/:/bin/sh\n"
             "nobody:x:4294967295:0::/:/bin/sh\n"
             "nobody:x:-2:0::/:/bin/sh\n");
    put_file(files->fd, "etc/group",
             "root:x:0:\napp:x:1001:\nvideo:x:44:other,app\nother:x:45:other,apple\n");
    *state = files;
    return 0;
}

static int files_teardown(void **state)
{
    struct files *files = *state;

    close(files->fd);
    cb_fs_remove_tree(AT_FDCWD, files->dir, NULL);
    free(files);
    return 0;
}

static void describe(int root_fd, const char *text, struct cb_strbuf *out)
{
    cb_auto_value(cb_user) user = {0};
    cb_auto(cb_error) error = NULL;

    if (cb_user_resolve(root_fd, text, &user, &error) < 0) {
        cb_strbuf_adds(out, cb_error_message(error));
        return;
    }
    cb_strbuf_addf(out, "%u:%u:", user.uid, user.gid);
    for (size_t i = 0; i < user.group_count; i++)
        cb_strbuf_addf(out, "%s%u", i ? "," : "", user.groups[i]);
    cb_strbuf_addf(out, ":%s", user.home);
}

static void expect_user(int root_fd, const char *text, const char *expected)
{
    cb_auto_value(cb_strbuf) got = {0};

    describe(root_fd, text, &got);
    assert_string_equal(cb_strbuf_text(&got), expected);
}

static void texts_resolve_exactly_or_fail(void **state)
{
    struct files *files = *state;

    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++)
        expect_user(files->fd, rows[i].text, rows[i].result);
}

static void root_without_files_works_for_numbers_only(void **state)
{
    struct files *files = *state;

    unlinkat(files->fd, "etc/passwd", 0);
    unlinkat(files->fd, "etc/group", 0);
    expect_user(files->fd, "", "0:0:0:/");
    expect_user(files->fd, "5:6", "5:6:6:/");
    expect_user(files->fd, "app",
                "unable to find user app: no matching entries in passwd file");
}

static void fifo_does_not_block(void **state)
{
    struct files *files = *state;
    cb_auto_value(cb_strbuf) got = {0};

    unlinkat(files->fd, "etc/passwd", 0);
    assert_int_equal(mknodat(files->fd, "etc/passwd", S_IFIFO | 0644, 0), 0);
    expect_user(files->fd, "1000", "1000:0:0:/");
    describe(files->fd, "app", &got);
    assert_non_null(strstr(got.text, "unable to find user app: "));
}

static void link_to_an_endless_device_is_refused(void **state)
{
    struct files *files = *state;

    unlinkat(files->fd, "etc/passwd", 0);
    assert_int_equal(symlinkat("/dev/zero", files->fd, "etc/passwd"), 0);
    /* The link is followed in the root, where there is no /dev/zero. */
    expect_user(files->fd, "app",
                "unable to find user app: no matching entries in passwd file");
}

static void link_out_of_the_root_stays_inside(void **state)
{
    struct files *files = *state;

    unlinkat(files->fd, "etc/passwd", 0);
    assert_int_equal(symlinkat("../../../../../../etc/passwd", files->fd, "etc/passwd"),
                     0);
    assert_true(cb_user_resolve(files->fd, "daemon", &(struct cb_user){0}, NULL) < 0);
}

static void huge_file_is_refused(void **state)
{
    struct files *files = *state;
    int fd = openat(files->fd, "etc/passwd", O_WRONLY | O_CLOEXEC);
    cb_auto_value(cb_strbuf) got = {0};

    assert_int_equal(ftruncate(fd, 16 << 20), 0);
    close(fd);
    expect_user(files->fd, "1000", "1000:0:0:/");
    describe(files->fd, "app", &got);
    assert_non_null(strstr(got.text, "unable to find user app: "));
}

/* ── As the process sees it ── */

static void process_has_exactly_the_user_groups(void **state)
{
    struct fixture *f = fixture_shell(state, "id; grep -E 'Groups|Cap(Prm|Eff|Bnd)' "
                                             "/proc/self/status; echo $HOME");

    f->spec.user = "app";
    assert_string_equal(fixture_output(f),
                        "uid=1000(app) gid=1001(app) groups=44(video),1001(app)\n"
                        "Groups:\t44 1001 \n"
                        "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
                        "CapBnd:\t00000000a80425fb\n/home/app\n");
}

static void number_is_never_looked_up_as_a_name(void **state)
{
    struct fixture *f = fixture_shell(state, "id -u");

    f->spec.user = "1234";
    assert_string_equal(fixture_output(f), "1234\n");
}

static void groups_are_added(void **state)
{
    struct fixture *f = fixture_shell(state, "grep Groups /proc/self/status");
    cb_auto_value(cb_strings) groups = {0};

    cb_strings_add(&groups, "other");
    cb_strings_add(&groups, "4000");
    f->spec.user = "7";
    f->spec.groups = &groups;
    assert_string_equal(fixture_output(f), "Groups:\t0 45 4000 \n");
}

int main(void)
{
    const struct CMUnitTest files[] = {
        cmocka_unit_test_setup_teardown(texts_resolve_exactly_or_fail, files_setup,
                                        files_teardown),
        cmocka_unit_test_setup_teardown(root_without_files_works_for_numbers_only,
                                        files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(fifo_does_not_block, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(link_to_an_endless_device_is_refused, files_setup,
                                        files_teardown),
        cmocka_unit_test_setup_teardown(link_out_of_the_root_stays_inside, files_setup,
                                        files_teardown),
        cmocka_unit_test_setup_teardown(huge_file_is_refused, files_setup,
                                        files_teardown),
    };
    const struct CMUnitTest processes[] = {
        cmocka_unit_test(process_has_exactly_the_user_groups),
        cmocka_unit_test(number_is_never_looked_up_as_a_name),
        cmocka_unit_test(groups_are_added),
    };
    int failed = cmocka_run_group_tests(files, NULL, NULL);

    return failed + cmocka_run_group_tests(processes, fixture_setup, fixture_teardown);
}
