/* Where leases are: a directory that only we can write, one for each network of a host,
 * since what was set up in another one cannot be taken down from here. It is gone after a
 * restart, as are the networks.
 *
 * Whoever has one open holds it, by a shared lock on the directory itself. So who finds
 * that a network is no more, and gets the lock for himself, may remove its directory: a
 * new network may get the same number, and is not to find what was recorded of another.
 */
#include "network/network-priv.h"

#include "base/fs.h"
#include "base/user-namespace.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX              "net-"
#define MOUNTINFO_MAX_BYTES (16u << 20)

struct numbers {
    ino_t *items;
    size_t count, capacity;
};

/* ── Having it ── */

static int lock_shared(int fd)
{
    int status;

    do
        status = flock(fd, LOCK_SH);
    while (status < 0 && errno == EINTR);
    return status;
}

/* 1: *OUT is held; 0: it was removed meanwhile. */
static int open_held(int base, const char *name, int *out)
{
    cb_autofd int fd = -1;
    struct stat st;

    if (mkdirat(base, name, 0700) < 0 && errno != EEXIST)
        return -1;
    fd = openat(base, name, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    if (lock_shared(fd) < 0 || fstat(fd, &st) < 0)
        return -1;
    if (!st.st_nlink)
        return 0;
    *out = cb_steal_fd(&fd);
    return 1;
}

int cb_net_lease_dir(int *dir, char **path, struct cb_error **err)
{
    cb_autofree char *base_path = NULL;
    char name[40];
    cb_autofd int base = -1;
    cb_autofd int fd = -1;
    struct stat st;
    int found;

    if (stat("/proc/thread-self/ns/net", &st) < 0)
        return cb_error_errno(err, errno, "stat `/proc/thread-self/ns/net`");
    snprintf(name, sizeof(name), PREFIX "%ju", (uintmax_t)st.st_ino);
    if (cb_net_runtime_dir(1, &base, &base_path, err) < 0)
        return -1;
    do
        found = open_held(base, name, &fd);
    while (!found);
    if (found < 0 || fstat(fd, &st) < 0)
        return cb_error_errno(err, errno, "open `%s/%s`", base_path, name);
    if (st.st_uid != geteuid() || st.st_mode & 022)
        return cb_error_set(err, CB_ERR_DENIED, "`%s/%s` is somebody else's", base_path,
                            name);
    *dir = cb_steal_fd(&fd);
    if (path)
        *path = xasprintf("%s/%s", base_path, name);
    return 0;
}

/* ── Those of networks that are gone ── */

/* The number in NAME; 0: it is another file's. */
static ino_t number_of(const char *name)
{
    uintmax_t number;
    char end;

    return sscanf(name, PREFIX "%ju%c", &number, &end) == 1 ? (ino_t)number : 0;
}

static int has(const struct numbers *numbers, ino_t number)
{
    cb_vec_foreach (other, numbers) {
        if (*other == number)
            return 1;
    }
    return 0;
}

/* The networks that a process is in. */
static int list_used(struct numbers *out)
{
    cb_auto_value(cb_strings) names = {0};
    cb_autofd int proc = open("/proc", O_DIRECTORY | O_RDONLY | O_CLOEXEC);

    if (proc < 0 || cb_fs_list(proc, &names, NULL) < 0)
        return -1;
    cb_vec_foreach (name, &names) {
        cb_autofree char *path = xasprintf("%s/ns/net", *name);
        struct stat st;

        if (isdigit((unsigned char)**name) && fstatat(proc, path, &st, 0) == 0 &&
            !has(out, st.st_ino))
            cb_vec_push(out, st.st_ino);
    }
    return out->count ? 0 : -1;
}

/* Is it kept by a name, as `ip netns` does? */
static int is_mounted(const char *mounts, ino_t number)
{
    cb_autofree char *root = xasprintf(" net:[%ju] ", (uintmax_t)number);

    return strstr(mounts, root) != NULL;
}

/* What somebody else removed since it was opened may be there again, and held. */
static void remove_unheld(int base, const char *name)
{
    cb_autofd int fd =
        openat(base, name, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 &&
        st.st_nlink)
        cb_fs_remove_tree(base, name, NULL);
}

/* Most hosts have one only, and nothing is looked for. */
static int has_several(const struct cb_strings *names)
{
    size_t count = 0;

    cb_vec_foreach (name, names)
        count += number_of(*name) != 0;
    return count > 1;
}

/* Those of a user's hub are in use while no process is in it (keeper.c). */
void cb_net_lease_sweep_dirs(void)
{
    cb_auto_value(cb_strings) names = {0};
    cb_auto_value(cb_strbuf) mounts = {0};
    struct numbers used = {0};
    cb_autofd int base = -1;

    if (cb_in_user_namespace() || cb_net_runtime_dir(0, &base, NULL, NULL) < 0 ||
        cb_fs_list(base, &names, NULL) < 0 || !has_several(&names))
        return;
    if (list_used(&used) == 0 && cb_fs_read_file(AT_FDCWD, "/proc/self/mountinfo",
                                                 MOUNTINFO_MAX_BYTES, &mounts, NULL) == 0)
        cb_vec_foreach (name, &names) {
            ino_t number = number_of(*name);

            if (number && !has(&used, number) &&
                !is_mounted(cb_strbuf_text(&mounts), number))
                remove_unheld(base, *name);
        }
    cb_vec_free(&used);
}
