/* The small files that we have mounted in a container, written anew while it runs. With
 * --read-only they are read-only to the container, and to whoever comes by way of its
 * root: a thread of ours enters its mount namespace, where it can have a mount of the
 * file that nobody else sees and that may be written. */
#include "container/monitor-priv.h"

#include "base/fs.h"
#include "base/thread.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

struct writing {
    int root, mounts; /* of the container: its root, its mount namespace */
    int own_fds;      /* our directory of descriptors */
    const char *path, *text;
};

/* The file we mounted there, and nothing that the container has put in its way: it is on
 * a tmpfs, and no link leads to it. It is not opened before that is known. */
static int find_own(int root, const char *path)
{
    struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS};
    cb_autofd int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
    struct stat st;
    struct statfs fs;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || fstatfs(fd, &fs) < 0 ||
        fs.f_type != TMPFS_MAGIC)
        return -1;
    return cb_steal_fd(&fd);
}

static void write_it(const struct writing *writing, int file)
{
    cb_autofd int fd = -1;
    char name[16];

    snprintf(name, sizeof(name), "%d", file);
    fd = openat(writing->own_fds, name, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && ftruncate(fd, 0) == 0)
        cb_fs_write_all(fd, writing->text, strlen(writing->text));
}

/* To lift the mount itself would be an opportunity for the container: what it opens
 * meanwhile stays writable, and so does the mount while that is open. */
static void *write_inside(void *arg)
{
    const struct writing *writing = arg;
    struct mount_attr attr = {.attr_clr = MOUNT_ATTR_RDONLY};
    cb_autofd int file = find_own(writing->root, writing->path), copy = -1;

    if (file < 0 || unshare(CLONE_FS) < 0 || setns(writing->mounts, CLONE_NEWNS) < 0)
        return NULL;
    copy = (int)syscall(SYS_open_tree, file, "",
                        OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    if (copy >= 0 &&
        syscall(SYS_mount_setattr, copy, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == 0)
        write_it(writing, copy);
    return NULL;
}

static void write_outside(const struct writing *writing)
{
    cb_autofd int file = find_own(writing->root, writing->path);

    if (file >= 0)
        write_it(writing, file);
}

void cb_monitor_write_own(const struct monitor *monitor, const char *path,
                          const char *text)
{
    struct cb_process *process = monitor->main->process;
    cb_autofd int root = cb_process_open(process, "root", O_PATH | O_DIRECTORY);
    cb_autofd int mounts = cb_process_open(process, "ns/mnt", O_RDONLY);
    cb_autofd int own_fds = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct writing writing = {root, mounts, own_fds, path, text};
    pthread_t thread;

    if (!monitor->container->options.request.read_only)
        write_outside(&writing);
    else if (cb_thread_start(&thread, write_inside, &writing) == 0)
        pthread_join(thread, NULL);
}
