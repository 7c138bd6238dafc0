/* With one id there is nobody to give a file to and nobody to become, but programs do
 * both all the time: dpkg, tar, install, apt. So these calls are answered by a filter
 * that says they succeeded. That is safe, as no call can do less than nothing, and what
 * is recorded is the truth: every file belongs to root. The kernel asks all filters of a
 * process and obeys the strictest answer, so a step's own filter changes nothing in
 * this. */
#include "executor/userns-priv.h"

#include "executor/seccomp-priv.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>

static const char *const calls[] = {
    "chown",       "fchown",      "lchown",      "fchownat", "chown32",    "fchown32",
    "lchown32",    "setuid",      "setgid",      "setreuid", "setregid",   "setresuid",
    "setresgid",   "setgroups",   "setuid32",    "setgid32", "setreuid32", "setregid32",
    "setresuid32", "setresgid32", "setgroups32",
};

static const struct {
    uint32_t scmp, audit;
} tables[] = {
#if defined(__x86_64__)
    {SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64},
    {SCMP_ARCH_X86, AUDIT_ARCH_I386},
#else
    {SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64},
    {SCMP_ARCH_ARM, AUDIT_ARCH_ARM},
#endif
};

struct code {
    struct sock_filter *items;
    size_t count, capacity;
};

static void emit(struct code *code, uint16_t op, uint32_t k, unsigned yes, unsigned no)
{
    struct sock_filter insn = {.code = op, .jt = yes, .jf = no, .k = k};

    cb_vec_push(code, insn);
}

/* One comparison a call; the others are skipped when the table is not the one in use. */
static void emit_table(struct code *code, uint32_t scmp, uint32_t audit)
{
    struct code body = {0};

    emit(&body, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
    for (size_t i = 0; i < CB_ARRAY_SIZE(calls); i++) {
        int number = seccomp_syscall_resolve_name_arch(scmp, calls[i]);

        if (number < 0)
            continue;
        emit(&body, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1);
        emit(&body, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 0, 0, 0);
    }
    emit(&body, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
    emit(code, BPF_JMP | BPF_JEQ | BPF_K, audit, 0, (unsigned)body.count);
    for (size_t i = 0; i < body.count; i++)
        cb_vec_push(code, body.items[i]);
    cb_vec_free(&body);
}

int cb_single_id_pretend(struct cb_error **err)
{
    struct code code = {0};
    struct sock_fprog prog;
    int result;

    emit(&code, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
    for (size_t i = 0; i < CB_ARRAY_SIZE(tables); i++)
        emit_table(&code, tables[i].scmp, tables[i].audit);
    emit(&code, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
    prog = (struct sock_fprog){.len = (unsigned short)code.count, .filter = code.items};
    result = cb_seccomp_load(&prog, err);
    cb_vec_free(&code);
    return result;
}
