/* The small files that we have mounted in a container, written anew while it runs. With
 * --read-only they are read-only to the container, and to whoever comes by way of its
 * root: a thread of ours enters its mount namespace, where that can be lifted for as long
 * as the writing takes. */
#include "container/monitor-priv.h"

#include "base/fs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

struct writing {
    int root, mounts; /* of the container: its root, its mount namespace */
    const char *path, *text;
};

/* The file we mounted there, and nothing that the container has put in its way: it is on
 * a tmpfs, and no link leads to it. */
static int open_own(int root, const char *path, unsigned flags)
{
    struct open_how how = {.flags = flags | O_NOFOLLOW | O_CLOEXEC,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS};
    cb_autofd int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
    struct stat st;
    struct statfs fs;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || fstatfs(fd, &fs) < 0 ||
        fs.f_type != TMPFS_MAGIC)
        return -1;
    return cb_steal_fd(&fd);
}

static void write_it(const struct writing *writing)
{
    cb_autofd int fd = open_own(writing->root, writing->path, O_WRONLY | O_NONBLOCK);

    if (fd >= 0 && ftruncate(fd, 0) == 0)
        cb_fs_write_all(fd, writing->text, strlen(writing->text));
}

static int set_mount(int file, uint64_t set, uint64_t clear)
{
    struct mount_attr attr = {.attr_set = set, .attr_clr = clear};

    return (int)syscall(SYS_mount_setattr, file, "", AT_EMPTY_PATH, &attr, sizeof(attr));
}

static void *write_inside(void *arg)
{
    const struct writing *writing = arg;
    cb_autofd int file = open_own(writing->root, writing->path, O_PATH);

    if (file < 0 || unshare(CLONE_FS) < 0 || setns(writing->mounts, CLONE_NEWNS) < 0 ||
        set_mount(file, 0, MOUNT_ATTR_RDONLY) < 0)
        return NULL;
    write_it(writing);
    set_mount(file, MOUNT_ATTR_RDONLY, 0);
    return NULL;
}

void cb_monitor_write_own(const struct monitor *monitor, const char *path,
                          const char *text)
{
    struct cb_process *process = monitor->main->process;
    cb_autofd int root = cb_process_open(process, "root", O_PATH | O_DIRECTORY);
    cb_autofd int mounts = cb_process_open(process, "ns/mnt", O_RDONLY);
    struct writing writing = {root, mounts, path, text};
    pthread_t thread;

    if (!monitor->container->options.request.read_only)
        write_it(&writing);
    else if (pthread_create(&thread, NULL, write_inside, &writing) == 0)
        pthread_join(thread, NULL);
}
