/* The floor of one RUN step: what the kernel alone costs.
 *
 *   floor [-n COUNT] [-N] LOWERDIR -- COMMAND [ARG...]
 *
 * COUNT times: make upper and work directories, clone3 into new mount, pid, ipc and uts
 * namespaces (-N: network too), mount overlay, proc, a small /dev, devpts, shm and /sys,
 * pivot_root, exec, wait. Prints total, mean, median, p95. No seccomp, no capabilities,
 * no logs, no commit: a builder cannot be faster, and should not be much slower. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    _exit(127);
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void bind_device(const char *name)
{
    char source[32], target[32];
    snprintf(source, sizeof source, "/dev/%s", name);
    snprintf(target, sizeof target, "dev/%s", name);
    close(open(target, O_CREAT | O_WRONLY, 0666));
    if (mount(source, target, NULL, MS_BIND, NULL))
        die(target);
}

static void enter_rootfs(const char *merged, const char *options)
{
    static const char *const devices[] = {"null",   "zero",    "full",
                                          "random", "urandom", "tty"};

    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("overlay", merged, "overlay", 0, options))
        die("overlay");
    if (chdir(merged))
        die(merged);
    mkdir("proc", 0555), mkdir("dev", 0755), mkdir("sys", 0555);
    if (mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) ||
        mount("tmpfs", "dev", "tmpfs", MS_NOSUID, "mode=755,size=64k"))
        die("proc, dev");
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
        bind_device(devices[i]);
    mkdir("dev/pts", 0755), mkdir("dev/shm", 01777);
    if (mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
              "newinstance,ptmxmode=0666,mode=0620") ||
        mount("tmpfs", "dev/shm", "tmpfs", 0, "size=64m") ||
        mount("/sys", "sys", NULL, MS_BIND | MS_REC, NULL) ||
        mount(NULL, "sys", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL))
        die("devpts, shm, sys");
    if (syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
        die("pivot_root");
}

static double one_step(const char *base, int index, const char *lower, int with_net,
                       char **command)
{
    char dir[256], path[300], merged[300], options[4000];
    struct clone_args clone = {.exit_signal = SIGCHLD,
                               .flags = CLONE_VFORK | CLONE_NEWNS | CLONE_NEWPID |
                                        CLONE_NEWIPC | CLONE_NEWUTS |
                                        (with_net ? CLONE_NEWNET : 0)};
    double start = now_us();
    int status;
    pid_t pid;

    snprintf(dir, sizeof dir, "%s/%d", base, index);
    mkdir(dir, 0755);
    snprintf(path, sizeof path, "%s/u", dir), mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/w", dir), mkdir(path, 0755);
    snprintf(merged, sizeof merged, "%s/m", dir), mkdir(merged, 0755);
    snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s/u,workdir=%s/w", lower,
             dir, dir);

    pid = syscall(SYS_clone3, &clone, sizeof clone);
    if (pid < 0)
        die("clone3");
    if (pid == 0) {
        enter_rootfs(merged, options);
        execv(command[0], command);
        die(command[0]);
    }
    if (waitpid(pid, &status, 0) != pid || status)
        die("command failed");
    return now_us() - start;
}

int main(int argc, char **argv)
{
    int option, count = 50, with_net = 0;
    char base[200], cleanup[300], **command;
    const char *lower, *tmp = getenv("B");
    double *times, sum = 0;

    while ((option = getopt(argc, argv, "+n:N")) != -1)
        if (option == 'n')
            count = atoi(optarg);
        else if (option == 'N')
            with_net = 1;
        else
            return 2;
    if (argc - optind < 2 || count < 1) {
        fprintf(stderr, "usage: floor [-n COUNT] [-N] LOWERDIR -- COMMAND [ARG...]\n");
        return 2;
    }
    lower = argv[optind];
    command = argv + optind + 1;
    if (!strcmp(command[0], "--"))
        command++;
    snprintf(base, sizeof base, "%s/floorXXXXXX", tmp ? tmp : "/var/tmp");
    if (!mkdtemp(base))
        die(base);
    times = calloc(count, sizeof *times);
    for (int i = 0; i < count; i++)
        sum += times[i] = one_step(base, i, lower, with_net, command);
    qsort(times, count, sizeof *times, by_value);
    printf("n=%d total=%.1f ms mean=%.2f ms median=%.2f ms p95=%.2f ms\n", count,
           sum / 1e3, sum / count / 1e3, times[count / 2] / 1e3,
           times[count * 95 / 100] / 1e3);
    snprintf(cleanup, sizeof cleanup, "rm -rf '%s'", base);
    return system(cleanup) != 0;
}
