/* Compiles the profile to BPF: per architecture the call numbers form runs with the same
 * verdict, and a binary search over the runs' starts finds the one at hand in about seven
 * comparisons. That is an order of magnitude shorter than one comparison per name, which
 * matters twice: the kernel checks and translates the program anew for every step, and
 * runs it on calls whose verdict depends on an argument.
 *
 * Arguments are compared in their low 32 bits, since that is what the kernel looks at for
 * the calls concerned: a 64-bit comparison lets socket(2^32 + AF_ALG) through. */
#include "executor/seccomp-priv.h"

#include "base/alloc.h"
#include "base/vec.h"
#include "executor/executor.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/syscall.h>

#define X32_BIT     0x40000000U
#define MAX_NUMBERS 1024 /* above every call number of today */

struct arch {
    enum cb_seccomp_table table;
    uint32_t audit;  /* as the kernel reports it */
    uint32_t offset; /* of the call numbers */
};

#if defined(__x86_64__)
#define NATIVE CB_ARCH_X86
static const struct arch arches[] = {
    {CB_CALLS_X86_64, AUDIT_ARCH_X86_64, 0},
    {CB_CALLS_X32, AUDIT_ARCH_X86_64, X32_BIT},
    {CB_CALLS_I386, AUDIT_ARCH_I386, 0},
};
#elif defined(__aarch64__)
#define NATIVE CB_ARCH_ARM
static const struct arch arches[] = {
    {CB_CALLS_AARCH64, AUDIT_ARCH_AARCH64, 0},
    {CB_CALLS_ARM, AUDIT_ARCH_ARM, 0},
};
#else
#error "the system call filter has no row for this architecture"
#endif

struct code {
    struct sock_filter *items;
    size_t count, capacity;
};

/* What to do with one call number: refuse, allow, or compare an argument with one of the
 * profile's rows. */
enum { UNKNOWN, REFUSE, ALLOW, COMPARE };
struct verdict {
    int kind;
    int errnum;    /* REFUSE */
    uint64_t rows; /* COMPARE: bits of the profile's rows that are alternatives */
};

static void emit(struct code *code, uint16_t op, uint32_t k, unsigned yes, unsigned no)
{
    struct sock_filter insn = {.code = op, .jt = yes, .jf = no, .k = k};

    cb_vec_push(code, insn);
}

static void append(struct code *code, const struct code *more)
{
    for (size_t i = 0; i < more->count; i++)
        cb_vec_push(code, more->items[i]);
}

static void emit_return(struct code *code, uint32_t action)
{
    emit(code, BPF_RET | BPF_K, action, 0, 0);
}

/* One alternative: on a match the next instruction allows, else it is jumped over. */
static void emit_alternative(struct code *code, const struct cb_seccomp_rule *rule)
{
    switch (rule->op) {
    case CB_ARG_LT:
        emit(code, BPF_JMP | BPF_JGE | BPF_K, rule->value, 1, 0);
        break;
    case CB_ARG_GT:
        emit(code, BPF_JMP | BPF_JGT | BPF_K, rule->value, 0, 1);
        break;
    case CB_ARG_NONE_OF_BITS:
        emit(code, BPF_JMP | BPF_JSET | BPF_K, rule->value, 1, 0);
        break;
    case CB_ARG_EQ:
    case CB_ARG_ANY:
        emit(code, BPF_JMP | BPF_JEQ | BPF_K, rule->value, 0, 1);
        break;
    }
    emit_return(code, SECCOMP_RET_ALLOW);
}

/* What one that compares nothing is returned with. */
static uint32_t action_of(const struct verdict *verdict)
{
    if (verdict->kind == ALLOW)
        return SECCOMP_RET_ALLOW;
    return SECCOMP_RET_ERRNO |
           (uint32_t)(verdict->kind == REFUSE ? verdict->errnum : EPERM);
}

static void emit_verdict(struct code *code, const struct verdict *verdict)
{
    if (verdict->kind != COMPARE) {
        emit_return(code, action_of(verdict));
        return;
    }
    /* Little-endian on all architectures above: the low half comes first. */
    emit(code, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]), 0, 0);
    for (size_t i = 0; i < cb_seccomp_profile_count; i++) {
        if (verdict->rows & 1ULL << i)
            emit_alternative(code, &cb_seccomp_profile[i]);
    }
    emit_return(code, SECCOMP_RET_ERRNO | EPERM);
}

struct run {
    uint32_t start;
    struct verdict verdict;
};

/* A search whose branches end at a few returns behind it, which they share. */
struct piece {
    struct code code;
    struct exits {
        struct exit {
            size_t at; /* of the jump */
            int yes;   /* which side of it */
            uint32_t action;
        } * items;
        size_t count, capacity;
    } exits;
    int is_far; /* farther than a conditional jump reaches: 255 instructions */
};

static void piece_clear(struct piece *piece)
{
    cb_vec_free(&piece->code);
    cb_vec_free(&piece->exits);
}

static void set_jump(struct piece *piece, size_t at, int yes, size_t target)
{
    struct sock_filter *jump = &piece->code.items[at];
    size_t distance = target - at - 1;

    if (distance > 255)
        piece->is_far = 1;
    else if (yes)
        jump->jt = (uint8_t)distance;
    else
        jump->jf = (uint8_t)distance;
}

static void emit_tree(struct piece *piece, const struct run *runs, size_t count);

static void emit_branch(struct piece *piece, size_t at, int yes, const struct run *runs,
                        size_t count)
{
    if (count == 1 && runs[0].verdict.kind != COMPARE) {
        struct exit exit = {at, yes, action_of(&runs[0].verdict)};

        cb_vec_push(&piece->exits, exit);
        return;
    }
    set_jump(piece, at, yes, piece->code.count);
    emit_tree(piece, runs, count);
}

static void emit_tree(struct piece *piece, const struct run *runs, size_t count)
{
    size_t at = piece->code.count, middle = count / 2;

    if (count == 1) {
        emit_verdict(&piece->code, &runs[0].verdict);
        return;
    }
    emit(&piece->code, BPF_JMP | BPF_JGE | BPF_K, runs[middle].start, 0, 0);
    emit_branch(piece, at, 0, runs, middle);
    emit_branch(piece, at, 1, runs + middle, count - middle);
}

/* FIRST: where the returns begin. */
static size_t find_return(struct code *code, size_t first, uint32_t action)
{
    for (size_t i = first; i < code->count; i++)
        if (code->items[i].k == action)
            return i;
    emit_return(code, action);
    return code->count - 1;
}

static void emit_returns(struct piece *piece)
{
    size_t first = piece->code.count;

    cb_vec_foreach (exit, &piece->exits)
        set_jump(piece, exit->at, exit->yes,
                 find_return(&piece->code, first, exit->action));
}

/* Search among RUNS[0..count): every branch ends in a return, so the pieces can be put
 * one after the other. A conditional jump reaches 255 instructions, BPF_JA any number. */
static struct code emit_search(const struct run *runs, size_t count)
{
    struct piece piece = {0};
    struct code code = {0};

    emit_tree(&piece, runs, count);
    emit_returns(&piece);
    if (piece.is_far) {
        size_t middle = count / 2;
        struct code low = emit_search(runs, middle);
        struct code high = emit_search(runs + middle, count - middle);

        emit(&code, BPF_JMP | BPF_JGE | BPF_K, runs[middle].start, 0, 1);
        emit(&code, BPF_JMP | BPF_JA, low.count, 0, 0);
        append(&code, &low);
        append(&code, &high);
        cb_vec_free(&low);
        cb_vec_free(&high);
    } else {
        append(&code, &piece.code);
    }
    piece_clear(&piece);
    return code;
}

static void apply(struct verdict *verdict, const struct cb_seccomp_rule *rule, size_t row)
{
    if (rule->errnum) {
        if (verdict->kind == UNKNOWN)
            *verdict = (struct verdict){.kind = REFUSE, .errnum = rule->errnum};
    } else if (rule->op == CB_ARG_ANY) {
        *verdict = (struct verdict){.kind = ALLOW};
    } else if (verdict->kind != ALLOW) {
        verdict->kind = COMPARE;
        verdict->rows |= 1ULL << row;
    }
}

/* The next of NAMES, which are separated by blanks; NULL: there is none. Scanned by hand:
 * there are four hundred of them, each time. */
static const char *take_name(const char *names, char *name, size_t size)
{
    const char *start = names + strspn(names, " ");
    size_t len = strcspn(start, " ");

    if (!len || len >= size)
        return NULL;
    memcpy(name, start, len);
    name[len] = '\0';
    return start + len;
}

/* A name of the profile, found. */
struct named {
    const struct cb_seccomp_call *call;
    size_t row;
};
struct names {
    struct named *items;
    size_t count, capacity;
};

static void find_names(struct names *out)
{
    char name[64];

    for (size_t row = 0; row < cb_seccomp_profile_count; row++) {
        const char *at = cb_seccomp_profile[row].names;

        while ((at = take_name(at, name, sizeof(name)))) {
            struct named named = {cb_seccomp_call_find(name), row};

            if (named.call)
                cb_vec_push(out, named);
        }
    }
}

static int applies(const struct cb_seccomp_rule *rule, uint64_t caps)
{
    return (!rule->any_cap || rule->any_cap & caps) && !(rule->without_cap & caps) &&
           (!rule->arches || rule->arches & NATIVE);
}

/* *HIGHEST is the highest number the profile names at all, allowed or not: what is newer
 * than that does not exist as far as the step can tell. */
static void fill_verdicts(struct verdict *verdicts, const struct arch *arch,
                          const struct names *names, uint64_t caps, int *highest)
{
    *highest = 0;
    cb_vec_foreach (named, names) {
        const struct cb_seccomp_rule *rule = &cb_seccomp_profile[named->row];
        int number = named->call->numbers[arch->table];

        if (number > *highest)
            *highest = number;
        if (number >= 0 && applies(rule, caps))
            apply(&verdicts[number], rule, named->row);
    }
}

static int same(const struct verdict *a, const struct verdict *b)
{
    return a->kind == b->kind && a->errnum == b->errnum && a->rows == b->rows;
}

static struct code emit_arch(const struct arch *arch, const struct names *names,
                             uint64_t caps)
{
    cb_autofree struct verdict *verdicts = xcalloc(MAX_NUMBERS, sizeof(*verdicts));
    CB_VEC(struct run) runs = {0};
    struct run end = {.verdict = {.kind = REFUSE, .errnum = ENOSYS}};
    struct code code;
    int highest;

    fill_verdicts(verdicts, arch, names, caps, &highest);
    for (int number = 0; number <= highest; number++) {
        struct run run = {.start = number | arch->offset, .verdict = verdicts[number]};

        if (!runs.count || !same(&runs.items[runs.count - 1].verdict, &run.verdict))
            cb_vec_push(&runs, run);
    }
    end.start = (highest + 1) | arch->offset;
    cb_vec_push(&runs, end);
    code = emit_search(runs.items, runs.count);
    cb_vec_free(&runs);
    return code;
}

/* Calls of x32 have a bit more in their numbers. A kernel without it knows none of them,
 * and neither does the search among those without the bit, which is a third of the
 * program that way. */
static int kernel_has_x32(void)
{
    return syscall((long)(X32_BIT | SYS_getpid)) >= 0 || errno != ENOSYS;
}

/* Calls of the two x86-64 tables differ in one bit of the number. */
static struct code emit_pair(const struct arch *plain, const struct arch *marked,
                             const struct names *names, uint64_t caps)
{
    struct code code = {0}, first = emit_arch(plain, names, caps);
    struct code second = emit_arch(marked, names, caps);

    emit(&code, BPF_JMP | BPF_JGE | BPF_K, marked->offset, 0, 1);
    emit(&code, BPF_JMP | BPF_JA, first.count, 0, 0);
    append(&code, &first);
    append(&code, &second);
    cb_vec_free(&first);
    cb_vec_free(&second);
    return code;
}

/* *INDEX: the first of the architectures that the kernel reports in one way; becomes the
 * one after them. */
static struct code emit_family(size_t *index, const struct names *names, uint64_t caps,
                               int with_marked)
{
    const struct arch *arch = &arches[(*index)++], *next = &arches[*index];
    int is_pair = *index < CB_ARRAY_SIZE(arches) && next->audit == arch->audit;
    struct code code = {0}, search;

    *index += is_pair;
    search = is_pair && with_marked ? emit_pair(arch, next, names, caps)
                                    : emit_arch(arch, names, caps);
    emit(&code, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
    append(&code, &search);
    cb_vec_free(&search);
    return code;
}

/* What nearly all are given is there already: to compile it takes longer than to start.
 */
static int take_ready(struct sock_fprog *prog)
{
    size_t bytes = cb_seccomp_ready_count * sizeof(*prog->filter);

    if (!bytes)
        return 0;
    prog->len = (unsigned short)cb_seccomp_ready_count;
    prog->filter = memcpy(xmalloc(bytes), cb_seccomp_ready, bytes);
    return 1;
}

int cb_seccomp_compile(uint64_t caps, struct sock_fprog *prog, struct cb_error **err)
{
    if (caps == CB_CAPS_DEFAULT && !kernel_has_x32() && take_ready(prog))
        return 0;
    return cb_seccomp_compile_for(caps, kernel_has_x32(), prog, err);
}

int cb_seccomp_compile_for(uint64_t caps, int with_x32, struct sock_fprog *prog,
                           struct cb_error **err)
{
    struct names names = {0};
    struct code code = {0};

    find_names(&names);
    emit(&code, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
    for (size_t i = 0; i < CB_ARRAY_SIZE(arches);) {
        uint32_t audit = arches[i].audit;
        struct code family = emit_family(&i, &names, caps, with_x32);

        emit(&code, BPF_JMP | BPF_JEQ | BPF_K, audit, 1, 0);
        emit(&code, BPF_JMP | BPF_JA, family.count, 0, 0);
        append(&code, &family);
        cb_vec_free(&family);
    }
    cb_vec_free(&names);
    emit(&code, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
    if (code.count > BPF_MAXINSNS) {
        cb_vec_free(&code);
        return cb_error_set(err, CB_ERR_UNSUPPORTED, "system call filter is too long");
    }
    prog->len = code.count;
    prog->filter = code.items;
    return 0;
}

int cb_seccomp_load(const struct sock_fprog *prog, struct cb_error **err)
{
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, prog) < 0) {
        cb_error_errno(err, errno, "load the system call filter");
        return cb_error_hint(err, "the kernel needs CONFIG_SECCOMP_FILTER");
    }
    return 0;
}
