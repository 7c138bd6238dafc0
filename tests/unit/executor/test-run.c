/* Running a process: its end, its errors, and what becomes of it when others die. */
#include "unit/executor/sandbox-fixture.h"

#include "base/cancel.h"
#include "executor/launcher-priv.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void exit_status_is_reported(void **state)
{
    struct fixture *f = fixture_shell(state, "exit 42");

    fixture_output(f);
    assert_int_equal(f->exit.code, 42);
    assert_int_equal(f->exit.signal, 0);
}

static void output_and_error_arrive(void **state)
{
    expect_output(state, "echo out; echo err >&2", "out\nerr\n");
}

static void death_by_signal_is_128_plus_n(void **state)
{
    struct fixture *f = fixture_shell(state, "sh -c 'kill -9 $$'; exit $?");

    fixture_output(f);
    assert_int_equal(f->exit.code, 137);
}

static void killed_process_reports_its_signal(void **state)
{
    struct fixture *f = fixture_shell(state, "while :; do sleep 1000; done");
    cb_auto(cb_process) process = NULL;

    assert_int_equal(cb_process_start(f->launcher, &f->spec, &process, NULL), 0);
    assert_int_equal(cb_process_signal(process, SIGKILL, NULL), 0);
    assert_int_equal(cb_process_wait(process, NULL, &f->exit, NULL), 0);
    assert_int_equal(f->exit.signal, SIGKILL);
    assert_int_equal(f->exit.code, 137);
}

static void a_process_that_has_ended_is_not_mistaken_for_another(void **state)
{
    struct fixture *f = fixture_shell(state, "while :; do sleep 1000; done");
    cb_auto(cb_process) process = NULL;
    struct pollfd end = {.events = POLLIN};
    cb_autofd int root = -1;
    struct stat ours, its;

    assert_int_equal(cb_process_start(f->launcher, &f->spec, &process, NULL), 0);
    root = cb_process_open(process, "root", O_PATH | O_DIRECTORY);
    assert_true(root >= 0);
    assert_int_equal(fstat(root, &its), 0);
    assert_int_equal(stat("/", &ours), 0);
    assert_false(ours.st_dev == its.st_dev && ours.st_ino == its.st_ino);
    assert_int_equal(cb_process_signal(process, SIGKILL, NULL), 0);
    end.fd = cb_process_exit_fd(process);
    assert_int_equal(poll(&end, 1, -1), 1);
    assert_int_equal(cb_process_open(process, "root", O_PATH | O_DIRECTORY), -1);
    assert_int_equal(cb_process_wait(process, NULL, &f->exit, NULL), 0);
}

static void step_has_no_input(void **state)
{
    expect_output(state, "cat; tty; echo done", "not a tty\ndone\n");
}

static void environment_is_the_given_one(void **state)
{
    expect_output(state, "unset PWD SHLVL OLDPWD; env",
                  "HOME=/root\nPATH=/usr/bin:/bin\n");
}

static void shell_is_pid_1_in_a_session_of_its_own(void **state)
{
    expect_output(state, "echo $$; awk '{ print $5, $6 }' /proc/1/stat", "1\n1 1\n");
}

static void hostname_and_umask_are_set(void **state)
{
    expect_output(state, "hostname; umask", "box\n0022\n");
}

/* ── Errors ── */

static void expect_error(void **state, const char *program, enum cb_error_kind kind,
                         int errnum, const char *message)
{
    struct fixture *f = fixture_shell(state, "");
    cb_auto(cb_error) error = NULL;

    fixture_command(f, program);
    assert_int_equal(fixture_run(f, &error), -1);
    assert_string_equal(cb_error_message(error), message);
    assert_int_equal(cb_error_kind(error), kind);
    assert_int_equal(cb_error_errnum(error), errnum);
}

static void missing_command_is_not_found(void **state)
{
    expect_error(state, "nope", CB_ERR_NOT_FOUND, ENOENT,
                 "exec: \"nope\": executable file not found in $PATH");
    expect_error(state, "/nope", CB_ERR_NOT_FOUND, ENOENT,
                 "exec: \"/nope\": stat /nope: no such file or directory");
}

static void file_without_execute_permission_is_denied(void **state)
{
    struct fixture *f = fixture_shell(state, "");

    put_file(f->root_fd, "plain", "#!/bin/sh\n");
    expect_error(state, "/plain", CB_ERR_DENIED, EACCES,
                 "exec: \"/plain\": permission denied");
}

static void missing_interpreter_is_explained(void **state)
{
    struct fixture *f = fixture_shell(state, "");
    cb_auto(cb_error) error = NULL;

    put_file(f->root_fd, "script", "#!/no/such/shell\n");
    assert_int_equal(fchmodat(f->root_fd, "script", 0755, 0), 0);
    fixture_command(f, "/script");
    assert_int_equal(fixture_run(f, &error), -1);
    assert_string_equal(cb_error_message(error),
                        "exec /script: no such file or directory");
    assert_non_null(strstr(cb_error_hint_text(error), "interpreter"));
}

static void foreign_binary_is_an_exec_format_error(void **state)
{
    struct fixture *f = fixture_shell(state, "");

    put_file(f->root_fd, "odd", "\177ELFnot for this machine");
    assert_int_equal(fchmodat(f->root_fd, "odd", 0755, 0), 0);
    expect_error(state, "/odd", CB_ERR_SYSTEM, ENOEXEC, "exec /odd: exec format error");
}

static void missing_working_directory_is_an_error_without_errno(void **state)
{
    struct fixture *f = fixture_shell(state, "true");
    cb_auto(cb_error) error = NULL;

    f->spec.cwd = "/nowhere";
    assert_int_equal(fixture_run(f, &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_SYSTEM);
    assert_int_equal(cb_error_errnum(error), 0);
    assert_non_null(strstr(cb_error_message(error), "working directory `/nowhere`"));
}

static void working_directory_is_made_and_owned_by_the_user(void **state)
{
    struct fixture *f = fixture_shell(state, "pwd; stat -c %u:%a .");

    f->spec.cwd = "/srv/deep";
    f->spec.make_cwd = 1;
    f->spec.user = "app";
    assert_string_equal(fixture_output(f), "/srv/deep\n1000:755\n");
}

static void working_directory_cannot_be_a_descriptor(void **state)
{
    for (int fd = 0; fd < 20; fd++) {
        struct fixture *f = fixture_shell(state, "cat ../../../etc/hostname");
        cb_autofree char *cwd = xasprintf("/proc/self/fd/%d", fd);
        cb_auto(cb_error) error = NULL;

        f->spec.cwd = cwd;
        f->spec.make_cwd = fd % 2;
        assert_int_equal(fixture_run(f, &error), -1);
        assert_int_equal(cb_error_kind(error), CB_ERR_SYSTEM);
    }
}

static void working_directory_link_stays_in_the_root(void **state)
{
    struct fixture *f = fixture_shell(state, "pwd");

    assert_int_equal(symlinkat("../../../../tmp", f->root_fd, "link"), 0);
    f->spec.cwd = "/link";
    assert_string_equal(fixture_output(f), "/tmp\n");
}

/* ── Ends ── */

static void daemons_die_with_their_step(void **state)
{
    struct fixture *f =
        fixture_shell(state, "(while :; do sleep 1000; done) >/dev/null 2>&1 & echo on");

    /* The wait returns only when the whole namespace is gone. */
    assert_string_equal(fixture_output(f), "on\n");
    assert_int_equal(f->exit.code, 0);
}

static void cancel_kills_the_namespace(void **state)
{
    struct fixture *f = fixture_shell(state, "sleep 1000 & echo ready; wait");
    cb_auto(cb_cancel) cancel = cb_cancel_new();
    cb_auto(cb_process) process = NULL;
    cb_auto(cb_error) error = NULL;
    int fds[2], pidfd;
    char c;

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    f->spec.stdout_fd = fds[1];
    assert_int_equal(cb_process_start(f->launcher, &f->spec, &process, NULL), 0);
    close(fds[1]);
    assert_int_equal(read(fds[0], &c, 1), 1);
    pidfd = syscall(SYS_pidfd_open, cb_process_pid(process), 0);
    cb_cancel_request(cancel);
    assert_int_equal(cb_process_wait(process, cancel, &f->exit, &error), -1);
    assert_int_equal(cb_error_kind(error), CB_ERR_CANCELED);
    expect_dead(pidfd);
    close(fds[0]);
}

static void kill_of_everything_leaves_the_caller_alive(void **state)
{
    struct fixture *f =
        fixture_shell(state, "sh -c 'sleep 1000 & kill -9 -1'; echo alive");

    /* Pid 1 does not get signals it has no handler for. */
    assert_string_equal(fixture_output(f), "alive\n");
}

/* Starts an endless step in a process of its own, with its own launcher; *STEP and
 * *LAUNCHER are pidfds. */
static pid_t start_elsewhere(struct fixture *f, int *step, int *launcher_fd)
{
    int fds[2], pids[2];
    pid_t pid;

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        struct cb_launcher *launcher = NULL;
        struct cb_process *process = NULL;
        cb_autofree char *root = in_fixture(f, "root");

        /* The launcher may have left the mounts that our directory was opened in. */
        if (cb_launcher_start(&launcher, NULL) < 0 ||
            (f->spec.rootfs_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0 ||
            cb_process_start(launcher, &f->spec, &process, NULL) < 0)
            _exit(1);
        pids[0] = cb_process_pid(process);
        pids[1] = launcher->process.pid;
        (void)!write(fds[1], pids, sizeof(pids));
        for (;;)
            pause();
    }
    close(fds[1]);
    assert_int_equal(read(fds[0], pids, sizeof(pids)), sizeof(pids));
    close(fds[0]);
    *step = syscall(SYS_pidfd_open, pids[0], 0);
    *launcher_fd = syscall(SYS_pidfd_open, pids[1], 0);
    return pid;
}

static void steps_die_with_a_killed_caller(void **state)
{
    struct fixture *f = fixture_shell(state, "sleep 1000");
    int step, launcher;
    pid_t pid = start_elsewhere(f, &step, &launcher);

    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    expect_dead(step);
    expect_dead(launcher);
}

static void steps_of_any_user_die_with_a_killed_launcher(void **state)
{
    static const char *const users[] = {"", "app"};

    for (size_t i = 0; i < CB_ARRAY_SIZE(users); i++) {
        struct fixture *f = fixture_shell(state, "sleep 1000");
        int step, launcher;
        pid_t pid;

        f->spec.user = users[i];
        pid = start_elsewhere(f, &step, &launcher);
        syscall(SYS_pidfd_send_signal, launcher, SIGKILL, NULL, 0);
        expect_dead(step);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        close(launcher);
    }
}

/* ── Many at once ── */

static void *run_ten(void *arg)
{
    struct fixture *f = arg;

    for (int i = 0; i < 10; i++) {
        cb_auto(cb_process) process = NULL;
        struct cb_exit exit = {0};

        if (cb_process_start(f->launcher, &f->spec, &process, NULL) < 0 ||
            cb_process_wait(process, NULL, &exit, NULL) < 0 || exit.code != 7)
            return f; /* a failure */
    }
    return NULL;
}

static void threads_share_a_launcher(void **state)
{
    struct fixture *f = fixture_shell(state, "exit 7");
    pthread_t threads[8];

    for (size_t i = 0; i < CB_ARRAY_SIZE(threads); i++)
        pthread_create(&threads[i], NULL, run_ten, f);
    for (size_t i = 0; i < CB_ARRAY_SIZE(threads); i++) {
        void *result;

        pthread_join(threads[i], &result);
        assert_null(result);
    }
}

static size_t count_fds(const char *path)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_int_equal(cb_fs_list(dir, &names, NULL), 0);
    return names.count;
}

/* The launcher closes what it used just after it has answered. */
static size_t count_settled(const char *path, size_t wanted)
{
    size_t count = count_fds(path);

    for (int i = 0; i < 5000 && count != wanted; i++) {
        sched_yield();
        count = count_fds(path);
    }
    return count;
}

static void runs_leak_no_descriptors(void **state)
{
    struct fixture *f = fixture_shell(state, "exit 7");
    cb_autofree char *launcher = xasprintf("/proc/%d/fd", f->launcher->process.pid);
    size_t ours, theirs;

    run_ten(f);
    ours = count_fds("/proc/self/fd");
    theirs = count_settled(launcher, 0); /* gives it the time */
    run_ten(f);
    assert_int_equal(count_fds("/proc/self/fd"), ours);
    assert_int_equal(count_settled(launcher, theirs), theirs);
}

static void failed_starts_leak_no_descriptors(void **state)
{
    struct fixture *f = fixture_shell(state, "");
    size_t before = 0;

    fixture_command(f, "/nope");
    for (int i = 0; i < 5; i++) {
        cb_auto(cb_error) error = NULL;

        assert_int_equal(fixture_run(f, &error), -1);
        if (i == 0)
            before = count_fds("/proc/self/fd");
    }
    assert_int_equal(count_fds("/proc/self/fd"), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_status_is_reported),
        cmocka_unit_test(output_and_error_arrive),
        cmocka_unit_test(death_by_signal_is_128_plus_n),
        cmocka_unit_test(killed_process_reports_its_signal),
        cmocka_unit_test(a_process_that_has_ended_is_not_mistaken_for_another),
        cmocka_unit_test(step_has_no_input),
        cmocka_unit_test(environment_is_the_given_one),
        cmocka_unit_test(shell_is_pid_1_in_a_session_of_its_own),
        cmocka_unit_test(hostname_and_umask_are_set),
        cmocka_unit_test(missing_command_is_not_found),
        cmocka_unit_test(file_without_execute_permission_is_denied),
        cmocka_unit_test(missing_interpreter_is_explained),
        cmocka_unit_test(foreign_binary_is_an_exec_format_error),
        cmocka_unit_test(missing_working_directory_is_an_error_without_errno),
        cmocka_unit_test(working_directory_is_made_and_owned_by_the_user),
        cmocka_unit_test(working_directory_cannot_be_a_descriptor),
        cmocka_unit_test(working_directory_link_stays_in_the_root),
        cmocka_unit_test(daemons_die_with_their_step),
        cmocka_unit_test(cancel_kills_the_namespace),
        cmocka_unit_test(kill_of_everything_leaves_the_caller_alive),
        cmocka_unit_test(steps_die_with_a_killed_caller),
        cmocka_unit_test(steps_of_any_user_die_with_a_killed_launcher),
        cmocka_unit_test(threads_share_a_launcher),
        cmocka_unit_test(runs_leak_no_descriptors),
        cmocka_unit_test(failed_starts_leak_no_descriptors),
    };

    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
