/* The calls of <linux/mount.h>, and the same with mount(2). */
#include "executor/mount-api-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static int is_absent(long number, long a, long b, long c, long d, long e)
{
    return syscall(number, a, b, c, d, e) < 0 && errno == ENOSYS;
}

int cb_mount_api_is_missing(void)
{
    return is_absent(SYS_open_tree, -1, 0, 0, 0, 0) ||
           is_absent(SYS_move_mount, -1, 0, -1, 0, 0) ||
           is_absent(SYS_fsopen, 0, 0, 0, 0, 0) ||
           is_absent(SYS_fsconfig, -1, 0, 0, 0, 0) ||
           is_absent(SYS_fsmount, -1, 0, 0, 0, 0) ||
           is_absent(SYS_mount_setattr, -1, 0, 0, 0, 0);
}

/* Letting two detached mounts go makes all processors wait for each other, twice. */
static int is_since(unsigned major, unsigned minor)
{
    struct utsname system;
    unsigned long is_major, is_minor;
    char *end;

    if (uname(&system) < 0)
        return 0;
    is_major = strtoul(system.release, &end, 10);
    is_minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;
    return is_major > major || (is_major == major && is_minor >= minor);
}

int cb_mount_api_clones_detached(void)
{
    struct cb_mount_api api = {0};
    cb_autofd int tree = -1, clone = -1;

    if (is_since(6, 15))
        return 1;
    tree = cb_tree_new(&api, "tmpfs", "", 0);
    if (tree < 0)
        return errno != EINVAL; /* whoever needs it will be told why */
    clone = cb_tree_clone(&api, tree, "", 0, 0, 0);
    return clone >= 0;
}

/* ── With mount(2) ── */

struct fd_path {
    char text[32];
};

/* Relative to procfs, which is the working directory when it is used. */
static struct fd_path path_of(int fd)
{
    struct fd_path path;

    snprintf(path.text, sizeof(path.text), "self/fd/%d", fd);
    return path;
}

static int old_mount(const struct cb_mount_api *api, const char *source,
                     const char *target, const char *type, unsigned long flags,
                     const char *options)
{
    if (fchdir(api->proc_fd) < 0)
        return -1;
    return mount(source, target, type, flags, options);
}

/* An empty file or directory to mount on; its descriptor, and NAME. */
static int new_slot(struct cb_mount_api *api, int directory, char name[16])
{
    int made;

    snprintf(name, 16, "%u", api->used++);
    made = directory ? mkdirat(api->slots_fd, name, 0700)
                     : mknodat(api->slots_fd, name, S_IFREG | 0600, 0);
    return made < 0 ? -1 : openat(api->slots_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

/* The attributes of <linux/mount.h> have mount(2)'s values, but for times. */
static unsigned long old_flags(uint64_t attributes)
{
    unsigned long flags = attributes & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);

    return attributes & MOUNT_ATTR_STRICTATIME ? flags | MS_STRICTATIME : flags;
}

static int old_set(struct cb_mount_api *api, int fd, uint64_t set, uint64_t clear)
{
    struct statvfs now;

    if (fstatvfs(fd, &now) < 0)
        return -1;
    return old_mount(api, NULL, path_of(fd).text, NULL,
                     MS_REMOUNT | MS_BIND | ((now.f_flag & ~clear) | old_flags(set)),
                     NULL);
}

static int old_clone(struct cb_mount_api *api, int source, int recursive, uint64_t set,
                     uint64_t clear)
{
    cb_autofd int slot = -1, mounted = -1;
    struct stat what;
    char name[16];

    if (fstat(source, &what) < 0)
        return -1;
    slot = new_slot(api, S_ISDIR(what.st_mode), name);
    if (slot < 0 || old_mount(api, path_of(source).text, path_of(slot).text, NULL,
                              MS_BIND | (recursive ? MS_REC : 0), NULL) < 0)
        return -1;
    mounted = openat(api->slots_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (mounted < 0 || ((set || clear) && old_set(api, mounted, set, clear) < 0))
        return -1;
    return cb_steal_fd(&mounted);
}

static int old_new(struct cb_mount_api *api, const char *type, const char *options,
                   uint64_t attributes)
{
    char name[16];
    cb_autofd int slot = new_slot(api, 1, name);

    if (slot < 0 || old_mount(api, type, path_of(slot).text, type, old_flags(attributes),
                              options) < 0)
        return -1;
    return openat(api->slots_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* ── Either way ── */

int cb_tree_clone(struct cb_mount_api *api, int dir_fd, const char *path, int recursive,
                  uint64_t set, uint64_t clear)
{
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW |
                     (*path ? 0 : AT_EMPTY_PATH) | (recursive ? AT_RECURSIVE : 0);
    struct mount_attr attr = {
        .attr_set = set, .attr_clr = clear, .propagation = MS_PRIVATE};
    cb_autofd int tree = -1;

    if (api->legacy) {
        cb_autofd int source =
            *path ? openat(dir_fd, path, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;

        return *path && source < 0
                   ? -1
                   : old_clone(api, *path ? source : dir_fd, recursive, set, clear);
    }
    tree = (int)syscall(SYS_open_tree, dir_fd, path, flags);
    if (tree < 0 ||
        ((set || clear) && syscall(SYS_mount_setattr, tree, "",
                                   AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr,
                                   sizeof(attr)) < 0))
        return -1;
    return cb_steal_fd(&tree);
}

int cb_tree_set(struct cb_mount_api *api, int fd, uint64_t set, uint64_t clear)
{
    struct mount_attr attr = {.attr_set = set, .attr_clr = clear};

    if (api->legacy)
        return old_set(api, fd, set, clear);
    return (int)syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr));
}

int cb_tree_attach(struct cb_mount_api *api, int fd, int dir_fd, const char *name)
{
    cb_autofd int target = -1;

    if (!api->legacy)
        return (int)syscall(SYS_move_mount, fd, "", dir_fd, name,
                            MOVE_MOUNT_F_EMPTY_PATH |
                                (*name ? 0 : MOVE_MOUNT_T_EMPTY_PATH));
    if (*name)
        target = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (*name && target < 0)
        return -1;
    return old_mount(api, path_of(fd).text, path_of(*name ? target : dir_fd).text, NULL,
                     MS_MOVE, NULL);
}

/* "a=b,c": one call each. */
static int configure(int fs_fd, const char *options)
{
    cb_autofree char *copy = xstrdup(options);
    char *rest = NULL;

    for (char *key = strtok_r(copy, ",", &rest); key; key = strtok_r(NULL, ",", &rest)) {
        char *value = strchr(key, '=');
        long done;

        if (value)
            *value++ = '\0';
        done = syscall(SYS_fsconfig, fs_fd,
                       value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, 0);
        if (done < 0)
            return -1;
    }
    return (int)syscall(SYS_fsconfig, fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}

int cb_tree_new(struct cb_mount_api *api, const char *type, const char *options,
                uint64_t attributes)
{
    cb_autofd int fs = -1;

    if (api->legacy)
        return old_new(api, type, options, attributes);
    fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
    if (fs < 0)
        return -1;
    /* What `mount` and `df` show as the device. */
    syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "source", type, 0);
    if (configure(fs, options) < 0)
        return -1;
    return (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes);
}
