/* Rights to devices in version 2, which has no controller for them: a program that the
 * kernel asks at each open and mknod of a device, attached to the group. It goes with the
 * group. It either takes rights away that a mount gave, and allows what it does not know;
 * or it refuses all but what is granted. */
#include "executor/cgroup-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RULE_LENGTH 7
#define LENGTH_MAX  (8 + CB_DEVICE_GRANTS_MAX * RULE_LENGTH)

_Static_assert(CB_LIMIT_ITEMS_MAX <= CB_DEVICE_GRANTS_MAX, "both fit");

/* Registers: what is asked is loaded once. */
enum { RESULT, CONTEXT, ACCESS, TYPE, MAJOR, MINOR };

struct program {
    struct bpf_insn items[LENGTH_MAX];
    unsigned count;
};

static void add(struct program *program, unsigned code, unsigned to, unsigned from,
                int offset, int value)
{
    program->items[program->count++] = (struct bpf_insn){.code = (uint8_t)code,
                                                         .dst_reg = (uint8_t)to & 15,
                                                         .src_reg = (uint8_t)from & 15,
                                                         .off = (int16_t)offset,
                                                         .imm = value};
}

static void load(struct program *program, unsigned to, size_t offset)
{
    add(program, BPF_LDX | BPF_MEM | BPF_W, to, CONTEXT, (int)offset, 0);
}

/* ACCESS comes with TYPE in its lower half. */
static void begin(struct program *program)
{
    load(program, ACCESS, offsetof(struct bpf_cgroup_dev_ctx, access_type));
    load(program, MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
    load(program, MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
    add(program, BPF_ALU | BPF_MOV | BPF_X, TYPE, ACCESS, 0, 0);
    add(program, BPF_ALU | BPF_AND | BPF_K, TYPE, 0, 0, 0xffff);
    add(program, BPF_ALU | BPF_RSH | BPF_K, ACCESS, 0, 0, 16);
}

static int bits_of(const char *rights)
{
    return (strchr(rights, 'r') ? BPF_DEVCG_ACC_READ : 0) |
           (strchr(rights, 'w') ? BPF_DEVCG_ACC_WRITE : 0) |
           (strchr(rights, 'm') ? BPF_DEVCG_ACC_MKNOD : 0);
}

static void answer(struct program *program, int allowed)
{
    add(program, BPF_ALU64 | BPF_MOV | BPF_K, RESULT, 0, 0, allowed);
    add(program, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int type_of(char type)
{
    return type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
}

/* What is about another device, or is nothing that is refused, goes on behind it. */
static void add_rule(struct program *program, const struct cb_device_rule *rule)
{
    add(program, BPF_JMP | BPF_JNE | BPF_K, TYPE, 0, 6, type_of(rule->type));
    add(program, BPF_JMP | BPF_JNE | BPF_K, MAJOR, 0, 5, (int)rule->major);
    add(program, BPF_JMP | BPF_JNE | BPF_K, MINOR, 0, 4, (int)rule->minor);
    add(program, BPF_JMP | BPF_JSET | BPF_K, ACCESS, 0, 1, bits_of(rule->refused));
    add(program, BPF_JMP | BPF_JA, 0, 0, 2, 0);
    answer(program, 0);
}

/* What asks for more than is granted goes on behind it. */
static void add_grant(struct program *program, const struct cb_device_grant *grant)
{
    const int left = (BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE | BPF_DEVCG_ACC_MKNOD) &
                     ~bits_of(grant->access);
    int skip = 3 + (grant->major >= 0) + (grant->minor >= 0);

    add(program, BPF_JMP | BPF_JNE | BPF_K, TYPE, 0, skip--, type_of(grant->type));
    if (grant->major >= 0)
        add(program, BPF_JMP | BPF_JNE | BPF_K, MAJOR, 0, skip--, (int)grant->major);
    if (grant->minor >= 0)
        add(program, BPF_JMP | BPF_JNE | BPF_K, MINOR, 0, skip--, (int)grant->minor);
    add(program, BPF_JMP | BPF_JSET | BPF_K, ACCESS, 0, skip, left);
    answer(program, 1);
}

static int bpf(int command, union bpf_attr *attr)
{
    return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int load_program(const struct program *program)
{
    union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE};

    attr.insns = (uintptr_t)program->items;
    attr.insn_cnt = program->count;
    attr.license = (uintptr_t) "";
    return bpf(BPF_PROG_LOAD, &attr);
}

int cb_cgroup_limit_devices(int dir_fd, const struct cb_limits *limits)
{
    union bpf_attr attr = {.attach_type = BPF_CGROUP_DEVICE};
    struct program program = {.count = 0};
    cb_autofd int group = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cb_autofd int loaded = -1;

    begin(&program);
    for (size_t i = 0; !limits->only_granted && i < limits->device_count; i++)
        add_rule(&program, &limits->devices[i]);
    for (size_t i = 0; limits->only_granted && i < limits->grant_count; i++)
        add_grant(&program, &limits->grants[i]);
    answer(&program, !limits->only_granted);
    loaded = group < 0 ? -1 : load_program(&program);
    if (loaded < 0)
        return -1;
    attr.target_fd = (uint32_t)group;
    attr.attach_bpf_fd = (uint32_t)loaded;
    attr.attach_flags = BPF_F_ALLOW_MULTI;
    return bpf(BPF_PROG_ATTACH, &attr);
}
