/* Executes a command for which openat2, clone3, the calls for mounts by descriptor and
 * close_range do not exist, as on an older kernel:
 *
 *   without-calls COMMAND [ARG...]
 *
 * What the command starts inherits that. Needs CAP_SYS_ADMIN, as no_new_privs would
 * change what is tested. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* One number on all architectures. */
static const int absent[] = {SYS_open_tree, SYS_move_mount,   SYS_fsopen, SYS_fsconfig,
                             SYS_fsmount,   SYS_fspick,       SYS_clone3, SYS_close_range,
                             SYS_openat2,   SYS_mount_setattr};

#define COUNT (sizeof(absent) / sizeof(*absent))

int main(int argc, char **argv)
{
    struct sock_filter code[2 * COUNT + 2] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
    struct sock_fprog program = {.len = 2 * COUNT + 2, .filter = code};

    if (argc < 2) {
        fprintf(stderr, "usage: without-calls COMMAND [ARG...]\n");
        return 2;
    }
    for (size_t i = 0; i < COUNT; i++) {
        code[2 * i + 1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                                       (unsigned)absent[i], 0, 1);
        code[2 * i + 2] =
            (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
    }
    code[2 * COUNT + 1] =
        (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0) {
        perror("without-calls: seccomp");
        return 2;
    }
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    return 127;
}
