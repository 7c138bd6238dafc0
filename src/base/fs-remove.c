/* Removing a tree that somebody else made: links are not followed, mounts not entered,
 * directories without permission opened up, and depth is no danger. Below DEEPEST levels
 * a directory is moved up to the top of the tree and removed from there, so neither
 * descriptors nor stack grow with the depth. */
#include "base/fs-priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>

#define DEEPEST 64

struct removal {
    int top_fd; /* the directory being removed: deep ones move here */
    unsigned moved;
};

static int is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Gives us all permissions on the directory NAME. */
static int open_up(int dir_fd, const char *name)
{
    cb_autofd int fd =
        openat(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return -1;
    return chmod(cb_fd_path(fd).text, 0700);
}

static int same_mount(int a, int b)
{
    struct statx one, two;

    if (statx(a, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &one) < 0 ||
        statx(b, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &two) < 0)
        return 0;
    if ((one.stx_mask & two.stx_mask) & STATX_MNT_ID)
        return one.stx_mnt_id == two.stx_mnt_id;
    return one.stx_dev_major == two.stx_dev_major &&
           one.stx_dev_minor == two.stx_dev_minor;
}

/* Opens a subdirectory; EXDEV if something is mounted on it. */
static int open_inside(int dir_fd, const char *name)
{
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = cb_fs_openat2(dir_fd, name, flags, 0, RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);

    if (fd >= 0 || (errno != ENOSYS && errno != EPERM && errno != EINVAL))
        return fd;
    fd = openat(dir_fd, name, flags);
    if (fd >= 0 && !same_mount(fd, dir_fd)) {
        cb_close(&fd);
        errno = EXDEV;
    }
    return fd;
}

static int open_for_removal(int dir_fd, const char *name)
{
    int fd = open_inside(dir_fd, name);

    if (fd < 0 && errno == EACCES && open_up(dir_fd, name) == 0)
        fd = open_inside(dir_fd, name);
    return fd;
}

static int unlink_entry(int dir_fd, const char *name, int flags)
{
    if (unlinkat(dir_fd, name, flags) == 0 || errno == ENOENT)
        return 0;
    if (errno != EACCES || fchmod(dir_fd, 0700) < 0)
        return -1;
    return unlinkat(dir_fd, name, flags) == 0 || errno == ENOENT ? 0 : -1;
}

static int remove_entry(struct removal *removal, int dir_fd, const char *name, int depth);

/* Removes what is in FD, once through. *FOUND counts the entries. */
static int remove_pass(struct removal *removal, int fd, int depth, size_t *found)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    struct dirent *entry;
    int result = dir ? 0 : -1, saved;

    *found = 0;
    while (dir && result == 0 && (errno = 0, entry = readdir(dir))) {
        if (is_dots(entry->d_name))
            continue;
        ++*found;
        if (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN) {
            result = remove_entry(removal, fd, entry->d_name, depth);
        } else if (unlink_entry(fd, entry->d_name, 0) < 0) {
            result =
                errno == EISDIR ? remove_entry(removal, fd, entry->d_name, depth) : -1;
        }
    }
    if (result == 0 && errno)
        result = -1;
    saved = errno;
    if (dir)
        closedir(dir);
    else
        cb_close(&copy);
    errno = saved;
    return result;
}

static int move_to_top(struct removal *removal, int dir_fd, const char *name)
{
    char place[40];

    do {
        snprintf(place, sizeof(place), ".deep-%u", removal->moved++);
        if (renameat2(dir_fd, name, removal->top_fd, place, RENAME_NOREPLACE) == 0)
            return 0;
    } while (errno == EEXIST);
    return -1;
}

static int remove_directory(struct removal *removal, int dir_fd, const char *name,
                            int depth)
{
    cb_autofd int fd = open_for_removal(dir_fd, name);
    size_t found;

    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    if (depth == 0)
        removal->top_fd = fd;
    /* Entries may be missed while others vanish, and deep ones arrive at the top: until
     * it is empty. */
    do {
        if (remove_pass(removal, fd, depth + 1, &found) < 0)
            return -1;
        if (unlink_entry(dir_fd, name, AT_REMOVEDIR) == 0)
            return 0;
    } while (errno == ENOTEMPTY && found > 0);
    return -1;
}

static int remove_entry(struct removal *removal, int dir_fd, const char *name, int depth)
{
    if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0) /* as many are empty as are not */
        return 0;
    if (depth > DEEPEST && move_to_top(removal, dir_fd, name) == 0)
        return 0;
    if (depth > 2 * DEEPEST)
        return -1;
    if (remove_directory(removal, dir_fd, name, depth) == 0)
        return 0;
    if (errno == ENOTDIR || errno == ELOOP)
        return unlink_entry(dir_fd, name, 0);
    return -1;
}

static int remove_path(int dir_fd, const char *name)
{
    const char *slash = strrchr(name, '/');
    cb_autofree char *parent = NULL;
    cb_autofd int parent_fd = -1;

    if (!slash)
        return remove_entry(&(struct removal){.top_fd = -1}, dir_fd, name, 0);
    parent = xasprintf("%.*s", (int)(slash - name) + 1, name);
    parent_fd = openat(dir_fd, parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (parent_fd < 0)
        return -1;
    return remove_entry(&(struct removal){.top_fd = -1}, parent_fd, slash + 1, 0);
}

int cb_fs_remove_tree(int dir_fd, const char *name, struct cb_error **err)
{
    if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT ||
        remove_path(dir_fd, name) == 0)
        return 0;
    if (errno == EXDEV || errno == EBUSY)
        return cb_error_errno(err, EBUSY, "remove `%s`: something is mounted below it",
                              name);
    return cb_error_errno(err, errno, "remove `%s`", name);
}
