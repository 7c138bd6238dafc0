/* Prints what a sandboxed process can see and do, one `key value` per line, so that two
 * sandboxes can be compared with diff. Static and without dependencies: it runs in an
 * image that holds nothing else. Every call that may do harm is made with arguments that
 * cannot succeed; only the errno is of interest. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *error_name(long result)
{
    return result >= 0 ? "ok" : strerrorname_np(errno) ? strerrorname_np(errno) : "?";
}

/* ── Identity ── */

static void print_status(void)
{
    static const char *const wanted[] = {"Groups", "NoNewPrivs", "Seccomp", "Cap",
                                         "SigBlk", "SigIgn",     "Uid",     "Gid"};
    char line[512];
    FILE *file = fopen("/proc/self/status", "r");

    while (file && fgets(line, sizeof(line), file)) {
        for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
            if (!strncmp(line, wanted[i], strlen(wanted[i])))
                printf("status:%s", line);
        }
    }
    if (file)
        fclose(file);
    printf("umask %03o\n", umask(0));
    printf("session own:%d leader_pid1:%d\n", getsid(0) == getpid(), getsid(0) == 1);
    printf("dumpable %d\n", prctl(PR_GET_DUMPABLE));
    printf("cwd %s\n", getcwd(line, sizeof(line)) ? line : "-");
}

static void print_limits(void)
{
    for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
        struct rlimit limit;

        if (getrlimit(resource, &limit) == 0)
            printf("rlimit:%d %lld %lld\n", resource, (long long)limit.rlim_cur,
                   (long long)limit.rlim_max);
    }
}

static void print_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *entry;
    int leaked = 0;

    while (dir && (entry = readdir(dir))) {
        int fd = atoi(entry->d_name);

        if (entry->d_name[0] != '.' && fd > 2 && fd != dirfd(dir))
            leaked++;
    }
    if (dir)
        closedir(dir);
    printf("leaked_fds %d\n", leaked);
}

/* ── System calls ── */

/* Calls that would end, stop or confuse the prober whatever their arguments. */
static int is_unprobed(long number)
{
    static const long list[] = {
        SYS_exit,   SYS_exit_group,    SYS_pause,
        SYS_fork,   SYS_vfork,         SYS_clone,
        SYS_clone3, SYS_rt_sigreturn,  SYS_restart_syscall,
        SYS_execve, SYS_rt_sigsuspend, SYS_sync,
    };

    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
        if (list[i] == number)
            return 1;
    }
    return 0;
}

#if defined(__x86_64__)
/* The 32-bit table, by the old software interrupt. */
static long call_i386(long number)
{
    long result;

    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(-1), "c"(-1), "d"(-1), "S"(-1), "D"(-1)
                     : "memory", "r8", "r9", "r10", "r11");
    if (result < 0 && result > -4096) {
        errno = -result;
        return -1;
    }
    return result;
}

static int is_unprobed_i386(long number)
{
    static const long list[] = {1,   2,   7,   11,  29,  36, 72, 119,
                                120, 173, 179, 190, 252, 0,  435};

    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
        if (list[i] == number)
            return 1;
    }
    return 0;
}
#endif

enum table { NATIVE, I386, X32 };

static long call(enum table table, long number)
{
#if defined(__x86_64__)
    if (table == I386)
        return call_i386(number);
    if (table == X32)
        number |= 0x40000000;
#endif
    return syscall(number, -1L, -1L, -1L, -1L, -1L, -1L);
}

/* Each in a process of its own, which two seconds may pass. */
static void probe_call(enum table table, const char *prefix, long number)
{
    int status;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        alarm(2);
        errno = 0;
        if (call(table, number) >= 0)
            _exit(0);
        _exit(errno > 254 ? 254 : errno);
    }
    waitpid(pid, &status, 0);
    if (WIFSIGNALED(status)) {
        printf("%s:%ld signal %d\n", prefix, number, WTERMSIG(status));
        return;
    }
    errno = WEXITSTATUS(status);
    printf("%s:%ld %s\n", prefix, number, errno ? error_name(-1) : "ok");
}

static void print_system_calls(void)
{
    for (long number = 0; number < 480; number++) {
        if (!is_unprobed(number))
            probe_call(NATIVE, "native", number);
#if defined(__x86_64__)
        if (!is_unprobed_i386(number))
            probe_call(I386, "i386", number);
        if (!is_unprobed(number))
            probe_call(X32, "x32", number);
#endif
    }
}

static void print_arguments(void)
{
    static const unsigned long personalities[] = {0,       8,          0x20000,
                                                  0x20008, 0xffffffff, 0x40000};
    static const int namespaces[] = {CLONE_NEWNS,  CLONE_NEWCGROUP, CLONE_NEWUTS,
                                     CLONE_NEWIPC, CLONE_NEWUSER,   CLONE_NEWPID,
                                     CLONE_NEWNET};

    for (int family = 0; family < 48; family++) {
        int fd = socket(family, SOCK_DGRAM, 0);

        printf("socket:%d %s\n", family, error_name(fd));
        if (fd >= 0)
            close(fd);
    }
    for (size_t i = 0; i < sizeof(personalities) / sizeof(*personalities); i++) {
        printf("personality:%#lx %s\n", personalities[i],
               error_name(syscall(SYS_personality, personalities[i])));
        syscall(SYS_personality, 0);
    }
    for (size_t i = 0; i < sizeof(namespaces) / sizeof(*namespaces); i++) {
        long pid = syscall(SYS_clone, namespaces[i] | SIGCHLD, NULL, NULL, NULL, NULL);

        if (pid == 0)
            _exit(0);
        printf("clone:%#x %s\n", namespaces[i], error_name(pid));
        printf("unshare:%#x %s\n", namespaces[i], error_name(unshare(namespaces[i])));
        if (pid > 0)
            waitpid(pid, NULL, 0);
    }
    printf("clone3 %s\n", error_name(syscall(SYS_clone3, NULL, 0)));
}

/* ── Files ── */

static void print_readable(const char *path)
{
    char buffer[16];
    struct stat st;
    int fd, entries = 0;

    if (lstat(path, &st) < 0) {
        printf("r:%s %s\n", path, error_name(-1));
        return;
    }
    if (S_ISDIR(st.st_mode)) {
        DIR *dir = opendir(path);

        while (dir && readdir(dir))
            entries++;
        if (dir)
            closedir(dir);
        printf("r:%s directory %s\n", path, entries > 2 ? "filled" : "empty");
        return;
    }
    fd = open(path, O_RDONLY | O_NONBLOCK);
    if (fd < 0)
        printf("r:%s %s\n", path, error_name(-1));
    else
        printf("r:%s %s\n", path,
               read(fd, buffer, sizeof(buffer)) > 0 ? "filled" : "empty");
    if (fd >= 0)
        close(fd);
}

static void print_writable(const char *path)
{
    struct stat st;
    int fd;

    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        char name[256];

        snprintf(name, sizeof(name), "%s/probe-made", path);
        printf("w:%s %s\n", path, error_name(mkdir(name, 0700)));
        rmdir(name);
        return;
    }
    fd = open(path, O_WRONLY);
    printf("w:%s %s\n", path, error_name(fd));
    if (fd >= 0)
        close(fd);
}

static void print_paths(void)
{
    static const char *const readable[] = {
        "/proc/acpi",
        "/proc/asound",
        "/proc/interrupts",
        "/proc/kcore",
        "/proc/keys",
        "/proc/latency_stats",
        "/proc/sched_debug",
        "/proc/scsi",
        "/proc/timer_list",
        "/proc/timer_stats",
        "/proc/bus",
        "/proc/fs",
        "/proc/irq",
        "/proc/sys",
        "/proc/sysrq-trigger",
        "/proc/kallsyms",
        "/proc/config.gz",
        "/sys/firmware",
        "/sys/fs/selinux",
        "/sys/devices/virtual/powercap",
        "/sys/devices/system/cpu/cpu0/thermal_throttle",
    };
    static const char *const writable[] = {
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/modprobe",
        "/proc/sysrq-trigger",
        "/proc/sys/vm/drop_caches",
        "/proc/sys/net/ipv4/ip_forward",
        "/proc/sys/fs/binfmt_misc",
        "/proc/sys/kernel/hostname",
        "/proc/irq/0",
        "/proc/bus/pci",
        "/proc/self/oom_score_adj",
        "/proc/self/uid_map",
        "/proc/self/setgroups",
        "/sys/kernel/uevent_helper",
        "/sys/kernel/mm",
        "/sys/fs/cgroup",
        "/sys/fs/cgroup/release_agent",
        "/sys",
        "/proc",
        "/dev/shm",
        "/dev/mqueue",
        "/dev",
        "/run",
        "/",
    };

    for (size_t i = 0; i < sizeof(readable) / sizeof(*readable); i++)
        print_readable(readable[i]);
    for (size_t i = 0; i < sizeof(writable) / sizeof(*writable); i++)
        print_writable(writable[i]);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void print_devices(void)
{
    struct dirent **entries;
    int count = scandir("/dev", &entries, NULL, by_name);
    int fd;

    for (int i = 0; i < count; i++) {
        char path[300], target[256] = "";
        struct stat st;

        if (entries[i]->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "/dev/%s", entries[i]->d_name);
        lstat(path, &st);
        (void)!readlink(path, target, sizeof(target) - 1);
        printf("dev:%s %o %u:%u %s\n", entries[i]->d_name, st.st_mode,
               S_ISCHR(st.st_mode) ? major(st.st_rdev) : 0,
               S_ISCHR(st.st_mode) ? minor(st.st_rdev) : 0, target);
    }
    mknod("/probe-mem", S_IFCHR | 0600, makedev(1, 1));
    fd = open("/probe-mem", O_RDONLY);
    printf("open_made_device %s\n", fd < 0 ? "refused" : "OPEN");
    unlink("/probe-mem");
    printf("open_tty %s\n", error_name(open("/dev/tty", O_RDWR)));
    printf("tiocsti %s\n", error_name(ioctl(0, TIOCSTI, "x")));
    printf("tioclinux %s\n", error_name(ioctl(0, TIOCLINUX, "x")));
}

/* Mount point, type and flags; sources and the root's own line name this machine. */
static void print_mounts(void)
{
    char line[1024], target[256], options[256], type[64];
    FILE *file = fopen("/proc/self/mountinfo", "r");

    while (file && fgets(line, sizeof(line), file)) {
        char *tail = strstr(line, " - ");

        if (!tail || sscanf(line, "%*s %*s %*s %*s %255s %255s", target, options) != 2 ||
            sscanf(tail, " - %63s", type) != 1 || !strcmp(target, "/"))
            continue;
        printf("mount:%s %s %s\n", target, type, options);
    }
    if (file)
        fclose(file);
}

/* ── Others ── */

static void print_surroundings(void)
{
    DIR *dir = opendir("/sys/class/net");
    struct dirent *entry;
    int processes = 0;

    while (dir && (entry = readdir(dir))) {
        if (entry->d_name[0] != '.')
            printf("interface %s\n", entry->d_name);
    }
    if (dir)
        closedir(dir);
    dir = opendir("/proc");
    while (dir && (entry = readdir(dir)))
        processes += atoi(entry->d_name) > 0;
    if (dir)
        closedir(dir);
    printf("processes %d\n", processes);
    printf("ptrace_pid1 %s\n", error_name(ptrace(PTRACE_SEIZE, 1, NULL, NULL)));
    printf("sethostname %s\n", error_name(sethostname("x", 1)));
    printf("chroot %s\n", error_name(chroot("/")));
    printf("setuid %s\n", error_name(setuid(4711)));
}

/* Outside of any sandbox: 1 says that the kernel has no calls of x32. */
static int lacks_x32(void)
{
#if defined(__x86_64__)
    return syscall(0x40000000L + SYS_getpid) < 0 && errno == ENOSYS;
#else
    return 1;
#endif
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return lacks_x32();
    print_status();
    print_limits();
    print_descriptors();
    print_system_calls();
    print_arguments();
    print_paths();
    print_devices();
    print_mounts();
    print_surroundings();
    return 0;
}
