/* The system call filter: Docker's default profile as data, compiled once to BPF. */
#ifndef CB_EXECUTOR_SECCOMP_PRIV_H
#define CB_EXECUTOR_SECCOMP_PRIV_H

#include "base/error.h"
#include "base/strbuf.h"

#include <linux/filter.h>
#include <stdint.h>

enum cb_seccomp_op { CB_ARG_ANY, CB_ARG_LT, CB_ARG_EQ, CB_ARG_GT, CB_ARG_NONE_OF_BITS };

/* The rules for one set of names. All rows that match a name are alternatives. */
struct cb_seccomp_rule {
    const char *names;     /* separated by blanks */
    int errnum;            /* 0: allowed, else refused with this error */
    enum cb_seccomp_op op; /* on the low 32 bits of argument 0 */
    uint32_t value;
    uint64_t any_cap;     /* only when one of these is held; 0: always */
    uint64_t without_cap; /* only when none of these is held */
    unsigned arches;      /* of CB_ARCH_*; 0: all */
};

#define CB_ARCH_X86 1U
#define CB_ARCH_ARM 2U

extern const struct cb_seccomp_rule cb_seccomp_profile[];
extern const size_t cb_seccomp_profile_count;

/* seccomp-numbers.c */
enum cb_seccomp_table {
    CB_CALLS_X86_64,
    CB_CALLS_X32, /* without the bit that marks them */
    CB_CALLS_I386,
    CB_CALLS_AARCH64,
    CB_CALLS_ARM,
    CB_CALLS_TABLES
};
struct cb_seccomp_call {
    char name[32]; /* no pointer, which each start would have to relocate */
    int numbers[CB_CALLS_TABLES]; /* -1: not there */
};
/* NULL: not a call of any of these. */
const struct cb_seccomp_call *cb_seccomp_call_find(const char *name);

/* A filter for a process that will hold CAPS. The caller frees prog->filter. */
int cb_seccomp_compile(uint64_t caps, struct sock_fprog *prog, struct cb_error **err);
/* For a kernel that has calls of x32, or none. */
int cb_seccomp_compile_for(uint64_t caps, int with_x32, struct sock_fprog *prog,
                           struct cb_error **err);
/* seccomp-ready.c: what that makes for the usual capabilities and a kernel without x32.
 * Empty where nobody made it. */
extern const struct sock_filter cb_seccomp_ready[];
extern const size_t cb_seccomp_ready_count;
/* The same from a profile in Docker's form of JSON. */
struct cb_seccomp_program {
    struct cb_strbuf bytes; /* of struct sock_filter */
};
void cb_seccomp_program_clear(struct cb_seccomp_program *program);
CB_AUTO_VALUE_DEFINE(cb_seccomp_program, cb_seccomp_program_clear)
int cb_seccomp_compile_json(const char *json, uint64_t caps,
                            struct cb_seccomp_program *out, struct cb_error **err);
/* Needs CAP_SYS_ADMIN or no_new_privs. */
int cb_seccomp_load(const struct sock_fprog *prog, struct cb_error **err);

#endif
