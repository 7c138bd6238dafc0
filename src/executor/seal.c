/* The launcher's own program, which no step can write to.
 *
 * A step's first process is a copy of the launcher, so for a moment before it executes
 * its command /proc/self/exe is our program, as a file of the host; and an image can
 * arrange that it is what is executed (`SHELL ["/proc/self/exe"]`, a script that begins
 * with #!/proc/self/exe), with the image's own dynamic linker, which then has a way to
 * that file (CVE-2019-5736). So the launcher, a program of its own or ours executed once
 * more, is executed from a read-only mount of its file that is attached nowhere: opening
 * it for writing is refused by that mount, for root as well and for ever. Where no such
 * mount can be made it is a sealed copy in memory. */
#include "executor/launcher-priv.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OWN_PROGRAM "/proc/self/exe"
#define SEALS       (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int clone_program(const char *path)
{
    return (int)syscall(SYS_open_tree, AT_FDCWD, path,
                        OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

/* Takes TREE: it, read-only, or -1. */
static int seal_tree(int tree)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY, .propagation = MS_PRIVATE};

    if (tree >= 0 &&
        syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
        cb_close(&tree);
    return tree;
}

/* The program was executed in another mount namespace than we are in by now, and only
 * what is mounted in ours can be cloned: the same file, by the name it has there. */
static int clone_by_name(void)
{
    struct stat own, found;
    char path[PATH_MAX];
    ssize_t len = readlink(OWN_PROGRAM, path, sizeof(path) - 1);
    cb_autofd int tree = -1;

    path[len < 0 ? 0 : len] = '\0';
    if (*path == '/')
        tree = clone_program(path);
    if (tree < 0 || fstat(tree, &found) < 0 || stat(OWN_PROGRAM, &own) < 0 ||
        found.st_dev != own.st_dev || found.st_ino != own.st_ino)
        return -1;
    return cb_steal_fd(&tree);
}

static int open_read_only(void)
{
    int tree = clone_program(OWN_PROGRAM);

    return seal_tree(tree < 0 ? clone_by_name() : tree);
}

static int open_sealed_copy(int from)
{
    cb_autofd int to = memfd_create("cbuild", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct stat st;
    off_t done = 0;

    if (from < 0 || to < 0 || fstat(from, &st) < 0)
        return -1;
    while (done < st.st_size) {
        if (sendfile(to, from, &done, (size_t)(st.st_size - done)) <= 0)
            return -1;
    }
    if (fchmod(to, 0500) < 0 || fcntl(to, F_ADD_SEALS, SEALS) < 0)
        return -1;
    return cb_steal_fd(&to);
}

/* What a step's first process has for a moment is to be seen by those who may trace it
 * (CAP_SYS_PTRACE), where they share its processes. The launcher asks for nothing in its
 * environment; libraries it is linked with, and what it was built with, may. */
static char **bare_environment(void)
{
    static const char *const kept[] = {"LD_", "ASAN_", "UBSAN_", "LSAN_", "LLVM_PROFILE"};
    char **out;
    size_t count = 0;

    while (environ && environ[count])
        count++;
    out = xcalloc(count + 1, sizeof(*out));
    count = 0;
    for (char **entry = environ; entry && *entry; entry++) {
        for (size_t i = 0; i < CB_ARRAY_SIZE(kept); i++)
            if (strncmp(*entry, kept[i], strlen(kept[i])) == 0)
                out[count++] = *entry;
    }
    return out;
}

/* All that happens between vfork and exec, in memory that is the caller's: calls of the
 * kernel only. Signals stay blocked until the launcher has settled. Returns the errno. */
static int become_launcher(int control_fd, int program, char *const *environment)
{
    char *const argv[] = {(char *)CB_LAUNCHER_NAME, NULL};

    /* A session of its own: a terminal's interrupt or hang-up is for the command, which
     * then decides what to do with its steps. */
    setsid();
    if (dup3(control_fd, CB_LAUNCHER_FD, 0) == CB_LAUNCHER_FD)
        syscall(SYS_execveat, program, "", argv, environment, AT_EMPTY_PATH);
    return errno;
}

/* Both descriptors are above the launcher's. 0, or the errno of what kept it from being
 * executed. */
static int spawn(int control_fd, int program, pid_t *pid)
{
    cb_autofree char **environment = bare_environment();
    volatile int failed = 0;
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    *pid = vfork();
    if (*pid == 0) {
        failed = become_launcher(control_fd, program, environment);
        _exit(1);
    }
    if (*pid < 0)
        failed = errno;
    else if (failed)
        waitpid(*pid, NULL, 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

/* OUT gets what was executed. */
static int try_program(int control_fd, int program, struct cb_launched *out)
{
    cb_autofd int above = program < 0 ? -1 : fcntl(program, F_DUPFD_CLOEXEC, 4);
    int failed = above < 0 ? errno : 0;

    cb_close(&program);
    if (!failed)
        failed = spawn(control_fd, above, &out->pid);
    if (!failed)
        out->program_fd = cb_steal_fd(&above);
    return failed;
}

/* 0, or an errno: also where there is no such program. */
static int execute_small(int control_fd, struct cb_launched *out)
{
    cb_autofd int file = cb_launcher_program_open();

    if (file < 0)
        return ENOENT;
    if (try_program(
            control_fd,
            seal_tree((int)syscall(SYS_open_tree, file, "",
                                   OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH)),
            out) == 0)
        return 0;
    return try_program(control_fd, open_sealed_copy(file), out);
}

/* The same of our own program. */
static int execute_own(int control_fd, struct cb_launched *out)
{
    cb_autofd int file = -1;

    if (try_program(control_fd, open_read_only(), out) == 0)
        return 0;
    file = open(OWN_PROGRAM, O_RDONLY | O_CLOEXEC);
    return try_program(control_fd, open_sealed_copy(file), out);
}

int cb_launcher_execute(int control_fd, struct cb_launched *out, struct cb_error **err)
{
    cb_autofd int control = fcntl(control_fd, F_DUPFD_CLOEXEC, 4);
    int failed, unsealed;

    if (control < 0)
        return cb_error_errno(err, errno, "launcher: descriptor");
    if (execute_small(control, out) == 0)
        return 0;
    failed = execute_own(control, out);
    if (!failed)
        return 0;
    unsealed = try_program(control, open(OWN_PROGRAM, O_PATH | O_CLOEXEC), out);
    if (unsealed) {
        out->pid = 0;
        return cb_error_errno(err, unsealed, "start the launcher");
    }
    cb_warn("steps are not kept from writing to cbuild's own program: %s",
            strerror(failed));
    return 0;
}
