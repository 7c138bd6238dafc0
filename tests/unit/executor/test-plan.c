/* The plan as text: its order is the sandbox's argument. */
#include "unit/executor/sandbox-fixture.h"

#include "executor/plan-priv.h"

static void build(struct fixture *f, struct cb_strbuf *out)
{
    cb_auto_value(cb_plan) plan = {0};
    cb_auto_value(cb_user) user = {0};
    cb_auto(cb_error) error = NULL;

    if (cb_user_resolve(f->root_fd, f->spec.user, &user, &error) < 0 ||
        cb_plan_build(&plan, &f->spec, &user, &error) < 0)
        fail_msg("%s", cb_error_message(error));
    cb_plan_print(&plan, out);
}

/* Position of LINE's start among the plan's lines; fails when it is missing. */
static size_t position(const struct cb_strbuf *plan, const char *line)
{
    cb_autofree char *start = xasprintf("\n%s", line);
    const char *at = strstr(plan->text, start);

    if (!at && strncmp(plan->text, line, strlen(line)))
        fail_msg("no `%s` in the plan:\n%s", line, plan->text);
    return at ? at - plan->text + 1 : 0;
}

static void expect_order(const struct cb_strbuf *plan, const char *const *lines,
                         size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (position(plan, lines[i - 1]) >= position(plan, lines[i]))
            fail_msg("`%s` is not before `%s`", lines[i - 1], lines[i]);
    }
}

/* What hides parts of /proc is there before it is lent; nothing of a program's is done.
 */
static void what_is_restored_is_lent_what_is_mounted(void **state)
{
    static const char *const lines[] = {
        "rootfs",           "filesystem /proc proc",
        "mask /proc/kcore", "read-only /proc/sys",
        "read-only /\n",    "lend /proc/kcore",
        "lend /proc\n",     "restore",
    };
    struct fixture *f = fixture_shell(state, "true");
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_value(cb_strings) ours = {0};
    cb_auto_value(cb_strings) theirs = {0};
    const struct cb_restore restore = {.program = "/usr/sbin/criu",
                                       .stage = "/var/stage",
                                       .images_fd = f->root_fd,
                                       .ours = &ours,
                                       .theirs = &theirs,
                                       .streams = {"", "pipe:[7]", ""}};

    cb_strings_add(&ours, "/proc/kcore");
    cb_strings_add(&theirs, "/proc");
    f->spec.rootfs_read_only = 1;
    f->spec.restore = &restore;
    build(f, &text);
    expect_order(&text, lines, CB_ARRAY_SIZE(lines));
    assert_null(strstr(text.text, "\nuser"));
    assert_null(strstr(text.text, "\nexec"));
}

static void steps_are_in_the_order_that_holds(void **state)
{
    static const char *const lines[] = {
        "loopback",
        "hostname box",
        "rootfs",
        "filesystem /proc proc",
        "filesystem /sys sysfs",
        "filesystem /dev tmpfs",
        "device null",
        "filesystem /dev/pts devpts",
        "mask /proc/kcore",
        "read-only /proc/sys",
        "file /run/secret 5 bytes mode=400 1:2",
        "cwd /",
        "read-only /\n",
        "enter",
        "stdio",
        "rlimit",
        "seccomp caps=a80425fb",
        "user 1000:1001 bounding=a80425fb effective=0",
        "exec",
    };
    struct fixture *f = fixture_shell(state, "true");
    cb_auto_value(cb_strbuf) text = {0};
    char target[] = "/run/secret";

    f->spec.user = "app";
    f->spec.rootfs_read_only = 1;
    add_mount(f, (struct cb_mount){.type = CB_MOUNT_FILE,
                                   .target = target,
                                   .source_fd = -1,
                                   .content = "value",
                                   .content_len = 5,
                                   .mode = 0400,
                                   .uid = 1,
                                   .gid = 2});
    build(f, &text);
    expect_order(&text, lines, CB_ARRAY_SIZE(lines));
    /* A plan is shown to people: no content of a file in it. */
    assert_null(strstr(text.text, "value"));
}

static void filter_follows_the_credentials_without_new_privileges(void **state)
{
    static const char *const lines[] = {"user 0:0", "no-new-privs", "seccomp", "exec"};
    struct fixture *f = fixture_shell(state, "true");
    cb_auto_value(cb_strbuf) text = {0};

    f->spec.no_new_privileges = 1;
    build(f, &text);
    expect_order(&text, lines, CB_ARRAY_SIZE(lines));
}

/* What the container's processes see of it has nothing that it will not keep. */
static void who_joins_is_born_when_all_is_done(void **state)
{
    static const char *const lines[] = {"join",           "stdio", "rlimit", "seccomp",
                                        "user 1000:1001", "birth", "exec"};
    static const char *const no_new_privileges[] = {
        "join", "user 1000:1001", "no-new-privs", "seccomp", "birth", "exec"};
    struct fixture *f = fixture_shell(state, "true");
    cb_auto_value(cb_strbuf) text = {0};
    cb_auto_value(cb_strbuf) second = {0};

    f->spec.user = "app";
    f->spec.inside = (const struct cb_process *)f;
    build(f, &text);
    expect_order(&text, lines, CB_ARRAY_SIZE(lines));
    f->spec.no_new_privileges = 1;
    build(f, &second);
    expect_order(&second, no_new_privileges, CB_ARRAY_SIZE(no_new_privileges));
    f->spec.inside = NULL;
}

/* A filter of the user's may forbid to make processes. */
static void a_filter_of_the_users_comes_after_the_birth(void **state)
{
    static const char *const lines[] = {"join", "birth", "seccomp", "user", "exec"};
    struct fixture *f = fixture_shell(state, "true");
    cb_auto_value(cb_strbuf) text = {0};

    f->spec.inside = (const struct cb_process *)f;
    f->spec.seccomp = "{\"defaultAction\":\"SCMP_ACT_ALLOW\"}";
    build(f, &text);
    expect_order(&text, lines, CB_ARRAY_SIZE(lines));
    f->spec.inside = NULL;
}

static void insecure_plan_has_no_filter_and_no_masks(void **state)
{
    struct fixture *f = fixture_shell(state, "true");
    cb_auto_value(cb_strbuf) text = {0};

    f->spec.security = CB_SECURITY_INSECURE;
    build(f, &text);
    assert_null(strstr(text.text, "seccomp"));
    assert_null(strstr(text.text, "mask"));
    assert_null(strstr(text.text, "read-only"));
}

static void expect_refused(struct fixture *f, const char *message)
{
    cb_auto_value(cb_plan) plan = {0};
    cb_auto(cb_error) error = NULL;
    struct cb_user user = {0};

    user.home = (char *)"/";
    assert_int_equal(cb_plan_build(&plan, &f->spec, &user, &error), -1);
    assert_string_equal(cb_error_message(error), message);
}

static void senseless_specifications_are_refused(void **state)
{
    struct fixture *f = fixture_shell(state, "true");
    const struct cb_rlimit limit = {7, 200, 100};

    f->spec.cwd = "relative";
    expect_refused(f, "working directory `relative` is not absolute");
    f->spec.cwd = "/";
    f->spec.hostname = "";
    expect_refused(f, "host name `` must have 1 to 64 characters");
    f->spec.hostname = NULL;
    f->spec.rlimits = &limit;
    f->spec.rlimit_count = 1;
    expect_refused(f, "ulimit nofile: soft limit is above the hard one");
    f->spec.rlimit_count = 0;
    cb_strings_free(&f->argv);
    expect_refused(f, "no command to run");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_restored_is_lent_what_is_mounted),
        cmocka_unit_test(steps_are_in_the_order_that_holds),
        cmocka_unit_test(filter_follows_the_credentials_without_new_privileges),
        cmocka_unit_test(who_joins_is_born_when_all_is_done),
        cmocka_unit_test(a_filter_of_the_users_comes_after_the_birth),
        cmocka_unit_test(insecure_plan_has_no_filter_and_no_masks),
        cmocka_unit_test(senseless_specifications_are_refused),
    };

    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
