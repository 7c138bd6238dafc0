/* A process that was expected is no other than one that was not. */
#include "unit/executor/sandbox-fixture.h"

#include "executor/launcher-priv.h"

#include <dirent.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

/* All that early steps make, in any order but behind the root, without the numbers that
 * differ each time. */
#define SHOW                                                                         \
    "cut -d' ' -f5 /proc/self/mountinfo | head -n1; "                                \
    "cut -d' ' -f4- /proc/self/mountinfo | sort; "                                   \
    "ls -l /dev | cut -c1-50; ls /sys/class/net; "                                   \
    "ls /dev/pts /dev/shm /proc/acpi /proc/scsi 2>&1; head -c1 /proc/keys | wc -c; " \
    "cat /proc/self/cgroup; echo /proc/[0-9]*; ls /"

static pid_t parent_of(pid_t pid)
{
    cb_autofree char *path = xasprintf("/proc/%d/stat", (int)pid);
    cb_auto_value(cb_strbuf) text = {0};
    const char *end;

    if (cb_fs_read_file(AT_FDCWD, path, 4096, &text, NULL) < 0)
        return -1;
    end = strrchr(cb_strbuf_text(&text), ')');
    return end ? (pid_t)strtol(end + 4, NULL, 10) : -1;
}

/* How many children the launcher has; *ONE is one of them. */
static int count_children(const struct fixture *f, pid_t *one)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    int count = 0;

    assert_non_null(proc);
    while ((entry = readdir(proc))) {
        pid_t pid = (pid_t)atoi(entry->d_name);

        if (pid > 0 && parent_of(pid) == f->launcher->process.pid) {
            *one = pid;
            count++;
        }
    }
    closedir(proc);
    return count;
}

/* Requests are taken one after the other; this is until one has been. */
static pid_t waiting_child(const struct fixture *f)
{
    pid_t pid = 0;

    for (int tries = 0; tries < 20000 && !count_children(f, &pid); tries++)
        poll(NULL, 0, 1);
    assert_true(pid > 0);
    return pid;
}

static void expect_end_of(pid_t pid)
{
    int there = 1;

    for (int tries = 0; tries < 20000 && there; tries++) {
        there = kill(pid, 0) == 0;
        poll(NULL, 0, there);
    }
    assert_false(there);
}

static void expected_is_who_is_started(void **state)
{
    struct fixture *f = fixture_shell(state, "exit 7");
    cb_auto(cb_process) process = NULL;
    pid_t waiting;

    cb_process_expect(f->launcher, &f->spec);
    waiting = waiting_child(f);
    assert_int_equal(cb_process_start(f->launcher, &f->spec, &process, NULL), 0);
    assert_int_equal(cb_process_pid(process), waiting);
    assert_int_equal(cb_process_wait(process, NULL, &f->exit, NULL), 0);
    assert_int_equal(f->exit.code, 7);
    assert_int_equal(count_children(f, &waiting), 0);
}

static void expect_same_view(struct fixture *f)
{
    cb_autofree char *alone = xstrdup(fixture_output(f));

    assert_non_null(strstr(alone, "/dev/mqueue"));
    cb_process_expect(f->launcher, &f->spec);
    assert_string_equal(fixture_output(f), alone);
}

static void expected_sees_what_others_see(void **state)
{
    struct fixture *f = fixture_shell(state, SHOW);

    expect_same_view(f);
    f->spec.host_network = 1;
    expect_same_view(f);
    f->spec.shm_bytes = 1 << 20;
    expect_same_view(f);
    f->spec.unmask_all = 1;
    expect_same_view(f);
    f->spec.host_uts = 1;
    expect_same_view(f);
}

/* Another network, other masks: what was mounted for the first is not shown. */
static void another_than_was_expected_gets_its_own(void **state)
{
    struct fixture *f = fixture_shell(state, SHOW "; ip -o link | wc -l");
    cb_autofree char *alone = NULL;

    f->spec.unmask_all = 1;
    alone = xstrdup(fixture_output(f));
    f->spec.unmask_all = 0;
    cb_process_expect(f->launcher, &f->spec);
    f->spec.unmask_all = 1;
    assert_string_equal(fixture_output(f), alone);

    f->spec.host_network = 1;
    cb_process_expect(f->launcher, &f->spec);
    f->spec.host_network = 0;
    assert_string_equal(fixture_output(f), alone);

    cb_process_expect(f->launcher, &f->spec);
    f->spec.limits.memory_bytes = 64 << 20;
    fixture_run(f, NULL);
    assert_int_equal(f->exit.code, 0);
}

static int new_network(void)
{
    int ends[2], fd;
    cb_autofree char *path = NULL;
    pid_t pid;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        if (unshare(CLONE_NEWNET) == 0)
            (void)!write(ends[1], "", 1);
        pause();
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &(char){0}, 1), 1);
    close(ends[0]);
    path = xasprintf("/proc/%d/ns/net", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return fd;
}

/* One that joins a network makes none, like one that has the host's; what /sys shows is
 * the network that it was mounted in. */
static void one_that_joins_is_not_who_was_expected(void **state)
{
    struct fixture *f = fixture_shell(state, SHOW);
    cb_autofd int network = new_network();
    cb_autofree char *alone = NULL;

    f->spec.netns_fd = network;
    alone = xstrdup(fixture_output(f));
    f->spec.netns_fd = -1;
    f->spec.host_network = 1;
    cb_process_expect(f->launcher, &f->spec);
    f->spec.netns_fd = network;
    f->spec.host_network = 0;
    assert_string_equal(fixture_output(f), alone);
}

static void unlike_one_leaves_nobody_waiting(void **state)
{
    struct fixture *f = fixture_shell(state, "true");
    pid_t waiting, other;

    cb_process_expect(f->launcher, &f->spec);
    waiting = waiting_child(f);
    cb_process_expect(f->launcher, &f->spec);
    f->spec.host_network = 1;
    fixture_output(f);
    expect_end_of(waiting);
    assert_int_equal(count_children(f, &other), 0);
}

static void second_one_is_made_anew(void **state)
{
    struct fixture *f = fixture_shell(state, "cat /proc/1/comm; ls /");
    cb_autofree char *alone = xstrdup(fixture_output(f));

    cb_process_expect(f->launcher, &f->spec);
    assert_string_equal(fixture_output(f), alone);
    assert_string_equal(fixture_output(f), alone);
}

static void errors_are_the_same(void **state)
{
    struct fixture *f = fixture_shell(state, "true");
    cb_auto(cb_error) error = NULL;
    cb_auto(cb_error) expected = NULL;

    assert_int_equal(symlinkat("etc", f->root_fd, "proc"), 0);
    assert_int_equal(fixture_run(f, &expected), -1);
    cb_process_expect(f->launcher, &f->spec);
    assert_int_equal(fixture_run(f, &error), -1);
    assert_string_equal(cb_error_message(error), cb_error_message(expected));
    assert_int_equal(unlinkat(f->root_fd, "proc", 0), 0);

    cb_error_free(cb_steal(&error));
    cb_error_free(cb_steal(&expected));
    fixture_command(f, "/nothing");
    assert_int_equal(fixture_run(f, &expected), -1);
    cb_process_expect(f->launcher, &f->spec);
    assert_int_equal(fixture_run(f, &error), -1);
    assert_string_equal(cb_error_message(error), cb_error_message(expected));
    assert_int_equal(cb_error_errnum(error), ENOENT);
}

/* What is hidden in the image cannot be hidden before it is there. */
static void masks_in_the_root_hold(void **state)
{
    struct fixture *f = fixture_shell(state, "wc -c </etc/passwd; wc -c </etc/group");
    cb_auto_value(cb_strings) mask = {0};

    cb_strings_add(&mask, "/etc/passwd");
    f->spec.mask = &mask;
    cb_process_expect(f->launcher, &f->spec);
    assert_string_equal(fixture_output(f), "0\n60\n");
}

/* Mount points that the root lacks are gone again. */
static void nothing_is_left_in_the_root(void **state)
{
    struct fixture *f = fixture_shell(state, "true");
    cb_auto_value(cb_strings) before = {0};
    cb_auto_value(cb_strings) after = {0};
    cb_autofd int root = openat(f->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_int_equal(cb_fs_list(root, &before, NULL), 0);
    cb_process_expect(f->launcher, &f->spec);
    fixture_output(f);
    assert_int_equal(cb_fs_list(root, &after, NULL), 0);
    assert_int_equal(after.count, before.count);
}

static void one_that_waits_goes_with_its_launcher(void **state)
{
    struct fixture *f = fixture_shell(state, "true");
    cb_auto(cb_launcher) other = NULL;
    struct fixture with_other = *f;
    pid_t waiting;

    assert_int_equal(cb_launcher_start(&other, NULL), 0);
    with_other.launcher = other;
    cb_process_expect(other, &f->spec);
    waiting = waiting_child(&with_other);
    cb_launcher_stop(cb_steal(&other));
    expect_end_of(waiting);

    assert_int_equal(cb_launcher_start(&other, NULL), 0);
    with_other.launcher = other;
    cb_process_expect(other, &f->spec);
    waiting = waiting_child(&with_other);
    kill(other->process.pid, SIGKILL);
    expect_end_of(waiting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expected_is_who_is_started),
        cmocka_unit_test(expected_sees_what_others_see),
        cmocka_unit_test(another_than_was_expected_gets_its_own),
        cmocka_unit_test(one_that_joins_is_not_who_was_expected),
        cmocka_unit_test(unlike_one_leaves_nobody_waiting),
        cmocka_unit_test(second_one_is_made_anew),
        cmocka_unit_test(errors_are_the_same),
        cmocka_unit_test(masks_in_the_root_hold),
        cmocka_unit_test(nothing_is_left_in_the_root),
        cmocka_unit_test(one_that_waits_goes_with_its_launcher),
    };

    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
