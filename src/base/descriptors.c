/* Closing what must not be inherited, on kernels without close_range(2) as well. */
#include "base/descriptors.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Those that are open, by /proc; the directory's own is closed with it. */
static int each_open(int proc_fd, int first, int on_exec)
{
    int fd = openat(proc_fd, proc_fd == AT_FDCWD ? "/proc/self/fd" : "self/fd",
                    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        int number = atoi(entry->d_name);

        if (*entry->d_name == '.' || number < first || number == dirfd(dir))
            continue;
        if (on_exec)
            fcntl(number, F_SETFD, FD_CLOEXEC);
        else
            close(number);
    }
    if (!dir)
        return -1;
    closedir(dir);
    return 0;
}

void cb_descriptors_close(int proc_fd, int first, int on_exec)
{
    long most = sysconf(_SC_OPEN_MAX);

    if (syscall(SYS_close_range, first, ~0U, on_exec ? CLOSE_RANGE_CLOEXEC : 0) == 0 ||
        each_open(proc_fd, first, on_exec) == 0)
        return;
    for (int fd = first; fd < most; fd++) {
        if (on_exec)
            fcntl(fd, F_SETFD, FD_CLOEXEC);
        else
            close(fd);
    }
}

static int is_among(int fd, const int *keep, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (keep[i] == fd)
            return 1;
    }
    return 0;
}

void cb_descriptors_keep(int proc_fd, const int *keep, size_t count)
{
    int highest = 2;

    for (size_t i = 0; i < count; i++)
        highest = keep[i] > highest ? keep[i] : highest;
    cb_descriptors_close(proc_fd, highest + 1, 0);
    for (int fd = 3; fd < highest; fd++) {
        if (!is_among(fd, keep, count))
            close(fd);
    }
}
