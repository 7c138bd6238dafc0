/* Opening, creating and resolving paths below a root that holds foreign names. */
#include "base/fs-priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>

/* A rename anywhere on the system may make openat2 give up with EAGAIN; so many in a row
 * are an attack. */
#define MAX_TRIES 1000

static atomic_int openat2_hidden; /* by tests */

void cb_fs_test_without_openat2(int enabled)
{
    atomic_store(&openat2_hidden, enabled);
}

int cb_fs_openat2(int dir_fd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
        .mode = flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)) ? mode & 07777 : 0,
        .resolve = resolve,
    };
    long fd;

    if (atomic_load_explicit(&openat2_hidden, memory_order_relaxed)) {
        errno = ENOSYS;
        return -1;
    }
    for (int i = 0; i < MAX_TRIES; i++) {
        fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
            break;
    }
    return (int)fd;
}

static int open_in_root(int root_fd, const char *path, int flags, mode_t mode)
{
    int fd;

    if (!*path)
        path = ".";
    fd = cb_fs_openat2(root_fd, path, flags, mode,
                       RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    if (fd < 0 && (errno == ENOSYS || errno == EPERM || errno == EINVAL))
        fd = cb_fs_walk_open(root_fd, path, flags, mode);
    return fd;
}

int cb_fs_open_in_root(int root_fd, const char *path, int flags, mode_t mode, int *fd,
                       struct cb_error **err)
{
    int opened = open_in_root(root_fd, path, flags, mode);

    if (opened < 0)
        return cb_error_errno(err, errno, "open `%s`", path);
    *fd = opened;
    return 0;
}

/* Creates NAME in DIR_FD with exactly this mode and owner, unless somebody was quicker.
 */
static int make_directory(int dir_fd, const char *name, mode_t mode, uid_t uid, gid_t gid)
{
    cb_autofd int fd = -1;

    if (mkdirat(dir_fd, name, mode & 0777) < 0)
        return errno == EEXIST ? 0 : -1;
    fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchown(fd, uid, gid) < 0 || fchmod(fd, mode & 07777) < 0)
        return -1;
    return 0;
}

/* Goes down by NAMES, none of which may be a link, and creates what is missing. */
static int make_names(int root_fd, const struct cb_strings *names, mode_t mode, uid_t uid,
                      gid_t gid)
{
    cb_autofd int fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (size_t i = 0; fd >= 0 && i < names->count; i++) {
        const char *name = names->items[i];
        int flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        int next;

        flags |= i + 1 == names->count ? O_RDONLY : O_PATH;
        next = openat(fd, name, flags);
        if (next < 0 && errno == ENOENT) {
            if (make_directory(fd, name, mode, uid, gid) < 0)
                return -1;
            next = openat(fd, name, flags);
        }
        cb_close(&fd);
        fd = next;
    }
    return cb_steal_fd(&fd);
}

int cb_fs_mkdirs_in_root(int root_fd, const char *path, mode_t mode, uid_t uid, gid_t gid,
                         int *fd, struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};
    int opened = open_in_root(root_fd, path, O_RDONLY | O_DIRECTORY, 0);

    if (opened < 0 && errno == ENOENT) {
        if (cb_fs_walk_resolve(root_fd, path, &names) == 0)
            opened = make_names(root_fd, &names, mode, uid, gid);
    }
    if (opened < 0)
        return cb_error_errno(err, errno, "create directory `%s`", path);
    *fd = opened;
    return 0;
}

/* Splits off the last component; NULL if it is none that can be named ("/", ".", "..").
 */
static char *split_last(const char *path, char **parent)
{
    size_t end = strlen(path), start;
    char *name;

    while (end > 0 && path[end - 1] == '/')
        end--;
    for (start = end; start > 0 && path[start - 1] != '/'; start--)
        ;
    name = xstrndup(path + start, end - start);
    if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        free(name);
        *parent = xstrdup(path);
        return NULL;
    }
    *parent = start ? xstrndup(path, start) : xstrdup(".");
    return name;
}

int cb_fs_open_parent_in_root(int root_fd, const char *path,
                              const struct cb_fs_made *made, int *dir_fd, char **name,
                              struct cb_error **err)
{
    cb_autofree char *parent = NULL;
    cb_autofree char *last = split_last(path, &parent);
    int fd, result;

    if (made)
        result = cb_fs_mkdirs_in_root(root_fd, parent, made->mode, made->uid, made->gid,
                                      &fd, err);
    else
        result = cb_fs_open_in_root(root_fd, parent, O_RDONLY | O_DIRECTORY, 0, &fd, err);
    if (result < 0)
        return -1;
    *dir_fd = fd;
    *name = last ? cb_steal(&last) : xstrdup(".");
    return 0;
}

int cb_fs_resolve_in_root(int root_fd, const char *path, char **out,
                          struct cb_error **err)
{
    cb_auto_value(cb_strings) names = {0};
    cb_auto_value(cb_strbuf) text = {0};

    if (cb_fs_walk_resolve(root_fd, path, &names) < 0)
        return cb_error_errno(err, errno, "resolve `%s`", path);
    cb_vec_foreach (name, &names) {
        cb_strbuf_addc(&text, '/');
        cb_strbuf_adds(&text, *name);
    }
    if (text.len == 0)
        cb_strbuf_addc(&text, '/');
    *out = cb_strbuf_steal(&text);
    return 0;
}

static int make_host_directory(const char *path, mode_t mode)
{
    struct stat st;
    int saved;

    if (mkdir(path, mode) == 0)
        return chmod(path, mode);
    if (errno != EEXIST)
        return -1;
    saved = stat(path, &st) < 0 ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
    errno = saved;
    return saved ? -1 : 0;
}

int cb_fs_mkdirs(const char *path, mode_t mode, struct cb_error **err)
{
    cb_autofree char *prefix = xstrdup(path);

    if (make_host_directory(path, mode) == 0)
        return 0;
    if (errno != ENOENT)
        return cb_error_errno(err, errno, "create directory `%s`", path);
    for (char *slash = prefix + 1; *prefix && (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        if (make_host_directory(prefix, mode) < 0)
            return cb_error_errno(err, errno, "create directory `%s`", prefix);
        *slash = '/';
    }
    if (make_host_directory(path, mode) < 0)
        return cb_error_errno(err, errno, "create directory `%s`", path);
    return 0;
}
