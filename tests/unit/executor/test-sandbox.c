/* What the process may do and see: devices, masks, limits, terminal, pid 1. */
#include "unit/executor/sandbox-fixture.h"

#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

static void capabilities_are_dockers(void **state)
{
    expect_output(state, "grep -E '^Cap|NoNewPrivs|Seccomp:' /proc/self/status",
                  "CapInh:\t0000000000000000\nCapPrm:\t00000000a80425fb\n"
                  "CapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\n"
                  "CapAmb:\t0000000000000000\nNoNewPrivs:\t0\nSeccomp:\t2\n");
}

static void capabilities_are_added_and_dropped(void **state)
{
    struct fixture *f = fixture_shell(state, "grep CapBnd /proc/self/status");
    cb_auto_value(cb_strings) add = {0}, drop = {0};

    cb_strings_add(&add, "net_admin");
    cb_strings_add(&drop, "CAP_MKNOD");
    f->spec.cap_add = &add;
    f->spec.cap_drop = &drop;
    assert_string_equal(fixture_output(f), "CapBnd:\t00000000a00435fb\n");
    cb_strings_add(&drop, "ALL");
    assert_string_equal(fixture_output(f), "CapBnd:\t0000000000001000\n");
    cb_strings_add(&add, "nonsense");
    assert_int_equal(fixture_run(f, NULL), -1);
}

static void no_new_privileges_is_set_when_asked(void **state)
{
    struct fixture *f = fixture_shell(state, "grep -E 'NoNewPrivs|Seccomp:' "
                                             "/proc/self/status");

    f->spec.no_new_privileges = 1;
    f->spec.user = "app";
    assert_string_equal(fixture_output(f), "NoNewPrivs:\t1\nSeccomp:\t2\n");
}

static void insecure_lifts_what_the_sandbox_forbids(void **state)
{
    struct fixture *f = fixture_shell(
        state,
        "grep Seccomp: /proc/self/status; mkdir -p /m; mount -t tmpfs x /m && echo "
        "mounted; grep -c ' /proc/' /proc/self/mounts; rmdir /m 2>/dev/null");

    f->spec.security = CB_SECURITY_INSECURE;
    assert_string_equal(fixture_output(f), "Seccomp:\t0\nmounted\n0\n");
}

static void descriptors_are_the_three_standard_ones(void **state)
{
    expect_output(state, "ls /proc/1/fd; true", "0\n1\n2\n");
}

static void devices_are_the_six(void **state)
{
    expect_output(state,
                  "cd /dev; rm -f core; ls; echo >null; head -c 3 zero | wc -c; "
                  "stat -c '%t:%T %a' null zero full random urandom tty",
                  "fd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\n"
                  "stdout\ntty\nurandom\nzero\n3\n"
                  "1:3 666\n1:5 666\n1:7 666\n1:8 666\n1:9 666\n5:0 666\n");
}

static void made_device_cannot_be_opened(void **state)
{
    expect_output(state,
                  "for at in /tmp/mem /dev/mem; do mknod $at c 1 1 && echo made; "
                  "head -c 1 $at 2>/dev/null || echo refused; rm $at; done",
                  "made\nrefused\nmade\nrefused\n");
}

static void devices_of_the_image_are_not_used(void **state)
{
    struct fixture *f = fixture_shell(state, "echo harm >/dev/null; cat /target");

    mkdirat(f->root_fd, "dev", 0755);
    put_file(f->root_fd, "target", "intact\n");
    assert_int_equal(symlinkat("/target", f->root_fd, "dev/null"), 0);
    assert_string_equal(fixture_output(f), "intact\n");
    unlinkat(f->root_fd, "dev/null", 0);
}

static void kernel_settings_are_out_of_reach(void **state)
{
    struct fixture *f = fixture_shell(
        state, "for f in /proc/sys/kernel/core_pattern /proc/sysrq-trigger "
               "/sys/kernel/uevent_helper /proc/sys/vm/drop_caches /proc/irq/x; do "
               "echo x 2>/dev/null >$f && echo WROTE $f; done; "
               "for f in kcore keys timer_list interrupts; do cat /proc/$f 2>/dev/null; "
               "done; ls /sys/firmware; ls /proc/acpi 2>/dev/null; echo end");

    assert_string_equal(fixture_output(f), "end\n");
}

static void standard_streams_can_be_opened_again(void **state)
{
    struct fixture *f = fixture_shell(state, "echo a >/dev/stdout; echo b >/dev/stderr");

    f->spec.user = "app";
    assert_string_equal(fixture_output(f), "a\nb\n");
}

/* ── Network ── */

static void own_network_has_only_loopback(void **state)
{
    expect_output(state,
                  "ip -o link | wc -l; ip -o addr | grep -c 127.0.0.1; "
                  "grep -vc Num /proc/net/unix; ls /sys/class/net | grep -c .",
                  "1\n1\n0\n1\n");
}

static void host_network_is_the_hosts(void **state)
{
    struct fixture *f = fixture_shell(state, "stat -L -c %i /proc/self/ns/net");
    cb_autofree char *expected = NULL;
    struct stat ours;

    stat("/proc/self/ns/net", &ours);
    expected = xasprintf("%lu\n", (unsigned long)ours.st_ino);
    f->spec.host_network = 1;
    assert_string_equal(fixture_output(f), expected);
}

static void given_network_is_joined(void **state)
{
    struct fixture *f = fixture_shell(state, "stat -L -c %i /proc/self/ns/net");
    cb_autofree char *expected = NULL;
    struct stat ours;

    f->spec.netns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    fstat(f->spec.netns_fd, &ours);
    expected = xasprintf("%lu\n", (unsigned long)ours.st_ino);
    assert_string_equal(fixture_output(f), expected);
    close(f->spec.netns_fd);
}

/* ── Limits ── */

static void limits_are_set(void **state)
{
    struct fixture *f =
        fixture_shell(state, "ulimit -c; ulimit -n; ulimit -Hn; ulimit -s");
    const struct cb_rlimit limits[] = {{7, 100, 200}, {3, 4 << 20, 4 << 20}};

    f->spec.rlimits = limits;
    f->spec.rlimit_count = CB_ARRAY_SIZE(limits);
    assert_string_equal(fixture_output(f), "0\n100\n200\n4096\n");
}

static int has_controller(const char *name)
{
    cb_autofree char *path = xasprintf("/sys/fs/cgroup/%s", name);
    cb_auto_value(cb_strbuf) unified = {0};

    if (access(path, F_OK) == 0)
        return 1;
    return cb_fs_read_file(AT_FDCWD, "/sys/fs/cgroup/cgroup.controllers", 4096, &unified,
                           NULL) == 0 &&
           strstr(unified.text, name);
}

static void fork_bomb_ends_at_the_limit(void **state)
{
    struct fixture *f = fixture_shell(
        state, "i=0; while [ $i -lt 60 ]; do sleep 1000 2>/dev/null & i=$((i+1)); done; "
               "echo unlimited");

    if (!has_controller("pids"))
        skip();
    f->spec.limits.pids_max = 20;
    fixture_output(f);
    assert_null(strstr(f->output.text, "unlimited"));
    assert_int_not_equal(f->exit.code, 0);
}

static void memory_limit_kills_the_step_only(void **state)
{
    struct fixture *f = fixture_shell(state, "tail /dev/zero");

    if (!has_controller("memory"))
        skip();
    f->spec.limits.memory_bytes = 32 << 20;
    fixture_output(f);
    assert_int_equal(f->exit.code, 137);
    assert_int_equal(f->exit.oom_killed, 1);
    assert_true(f->exit.peak_memory_bytes > 16 << 20);
    assert_true(f->exit.peak_memory_bytes <= 32 << 20);
    f = fixture_shell(state, "echo next");
    assert_string_equal(fixture_output(f), "next\n");
    assert_int_equal(f->exit.oom_killed, 0);
}

static void cpu_limit_is_accepted(void **state)
{
    struct fixture *f = fixture_shell(state, "echo ran");

    if (!has_controller("cpu"))
        skip();
    f->spec.limits.cpu_quota_us = 50000;
    assert_string_equal(fixture_output(f), "ran\n");
}

static void cgroup_of_the_step_is_removed(void **state)
{
    struct fixture *f = fixture_shell(state, "cat /proc/self/cgroup");
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int dir = -1;

    f->spec.cgroup_name = "test-leaf";
    /* The leaf is the root of what the step sees. */
    assert_null(strstr(fixture_output(f), "cbuild"));
    dir = open(access("/sys/fs/cgroup/cgroup.procs", F_OK) == 0
                   ? "/sys/fs/cgroup/cbuild"
                   : "/sys/fs/cgroup/pids/cbuild",
               O_RDONLY | O_DIRECTORY);
    if (dir >= 0) /* else nobody else has something in it */
        assert_int_equal(cb_fs_list(dir, &names, NULL), 0);
    for (size_t i = 0; i < names.count; i++)
        assert_null(strstr(names.items[i], "test-leaf"));
}

static void cgroup_name_cannot_lead_out(void **state)
{
    struct fixture *f = fixture_shell(state, "true");

    f->spec.cgroup_name = "../../x";
    assert_int_equal(fixture_run(f, NULL), -1);
}

static void cpu_time_is_reported(void **state)
{
    struct fixture *f =
        fixture_shell(state, "dd if=/dev/zero of=/dev/null bs=64k count=2000 "
                             "2>/dev/null");

    fixture_output(f);
    assert_true(f->exit.cpu_ns > 0);
}

/* ── Terminal ── */

/* Reads the terminal until MARK has come, or to the end when it is NULL. */
static void read_terminal(int fd, const char *mark, struct cb_strbuf *out)
{
    char buffer[512];
    ssize_t got;

    while ((!mark || !strstr(cb_strbuf_text(out), mark)) &&
           (got = read(fd, buffer, sizeof(buffer))) > 0)
        cb_strbuf_add(out, buffer, got);
}

static void terminal_is_a_pty_of_the_sandbox(void **state)
{
    struct fixture *f = fixture_shell(
        state, "stty size; tty; test -c /dev/console && echo console; "
               "stat -c %U /dev/pts/0; read line; echo got $line; echo to-tty >/dev/tty");
    cb_auto(cb_process) process = NULL;
    cb_auto_value(cb_strbuf) out = {0};
    cb_auto(cb_error) error = NULL;

    f->spec.tty = 1;
    f->spec.rows = 33;
    f->spec.columns = 77;
    f->spec.user = "app";
    if (cb_process_start(f->launcher, &f->spec, &process, &error) < 0)
        fail_msg("%s", cb_error_message(error));
    assert_true(cb_process_tty_fd(process) >= 0);
    read_terminal(cb_process_tty_fd(process), "app\r\n", &out);
    assert_int_equal(write(cb_process_tty_fd(process), "hello\n", 6), 6);
    read_terminal(cb_process_tty_fd(process), NULL, &out);
    assert_int_equal(cb_process_wait(process, NULL, &f->exit, NULL), 0);
    assert_non_null(strstr(out.text, "33 77\r\n/dev/pts/0\r\nconsole\r\napp\r\n"));
    assert_non_null(strstr(out.text, "got hello\r\nto-tty\r\n"));
}

static void terminal_is_resized_and_interrupts(void **state)
{
    struct fixture *f = fixture_shell(state, "trap 'stty size; exit 5' WINCH; echo on; "
                                             "while :; do usleep 20000; done");
    cb_auto(cb_process) process = NULL;
    char buffer[16];

    f->spec.tty = 1;
    f->spec.init = 1;
    assert_int_equal(cb_process_start(f->launcher, &f->spec, &process, NULL), 0);
    assert_true(read(cb_process_tty_fd(process), buffer, sizeof(buffer)) > 0);
    assert_int_equal(cb_process_resize(process, 10, 20, NULL), 0);
    assert_int_equal(cb_process_wait(process, NULL, &f->exit, NULL), 0);
    assert_int_equal(f->exit.code, 5);
}

/* ── Init ── */

static void init_reaps_and_passes_signals_on(void **state)
{
    struct fixture *f = fixture_shell(
        state, "trap 'exit 9' TERM; echo $$; while :; do usleep 10000; done");
    cb_auto(cb_process) process = NULL;
    int fds[2];
    char c;

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    f->spec.init = 1;
    f->spec.stdout_fd = fds[1];
    assert_int_equal(cb_process_start(f->launcher, &f->spec, &process, NULL), 0);
    close(fds[1]);
    assert_int_equal(read(fds[0], &c, 1), 1);
    assert_int_equal(c, '2'); /* pid 1 is ours */
    assert_int_equal(cb_process_signal(process, SIGTERM, NULL), 0);
    assert_int_equal(cb_process_wait(process, NULL, &f->exit, NULL), 0);
    assert_int_equal(f->exit.code, 9);
    close(fds[0]);
}

static void init_reports_a_missing_command(void **state)
{
    struct fixture *f = fixture_shell(state, "");
    cb_auto(cb_error) error = NULL;

    f->spec.init = 1;
    fixture_command(f, "/nope");
    assert_int_equal(fixture_run(f, &error), -1);
    assert_int_equal(cb_error_errnum(error), ENOENT);
}

static void init_is_closed_to_the_step(void **state)
{
    struct fixture *f =
        fixture_shell(state, "cat /proc/1/maps /proc/1/environ 2>/dev/null "
                             "| wc -c; ls -l /proc/1/exe /proc/1/fd "
                             "2>/dev/null | grep -c '>'");

    f->spec.init = 1;
    assert_string_equal(fixture_output(f), "0\n0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(capabilities_are_dockers),
        cmocka_unit_test(capabilities_are_added_and_dropped),
        cmocka_unit_test(no_new_privileges_is_set_when_asked),
        cmocka_unit_test(insecure_lifts_what_the_sandbox_forbids),
        cmocka_unit_test(descriptors_are_the_three_standard_ones),
        cmocka_unit_test(devices_are_the_six),
        cmocka_unit_test(made_device_cannot_be_opened),
        cmocka_unit_test(devices_of_the_image_are_not_used),
        cmocka_unit_test(kernel_settings_are_out_of_reach),
        cmocka_unit_test(standard_streams_can_be_opened_again),
        cmocka_unit_test(own_network_has_only_loopback),
        cmocka_unit_test(host_network_is_the_hosts),
        cmocka_unit_test(given_network_is_joined),
        cmocka_unit_test(limits_are_set),
        cmocka_unit_test(fork_bomb_ends_at_the_limit),
        cmocka_unit_test(memory_limit_kills_the_step_only),
        cmocka_unit_test(cpu_limit_is_accepted),
        cmocka_unit_test(cgroup_of_the_step_is_removed),
        cmocka_unit_test(cgroup_name_cannot_lead_out),
        cmocka_unit_test(cpu_time_is_reported),
        cmocka_unit_test(terminal_is_a_pty_of_the_sandbox),
        cmocka_unit_test(terminal_is_resized_and_interrupts),
        cmocka_unit_test(init_reaps_and_passes_signals_on),
        cmocka_unit_test(init_reports_a_missing_command),
        cmocka_unit_test(init_is_closed_to_the_step),
    };

    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
