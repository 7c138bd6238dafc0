/* Limits: options as values, and values as the files of a control group in both versions.
 * A directory of empty files stands for the group. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "executor/cgroup-priv.h"
#include "executor/security.h"

#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

/* ── Options ── */

static void expect_error(struct cb_limit_options options, enum cb_error_kind kind,
                         const char *text)
{
    cb_auto(cb_error) error = NULL;
    struct cb_limits limits = {0};

    assert_int_equal(cb_limits_parse(&limits, &options, &error), -1);
    assert_int_equal(cb_error_kind(error), kind);
    assert_non_null(strstr(cb_error_message(error), text));
}

/* By docker's command line; or by its daemon, whose exit status is another one. */
static void expect_malformed(struct cb_limit_options options, const char *text)
{
    expect_error(options, CB_ERR_FLAG, text);
}

static void expect_refused(struct cb_limit_options options, const char *text)
{
    expect_error(options, CB_ERR_USAGE, text);
}

static void sizes_and_numbers_are_values(void **state)
{
    const struct cb_limit_options options = {.memory = "64m",
                                             .memory_swap = "-1",
                                             .memory_reservation = "32m",
                                             .memory_swappiness = "0",
                                             .cpu_shares = "7",
                                             .cpu_quota = "-1",
                                             .pids_limit = "-1",
                                             .blkio_weight = "10",
                                             .cpuset_cpus = "0"};
    struct cb_limits limits = {0};

    assert_int_equal(cb_limits_parse(&limits, &options, NULL), 0);
    assert_int_equal(limits.memory_bytes, 64 << 20);
    assert_int_equal(limits.memory_swap_bytes, -1);
    assert_int_equal(limits.memory_reservation_bytes, 32 << 20);
    assert_true(limits.has_swappiness);
    assert_int_equal(limits.swappiness, 0);
    assert_int_equal(limits.cpu_shares, 7);
    assert_int_equal(limits.cpu_quota_us, 0);
    assert_int_equal(limits.pids_max, -1);
    assert_int_equal(limits.blkio_weight, 10);
    assert_string_equal(limits.cpuset_cpus, "0");
}

static void fractions_of_a_processor_are_a_quota(void **state)
{
    const struct cb_limit_options options = {.cpus = ".25"};
    struct cb_limits limits = {0};

    assert_int_equal(cb_limits_parse(&limits, &options, NULL), 0);
    assert_int_equal(limits.cpu_period_us, 100000);
    assert_int_equal(limits.cpu_quota_us, 25000);
}

static void malformed_values_name_their_option(void **state)
{
    expect_malformed((struct cb_limit_options){.cpus = "0x1"}, "--cpus");
    expect_malformed((struct cb_limit_options){.cpus = "nan"}, "--cpus");
    expect_malformed((struct cb_limit_options){.cpus = "-1"}, "--cpus");
    expect_malformed((struct cb_limit_options){.cpus = "1e3"}, "--cpus");
    expect_malformed((struct cb_limit_options){.cpu_shares = "-1"}, "--cpu-shares");
    expect_malformed((struct cb_limit_options){.cpu_shares = " 1"}, "--cpu-shares");
    expect_malformed((struct cb_limit_options){.pids_limit = "99999999999999999999"},
                     "--pids-limit");
    expect_malformed((struct cb_limit_options){.memory = "-5m"}, "--memory");
    expect_malformed((struct cb_limit_options){.memory_swappiness = "-2"}, "swappiness");
    expect_refused((struct cb_limit_options){.cgroup_parent = "../x"}, "cgroup-parent");
    expect_refused((struct cb_limit_options){.memory = "1k"}, "6MB");
}

static void lists_of_processors(void **state)
{
    static const char *const bad[] = {"",      ",",   "0,",    "1-",  "-1",
                                      "a",     "2-1", "0,,1",  "0 1", "0-99999",
                                      "1-2-3", "0x1", "0-1;2", "0.5", "0,-"};

    assert_true(cb_cpuset_is_valid("0"));
    assert_true(cb_cpuset_is_valid("0-3,7,9-9"));
    for (size_t i = 0; i < CB_ARRAY_SIZE(bad); i++)
        assert_false(cb_cpuset_is_valid(bad[i]));
    assert_true(cb_cpuset_covers("0-3,8", "1-2,8"));
    assert_false(cb_cpuset_covers("0-3,8", "3-4"));
    assert_false(cb_cpuset_covers("", "0"));
}

static void resource_limits_by_name(void **state)
{
    struct cb_rlimit limit = {0};

    assert_int_equal(cb_rlimit_parse(&limit, "nproc=5:6", NULL), 0);
    assert_int_equal(limit.resource, RLIMIT_NPROC);
    assert_int_equal(limit.soft, 5);
    assert_int_equal(limit.hard, 6);
    assert_int_equal(cb_rlimit_parse(&limit, "nproc", NULL), -1);
    assert_int_equal(cb_rlimit_parse(&limit, "nope=1", NULL), -1);
    assert_int_equal(cb_rlimit_parse(&limit, "nproc=2:1", NULL), -1);
    assert_int_equal(cb_rlimit_parse(&limit, "nproc=1:2:3", NULL), -1);
}

static void names_of_devices_and_paths_are_told_apart(void **state)
{
    assert_true(cb_device_is_cdi("vendor.example/class=one"));
    assert_false(cb_device_is_cdi("/dev/a=b"));
    assert_false(cb_device_is_cdi("/dev/null:/dev/a=b/c"));
    assert_false(cb_device_is_cdi("vendor/=one"));
    assert_false(cb_device_is_cdi("vendor/class="));
}

static void rights_of_a_device(void **state)
{
    cb_auto_value(cb_device_nodes) nodes = {0};
    struct cb_limits limits = {0};

    assert_int_equal(cb_device_parse(&nodes, "/dev/null", NULL), 0);
    assert_int_equal(cb_device_parse(&nodes, "/dev/null:rw", NULL), 0);
    assert_int_equal(cb_device_parse(&nodes, "/dev/zero:/dev/z:r", NULL), 0);
    assert_int_equal(cb_device_limit(&limits, &nodes, NULL), 0);
    assert_string_equal(nodes.items[1].path, "/dev/null");
    assert_string_equal(nodes.items[1].rule.refused, "m");
    assert_string_equal(nodes.items[2].path, "/dev/z");
    assert_string_equal(nodes.items[2].rule.refused, "wm");
    /* As for docker: what every container has it has whole. */
    assert_int_equal(limits.device_count, 0);
    nodes.items[2].rule.minor = 200;
    assert_int_equal(cb_device_limit(&limits, &nodes, NULL), 0);
    assert_int_equal(limits.device_count, 1);
    assert_string_equal(limits.devices[0].refused, "wm");
    assert_int_equal(cb_device_parse(&nodes, "/dev/null:rr", NULL), -1);
    assert_int_equal(cb_device_parse(&nodes, "/dev/null:/a:rwmr", NULL), -1);
}

/* ── Files ── */

struct group {
    char dir[64];
    int fd;
    struct cb_cgroups cgroups;
    struct cb_cgroup leaf;
};

static void make_group(struct group *group, int unified, const char *const *files)
{
    *group = (struct group){.cgroups = {.unified = unified}};
    strcpy(group->dir, "/tmp/cbuild-limits.XXXXXX");
    assert_non_null(mkdtemp(group->dir));
    group->fd = open(group->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (; *files; files++)
        close(openat(group->fd, *files, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    for (int i = 0; i < CB_CONTROLLERS; i++) {
        group->cgroups.base_fd[i] = group->fd;
        group->leaf.dir_fd[i] = unified && i ? -1 : group->fd;
    }
}

static void expect_file(struct group *group, const char *file, const char *value)
{
    cb_auto_value(cb_strbuf) text = {0};

    assert_int_equal(cb_fs_read_file(group->fd, file, 4096, &text, NULL), 0);
    assert_string_equal(cb_strbuf_text(&text), value);
}

static void remove_group(struct group *group)
{
    cb_close(&group->fd);
    cb_fs_remove_tree(AT_FDCWD, group->dir, NULL);
}

static const struct cb_limits all = {
    .memory_bytes = 64 << 20,
    .memory_reservation_bytes = 32 << 20,
    .cpu_shares = 1024,
    .cpu_period_us = 100000,
    .cpu_quota_us = 150000,
    .blkio_weight = 500,
    .io = {{CB_IO_READ_BPS, 8, 16, 1000}, {CB_IO_WRITE_IOPS, 8, 16, 20}},
    .io_count = 2,
    .cpuset_cpus = "0-1",
};

static void version_2_has_its_own_names_and_scales(void **state)
{
    static const char *const files[] = {
        "pids.max",         "memory.max",  "memory.low", "memory.swap.max",
        "memory.oom.group", "cpu.weight",  "cpu.max",    "io.weight",
        "io.max",           "cpuset.cpus", NULL};
    struct cb_limits limits = all;
    struct group group;

    make_group(&group, 1, files);
    group.cgroups.base_fd[CB_CG_DEVICES] = -1;
    limits.io[0] = limits.io[1];
    limits.io_count = 1;
    assert_int_equal(cb_cgroup_set_limits(&group.cgroups, &group.leaf, &limits, NULL), 0);
    expect_file(&group, "pids.max", "4096");
    expect_file(&group, "memory.max", "67108864");
    expect_file(&group, "memory.low", "33554432");
    expect_file(&group, "memory.swap.max", "67108864"); /* twice the memory in all */
    expect_file(&group, "memory.oom.group", "1");
    expect_file(&group, "cpu.weight", "39");
    expect_file(&group, "cpu.max", "150000 100000");
    expect_file(&group, "io.weight", "4950");
    expect_file(&group, "io.max", "8:16 wiops=20");
    expect_file(&group, "cpuset.cpus", "0-1");
    remove_group(&group);
}

static void version_1_has_memory_and_swap_together(void **state)
{
    static const char *const files[] = {"pids.max",
                                        "memory.limit_in_bytes",
                                        "memory.soft_limit_in_bytes",
                                        "memory.memsw.limit_in_bytes",
                                        "cpu.shares",
                                        "cpu.cfs_period_us",
                                        "cpu.cfs_quota_us",
                                        "blkio.weight",
                                        "blkio.throttle.read_bps_device",
                                        "blkio.throttle.write_iops_device",
                                        NULL};
    struct cb_limits limits = all;
    struct group group;

    *limits.cpuset_cpus = '\0';
    make_group(&group, 0, files);
    assert_int_equal(cb_cgroup_set_limits(&group.cgroups, &group.leaf, &limits, NULL), 0);
    expect_file(&group, "memory.limit_in_bytes", "67108864");
    expect_file(&group, "memory.memsw.limit_in_bytes", "134217728");
    expect_file(&group, "cpu.shares", "1024");
    expect_file(&group, "cpu.cfs_quota_us", "150000");
    expect_file(&group, "blkio.weight", "500");
    expect_file(&group, "blkio.throttle.read_bps_device", "8:16 1000");
    expect_file(&group, "blkio.throttle.write_iops_device", "8:16 20");
    remove_group(&group);
}

static void no_limit_of_processes_or_swap_is_said_in_words(void **state)
{
    static const char *const files[] = {"pids.max", "memory.max", "memory.swap.max",
                                        NULL};
    const struct cb_limits limits = {
        .memory_bytes = 8 << 20, .memory_swap_bytes = -1, .pids_max = -1};
    struct group group;

    make_group(&group, 1, files);
    assert_int_equal(cb_cgroup_set_limits(&group.cgroups, &group.leaf, &limits, NULL), 0);
    expect_file(&group, "pids.max", "max");
    expect_file(&group, "memory.swap.max", "max");
    remove_group(&group);
}

static void a_kernel_without_swap_accounting_limits_memory_all_the_same(void **state)
{
    static const char *const files[] = {"pids.max", "memory.limit_in_bytes", NULL};
    const struct cb_limits limits = {.memory_bytes = 8 << 20};
    struct group group;

    make_group(&group, 0, files);
    assert_int_equal(cb_cgroup_set_limits(&group.cgroups, &group.leaf, &limits, NULL), 0);
    expect_file(&group, "memory.limit_in_bytes", "8388608");
    remove_group(&group);
}

static void a_limit_without_its_controller_is_an_error(void **state)
{
    struct cb_cgroups none = {.warned = CB_WARNED_PIDS};
    const struct cb_limits limits = {.memory_bytes = 8 << 20};
    cb_auto(cb_error) error = NULL;
    struct cb_cgroup leaf;

    for (int i = 0; i < CB_CONTROLLERS; i++)
        none.base_fd[i] = none.root_fd[i] = -1;
    assert_int_equal(cb_cgroup_create(&none, "x", &limits, &leaf, &error), -1);
    assert_string_equal(cb_error_message(error), "cannot limit memory");
}

/* Without root other limits are left out with a warning. */
static void rules_of_devices_are_never_left_out(void **state)
{
    struct cb_cgroups none = {.warned = CB_WARNED_PIDS, .of_user = 1};
    const struct cb_limits limits = {.only_granted = 1};
    cb_auto(cb_error) error = NULL;
    struct cb_cgroup leaf;

    for (int i = 0; i < CB_CONTROLLERS; i++)
        none.base_fd[i] = none.root_fd[i] = -1;
    assert_int_equal(cb_cgroup_create(&none, "x", &limits, &leaf, &error), -1);
    assert_string_equal(cb_error_message(error),
                        "--device-cgroup-rule: cannot limit devices");
}

/* ── Devices by rule ── */

static void rules_are_grants_beside_the_usual_devices(void **state)
{
    cb_auto_value(cb_strings) rules = {0};
    const struct cb_device_nodes nodes = {0};
    const struct cb_cdi_edits cdi = {0};
    struct cb_limits limits = {0};
    const struct cb_device_grant *last;

    assert_int_equal(cb_device_rules_parse(&limits, &rules, &nodes, &cdi, NULL), 0);
    assert_false(limits.only_granted);
    cb_strings_add(&rules, "b 7:1 rr");
    cb_strings_add(&rules, "b 7:1 w");
    assert_int_equal(cb_device_rules_parse(&limits, &rules, &nodes, &cdi, NULL), 0);
    assert_true(limits.only_granted);
    last = &limits.grants[limits.grant_count - 1];
    assert_int_equal(last->type, 'b');
    assert_int_equal(last->major, 7);
    assert_int_equal(last->minor, 1);
    assert_string_equal(last->access, "rw");
    assert_int_equal(cb_device_rules_parse(NULL, &rules, &nodes, &cdi, NULL), 0);
}

/* Opens a node of it, and tells with what errno that failed. */
static int try(const char *path, int type, unsigned minor, int flags)
{
    cb_autofd int fd = -1;

    unlink(path);
    if (mknod(path, (mode_t)type | 0600, makedev(1, minor)) < 0)
        return errno;
    fd = open(path, flags | O_CLOEXEC);
    return fd < 0 ? errno : 0;
}

/* In the group LEAF of version 2, where c 1:3 may be read and written and c 1:5 read. */
static int look(const char *leaf, const char *node)
{
    cb_autofree char *procs = xasprintf("%s/cgroup.procs", leaf);
    cb_autofd int fd = open(procs, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, "0", 1) != 1)
        return 1;
    if (try(node, S_IFCHR, 3, O_RDWR) != 0 || try(node, S_IFCHR, 5, O_RDONLY) != 0)
        return 2;
    if (try(node, S_IFCHR, 5, O_RDWR) != EPERM ||
        try(node, S_IFCHR, 7, O_RDONLY) != EPERM)
        return 3;
    return try(node, S_IFBLK, 3, O_RDONLY) == EPERM ? 0 : 4;
}

static int in_own_mounts(const char *top)
{
    const struct cb_limits limits = {.only_granted = 1,
                                     .grants = {{'c', -1, -1, "m"},
                                                {'b', -1, -1, "m"},
                                                {'c', 1, 3, "rwm"},
                                                {'c', -1, 5, "r"}},
                                     .grant_count = 4};
    cb_autofree char *leaf = xasprintf("%s/cbuild-test-%d", top, getpid());
    cb_autofd int dir = -1;
    int status = -1;
    pid_t child;

    if (unshare(CLONE_NEWNS) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("cgroup2", top, "cgroup2", 0, NULL) < 0 ||
        mount("tmpfs", "/mnt", "tmpfs", 0, NULL) < 0 || mkdir(leaf, 0755) < 0)
        return 10;
    dir = open(leaf, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (cb_cgroup_limit_devices(dir, &limits) == 0) {
        child = fork();
        if (child == 0)
            _exit(look(leaf, "/mnt/node"));
        waitpid(child, &status, 0);
    }
    rmdir(leaf);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 11;
}

static void in_version_2_a_program_refuses_what_is_not_granted(void **state)
{
    char top[] = "/tmp/cbuild-cgroup2.XXXXXX";
    int status = -1;
    pid_t child;

    assert_non_null(mkdtemp(top));
    child = fork();
    if (child == 0)
        _exit(in_own_mounts(top));
    waitpid(child, &status, 0);
    rmdir(top);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_and_numbers_are_values),
        cmocka_unit_test(fractions_of_a_processor_are_a_quota),
        cmocka_unit_test(malformed_values_name_their_option),
        cmocka_unit_test(lists_of_processors),
        cmocka_unit_test(resource_limits_by_name),
        cmocka_unit_test(names_of_devices_and_paths_are_told_apart),
        cmocka_unit_test(rights_of_a_device),
        cmocka_unit_test(version_2_has_its_own_names_and_scales),
        cmocka_unit_test(version_1_has_memory_and_swap_together),
        cmocka_unit_test(no_limit_of_processes_or_swap_is_said_in_words),
        cmocka_unit_test(a_kernel_without_swap_accounting_limits_memory_all_the_same),
        cmocka_unit_test(a_limit_without_its_controller_is_an_error),
        cmocka_unit_test(rules_of_devices_are_never_left_out),
        cmocka_unit_test(rules_are_grants_beside_the_usual_devices),
        cmocka_unit_test(in_version_2_a_program_refuses_what_is_not_granted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
