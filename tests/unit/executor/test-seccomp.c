/* The compiled filter, run by an interpreter of the few instructions it is made of: no
 * privilege needed, and every architecture's table can be asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "executor/executor.h"
#include "executor/seccomp-priv.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static uint32_t load(const struct seccomp_data *data, uint32_t offset)
{
    uint32_t value;

    memcpy(&value, (const char *)data + offset, sizeof(value));
    return value;
}

/* Jumps forward only, as the kernel demands; anything unknown fails the test. */
static uint32_t run(const struct sock_fprog *prog, const struct seccomp_data *data)
{
    uint32_t a = 0;

    for (size_t pc = 0; pc < prog->len; pc++) {
        const struct sock_filter *insn = &prog->filter[pc];

        switch (insn->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            a = load(data, insn->k);
            break;
        case BPF_JMP | BPF_JA:
            pc += insn->k;
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            pc += a == insn->k ? insn->jt : insn->jf;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            pc += a >= insn->k ? insn->jt : insn->jf;
            break;
        case BPF_JMP | BPF_JGT | BPF_K:
            pc += a > insn->k ? insn->jt : insn->jf;
            break;
        case BPF_JMP | BPF_JSET | BPF_K:
            pc += a & insn->k ? insn->jt : insn->jf;
            break;
        case BPF_RET | BPF_K:
            return insn->k;
        default:
            fail_msg("instruction %#x", insn->code);
        }
    }
    fail_msg("ran off the end");
    return 0;
}

/* 0: allowed, else the errno; -1: killed. */
static int verdict(const struct sock_fprog *prog, uint32_t arch, int number, uint64_t arg)
{
    struct seccomp_data data = {.nr = number, .arch = arch, .args = {arg}};
    uint32_t action = run(prog, &data);

    if (action == SECCOMP_RET_ALLOW)
        return 0;
    if ((action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO)
        return action & SECCOMP_RET_DATA;
    return -1;
}

static const struct {
    const char *name;
    uint64_t arg;
    int expected;
} rows[] = {
    {"read", 0, 0},
    {"execve", 0, 0},
    {"openat2", 0, 0},
    {"ptrace", 0, 0},
    {"chroot", 0, 0},
    {"mount", 0, EPERM},
    {"umount2", 0, EPERM},
    {"unshare", 0, EPERM},
    {"setns", 0, EPERM},
    {"bpf", 0, EPERM},
    {"keyctl", 0, EPERM},
    {"add_key", 0, EPERM},
    {"request_key", 0, EPERM},
    {"io_uring_setup", 0, EPERM},
    {"userfaultfd", 0, EPERM},
    {"perf_event_open", 0, EPERM},
    {"kexec_load", 0, EPERM},
    {"init_module", 0, EPERM},
    {"reboot", 0, EPERM},
    {"swapon", 0, EPERM},
    {"open_tree", 0, EPERM},
    {"move_mount", 0, EPERM},
    {"clone3", 0, ENOSYS},
    {"clone", SIGCHLD, 0},
    {"clone", 0x10000000 /* CLONE_NEWUSER */, EPERM},
    {"clone", 0x20000000 /* CLONE_NEWPID */, EPERM},
    {"socket", AF_INET, 0},
    {"socket", AF_UNIX, 0},
    {"socket", AF_NETLINK, 0},
    {"socket", 38 /* AF_ALG */, EPERM},
    {"socket", 0x100000000ULL + 38, EPERM},
    {"socket", 39, 0},
    {"socket", 40 /* AF_VSOCK */, EPERM},
    {"socket", 41, 0},
    {"personality", 0, 0},
    {"personality", 8, 0},
    {"personality", 0x20008, 0},
    {"personality", 0xffffffff, 0},
    {"personality", 0x40000 /* ADDR_NO_RANDOMIZE */, EPERM},
};

static void compile(struct sock_fprog *prog, uint64_t caps)
{
    assert_int_equal(cb_seccomp_compile_for(caps, 1, prog, NULL), 0);
}

static void expect_rows(uint32_t scmp, uint32_t audit)
{
    struct sock_fprog prog;

    compile(&prog, CB_CAPS_DEFAULT);
    for (size_t i = 0; i < CB_ARRAY_SIZE(rows); i++) {
        int number = seccomp_syscall_resolve_name_arch(scmp, rows[i].name);
        int got;

        if (number < 0)
            continue;
        got = verdict(&prog, audit, number, rows[i].arg);
        if (got != rows[i].expected)
            fail_msg("%s(%#llx) is %d, not %d", rows[i].name,
                     (unsigned long long)rows[i].arg, got, rows[i].expected);
    }
    free(prog.filter);
}

static void profile_decides_natively(void **state)
{
#if defined(__x86_64__)
    expect_rows(SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64);
#else
    expect_rows(SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64);
#endif
}

static void other_tables_of_the_machine_are_no_way_around(void **state)
{
#if defined(__x86_64__)
    expect_rows(SCMP_ARCH_X86, AUDIT_ARCH_I386);
    expect_rows(SCMP_ARCH_X32, AUDIT_ARCH_X86_64);
#else
    expect_rows(SCMP_ARCH_ARM, AUDIT_ARCH_ARM);
#endif
}

/* What the kernel itself says to them. */
static void calls_of_x32_do_not_exist_without_it(void **state)
{
#if defined(__x86_64__)
    struct sock_fprog prog, whole;

    compile(&whole, CB_CAPS_DEFAULT);
    assert_int_equal(cb_seccomp_compile_for(CB_CAPS_DEFAULT, 0, &prog, NULL), 0);
    for (uint32_t number = 0x40000000; number < 0x40000400; number++)
        assert_int_equal(verdict(&prog, AUDIT_ARCH_X86_64, (int)number, 0), ENOSYS);
    for (int number = 0; number < 1000; number++) {
        assert_int_equal(verdict(&prog, AUDIT_ARCH_X86_64, number, 0),
                         verdict(&whole, AUDIT_ARCH_X86_64, number, 0));
        assert_int_equal(verdict(&prog, AUDIT_ARCH_I386, number, 0),
                         verdict(&whole, AUDIT_ARCH_I386, number, 0));
    }
    assert_true(prog.len < whole.len - 100);
    free(prog.filter);
    free(whole.filter);
#endif
}

static void unknown_architecture_is_killed(void **state)
{
    struct sock_fprog prog;

    compile(&prog, CB_CAPS_DEFAULT);
    assert_int_equal(verdict(&prog, AUDIT_ARCH_PPC64, 0, 0), -1);
    free(prog.filter);
}

static void calls_of_the_future_do_not_exist(void **state)
{
    struct sock_fprog prog;

    compile(&prog, CB_CAPS_DEFAULT);
    assert_int_equal(verdict(&prog, AUDIT_ARCH_X86_64, 900, 0), ENOSYS);
    assert_int_equal(verdict(&prog, AUDIT_ARCH_X86_64, 451 /* cachestat */, 0), 0);
    assert_int_equal(verdict(&prog, AUDIT_ARCH_X86_64, 452 /* fchmodat2 */, 0), 0);
    free(prog.filter);
}

static void capability_opens_its_calls(void **state)
{
    struct sock_fprog prog;
    int mount = seccomp_syscall_resolve_name("mount");
    int clone3 = seccomp_syscall_resolve_name("clone3");
    int clone = seccomp_syscall_resolve_name("clone");

    compile(&prog, CB_CAPS_DEFAULT | 1ULL << CAP_SYS_ADMIN);
    assert_int_equal(verdict(&prog, AUDIT_ARCH_X86_64, mount, 0), 0);
    assert_int_equal(verdict(&prog, AUDIT_ARCH_X86_64, clone3, 0), 0);
    assert_int_equal(verdict(&prog, AUDIT_ARCH_X86_64, clone, 0x10000000), 0);
    free(prog.filter);
    compile(&prog, CB_CAPS_DEFAULT & ~(1ULL << CAP_SYS_CHROOT));
    assert_int_equal(
        verdict(&prog, AUDIT_ARCH_X86_64, seccomp_syscall_resolve_name("chroot"), 0),
        EPERM);
    free(prog.filter);
}

/* 0 to 1023; what a library says of others is no number of a call. */
static int number_by_library(uint32_t token, const char *name)
{
    int number = seccomp_syscall_resolve_name_arch(token, name);

    if (number >= 0 && token == SCMP_ARCH_X32)
        number &= ~0x40000000;
    return number >= 0 && number < 1024 ? number : -1;
}

static void expect_numbers(const char *name)
{
    static const uint32_t tokens[CB_CALLS_TABLES] = {
        SCMP_ARCH_X86_64, SCMP_ARCH_X32, SCMP_ARCH_X86, SCMP_ARCH_AARCH64, SCMP_ARCH_ARM};
    const struct cb_seccomp_call *call = cb_seccomp_call_find(name);

    for (int table = 0; table < CB_CALLS_TABLES; table++) {
        int known = number_by_library(tokens[table], name);

        if (known >= 0 && (!call || call->numbers[table] != known))
            fail_msg("%s has not the number %d in table %d", name, known, table);
    }
}

static void every_call_of_the_profile_has_its_number(void **state)
{
    for (size_t row = 0; row < cb_seccomp_profile_count; row++) {
        cb_autofree char *names = xstrdup(cb_seccomp_profile[row].names);
        char *rest = NULL;

        for (char *name = strtok_r(names, " ", &rest); name;
             name = strtok_r(NULL, " ", &rest))
            expect_numbers(name);
    }
    assert_null(cb_seccomp_call_find("no_such_call"));
}

static void filter_is_short(void **state)
{
    struct sock_fprog prog;

    compile(&prog, CB_CAPS_DEFAULT);
    print_message("%u instructions\n", prog.len);
    assert_true(prog.len < 400);
    free(prog.filter);
}

/* With CB_FILTER_OUT in the environment, seccomp-ready.c as it has to be goes there. */
static void write_ready(const struct sock_fprog *prog)
{
    const char *path = getenv("CB_FILTER_OUT");
    FILE *file = path ? fopen(path, "w") : NULL;

    if (!file)
        return;
    fputs(
        "/* The filter for the usual capabilities and a kernel without x32, compiled: "
        "of\n"
        " * seccomp-profile.c and seccomp-numbers.c, from which a test compiles it "
        "again.\n"
        " * `CB_FILTER_OUT=src/executor/seccomp-ready.c test-seccomp` writes this file. "
        "*/\n#include \"executor/seccomp-priv.h\"\n\n#if defined(__x86_64__)\n"
        "/* clang-format off */\nconst struct sock_filter cb_seccomp_ready[] = {\n",
        file);
    for (size_t i = 0; i < prog->len; i++) {
        const struct sock_filter *insn = &prog->filter[i];

        fprintf(file, "%s{0x%02x, %u, %u, 0x%x},%s", i % 3 ? " " : "    ", insn->code,
                insn->jt, insn->jf, insn->k,
                i % 3 == 2 || i + 1 == prog->len ? "\n" : "");
    }
    fputs("};\n/* clang-format on */\nconst size_t cb_seccomp_ready_count =\n"
          "    sizeof(cb_seccomp_ready) / sizeof(*cb_seccomp_ready);\n#else\n"
          "const struct sock_filter cb_seccomp_ready[1];\n"
          "const size_t cb_seccomp_ready_count = 0;\n#endif\n",
          file);
    fclose(file);
}

static void what_is_ready_is_what_is_compiled(void **state)
{
#if defined(__x86_64__)
    struct sock_fprog prog;

    assert_int_equal(cb_seccomp_compile_for(CB_CAPS_DEFAULT, 0, &prog, NULL), 0);
    write_ready(&prog);
    assert_int_equal(cb_seccomp_ready_count, prog.len);
    assert_memory_equal(cb_seccomp_ready, prog.filter, prog.len * sizeof(*prog.filter));
    free(prog.filter);
#endif
}

/* Whoever else is to have the filter does not get the one that is ready. */
static void what_is_ready_is_for_the_usual_capabilities_alone(void **state)
{
    struct sock_fprog usual, other;
    int chroot = seccomp_syscall_resolve_name("chroot");

    assert_int_equal(cb_seccomp_compile(CB_CAPS_DEFAULT, &usual, NULL), 0);
    assert_int_equal(
        cb_seccomp_compile(CB_CAPS_DEFAULT & ~(1ULL << CAP_SYS_CHROOT), &other, NULL), 0);
    assert_int_equal(verdict(&usual, AUDIT_ARCH_X86_64, chroot, 0), 0);
    assert_int_equal(verdict(&other, AUDIT_ARCH_X86_64, chroot, 0), EPERM);
    free(usual.filter);
    free(other.filter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profile_decides_natively),
        cmocka_unit_test(other_tables_of_the_machine_are_no_way_around),
        cmocka_unit_test(calls_of_x32_do_not_exist_without_it),
        cmocka_unit_test(unknown_architecture_is_killed),
        cmocka_unit_test(calls_of_the_future_do_not_exist),
        cmocka_unit_test(capability_opens_its_calls),
        cmocka_unit_test(every_call_of_the_profile_has_its_number),
        cmocka_unit_test(filter_is_short),
        cmocka_unit_test(what_is_ready_is_what_is_compiled),
        cmocka_unit_test(what_is_ready_is_for_the_usual_capabilities_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
