/* What a child that shares others' processes leaves behind, where no control group holds
 * it together.
 *
 * Such a child has a mount namespace of its own all the same, made with it, and what it
 * starts is in that too: Docker's filter lets nobody leave it without CAP_SYS_ADMIN. So
 * all processes in that namespace are killed, and may start no more, until there is none.
 * The namespace is held by a descriptor, so its number is no other's meanwhile.
 *
 * It is done by a keeper, a copy of the launcher that only waits for the end of a pipe,
 * so that it is done as well when the launcher is killed; and by the launcher when it is
 * the keeper that was killed. */
#include "executor/remnant-priv.h"

#include "base/descriptors.h"
#include "executor/launcher-priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KEEPER_NAME "cbuild-keeper"
#define KILL_ROUNDS 5000 /* of a millisecond */

/* The numbers in a directory of a procfs. They are asked for as few at a time as there
 * can be, since who forks and ends again and again is gone when others were looked at
 * first; its child has a higher number, and so is met next. */
#define FEW_BYTES  32
#define NAME_BYTES 512

struct numbers {
    int fd;
    ssize_t at, len;
    _Alignas(struct dirent64) char entries[NAME_BYTES];
};

static void numbers_close(struct numbers *numbers)
{
    cb_close(&numbers->fd);
}

static int read_entries(struct numbers *numbers)
{
    numbers->at = 0;
    numbers->len = syscall(SYS_getdents64, numbers->fd, numbers->entries, FEW_BYTES);
    if (numbers->len < 0 && errno == EINVAL) /* a longer name, so no number */
        numbers->len = syscall(SYS_getdents64, numbers->fd, numbers->entries, NAME_BYTES);
    return numbers->len > 0;
}

/* 0: there are no more. */
static pid_t next_number(struct numbers *numbers)
{
    while (numbers->at < numbers->len || read_entries(numbers)) {
        const struct dirent64 *entry = (const void *)&numbers->entries[numbers->at];
        pid_t number = (pid_t)atol(entry->d_name);

        numbers->at += entry->d_reclen;
        if (number > 0)
            return number;
    }
    return 0;
}

static int open_numbers(int proc_fd, const char *path)
{
    return openat(proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int is_there(int proc_fd, const char *path, const struct stat *mounts)
{
    struct stat own;

    return fstatat(proc_fd, path, &own, 0) < 0
               ? -1
               : own.st_ino == mounts->st_ino && own.st_dev == mounts->st_dev;
}

/* One whose first thread has ended is where its other threads are. */
static int is_in(int proc_fd, pid_t pid, const struct stat *mounts)
{
    __attribute__((cleanup(numbers_close))) struct numbers threads = {.fd = -1};
    char path[64];
    int there;
    pid_t thread;

    snprintf(path, sizeof(path), "%d/ns/mnt", (int)pid);
    there = is_there(proc_fd, path, mounts);
    if (there >= 0 || errno != ENOENT)
        return there > 0;
    snprintf(path, sizeof(path), "%d/task", (int)pid);
    threads.fd = open_numbers(proc_fd, path);
    while (there <= 0 && threads.fd >= 0 && (thread = next_number(&threads))) {
        snprintf(path, sizeof(path), "%d/task/%d/ns/mnt", (int)pid, (int)thread);
        there = is_there(proc_fd, path, mounts);
    }
    return there > 0;
}

/* It is looked at again when the descriptor is there: a number may be another's by then.
 * A limit is set by number only, so it is taken back where the process turns out to have
 * been gone by then. */
static int kill_if_in(int proc_fd, pid_t pid, const struct stat *mounts)
{
    const struct rlimit none = {0, 0};
    struct rlimit before;
    cb_autofd int pidfd = -1;
    int limited;

    if (!is_in(proc_fd, pid, mounts))
        return 0;
    pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0 || !is_in(proc_fd, pid, mounts))
        return 0;
    limited = prlimit(pid, RLIMIT_NPROC, &none, &before) == 0;
    if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0 && errno == ESRCH &&
        limited)
        prlimit(pid, RLIMIT_NPROC, &before, NULL);
    return 1;
}

/* How many there were. What has ended and waits for its parent is in no namespace. */
static unsigned kill_round(int proc_fd, const struct stat *mounts)
{
    __attribute__((cleanup(numbers_close))) struct numbers processes = {
        .fd = open_numbers(proc_fd, ".")};
    unsigned count = 0;
    pid_t pid;

    while (processes.fd >= 0 && (pid = next_number(&processes)))
        count += (unsigned)kill_if_in(proc_fd, pid, mounts);
    return count;
}

/* None is left when none was met twice: numbers begin anew at times, behind a round. */
static void kill_all(int proc_fd, int mounts_fd)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    struct stat mounts;

    if (fstat(mounts_fd, &mounts) < 0)
        return;
    for (int i = 0, empty = 0; i < KILL_ROUNDS && empty < 2; i++) {
        empty = kill_round(proc_fd, &mounts) ? 0 : empty + 1;
        if (!empty)
            nanosleep(&pause, NULL);
    }
}

static _Noreturn void keep(int proc_fd, int mounts_fd, int wait_fd)
{
    const int kept[] = {proc_fd, mounts_fd, wait_fd};
    char byte;

    prctl(PR_SET_NAME, KEEPER_NAME, 0, 0, 0);
    cb_descriptors_keep(proc_fd, kept, CB_ARRAY_SIZE(kept));
    while (read(wait_fd, &byte, 1) < 0 && errno == EINTR)
        continue;
    kill_all(proc_fd, mounts_fd);
    _exit(0);
}

int cb_remnant_watch(struct cb_remnant *remnant, int proc_fd, pid_t child,
                     struct cb_error **err)
{
    cb_autofd int mounts = -1, wait_end = -1, alive = -1;
    char path[32];
    int ends[2];
    pid_t keeper;

    snprintf(path, sizeof(path), "%d/ns/mnt", (int)child);
    mounts = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
    if (mounts < 0)
        return cb_error_errno(err, errno, "open the container's mount namespace");
    if (pipe2(ends, O_CLOEXEC) < 0)
        return cb_error_errno(err, errno, "pipe");
    wait_end = ends[0];
    alive = ends[1];
    keeper = fork();
    if (keeper == 0)
        keep(proc_fd, mounts, wait_end);
    if (keeper < 0)
        return cb_error_errno(err, errno, "fork");
    *remnant = (struct cb_remnant){.is_watched = 1,
                                   .mounts_fd = cb_steal_fd(&mounts),
                                   .alive_fd = cb_steal_fd(&alive),
                                   .keeper = keeper};
    return 0;
}

void cb_remnant_end(struct cb_remnant *remnant, int proc_fd)
{
    int status = -1;

    if (!remnant->is_watched)
        return;
    cb_close(&remnant->alive_fd);
    while (waitpid(remnant->keeper, &status, 0) < 0 && errno == EINTR)
        continue;
    if (status != 0)
        kill_all(proc_fd, remnant->mounts_fd);
    cb_close(&remnant->mounts_fd);
    remnant->is_watched = 0;
}
